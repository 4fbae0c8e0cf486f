//! Readings that `traceq run` has recorded.

use std::path::Path;

use anyhow::{Context, bail};
use chunkfit_core::{ByteSize, Shape};
use chunkfit_predict::{Disturbance, Observation, Peak};
use traceq::prof::{Limits, load};
use traceq::profile::{HWM, KERNEL, PSUTIL, Profile, RESOURCE};

use super::subject::few;
use crate::origin::origin;
use crate::progress::say;

/// The shape of the input, in the metadata of profiles that say it.
const SHAPE: &str = "entrypoint_shape";

/// One reading for each of the files `profiles`, of inputs of `shapes` in the same order; those that the
/// files say, where none is given.
pub(super) fn readings(
    profiles: &[impl AsRef<Path>],
    shapes: &[Shape],
) -> anyhow::Result<Vec<Observation>> {
    if !shapes.is_empty() && shapes.len() != profiles.len() {
        bail!(
            "{} files have {} shapes; give --shapes one for each, in the same order",
            profiles.len(),
            shapes.len()
        );
    }
    let read = |(i, path): (usize, &dyn AsRef<Path>)| {
        let path = path.as_ref();
        let profile = load(path, Limits::default())
            .with_context(|| format!("cannot read {}", path.display()))?;
        reading(&profile, shapes.get(i).copied())
            .with_context(|| format!("{} has no reading", path.display()))
    };
    profiles.iter().map(|path| path as &dyn AsRef<Path>).enumerate().map(read).collect()
}

fn reading(profile: &Profile, said: Option<Shape>) -> anyhow::Result<Observation> {
    let block = match (said, profile.get(SHAPE)) {
        (Some(shape), _) => shape,
        (None, Some(text)) => shape_of(text)
            .with_context(|| format!("its {SHAPE} is `{text}`, no three extents; give --shapes"))?,
        (None, None) => bail!("it does not say the shape of its input; give --shapes"),
    };
    let number = |key| profile.get(key).and_then(|text| text.parse::<u64>().ok());
    let killed = profile.get("verdict") == Some("out_of_memory");
    let peak = match number("limit_bytes").filter(|_| killed) {
        Some(limit) => Peak::AtLeast(ByteSize::new(limit)),
        None if killed => bail!("the command was killed for memory, by no limit that it says"),
        None => Peak::Measured(ByteSize::new(highest(profile)?)),
    };
    // What was killed was short of memory on purpose.
    let disturbed = matches!(peak, Peak::Measured(_));
    let faults = number("major_faults").unwrap_or(0);
    Ok(Observation {
        block,
        core: block,
        peak,
        base: None,
        origin: origin(false),
        disturbance: Disturbance {
            reclaim: disturbed && !few(faults, peak.bytes()),
            swap: disturbed && number("swap_peak_bytes").is_some_and(|bytes| bytes > 0),
        },
    })
}

/// The resident high-water mark of the largest process; of the first, where that is all there is.
fn highest(profile: &Profile) -> anyhow::Result<u64> {
    let floor = profile.get("resource_floor_bytes").and_then(|text| text.parse().ok()).unwrap_or(0);
    // A process begins with the mark of the one that started it.
    let marks = [RESOURCE, HWM].map(|name| profile.peak(name).filter(|bytes| *bytes > floor));
    if let Some(mark) = marks.into_iter().flatten().max() {
        return Ok(mark);
    }
    let sampled = [KERNEL, PSUTIL].iter().filter_map(|name| profile.peak(name)).max();
    let sampled = sampled.context("it has no resident set; record it with `traceq run`")?;
    say("warning: a peak is the highest of samples only, and may be too low");
    Ok(sampled)
}

/// `(5, 7, 11)` or `5x7x11`.
fn shape_of(text: &str) -> Option<Shape> {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty());
    let numbers: Vec<usize> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
    Shape::new(numbers.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use traceq::profile::{TREE, UNSIGNED};

    use super::*;

    #[test]
    fn a_profile_says_its_peak_and_perhaps_its_shape() {
        let mut profile = Profile::default();
        profile.push(1, UNSIGNED, [(KERNEL, Some(70)), (TREE, Some(900))]);
        let shape = Shape::new([5, 7, 11]).unwrap();
        assert!(reading(&profile, None).unwrap_err().to_string().contains("--shapes"));
        let sampled = reading(&profile, Some(shape)).unwrap();
        assert_eq!((sampled.block, sampled.peak.bytes()), (shape, ByteSize::new(70)));

        profile.push(2, UNSIGNED, [(RESOURCE, Some(80)), (HWM, Some(75))]);
        profile.set("entrypoint_shape", "(5, 7, 11)");
        let exact = reading(&profile, None).unwrap();
        assert_eq!((exact.block, exact.peak), (shape, Peak::Measured(ByteSize::new(80))));
        profile.set("major_faults", "900");
        assert!(reading(&profile, None).unwrap().disturbance.reclaim);

        profile.set("verdict", "out_of_memory");
        profile.set("limit_bytes", "78");
        let killed = reading(&profile, None).unwrap();
        assert_eq!(killed.peak, Peak::AtLeast(ByteSize::new(78)));
        assert!(killed.disturbance.is_none());
        profile.set("entrypoint_shape", "(5, 7)");
        assert!(reading(&profile, None).unwrap_err().to_string().contains("(5, 7)"));
    }
}
