//! Saved models of our operators: which may be used, what a run makes of one, and what it adds.

mod calibration;
mod learning;
mod publish;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use chunkfit_core::{ByteSize, Operator};
use chunkfit_predict::{Identity, SavedModel};

pub(crate) use calibration::Calibration;
pub(crate) use learning::{Learner, Lesson};
pub(crate) use publish::{Learning, ModelReport, save};

use crate::origin::identity_of;
use crate::progress::say;

/// A model that the user names for a run.
#[derive(Debug, Clone)]
pub(crate) struct ModelRequest {
    pub(crate) file: PathBuf,
    pub(crate) accept_stale: bool,
}

impl ModelRequest {
    /// The model of `operator` in the file, and the file to learn for. A file that does not exist yet is
    /// one that the run begins.
    pub(crate) fn begin(
        &self,
        operator: &dyn Operator,
    ) -> anyhow::Result<(Option<SavedModel>, Learning)> {
        let name = self.file.display();
        if self.file.to_str().is_none() {
            bail!("{name} is not text in UTF-8, and a record of it is kept; rename it");
        }
        let file = std::path::absolute(&self.file).with_context(|| format!("{name} is no name"))?;
        let learning = Learning { file, not_because: None, idle_bytes: ByteSize::ZERO };
        if self.file.symlink_metadata().is_ok() {
            let (saved, fresh) = load_for(&self.file, operator, self.accept_stale)?;
            let not_because = (!fresh).then(|| "it is stale, and was used as it is".to_owned());
            return Ok((Some(saved), Learning { not_because, ..learning }));
        }
        if !learning.file.parent().is_some_and(Path::is_dir) {
            bail!("--model {name} is no place for a file; name one in a folder that exists");
        }
        say(&format!(
            "{name} does not exist yet: planned by the declared ledger, the run begins it"
        ));
        Ok((None, learning))
    }
}

/// A model of a command has a name that begins so; no operator of ours does.
pub(crate) const COMMAND: &str = "command:";

/// Reads a saved model.
pub(crate) fn load(path: &Path) -> anyhow::Result<SavedModel> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    SavedModel::load(std::io::BufReader::new(file))
        .with_context(|| format!("{} is no model", path.display()))
}

/// Reads a model that must be of `operator`, as workers of ours run it here. Also tells whether it is as
/// it should be: a stale one is used only where the user has said so.
pub(crate) fn load_for(
    path: &Path,
    operator: &dyn Operator,
    accept_stale: bool,
) -> anyhow::Result<(SavedModel, bool)> {
    let saved = load(path)?;
    let here = identity_of(operator);
    let of = &saved.identity().operator;
    if let Some(command) = of.strip_prefix(COMMAND) {
        bail!(
            "{} is a model of the command `{command}`, not of the operator {}; make one with \
             `chunkfit profile --operator` and `chunkfit fit --operator`",
            path.display(),
            here.operator
        );
    }
    if *of != here.operator {
        bail!(
            "{} is a model of the operator {of}, not of {}; name a model of that, or profile and fit it",
            path.display(),
            here.operator
        );
    }
    let fresh = admit(path, &saved, &here, accept_stale)?;
    Ok((saved, fresh))
}

/// Whether a model is of what `now` says. One of another version, allocator, page size or machine is
/// stale, and still admitted when the user accepts that; of anything else never.
pub(crate) fn admit(
    path: &Path,
    saved: &SavedModel,
    now: &Identity,
    accept_stale: bool,
) -> anyhow::Result<bool> {
    let Err(stale) = saved.check(now) else { return Ok(true) };
    let of = saved.identity().clone();
    let (version, allocator, page_bytes, machine) =
        (of.version, of.allocator, of.page_bytes, of.machine);
    let at_own_risk = Identity { version, allocator, page_bytes, machine, ..now.clone() };
    let path = path.display();
    if saved.check(&at_own_risk).is_err() {
        return Err(anyhow!(stale).context(format!("{path} cannot be used")));
    }
    if accept_stale {
        say(&format!("warning: {path} is used all the same: {stale}"));
        return Ok(false);
    }
    Err(anyhow!(stale).context(format!("{path} cannot be used without --accept-stale")))
}
