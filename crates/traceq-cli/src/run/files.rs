//! Where a run is written.

use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The profile, and the journal that is there until the profile is.
#[derive(Debug)]
pub(super) struct Files {
    profile: PathBuf,
    journal: PathBuf,
}

impl Files {
    /// Takes the name that was given, or else the first free one after the command's.
    pub(super) fn reserve(out: Option<&Path>, command: &[OsString]) -> anyhow::Result<Self> {
        if let Some(out) = out {
            if out.is_dir() || out.file_name().is_none() {
                bail!("--out {} is not the name of a file", out.display());
            }
            return Ok(Self::at(out.to_owned()));
        }
        let stem = stem(command);
        let numbered = (2..1_000_000).map(|n| format!("{stem}-{n}.prof"));
        for name in std::iter::once(format!("{stem}.prof")).chain(numbered) {
            let files = Self::at(PathBuf::from(name));
            if files.profile.exists() {
                continue;
            }
            // Making the journal takes the name, for runs that begin at the same time.
            match File::create_new(&files.journal) {
                Ok(_) => return Ok(files),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!(
                            "cannot write {}; name another place with --out",
                            files.journal.display()
                        )
                    });
                }
            }
        }
        bail!("all names up to {stem}-999999.prof are taken; name one with --out");
    }

    fn at(profile: PathBuf) -> Self {
        let mut journal = profile.clone().into_os_string();
        journal.push(".journal");
        Self { profile, journal: journal.into() }
    }

    pub(super) fn profile(&self) -> &Path {
        &self.profile
    }

    pub(super) fn journal(&self) -> &Path {
        &self.journal
    }

    /// The profile is written.
    pub(super) fn done(&self) {
        // One that stays does no harm.
        let _ = std::fs::remove_file(&self.journal);
    }

    /// Nothing was recorded.
    pub(super) fn abandon(&self) {
        self.done();
    }
}

/// The program's name without its folder, as far as it makes a file name.
fn stem(command: &[OsString]) -> String {
    let program = command.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    let fit = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    let name: String = program.to_string_lossy().chars().filter(|c| fit(*c)).take(100).collect();
    match name.trim_matches('.') {
        "" => "command".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_program() {
        let stem = |text: &str| stem(&[OsString::from(text), OsString::from("train.py")]);
        assert_eq!(stem("/usr/bin/python3"), "python3");
        assert_eq!(stem("a b:c"), "abc");
        assert_eq!(stem(".."), "command");
        assert_eq!(Files::at("x/a.prof".into()).journal(), Path::new("x/a.prof.journal"));
    }
}
