//! What is measured: operators over volumes, and victims of known size.

use chunkfit_core::Shape;

use crate::operator::{self, Operator};
use crate::options::Settings;
use crate::schedule::{Step, held, truths};
use crate::victim::Work;

/// Something to measure.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) work: Work,
    /// Where it is known beforehand, in bytes.
    pub(super) truth: Option<u64>,
}

/// Extents that take about 30 ms and 0.3 s on one present-day CPU: with them a full run ends within
/// half an hour. The environment sets larger ones.
const OPERATORS: [(&str, [usize; 3], [usize; 3]); 3] = [
    ("envelope", [64, 80, 300], [250, 280, 301]),
    ("gaussian", [64, 80, 120], [180, 190, 301]),
    ("gst", [40, 50, 90], [110, 130, 151]),
];

pub(super) fn all(settings: &Settings) -> anyhow::Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for (name, small, large) in OPERATORS {
        let (small, large) = settings.pick((small, large), (small.map(|n| n / 2), small));
        // As in the thesis, the environment sets cubes: the largest, and a step from nothing.
        let large = settings.final_size.map_or(large, |n| [n; 3]);
        let small = settings.step_size.map_or(small, |n| [n; 3]);
        for (size, extents) in [("small", small), ("large", large)] {
            let shape = Shape::new(extents)?;
            let volume = settings.data().join(format!("{shape}.sgy"));
            let work = Work::Operator(Operator { name: name.to_owned(), shape, volume });
            subjects.push(Subject { name: format!("{name} {size}"), work, truth: None });
        }
    }
    for (size, base_mib, spike_mib, seconds) in
        [("small", 8, 16, 0.02), ("large", settings.pick(128, 16), 64, settings.pick(0.3, 0.1))]
    {
        let steps = victim(base_mib, spike_mib, seconds);
        let truth = Some(truths(&steps).1.resident());
        subjects.push(Subject { name: format!("victim {size}"), work: Work::Steps(steps), truth });
    }
    Ok(subjects)
}

/// Holds memory all the time, and a spike of 4 ms in the middle.
fn victim(base_mib: u64, spike_mib: u64, seconds: f64) -> Vec<Step> {
    let half_us = (seconds * 5e5) as u64;
    let spike = Step::Spike { at_us: half_us, kib: spike_mib << 10, us: 4_000 };
    held(0, base_mib << 10).into_iter().chain([spike, Step::Sleep { us: half_us }]).collect()
}

impl Subject {
    /// Writes the volume.
    pub(super) fn generate(&self) -> anyhow::Result<()> {
        match &self.work {
            Work::Operator(operator) => operator::write(&operator.volume, operator.shape),
            Work::Steps(_) => Ok(()),
        }
    }

    /// Brings the volume into the page cache, at the expense of this process' group.
    pub(super) fn prime(&self) -> anyhow::Result<()> {
        if let Work::Operator(operator) = &self.work {
            std::io::copy(&mut std::fs::File::open(&operator.volume)?, &mut std::io::sink())?;
        }
        Ok(())
    }
}
