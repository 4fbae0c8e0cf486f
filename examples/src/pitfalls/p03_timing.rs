//! P3: whether a spike is seen depends on when one looks.

use rand::seq::SliceRandom;
use rand::{SeedableRng, rngs::StdRng};
use traceq::probe::Backend;

use super::{Bench, Pitfall, no_files};
use crate::figures::{Content, Figure, Look, Scale, Series};
use crate::observer::{Observer, Place, Style, Watch};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::Step;
use crate::tables::{Table, fixed};
use crate::victim::{Job, Spike};

pub(super) const PITFALL: Pitfall = Pitfall { name: "P3", generate: no_files, profile, analyze };

const KIB: u64 = 4 << 10;
const SEED: u64 = 3;
const PERIODS_MS: [u64; 3] = [1, 10, 100];

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    let durations =
        bench.settings.pick(&[100, 1_000, 3_000, 10_000, 30_000, 100_000][..], &[100, 3_000]);
    let periods = bench.settings.pick(&PERIODS_MS[..], &PERIODS_MS[..2]);
    let n = bench.settings.pick(200, 25);
    for &us in durations {
        for &period_ms in periods {
            let mut phases: Vec<u64> = (0..n).map(|i| period_ms * 1000 * i / n).collect();
            phases.shuffle(&mut StdRng::seed_from_u64(SEED));
            // From one spike to the next there is time for both to be over, and for one sample.
            let pitch = us + period_ms * 1000 + 4_000;
            let steps = phases.iter().enumerate().map(|(i, phase)| Step::Spike {
                at_us: 20_000 + i as u64 * pitch.next_multiple_of(period_ms * 1000) + phase,
                kib: KIB,
                us,
            });
            let observer = Observer {
                place: Place::Outside,
                backend: Backend::Statm,
                every_us: period_ms * 1000,
                style: Style::Traceq,
            };
            let job = Job { observer: Some(observer), ..Job::steps(steps) };
            let outcome = bench.supervisor.run(&job)?;
            let (record, watch) = (outcome.seen()?, outcome.watch.clone().unwrap_or_default());
            let (case, subject) = (format!("{} ms", us as f64 / 1000.0), format!("{period_ms} ms"));
            for (i, spike) in record.spikes.iter().enumerate() {
                let last = record.spikes.get(i + 1).map_or(u64::MAX, |next| next.begin_ns);
                let run = i as u32;
                let seen = f64::from(u8::from(sees(&watch, spike, last)));
                let marked =
                    spike.resident.map(|bytes| f64::from(u8::from(bytes >= nine_tenths())));
                rows.add(&case, &subject, run, "seen", Some(seen), "");
                rows.add(&case, &subject, run, "marked", marked, "");
                let lasted = (spike.end_ns - spike.begin_ns) as f64 / 1e9;
                rows.add(&case, &subject, run, "duration", Some(lasted), "s");
            }
            rows.add(&case, &subject, 0, "period", watch.real_period_s, "s");
        }
    }
    Ok(())
}

fn nine_tenths() -> u64 {
    KIB * 1024 / 10 * 9 / 4096 * 4096
}

/// Whether a sample from the time of this spike is at least nine tenths of it above the first sample.
fn sees(watch: &Watch, spike: &Spike, next_begin_ns: u64) -> bool {
    let Some(base) = watch.first_bytes() else { return false };
    let during = watch.trace.iter().filter(|(at, _)| *at >= spike.begin_ns && *at < next_begin_ns);
    during.map(|(_, bytes)| bytes.saturating_sub(base)).any(|rise| rise >= nine_tenths())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "spike",
        "period",
        "spikes",
        "lasted, ms",
        "period, ms",
        "seen",
        "theory min(1, d/T)",
        "by high-water mark",
    ];
    let mut table = Table::new("Share of spikes of which a sampler sees nine tenths", &header);
    let mut measured = vec![Vec::new(); PERIODS_MS.len()];
    let (mut marks, mut apart) = (Vec::new(), 0.0_f64);
    for case in part.cases() {
        for period in part.subjects(&case) {
            let values = |quantity| part.values(&case, &period, quantity);
            let mean = |quantity| crate::stats::mean(&values(quantity));
            let (lasted, real) = (part.median(&case, &period, "duration"), mean("period"));
            // Of each spike by itself: a machine that is busy makes some of them longer.
            let shares =
                real.map(|t| values("duration").iter().map(|d| (d / t).min(1.0)).collect());
            let theory = shares.and_then(|shares: Vec<f64>| crate::stats::mean(&shares));
            apart = apart.max(theory.zip(mean("seen")).map_or(0.0, |(t, seen)| (t - seen).abs()));
            table.row([
                case.clone(),
                period.clone(),
                values("seen").len().to_string(),
                fixed(lasted.map(|s| s * 1e3), 2),
                fixed(real.map(|s| s * 1e3), 2),
                fixed(mean("seen"), 3),
                fixed(theory, 3),
                fixed(mean("marked"), 3),
            ]);
            marks.extend(values("marked"));
            let place = PERIODS_MS.iter().position(|ms| format!("{ms} ms") == period);
            if let (Some(place), Some(d), Some(seen)) = (place, lasted, mean("seen")) {
                measured[place].push((d * 1e3, seen));
            }
        }
    }
    let found = marks.iter().sum::<f64>();
    let mut series = Vec::new();
    for ((points, period), colour) in measured.into_iter().zip(PERIODS_MS).zip(0..) {
        if points.is_empty() {
            continue;
        }
        let grid = (0..=90).map(|i| 0.1 * 10_f64.powf(f64::from(i) / 30.0));
        let theory = grid.map(|d| (d, (d / period as f64).min(1.0))).collect();
        let name = |what: &str| format!("{period} ms, {what}");
        series.push(Series { name: name("theory"), points: theory, look: Look::Thin, colour });
        series.push(Series { name: name("measured"), points, look: Look::Points, colour });
    }
    Section {
        name: "P3".to_owned(),
        title: "P3 Timing".to_owned(),
        about: "A victim has spikes of 4 MiB, each at another phase of the sampler's period. A \
                sampler outside reads the resident set with that period; inside, a region around each \
                spike reads the high-water mark."
            .to_owned(),
        answer: format!(
            "A sampler sees a spike with the probability of duration by period: measured shares are \
             within {} of the theory. The high-water mark found {found} of {} spikes.",
            fixed(Some(apart), 2),
            marks.len()
        ),
        tables: vec![table],
        figures: vec![Figure {
            name: "P3".to_owned(),
            title: "Which spikes does a sampler see?".to_owned(),
            x: "duration of the spike, ms".to_owned(),
            y: "share seen".to_owned(),
            content: Content::Lines { series, y_max: 1.05, scale: Scale::Log },
        }],
        absent: part.absences(),
    }
}
