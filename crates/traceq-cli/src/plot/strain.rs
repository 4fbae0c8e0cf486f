//! The share of time that a run lost for want of memory.

use traceq::profile::{MACHINE_PRESSURE, PRESSURE, Profile};

use super::scene::Time;

/// Shares of time, between readings of a sum of lost time.
#[derive(Debug, PartialEq)]
pub(super) struct Strain {
    pub(super) label: &'static str,
    /// From and to, in seconds, and the share of it that was lost, from 0 to 1.
    pub(super) spans: Vec<(f64, f64, f64)>,
}

/// The pressure of the command, or else of the machine; `None` where it was not recorded twice.
pub(super) fn strain(profile: &Profile) -> Option<Strain> {
    let columns = [
        (PRESSURE, "time lost for want of memory"),
        (MACHINE_PRESSURE, "time lost for want of memory, whole machine"),
    ];
    columns.into_iter().find_map(|(column, label)| {
        let sums = Time::of(profile).points(profile, column);
        let spans = sums.windows(2).filter_map(|pair| match pair {
            [(from, before), (to, after)] if to > from => {
                let share = (after - before) / 1e6 / (to - from);
                Some((*from, *to, share.clamp(0.0, 1.0)))
            }
            _ => None,
        });
        let spans: Vec<_> = spans.collect();
        (!spans.is_empty()).then_some(Strain { label, spans })
    })
}

impl Strain {
    /// The largest share.
    pub(super) fn worst(&self) -> f64 {
        self.spans.iter().map(|span| span.2).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_time_between_two_readings() {
        let mut profile = Profile::default();
        assert_eq!(strain(&profile), None);
        for (ms, micros) in [(0, Some(0)), (50, None), (100, Some(25_000)), (200, Some(25_000))] {
            profile.push(ms * 1_000_000, "x", [(MACHINE_PRESSURE, micros)]);
        }
        let strain = strain(&profile).unwrap();
        assert_eq!(strain.spans, [(0.0, 0.1, 0.25), (0.1, 0.2, 0.0)]);
        assert!(strain.label.contains("machine") && strain.worst() == 0.25);
    }
}
