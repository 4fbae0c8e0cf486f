//! P7: the page cache is charged to whoever reads first.

use std::fs::File;
use std::path::PathBuf;

use rustix::fs::{Advice, fadvise};

use super::{Bench, Pitfall};
use crate::actor::can_read_direct;
use crate::levels::{GROUP_ANON, GROUP_CACHE, GROUP_NOW};
use crate::options::Settings;
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{ReadHow, Step};
use crate::tables::{Table, mib};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P7", generate, profile, analyze };

/// A file of known size, for P8 too.
pub(super) fn file(settings: &Settings) -> (PathBuf, u64) {
    (settings.data().join("file.bin"), settings.pick(128, 16) << 10)
}

pub(super) fn generate(settings: &Settings) -> anyhow::Result<()> {
    let (path, kib) = file(settings);
    Ok(std::fs::write(path, vec![1; (kib << 10) as usize])?)
}

/// Takes the file out of the page cache; what is not yet written stays.
pub(super) fn make_cold(file: &File) -> anyhow::Result<()> {
    file.sync_all()?;
    Ok(fadvise(file, 0, None, Advice::DontNeed)?)
}

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    let (path, kib) = file(bench.settings);
    let text = path.to_string_lossy().into_owned();
    let read =
        |how| vec![Step::Check, Step::ReadFile { path: text.clone(), how, kib }, Step::Check];
    let mut cases = vec![
        ("read, cold", true, read(ReadHow::Read)),
        ("read, warm", false, read(ReadHow::Read)),
        ("mapped, cold", true, read(ReadHow::Map)),
        ("mapped, warm", false, read(ReadHow::Map)),
    ];
    if can_read_direct(&path) {
        cases.push(("O_DIRECT", true, read(ReadHow::Direct)));
    } else {
        rows.absent("O_DIRECT", "the file system of the output folder refuses it");
    }
    let shared = format!("/dev/shm/chunkfit-p7-{}", std::process::id());
    if std::path::Path::new("/dev/shm").is_dir() {
        let steps = vec![Step::Check, Step::WriteFile { path: shared, kib }, Step::Check];
        cases.push(("written to tmpfs", false, steps));
    } else {
        rows.absent("tmpfs", "there is no /dev/shm");
    }
    for (case, cold, steps) in cases {
        let job = Job::steps(steps);
        for run in 0..bench.settings.runs.min(3) {
            let mut file = File::open(&path)?;
            if cold {
                make_cold(&file)?;
            } else {
                // Charged to this process, which is not in the group.
                std::io::copy(&mut file, &mut std::io::sink())?;
            }
            let outcome = bench.supervisor.run(&job)?;
            let record = outcome.seen()?;
            for counter in ["status", "hwm", GROUP_NOW, GROUP_ANON, GROUP_CACHE] {
                let rise = record.checks[1].rise(&record.checks[0], counter);
                rows.add(case, counter, run, "growth", rise, "B");
            }
            rows.add(case, "peak", run, "growth", outcome.group_peak.map(|b| b as f64), "B");
        }
    }
    if let Some(why) = bench.supervisor.no_groups() {
        rows.absent("columns of the control group", why);
    }
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "file",
        "VmRSS",
        "VmHWM",
        "cgroup",
        "of it anonymous",
        "of it cache",
        "cgroup's peak, whole",
    ];
    let mut table = Table::new("Growth in MiB, median of the runs", &header);
    for case in part.cases() {
        let counters = ["status", "hwm", GROUP_NOW, GROUP_ANON, GROUP_CACHE, "peak"];
        let cells = counters.map(|counter| mib(part.median(&case, counter, "growth")));
        table.row([case.clone()].into_iter().chain(cells));
    }
    let growth = |case: &str, counter: &str| mib(part.median(case, counter, "growth"));
    Section {
        name: "P7".to_owned(),
        title: "P7 Page cache".to_owned(),
        about: "A process reads a file through one small buffer, through a mapping, or past the cache; \
                the file is in the page cache already (warm), at another group's expense, or not (cold)."
            .to_owned(),
        answer: format!(
            "Reading a cold file through a small buffer adds {} MiB to the control group and {} MiB to \
             the resident set; a warm one adds {} MiB to the group. The first reader pays, so cache \
             must be dropped or primed before peaks of groups are compared.",
            growth("read, cold", GROUP_NOW),
            growth("read, cold", "status"),
            growth("read, warm", GROUP_NOW),
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}
