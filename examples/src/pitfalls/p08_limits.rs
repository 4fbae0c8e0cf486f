//! P8: under a limit, the peak is the limit.

use traceq::probe::Backend;

use super::p07_cache::{file, generate};
use super::{Bench, Pitfall};
use crate::figures::{Content, Figure, Look, Scale, Series};
use crate::machine::has_swap;
use crate::observer::{Observer, Place, Style};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{ReadHow, Step, held};
use crate::tables::{ABSENT, Table, fixed, mib, percent};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P8", generate, profile, analyze };

const FACTORS: [f64; 6] = [1.2, 1.05, 1.0, 0.99, 0.95, 0.9];

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    if let Some(why) = bench.supervisor.no_groups() {
        rows.absent("limits", why);
        return Ok(());
    }
    let kib = bench.settings.pick(128, 16) << 10;
    let (path, file_kib) = file(bench.settings);
    let read = || Step::ReadFile {
        path: path.to_string_lossy().into_owned(),
        how: ReadHow::Map,
        kib: file_kib,
    };
    let sleep = || Step::Sleep { us: 30_000 };
    let private: Vec<Step> = held(0, 2 * kib).into_iter().chain([sleep()]).collect();
    // Twice over the file, so that what was taken away is missed.
    let half: Vec<Step> = held(0, kib).into_iter().chain([read(), read(), sleep()]).collect();
    let observer = Observer {
        place: Place::Outside,
        backend: Backend::Hwm,
        every_us: 2_000,
        style: Style::Traceq,
    };
    for (case, steps) in [("all anonymous", private), ("half of a mapped file", half)] {
        let job = Job { observer: Some(observer), ..Job::steps(steps) };
        for run in 0..bench.settings.runs.min(3) {
            // Cold each time: what others have paid for cannot be limited here.
            super::p07_cache::make_cold(&std::fs::File::open(&path)?)?;
            let free = bench.supervisor.run(&job)?;
            let need = free.group_peak.unwrap_or_default();
            let mut limited = vec![("no limit".to_owned(), free)];
            for factor in FACTORS {
                super::p07_cache::make_cold(&std::fs::File::open(&path)?)?;
                let limit = (need as f64 * factor) as u64 / 4096 * 4096;
                let outcome = bench.supervisor.run_under(&job, Some(limit))?;
                limited.push((format!("{factor}"), outcome));
            }
            for (subject, outcome) in limited {
                let mut add = |quantity, value, unit| {
                    rows.add(case, &subject, run, quantity, value, unit);
                };
                add("need", Some(need as f64), "B");
                add("peak", outcome.group_peak.map(|bytes| bytes as f64), "B");
                let mark = outcome.watch.as_ref().and_then(|watch| watch.peak_bytes());
                add("mark", mark.map(|bytes| bytes as f64), "B");
                add("time", Some(outcome.wall_s), "s");
                let faults = outcome.record.as_ref().and_then(|record| record.whole.major_faults);
                add("major faults", faults.map(|n| n as f64), "");
                add("kills", outcome.oom_kills.map(|n| n as f64), "");
                add("pressure", outcome.pressure_us.map(|us| us as f64 / 1e6), "s");
                rows.word(case, &subject, run, "verdict", &outcome.verdict);
            }
        }
    }
    if !has_swap() {
        rows.absent("limits with swap", "no swap is configured");
    }
    rows.absent("memory.high", "victims are limited by memory.max or its equal of version 1 only");
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "victim",
        "limit / need",
        "fate",
        "peak, MiB",
        "against need, %",
        "mark outside, MiB",
        "slow-down",
        "major faults",
        "kills",
        "machine's pressure, ms",
    ];
    let mut table = Table::new("The same work under falling limits, median of the runs", &header);
    let (mut survived, mut series) = (0, Vec::new());
    for (colour, case) in part.cases().into_iter().enumerate() {
        let alone = part.median(&case, "no limit", "time");
        let mut points = Vec::new();
        for subject in part.subjects(&case) {
            let median = |quantity| part.median(&case, &subject, quantity);
            let share = median("peak").zip(median("need")).map(|(peak, need)| peak / need);
            let verdicts = part.words(&case, &subject, "verdict");
            let factor = subject.parse::<f64>().ok();
            let lives = verdicts.iter().filter(|verdict| *verdict == "survived").count();
            if factor.is_some_and(|factor| factor < 1.0) {
                survived += lives;
            }
            let fate = match verdicts.first() {
                Some(first) if verdicts.iter().all(|verdict| verdict == first) => first.clone(),
                Some(_) => format!("{lives} of {} survived", verdicts.len()),
                None => ABSENT.to_owned(),
            };
            let slower = median("time").zip(alone).map(|(time, alone)| time / alone);
            table.row([
                case.clone(),
                subject.clone(),
                fate,
                mib(median("peak")),
                percent(share.map(|share| share - 1.0), 1),
                mib(median("mark")),
                fixed(slower.filter(|_| lives > 0), 2),
                fixed(median("major faults"), 0),
                fixed(median("kills"), 0),
                fixed(median("pressure").map(|s| 1e3 * s), 1),
            ]);
            points.extend(factor.zip(share));
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        series.push(Series { name: case, points, look: Look::Joined, colour });
    }
    let line = FACTORS.iter().rev().map(|factor| (*factor, *factor)).collect();
    series.push(Series {
        name: "peak = limit".to_owned(),
        points: line,
        look: Look::Thin,
        colour: 7,
    });
    let figures = if part.cases().is_empty() {
        Vec::new()
    } else {
        vec![Figure {
            name: "P8".to_owned(),
            title: "The peak follows the limit".to_owned(),
            x: "limit / need without limit".to_owned(),
            y: "peak / need".to_owned(),
            content: Content::Lines { series, y_max: 1.4, scale: Scale::Linear },
        }]
    };
    Section {
        name: "P8".to_owned(),
        title: "P8 Limits".to_owned(),
        about: "The need is the peak of the control group without a limit. The same work then runs \
                under parts of it, swap being capped. Anonymous memory cannot be taken back; pages of \
                files can, and are read again."
            .to_owned(),
        answer: format!(
            "{survived} runs finished with less than their need; their peak is the limit, and says \
             nothing of the need. What gave way was page cache, at the price of reading it again. \
             Anonymous memory without swap does not give way."
        ),
        tables: vec![table],
        figures,
        absent: part.absences(),
    }
}
