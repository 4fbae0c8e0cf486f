use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{Fitted, Regressor};
use crate::FitError;
use crate::linalg::Matrix;

/// A regression tree (CART): squared error, every feature at every node.
///
/// Features that split equally well are drawn by `seed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DecisionTree {
    /// Splits above a leaf at most; none is unlimited.
    pub depth: Option<usize>,
    /// Decides between equal splits.
    pub seed: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Node {
    Leaf(f64),
    /// Rows with feature ≤ threshold go to `low`, others to `low + 1`.
    Split {
        feature: usize,
        threshold: f64,
        low: usize,
    },
}

/// A binary tree of splits; the root is the first node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Fitted for Tree {
    /// A tree that is not from here must not index outside itself or loop.
    fn is_sound(&self, width: usize) -> bool {
        !self.nodes.is_empty()
            && self.nodes.iter().enumerate().all(|(i, node)| match *node {
                Node::Leaf(value) => value.is_finite(),
                Node::Split { feature, low, .. } => {
                    feature < width && low > i && low + 1 < self.nodes.len()
                }
            })
    }

    fn predict(&self, row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(value) => return value,
                Node::Split { feature, threshold, low } => {
                    at = low + usize::from(row[feature] > threshold);
                }
            }
        }
    }
}

impl Tree {
    pub(crate) fn value(&self, row: &[f64]) -> f64 {
        self.predict(row)
    }

    pub(crate) fn leaves(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node, Node::Leaf(_))).count()
    }
}

/// How a tree grows. With squared loss the first derivative of a row is its negative residual and the
/// second is 1, so one rule serves plain and second-order trees: a leaf is Σr/(count + λ), a split gains
/// (Σr)²/(count + λ) of both sides less that of the whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grow {
    pub(crate) depth: Option<usize>,
    /// Shrinks leaves towards zero.
    pub(crate) lambda: f64,
    /// Splits that gain this or less are not made.
    pub(crate) least_gain: f64,
}

/// Which of several features that split equally well is taken.
#[derive(Debug)]
pub(crate) enum Ties {
    /// The first: a later one must be better by more than rounding.
    First,
    /// Whichever comes out best after rounding, of features in random order: what the usual libraries do.
    Drawn(Box<StdRng>),
}

impl Ties {
    pub(crate) fn drawn(seed: u64) -> Self {
        Self::Drawn(Box::new(StdRng::seed_from_u64(seed)))
    }

    /// By how much a later split must be better, relative to the squared deviation of the node.
    const fn slack(&self) -> f64 {
        match self {
            Self::First => 1e-12,
            Self::Drawn(_) => 0.0,
        }
    }
}

impl Grow {
    /// A plain tree.
    pub(crate) const fn plain(depth: Option<usize>) -> Self {
        Self { depth, lambda: 0.0, least_gain: 0.0 }
    }

    /// A tree on the `rows` of `x` (repeats allowed) for the targets `y`.
    pub(crate) fn tree(&self, x: &Matrix, y: &[f64], rows: &[usize], ties: &mut Ties) -> Tree {
        let mut nodes = vec![Node::Leaf(0.0)];
        let mut open = vec![(0, rows.to_vec(), 0)];
        let mut order: Vec<usize> = (0..x.width).collect();
        let slack = ties.slack();
        while let Some((at, rows, depth)) = open.pop() {
            if let Ties::Drawn(rng) = ties {
                order.shuffle(rng);
            }
            let deeper = self.depth.is_none_or(|most| depth < most);
            match deeper.then(|| self.best(x, y, &rows, &order, slack)).flatten() {
                None => nodes[at] = Node::Leaf(self.leaf(y, &rows)),
                Some((feature, threshold)) => {
                    let low = nodes.len();
                    nodes[at] = Node::Split { feature, threshold, low };
                    nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
                    let (left, right): (Vec<usize>, Vec<usize>) =
                        rows.into_iter().partition(|&i| x.at(i, feature) <= threshold);
                    open.push((low + 1, right, depth + 1));
                    open.push((low, left, depth + 1));
                }
            }
        }
        Tree { nodes }
    }

    fn leaf(&self, y: &[f64], rows: &[usize]) -> f64 {
        rows.iter().map(|&i| y[i]).sum::<f64>() / (rows.len() as f64 + self.lambda)
    }

    /// The feature and threshold that gain most.
    fn best(
        &self,
        x: &Matrix,
        y: &[f64],
        rows: &[usize],
        order: &[usize],
        slack: f64,
    ) -> Option<(usize, f64)> {
        let first = y[*rows.first()?];
        if self.lambda == 0.0 && rows.iter().all(|&i| y[i] == first) {
            return None;
        }
        // Sums around the mean of the node lose less to rounding; λ breaks the invariance.
        let centre = if self.lambda == 0.0 { self.leaf(y, rows) } else { 0.0 };
        let score = |sum: f64, n: usize| sum * sum / (n as f64 + self.lambda);
        let total: f64 = rows.iter().map(|&i| y[i] - centre).sum();
        let whole = score(total, rows.len());
        let mut best = None;
        let noise = slack * rows.iter().map(|&i| (y[i] - centre).powi(2)).sum::<f64>();
        let mut most = self.least_gain.max(noise);
        let mut sorted: Vec<(f64, f64)> = Vec::with_capacity(rows.len());
        for &feature in order {
            sorted.clear();
            sorted.extend(rows.iter().map(|&i| (x.at(i, feature), y[i] - centre)));
            sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let mut left = 0.0;
            for (k, pair) in sorted.windows(2).enumerate() {
                let ((value, residual), (next, _)) = (pair[0], pair[1]);
                left += residual;
                let threshold = f64::midpoint(value, next);
                if value == next || threshold >= next {
                    continue;
                }
                let right = sorted.len() - k - 1;
                let gain = score(left, k + 1) + score(total - left, right) - whole;
                if gain > most {
                    most = gain + noise;
                    best = Some((feature, threshold));
                }
            }
        }
        best
    }
}

impl Regressor for DecisionTree {
    const NAME: &'static str = "decision tree";
    const LEAST_ROWS: usize = 1;
    type Fitted = Tree;

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Tree, FitError> {
        let rows: Vec<usize> = (0..y.len()).collect();
        Ok(Grow::plain(self.depth).tree(x, y, &rows, &mut Ties::drawn(self.seed)))
    }
}
