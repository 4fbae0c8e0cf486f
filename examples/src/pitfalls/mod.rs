//! Experiment 00: eleven pitfalls, one module each.

mod p01_tools_disagree;
mod p02_touched;
mod p03_timing;
mod p04_sampler;
mod p05_residue;
mod p06_inheritance;
mod p07_cache;
mod p08_limits;
mod p09_batching;
mod p10_observer;
mod p11_lock;

use clap::Parser;

use crate::machine;
use crate::options::{Options, Phase, Settings};
use crate::progress::Progress;
use crate::protocol::{self, Part, Rows};
use crate::report::{Report, Section};
use crate::supervisor::Supervisor;

/// One question: how it is measured, and what its rows say.
struct Pitfall {
    name: &'static str,
    generate: fn(&Settings) -> anyhow::Result<()>,
    profile: fn(&Bench<'_>, &mut Rows) -> anyhow::Result<()>,
    analyze: fn(&Part) -> Section,
}

/// What a measurement works with.
struct Bench<'a> {
    supervisor: &'a Supervisor,
    settings: &'a Settings,
}

fn no_files(_: &Settings) -> anyhow::Result<()> {
    Ok(())
}

const ALL: [Pitfall; 11] = [
    p01_tools_disagree::PITFALL,
    p02_touched::PITFALL,
    p03_timing::PITFALL,
    p04_sampler::PITFALL,
    p05_residue::PITFALL,
    p06_inheritance::PITFALL,
    p07_cache::PITFALL,
    p08_limits::PITFALL,
    p09_batching::PITFALL,
    p10_observer::PITFALL,
    p11_lock::PITFALL,
];

/// Experiment 00, as the command line says.
///
/// # Errors
/// When a victim cannot be started, or results cannot be written.
pub fn run() -> anyhow::Result<()> {
    let settings = Settings::new(Options::parse(), "exp00_pitfalls", 10, 2)?;
    std::fs::create_dir_all(&settings.out)?;
    let chosen: Vec<&Pitfall> = ALL.iter().filter(|one| settings.measures(one.name)).collect();
    if settings.does(Phase::Generate) {
        std::fs::create_dir_all(settings.data())?;
        chosen.iter().try_for_each(|pitfall| (pitfall.generate)(&settings))?;
    }
    if settings.does(Phase::Profile) {
        let supervisor = Supervisor::new(settings.limit)?;
        machine::write(&settings, &supervisor)?;
        let mut progress = Progress::new(chosen.len() as u64);
        for pitfall in chosen {
            progress.begin(pitfall.name);
            let mut rows = Rows::new(pitfall.name);
            (pitfall.profile)(&Bench { supervisor: &supervisor, settings: &settings }, &mut rows)?;
            protocol::write(&settings.rows(pitfall.name), &rows.all)?;
        }
    }
    if settings.does(Phase::Analyze) {
        let measured = ALL.iter().filter(|pitfall| settings.rows(pitfall.name).exists());
        let sections = measured.map(|pitfall| {
            let rows = protocol::read(&settings.rows(pitfall.name))?;
            Ok((pitfall.analyze)(&Part::of(&rows, pitfall.name)))
        });
        let report = Report {
            title: "Experiment 00: what measurements of memory get wrong".to_owned(),
            about: "Victims follow a schedule, so their memory is known before it is measured. Each \
                    runs in a fresh process and a control group of its own; the supervisor is outside."
                .to_owned(),
            machine: machine::read(&settings)?,
            sections: sections.collect::<anyhow::Result<_>>()?,
        };
        report.publish(&settings.out)?;
    }
    Ok(())
}
