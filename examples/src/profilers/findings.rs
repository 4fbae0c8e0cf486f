//! Which findings of the thesis hold, computed from the rows.

use crate::protocol::Part;
use crate::stats::{brown_forsythe, deviation, equivalence, median, variation, wilcoxon};
use crate::tables::{Table, fixed};

const STATM: &str = "direct statm (psutil)";
const RUSAGE: &str = "direct getrusage (resource)";
const HEAP: &str = "direct heap (tracemalloc)";
const STATUS: &str = "direct status (kernel)";
const HWM: &str = "hwm";
const CGROUP: &str = "cgroup";

const ALPHA: f64 = 0.05;
/// With fewer pairs Wilcoxon's test cannot reach 5 %.
const LEAST_RUNS: usize = 6;
/// Peaks within this part of each other are called equal.
pub(super) const MARGIN: f64 = 0.005;

/// A claim, how it is tested, and on which subjects it holds.
struct Finding {
    claim: &'static str,
    test: &'static str,
    /// `None` where a subject does not bear on the claim or was not measured.
    holds: fn(&Part, &str) -> Option<bool>,
}

const ALL: [Finding; 9] = [
    Finding {
        claim: "kernel and psutil say the same, as they read the same counter",
        test: "direct status against direct statm: equivalence within ± 0.5 % (TOST)",
        holds: |part, case| equal(part, case, STATUS, STATM),
    },
    Finding {
        claim: "tracemalloc says less than the resident set",
        test: "direct heap below direct statm (Wilcoxon)",
        holds: |part, case| below(part, case, HEAP, STATM),
    },
    Finding {
        claim: "resource says at least as much as sampling",
        test: "medians: getrusage ≥ direct statm",
        holds: |part, case| Some(middle(part, case, RUSAGE)? >= middle(part, case, STATM)?),
    },
    Finding {
        claim: "resource varies far less than sampling",
        test: "standard deviation below a tenth, and variances differ (Brown–Forsythe)",
        holds: |part, case| {
            let (mark, level) = (peaks(part, case, RUSAGE), peaks(part, case, STATM));
            let differs = brown_forsythe(&[&mark, &level]).is_some_and(|test| test.p < ALPHA);
            Some(deviation(&mark)? < 0.1 * deviation(&level)? && differs)
        },
    },
    Finding {
        claim: "the control group says more than the resident set",
        test: "cgroup above hwm (Wilcoxon)",
        holds: |part, case| below(part, case, HWM, CGROUP),
    },
    Finding {
        claim: "kernel-level sampling is the most accurate",
        test: "median size of the error: direct status no larger than getrusage and hwm",
        holds: |part, case| {
            let sampled = error(part, case, STATUS)?;
            Some(sampled <= error(part, case, RUSAGE)? && sampled <= error(part, case, HWM)?)
        },
    },
    Finding {
        claim: "psutil captures transients, resource is static",
        test: "victims with a spike of 4 ms: statm sees nine tenths of the truth more often than getrusage",
        holds: |part, case| {
            let is_victim = case.starts_with("victim");
            is_victim.then(|| Some(seen(part, case, STATM)? > seen(part, case, RUSAGE)?)).flatten()
        },
    },
    Finding {
        claim: "(new) hwm repeats within a coefficient of variation of 0.5 %",
        test: "marks of all runs without a sampler inside",
        holds: |part, case| Some(variation(&marks(part, case))? < 0.005),
    },
    Finding {
        claim: "(new) a probe of traceq says what the same counter says by hand",
        test: "four pairs: equivalence within ± 0.5 % (TOST)",
        holds: |part, case| {
            let pairs = PAIRS.map(|(direct, probe)| equal(part, case, probe, direct));
            pairs.into_iter().try_fold(true, |all, one| Some(all && one?))
        },
    },
];

/// By hand, and as a probe.
pub(super) const PAIRS: [(&str, &str); 4] = [
    (STATM, "traceq statm"),
    (RUSAGE, "traceq rusage"),
    (HEAP, "traceq heap"),
    (STATUS, "traceq status"),
];

fn peaks(part: &Part, case: &str, approach: &str) -> Vec<f64> {
    part.values(case, approach, "peak")
}

fn middle(part: &Part, case: &str, approach: &str) -> Option<f64> {
    part.median(case, approach, "peak")
}

fn equal(part: &Part, case: &str, a: &str, b: &str) -> Option<bool> {
    Some(equivalence(&peaks(part, case, a), &peaks(part, case, b), MARGIN)? < ALPHA)
}

fn below(part: &Part, case: &str, low: &str, high: &str) -> Option<bool> {
    let significant = wilcoxon(&peaks(part, case, low), &peaks(part, case, high)).p < ALPHA;
    Some(middle(part, case, low)? < middle(part, case, high)? && significant)
}

/// Median size of peak less truth.
fn error(part: &Part, case: &str, approach: &str) -> Option<f64> {
    let truth = part.values(case, approach, "truth");
    let apart: Vec<f64> = peaks(part, case, approach)
        .iter()
        .zip(truth)
        .map(|(peak, truth)| (peak - truth).abs())
        .collect();
    median(&apart)
}

fn seen(part: &Part, case: &str, approach: &str) -> Option<f64> {
    let peaks = peaks(part, case, approach);
    let truth = part.median(case, approach, "truth")?;
    let n = peaks.iter().filter(|peak| **peak >= 0.9 * truth).count();
    (!peaks.is_empty()).then(|| n as f64 / peaks.len() as f64)
}

/// The high-water marks of all runs of a subject in which no sampler was inside, whose buffers
/// would grow meanwhile.
pub(super) fn marks(part: &Part, case: &str) -> Vec<f64> {
    let approaches = ["none", HWM, CGROUP, "traceq statm", "traceq status"];
    approaches.iter().flat_map(|approach| part.values(case, approach, "mark")).collect()
}

pub(super) fn table(part: &Part) -> Table {
    let title = "Findings of the thesis, and what the data say";
    let mut table = Table::new(title, &["claim", "test", "verdict", "on", "not on"]);
    let runs = part.cases().iter().map(|case| peaks(part, case, HWM).len()).min().unwrap_or(0);
    for finding in ALL {
        let (mut on, mut not) = (Vec::new(), Vec::new());
        for case in part.cases() {
            match (finding.holds)(part, &case) {
                Some(true) => on.push(case),
                Some(false) => not.push(case),
                None => {}
            }
        }
        let verdict = match (on.len(), not.len()) {
            _ if runs < LEAST_RUNS => format!("{runs} runs are too few"),
            (0, 0) => "not measured".to_owned(),
            (_, 0) => "holds".to_owned(),
            (0, _) => "does not hold".to_owned(),
            (yes, no) => format!("in part: {yes} of {}", yes + no),
        };
        table.row([
            finding.claim.to_owned(),
            finding.test.to_owned(),
            verdict,
            on.join(", "),
            not.join(", "),
        ]);
    }
    table
}

/// "Kernel level is most accurate", corrected, with this series' numbers.
pub(super) fn correction(part: &Part) -> String {
    let worst = |approach: &str| {
        let relative = part.cases().into_iter().filter_map(|case| {
            let truth = part.median(&case, approach, "truth").filter(|truth| *truth > 0.0)?;
            Some(100.0 * error(part, &case, approach)? / truth)
        });
        fixed(relative.max_by(f64::total_cmp), 2)
    };
    format!(
        "The kernel is the most accurate source, but sampling its level is not the most accurate \
         method: over all subjects the median error of sampled VmRSS reaches {} %, that of the \
         kernel's own high-water mark {} % (of operators the mark is the reference, of victims the \
         schedule).",
        worst(STATUS),
        worst(HWM)
    )
}
