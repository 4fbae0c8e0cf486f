use std::io::Write;

use anyhow::{Context, bail};
use chunkfit_core::{ByteSize, MemoryModel, Operator, Prediction, Regime, Shape};
use chunkfit_predict::{Identity, Ray, SavedModel, invert};
use chunkfit_run::TaskModel;
use serde::Serialize;

use crate::args::PredictArgs;
use crate::budget::TYPICAL_BASE;
use crate::model::{admit, load};
use crate::origin::{identity_of, ledger, origin};
use crate::report::{check_json_path, write_json};

/// A block larger than this along any axis is not looked for.
const LARGEST_SIDE: usize = 1 << 16;

/// A prediction for machines.
#[derive(Debug, Serialize)]
struct Answer {
    operator: String,
    block: Shape,
    peak_bytes: ByteSize,
    upper_bytes: ByteSize,
    regime: String,
}

/// `chunkfit predict`.
pub(crate) fn predict(args: &PredictArgs) -> anyhow::Result<()> {
    check_json_path(args.json.as_deref())?;
    let operator = args.operator.as_deref().map(chunkfit_seismic::parse).transpose()?;
    match (&args.model, operator) {
        (Some(path), operator) => {
            let saved = load(path)?;
            let now = now(&saved, operator.as_deref());
            admit(path, &saved, &now, args.accept_stale)?;
            let ours = match operator {
                Some(operator) => Some(operator),
                None => chunkfit_seismic::parse(&now.operator).ok(),
            };
            let declared = ours.as_deref().map(ledger).transpose()?;
            let declared = declared.as_ref().map(|ledger| ledger as &(dyn MemoryModel + Sync));
            let fitted = saved
                .fitted(saved.identity(), declared)
                .with_context(|| format!("{} cannot be used", path.display()))?;
            answer(args, &now.operator, &fitted)
        }
        (None, Some(operator)) => {
            let declared = ledger(operator.as_ref())?;
            let (base, margin) = (args.base.unwrap_or(TYPICAL_BASE), TaskModel::default_margin());
            let model = |block: Shape, core: Shape| {
                let peak = base + declared.predict(block, core).peak;
                Prediction { peak, upper: peak + margin, regime: Regime::Declared }
            };
            answer(args, &operator.name(), &model)
        }
        (None, None) => bail!("give --model FILE, or --operator NAME"),
    }
}

/// What a model would have to be of, were it fitted here and now.
fn now(saved: &SavedModel, operator: Option<&dyn Operator>) -> Identity {
    let of = saved.identity();
    let named = operator.map(identity_of);
    let own = named.unwrap_or_else(|| Identity {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: origin(true).machine,
        page_bytes: rustix::param::page_size() as u64,
        ..of.clone()
    });
    Identity { scope: of.scope, threads: of.threads, ..own }
}

fn answer(args: &PredictArgs, operator: &str, model: &dyn MemoryModel) -> anyhow::Result<()> {
    let block = match (args.budget, args.shape) {
        (None, Some(shape)) => shape,
        (None, None) => bail!("give --shape AxBxC, or --budget SIZE"),
        (Some(budget), most) => {
            let one = Shape::new([1; 3])?;
            let ray = match most {
                Some(most) => Ray::new(one, most),
                None => Ray::cubes(LARGEST_SIDE),
            };
            let ray = ray.context("no block has these extents")?;
            invert(model, budget, &ray, |block| block).with_context(|| {
                let least = model.predict(one, one).upper;
                format!("one voxel needs {least}, more than the budget of {budget}; raise it")
            })?
        }
    };
    // All faces of the block may be faces of the volume, so that all of it is result.
    let said = model.predict(block, block);
    if args.slurm {
        let mib = said.upper.as_u64().div_ceil(1 << 20);
        writeln!(std::io::stdout().lock(), "#SBATCH --mem={mib}M")?;
        return Ok(());
    }
    let answer = Answer {
        operator: operator.to_owned(),
        block,
        peak_bytes: said.peak,
        upper_bytes: said.upper,
        regime: said.regime.to_string(),
    };
    if let Some(path) = &args.json {
        write_json(path, &answer)?;
    }
    if args.json.as_deref().is_none_or(|path| path.as_os_str() != "-") {
        writeln!(
            std::io::stdout().lock(),
            "{operator}, block {block}: {} expected, {} at most ({})",
            said.peak,
            said.upper,
            said.regime
        )?;
    }
    Ok(())
}
