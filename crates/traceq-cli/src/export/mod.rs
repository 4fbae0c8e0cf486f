//! `traceq export`: profiles for other programs.

mod csv;
mod firefox;
mod perfetto;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use traceq::profile::{CGROUP, CGROUP_LEVEL, HWM, KERNEL, PSUTIL, Profile, RESOURCE, TREE};

use crate::args::{ExportArgs, Format};
use crate::columns::meaning;
use crate::load::load;
use crate::output;

/// `traceq export`.
pub(crate) fn export(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let (profile, _) = load(&args.file)?;
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let (text, ending) = match args.to {
        Format::Firefox => (firefox::convert(&profile, &name)?, "firefox.json"),
        Format::Perfetto => (perfetto::convert(&profile, &name)?, "perfetto.json"),
        Format::Csv => (csv::convert(&profile)?, "csv"),
    };
    let out = args.out.clone().unwrap_or_else(|| beside(&args.file, ending));
    output::write(&out, &text)?;
    if !output::is_stdout(&out) {
        eprintln!("traceq: {} written{}", out.display(), hint(args.to));
    }
    Ok(ExitCode::SUCCESS)
}

fn hint(format: Format) -> &'static str {
    match format {
        Format::Firefox => "; open it at https://profiler.firefox.com",
        Format::Perfetto => "; open it at https://ui.perfetto.dev",
        Format::Csv => "",
    }
}

/// `a/train.prof` → `a/train.csv`, whatever the profile's ending.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let name = file.with_extension("");
    let name =
        if name.extension().is_some_and(|e| e == "prof") { name.with_extension("") } else { name };
    let mut name = name.into_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// What the run is called: its command, or its file.
fn title<'a>(profile: &'a Profile, file: &'a str) -> &'a str {
    profile.get("command").unwrap_or(file)
}

/// The name of a column for people; of one that is not known, its own.
fn label(column: &str) -> String {
    match meaning(column) {
        Some(known) => format!("{} ({})", known.label, crate::columns::scope(known.scope)),
        None => column.to_owned(),
    }
}

/// Where the run was highest, by its most telling level: row and bytes.
fn summit(profile: &Profile) -> Option<(usize, u64)> {
    let levels = [TREE, CGROUP_LEVEL, KERNEL, PSUTIL, CGROUP, HWM, RESOURCE];
    let column = levels.into_iter().find_map(|name| profile.column(name))?;
    let peak = column.values().iter().flatten().max().copied()?;
    let row = column.values().iter().position(|value| *value == Some(peak))?;
    Some((row, peak))
}

/// Nanoseconds since the first row.
fn since_first(profile: &Profile) -> impl Fn(usize) -> u64 + use<'_> {
    let first = profile.times_ns().iter().min().copied().unwrap_or(0);
    move |row| profile.times_ns().get(row).map_or(0, |time| time - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_lie_beside_the_profile() {
        let beside = |file: &str| beside(Path::new(file), "csv").display().to_string();
        assert_eq!(beside("a/train.prof"), "a/train.csv");
        assert_eq!(beside("a/train.prof.journal"), "a/train.csv");
        assert_eq!(beside("b"), "b.csv");
    }

    #[test]
    fn the_summit_is_the_first_of_equals() {
        let mut profile = Profile::default();
        for (time, level) in [(10, 5), (20, 9), (30, 9)] {
            profile.push(time, "x", [(KERNEL, Some(level))]);
        }
        assert_eq!(summit(&profile), Some((1, 9)));
        assert_eq!(since_first(&profile)(2), 20);
        assert_eq!(summit(&Profile::default()), None);
    }
}
