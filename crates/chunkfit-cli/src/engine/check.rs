//! What a run must not overwrite, and what must be the same to go on with it.

use std::path::Path;

use anyhow::bail;
use chunkfit_core::Operator;
use chunkfit_io::Input;

use super::Request;
use crate::operator::operator_for;
use crate::partial::RunRecord;
use crate::report::{IsolationUsed, count};

/// An output in the place of its input, or inside, would destroy it.
pub(super) fn check_paths(input: &Path, output: &Path) -> anyhow::Result<()> {
    for path in [input, output] {
        if path.to_str().is_none() {
            bail!("{} is not text in UTF-8, and a record of it is kept; rename it", path.display());
        }
    }
    let (Ok(input), Ok(output)) = (input.canonicalize(), std::path::absolute(output)) else {
        return Ok(());
    };
    let output = output.canonicalize().unwrap_or(output);
    if output.starts_with(&input) || input.starts_with(&output) {
        bail!("the output {} would overwrite the input; name another", output.display());
    }
    Ok(())
}

/// Refuses to call an output complete that is the result of something else.
pub(super) fn check_result(output: &Path, operator: &dyn Operator) -> anyhow::Result<()> {
    let text = std::fs::read(output.join("zarr.json")).unwrap_or_default();
    let metadata: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    match metadata["attributes"]["chunkfit"]["operator"].as_str() {
        Some(found) if found == operator.name() => Ok(()),
        Some(found) => bail!(
            "{} is the complete result of {found}, not of {}; name another output",
            output.display(),
            operator.name()
        ),
        None => bail!("{} exists and is no result of a run; name another output", output.display()),
    }
}

fn again(folder: &Path) -> String {
    format!("or delete {} to start again", folder.display())
}

pub(super) fn check_operator(
    request: &Request,
    input: &Input,
    record: &RunRecord,
    folder: &Path,
) -> anyhow::Result<()> {
    let (before, now) = (&record.job.operator, operator_for(&request.operator, input)?.name());
    if *before != now {
        bail!(
            "the interrupted run is {before}, this command says {now}; use the same operator, {}",
            again(folder)
        );
    }
    Ok(())
}

pub(super) fn check_same(
    request: &Request,
    record: &RunRecord,
    folder: &Path,
) -> anyhow::Result<()> {
    let again = again(folder);
    let before = record.job.input.path();
    if !same_file(before, &request.input) {
        bail!(
            "the interrupted run reads {}, this command says {}; use the same input, {again}",
            before.display(),
            request.input.display()
        );
    }
    let (isolation, strategy) = (request.isolation.map(IsolationUsed::from), &request.strategy);
    if isolation.is_some_and(|said| said != record.isolation)
        || strategy.as_ref().is_some_and(|said| *said != record.plan.strategy)
        || request.workers.is_some_and(|said| said < record.plan.workers)
    {
        bail!(
            "the interrupted run was planned by strategy {} for {} of isolation {}, this command says \
             otherwise; leave --strategy, --workers and --isolation out to continue it, {again}",
            record.plan.strategy,
            count(record.plan.workers, "worker"),
            record.isolation
        );
    }
    check_model(request, record, &again)?;
    if request.allowed_was_said && record.allowed != request.allowed {
        bail!(
            "the interrupted run was planned for {}, this command says {}; leave the memory options \
             out to continue it, {again}",
            record.allowed.limit(),
            request.allowed.limit()
        );
    }
    Ok(())
}

/// A run goes on with the model that it was planned with, and teaches that one.
fn check_model(request: &Request, record: &RunRecord, again: &str) -> anyhow::Result<()> {
    let Some(said) = &request.model else { return Ok(()) };
    let now = said.file.display();
    match &record.learning {
        Some(learning) if same_file(&learning.file, &said.file) => Ok(()),
        Some(learning) => bail!(
            "the interrupted run was planned with the model {}, this command says {now}; leave --model \
             out to continue it, {again}",
            learning.file.display()
        ),
        None => bail!(
            "the interrupted run was planned without a model, this command says {now}; leave --model out \
             to continue it, {again}"
        ),
    }
}

/// Whether two names are of one file, also when one of them went meanwhile.
fn same_file(before: &Path, now: &Path) -> bool {
    match (before.canonicalize(), now.canonicalize()) {
        (Ok(before), Ok(now)) => before == now,
        _ => std::path::absolute(now).is_ok_and(|now| before == now),
    }
}
