//! `traceq recover`: a profile from the journal of a profiler that was killed.

use std::process::ExitCode;

use anyhow::bail;

use crate::args::RecoverArgs;
use crate::load::{Container, load};
use crate::output::count;

/// `traceq recover`.
pub(crate) fn recover(args: &RecoverArgs) -> anyhow::Result<ExitCode> {
    let journal = &args.journal;
    let out = match &args.out {
        Some(out) => out.clone(),
        None if journal.extension().is_some_and(|ending| ending == "journal") => {
            journal.with_extension("")
        }
        None => bail!("{} does not end in .journal; name a profile with --out", journal.display()),
    };
    let (mut profile, container) = load(journal)?;
    let Container::Journal { complete, lost_bytes } = container else {
        bail!("{} is a whole profile already", journal.display());
    };
    if !complete {
        profile
            .set("recovered", "the journal has no end: the profiler was killed, or still writes");
    }
    traceq::prof::save(&profile, &out)?;
    let rows = count(profile.len() as u64, "row");
    eprintln!(
        "traceq: {rows} written to {}; {} of a torn end left out",
        out.display(),
        count(lost_bytes, "byte")
    );
    Ok(ExitCode::SUCCESS)
}
