use std::fs::File;

use anyhow::Context;
use chunkfit_core::{ByteSize, MemoryModel};
use chunkfit_predict::{Ladder, Observation, Peak, read_csv};
use serde::Serialize;

use crate::args::FitArgs;
use crate::model::{COMMAND, save};
use crate::origin::{identity, ledger};
use crate::progress::say;
use crate::report::{check_json_path, count, write_json};

/// What was fitted, in numbers.
#[derive(Debug, Serialize)]
struct Summary {
    operator: String,
    rung: String,
    readings: usize,
    /// What the model predicts for one voxel.
    base_bytes: ByteSize,
    /// The largest reading above its prediction, relative.
    worst_above: f64,
    /// The largest reading below it.
    worst_below: f64,
}

/// `chunkfit fit`.
pub(crate) fn fit(args: &FitArgs) -> anyhow::Result<()> {
    check_json_path(args.json.as_deref())?;
    let path = args.observations.display();
    let file = File::open(&args.observations).with_context(|| format!("cannot read {path}"))?;
    let seen = read_csv(file).with_context(|| format!("{path} has no readings"))?;
    let first = seen.first().with_context(|| format!("{path} has no row; profile first"))?;
    let origin = first.origin.clone();
    let operator = args.operator.as_deref().map(chunkfit_seismic::parse).transpose()?;
    let declared = operator.as_deref().map(ledger).transpose()?;
    let mut ladder = Ladder::new();
    if let (Some(operator), Some(ledger)) = (&operator, &declared) {
        ladder = ladder.with_ledger(ledger).with_halo(operator.halo());
    }
    let fitted = ladder.fit(&seen).with_context(|| format!("{path} cannot be fitted"))?;
    let name = operator.as_ref().map_or_else(
        // No operator of ours has such a name.
        || format!("{COMMAND}{}", args.observations.file_stem().unwrap_or_default().display()),
        |operator| operator.name(),
    );
    let identity = identity(name.clone(), origin);
    save(&args.output, &fitted, identity, &seen)?;

    let errors = |row: &Observation| match row.peak {
        Peak::Measured(peak) => {
            let predicted = fitted.predict(row.block, row.core).peak.as_f64();
            Some(peak.as_f64() / predicted.max(1.0) - 1.0)
        }
        Peak::AtLeast(_) => None,
    };
    let errors: Vec<f64> = seen.iter().filter_map(errors).collect();
    let one = chunkfit_core::Shape::new([1; 3])?;
    let summary = Summary {
        operator: name,
        rung: fitted.rung().to_string(),
        readings: seen.len(),
        base_bytes: fitted.predict(one, one).peak,
        worst_above: errors.iter().copied().fold(0.0, f64::max),
        worst_below: errors.iter().copied().fold(0.0, f64::min).abs(),
    };
    say(&format!(
        "{}: {}, {}, base {}; readings are up to {:.2} % above and {:.2} % below: {}",
        summary.operator,
        summary.rung,
        count(summary.readings, "reading"),
        summary.base_bytes,
        100.0 * summary.worst_above,
        100.0 * summary.worst_below,
        args.output.display()
    ));
    match &args.json {
        Some(path) => write_json(path, &summary),
        None => Ok(()),
    }
}
