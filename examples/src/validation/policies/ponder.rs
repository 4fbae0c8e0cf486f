//! A method by the pattern of memory over input.

use super::{Policy, Task};

/// Tasks before which no pattern is looked for.
const FEW: usize = 5;
/// Pearson's r above which memory is said to follow the input.
const FOLLOWS: f64 = 0.3;
/// Cost of a squared byte too many against one too few.
const OVER: f64 = 0.1;

/// Where memory follows the input (r above 0.3), a line that a byte too few pulls ten times as strongly
/// as one too many, kept between the peaks that inputs of that size allow, and twice the deviation of
/// tasks of similar size on top; otherwise the largest peak. Nothing less than a fixed offset is added.
/// The first five tasks get the most there is, unless a larger input was seen. Doubled after a failure.
///
/// After Lehmann, Bader, De Mecquenem, Wang, Bountris, Friederici, Leser and Thamsen, *Ponder: online
/// prediction of task memory requirements for scientific workflows*, IEEE e-Science 2024, with the
/// constants of its published program (offset: 128 MiB).
pub(in crate::validation) struct Ponder {
    /// Input and peak.
    pub(in crate::validation) seen: Vec<(f64, f64)>,
    pub(in crate::validation) most: f64,
    pub(in crate::validation) least_offset: f64,
}

/// Sums of squares and products about weighted means, and the means.
struct Moments {
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

fn moments(points: &[(f64, f64)], weight: impl Fn(&(f64, f64)) -> f64) -> Moments {
    let total: f64 = points.iter().map(&weight).sum();
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| -> f64 {
        points.iter().map(|point| weight(point) * of(point)).sum()
    };
    let (x, y) = (sum(&|p| p.0) / total, sum(&|p| p.1) / total);
    Moments {
        x,
        y,
        xx: sum(&|p| (p.0 - x).powi(2)),
        yy: sum(&|p| (p.1 - y).powi(2)),
        xy: sum(&|p| (p.0 - x) * (p.1 - y)),
    }
}

impl Ponder {
    /// Start and slope: least squares again and again, until no point changes its side.
    fn line(&self) -> (f64, f64) {
        let (mut start, mut slope) = (0.0, 0.0);
        for _ in 0..100 {
            let weight = |p: &(f64, f64)| if p.1 > start + slope * p.0 { 1.0 } else { OVER };
            let m = moments(&self.seen, weight);
            let next = if m.xx > 0.0 { m.xy / m.xx } else { 0.0 };
            let (a, b) = (m.y - next * m.x, next);
            if (a, b) == (start, slope) {
                break;
            }
            (start, slope) = (a, b);
        }
        (start, slope)
    }

    /// Of the residuals, the nearer in input the weightier.
    fn deviation(&self, input: f64, (start, slope): (f64, f64)) -> f64 {
        let far = |p: &(f64, f64)| (p.0 - input).abs();
        let farthest = self.seen.iter().map(far).fold(0.0, f64::max);
        let extra = (1.0 - self.seen.len() as f64 / 10.0).max(0.0) / 100.0;
        let weight = |p: &(f64, f64)| {
            if farthest == 0.0 { 1.0 } else { 1.0 - far(p) / farthest + extra }
        };
        let total: f64 = self.seen.iter().map(weight).sum();
        let squares: f64 = self.seen.iter().map(|p| weight(p).powi(2)).sum();
        let off: Vec<_> = self.seen.iter().map(|p| (p.0, p.1 - start - slope * p.0)).collect();
        let freedom = total - squares / total;
        if freedom > 0.0 { (moments(&off, weight).yy / freedom).sqrt() } else { 0.0 }
    }
}

impl Policy for Ponder {
    fn first(&self, task: &Task) -> f64 {
        let peaks = || self.seen.iter().map(|p| p.1);
        let (least, most) = (peaks().fold(f64::INFINITY, f64::min), peaks().fold(0.0, f64::max));
        let largest = self.seen.iter().map(|p| p.0).fold(0.0, f64::max);
        if self.seen.len() < FEW {
            return if largest > task.input { most + self.least_offset } else { self.most };
        }
        let m = moments(&self.seen, |_| 1.0);
        let follows = m.xy > FOLLOWS * (m.xx * m.yy).sqrt();
        if !follows {
            return most + self.least_offset;
        }
        let line = self.line();
        let plain = line.0 + line.1 * task.input;
        let kept = if task.input < largest { plain.min(most) } else { plain.max(most) };
        kept.max(least) + self.least_offset.max(2.0 * self.deviation(task.input, line))
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        2.0 * given
    }

    fn learn(&mut self, task: &Task) {
        self.seen.push((task.input, task.peak));
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::Shape;

    use super::*;

    fn asked(seen: &[(f64, f64)], input: f64) -> f64 {
        let block = Shape::new([5, 7, 11]).unwrap();
        let task = Task { block, core: block, input, peak: 1.0, seconds: 1.0 };
        Ponder { seen: seen.to_vec(), most: 1e6, least_offset: 10.0 }.first(&task)
    }

    #[test]
    fn the_pattern_decides() {
        let line: Vec<(f64, f64)> = (1..8).map(|n| (f64::from(n), 100.0 * f64::from(n))).collect();
        assert!((asked(&line, 20.0) - 2010.0).abs() < 1e-6, "{}", asked(&line, 20.0));
        assert_eq!(asked(&line[..4], 2.5), 410.0);
        assert_eq!(asked(&line[..4], 9.0), 1e6);
        let falling: Vec<(f64, f64)> = line.iter().map(|(x, y)| (*x, 1000.0 - y)).collect();
        assert_eq!(asked(&falling, 20.0), 910.0);
    }

    #[test]
    fn too_few_bytes_pull_harder() {
        // Two peaks for one input: ten times nearer to the higher.
        let seen = [(1.0, 100.0), (1.0, 210.0), (2.0, 100.0), (2.0, 210.0), (3.0, 155.0)];
        let ponder = Ponder { seen: seen.to_vec(), most: 0.0, least_offset: 0.0 };
        let (start, slope) = ponder.line();
        let at = start + 1.5 * slope;
        assert!((at - 200.0).abs() < 12.0, "{at}");
    }
}
