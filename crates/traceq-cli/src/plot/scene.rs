//! What is in the picture, before anything is drawn.

use anyhow::{Context, bail};
use traceq::Unit;
use traceq::profile::{
    CGROUP, CGROUP_LEVEL, HWM, KERNEL, PROCESSES, PSUTIL, Profile, RESOURCE, TRACEMALLOC, TREE,
    TREE_SHARED,
};

use crate::output::{count, shorten};
use crate::show::date;

use super::spread::{Band, spread};
use super::strain::{Strain, strain};

/// Seconds since the begin of a run, and bytes.
pub(super) type Point = (f64, f64);

/// A picture of one run, or of several over each other.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// Upper edges, from the top layer to the bottom one; each is filled down to the axis.
    pub(super) layers: Vec<Layer>,
    pub(super) lines: Vec<Line>,
    /// Of several runs: from the lowest to the highest.
    pub(super) band: Band,
    /// Of one run: the time lost for want of memory.
    pub(super) strain: Option<Strain>,
    pub(super) peaks: Vec<Peak>,
    /// Of the one run, or of all runs if it is the same.
    pub(super) limit: Option<f64>,
    /// When the run was killed for memory.
    pub(super) killed_s: Option<f64>,
    pub(super) end_s: f64,
    pub(super) top: f64,
}

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) label: &'static str,
    pub(super) edge: Vec<Point>,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) label: String,
    pub(super) role: Role,
    pub(super) points: Vec<Point>,
}

/// What a line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What is charged to the group.
    Group,
    /// A high-water mark.
    Mark,
    /// One of several runs.
    Run(usize),
}

#[derive(Debug)]
pub(super) struct Peak {
    pub(super) at: Point,
    /// Empty where the legend tells it.
    pub(super) label: String,
}

/// Levels to draw, the most telling first.
const LEVELS: [&str; 8] = [TREE, KERNEL, PSUTIL, CGROUP_LEVEL, TRACEMALLOC, HWM, CGROUP, RESOURCE];

impl Scene {
    /// `width` bounds the number of points: more cannot be seen.
    pub(super) fn of(runs: &[(String, Profile)], width: usize) -> anyhow::Result<Self> {
        let mut scene = match runs {
            [] => bail!("no profiles"),
            [(name, profile)] => Self::one(name, profile, width)?,
            _ => Self::several(runs, width)?,
        };
        let layers = scene.layers.iter().flat_map(|layer| &layer.edge);
        let points = layers.chain(scene.lines.iter().flat_map(|line| &line.points));
        let (mut end, mut top) = (0.0_f64, 0.0_f64);
        for (s, bytes) in points {
            (end, top) = (end.max(*s), top.max(*bytes));
        }
        // A limit far above would press the run flat.
        match scene.limit {
            Some(limit) if limit <= 2.0 * top => top = top.max(limit),
            Some(limit) => {
                let limit = Unit::Auto.show(limit as u64);
                scene.subtitle.push_str(&format!("  ·  limit {limit}, above the picture"));
                scene.limit = None;
            }
            None => {}
        }
        scene.end_s = if end > 0.0 { end } else { 1e-3 };
        scene.top = if top > 0.0 { 1.14 * top } else { 1.0 };
        Ok(scene)
    }

    fn one(name: &str, profile: &Profile, width: usize) -> anyhow::Result<Self> {
        let time = Time::of(profile);
        let level = level(profile).with_context(|| format!("{name} has no values to draw"))?;
        let own = time.points(profile, level);
        let peak = highest(&own).with_context(|| format!("{name} has no values to draw"))?;
        let mut layers = Vec::new();
        if level == TREE && profile.column(TREE_SHARED).is_some() {
            let shared = time.points(profile, TREE_SHARED);
            let anon = own.iter().zip(&shared).map(|(all, part)| (all.0, all.1 - part.1));
            layers.push(Layer { label: "file and shared", edge: thin(&own, width) });
            layers.push(Layer { label: "anonymous", edge: thin(&anon.collect::<Vec<_>>(), width) });
        } else {
            layers.push(Layer { label: "resident set", edge: thin(&own, width) });
        }
        let mut lines = Vec::new();
        let mut line = |label: &str, role, points: Vec<Point>| {
            // A mark that was read once, at the end, is no line.
            if points.len() > 1 {
                lines.push(Line { label: label.to_owned(), role, points: thin(&points, width) });
            }
        };
        let points = |column: &str| match column {
            drawn if drawn == level => Vec::new(),
            column => time.points(profile, column),
        };
        line("charged to the group", Role::Group, points(CGROUP_LEVEL));
        match profile.column(CGROUP) {
            Some(_) => {
                let mark = highest_so_far(points(CGROUP), time.points(profile, CGROUP_LEVEL));
                line("its high-water mark", Role::Mark, mark);
            }
            None => line("high-water mark", Role::Mark, points(HWM)),
        }
        let shown = Unit::Auto.show(peak.1 as u64);
        let label = format!("{shown} seen at {}", crate::output::seconds(peak.0));
        let killed = profile.get("verdict") == Some("out_of_memory");
        Ok(Self {
            title: shorten(&profile.get("command").unwrap_or(name).replace('\n', " "), 90),
            subtitle: subtitle(name, profile),
            layers,
            lines,
            band: Band::new(),
            strain: strain(profile),
            peaks: vec![Peak { at: peak, label }],
            limit: limit(profile),
            killed_s: killed.then(|| time.end_s(profile)),
            end_s: 0.0,
            top: 0.0,
        })
    }

    fn several(runs: &[(String, Profile)], width: usize) -> anyhow::Result<Self> {
        let all_have = |name: &str| runs.iter().all(|(_, profile)| profile.peak(name).is_some());
        let column = LEVELS.into_iter().find(|name| all_have(name)).context(
            "these profiles have no column in common; plot them one by one, or see `traceq show`",
        )?;
        let (mut lines, mut peaks) = (Vec::new(), Vec::new());
        let levels: Vec<Vec<Point>> =
            runs.iter().map(|(_, profile)| Time::of(profile).points(profile, column)).collect();
        for (at, ((name, _), points)) in runs.iter().zip(&levels).enumerate() {
            if let Some(peak) = highest(points) {
                let shown = Unit::Auto.show(peak.1 as u64);
                let label = format!("{}  {shown}", shorten(name, 22));
                lines.push(Line { label, role: Role::Run(at), points: thin(points, width) });
                peaks.push(Peak { at: peak, label: String::new() });
            }
        }
        let first = runs.first().and_then(|(_, profile)| limit(profile));
        let same = runs.iter().all(|(_, profile)| limit(profile) == first);
        let (low, high) = peaks.iter().fold((f64::MAX, 0.0_f64), |(low, high), peak| {
            (low.min(peak.at.1), high.max(peak.at.1))
        });
        let show = |bytes: f64| Unit::Auto.show(bytes as u64);
        Ok(Self {
            title: count(runs.len() as u64, "run"),
            subtitle: format!("{column}  ·  highest from {} to {}", show(low), show(high)),
            layers: Vec::new(),
            lines,
            band: spread(&levels, width / 2),
            strain: None,
            peaks,
            limit: first.filter(|_| same),
            killed_s: None,
            end_s: 0.0,
            top: 0.0,
        })
    }
}

fn level(profile: &Profile) -> Option<&'static str> {
    LEVELS.into_iter().find(|name| profile.peak(name).is_some())
}

fn limit(profile: &Profile) -> Option<f64> {
    profile.get("limit_bytes")?.parse().ok()
}

fn highest(points: &[Point]) -> Option<Point> {
    points.iter().copied().reduce(|best, point| if point.1 > best.1 { point } else { best })
}

/// A mark that is read more seldom than its level, and is never below it.
fn highest_so_far(mark: Vec<Point>, level: Vec<Point>) -> Vec<Point> {
    if mark.len() < 2 {
        return mark;
    }
    let mut points = [mark, level].concat();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut highest = 0.0_f64;
    for point in &mut points {
        highest = highest.max(point.1);
        point.1 = highest;
    }
    points
}

fn subtitle(name: &str, profile: &Profile) -> String {
    let mut parts = vec![shorten(name, 40)];
    if let (traceq::profile::Clock::UnixNanos, Some(first)) =
        (profile.clock(), profile.times_ns().iter().min())
    {
        parts.push(format!("{} UTC", date(*first)));
    }
    if let Some(n) = profile.peak(PROCESSES) {
        parts.push(if n == 1 { "1 process".into() } else { format!("up to {n} processes") });
    }
    if let Some(bytes) = profile.peak(CGROUP) {
        parts.push(format!("peak of the group {}", Unit::Auto.show(bytes)));
    }
    if let Some(bytes) = profile.peak(RESOURCE) {
        parts.push(format!("of a process {}", Unit::Auto.show(bytes)));
    }
    parts.join("  ·  ")
}

/// Begin of a run.
pub(super) struct Time(u64);

impl Time {
    pub(super) fn of(profile: &Profile) -> Self {
        Self(profile.times_ns().iter().min().copied().unwrap_or(0))
    }

    pub(super) fn points(&self, profile: &Profile, column: &str) -> Vec<Point> {
        let values = profile.column(column).map_or(&[][..], |column| column.values());
        let times = profile.times_ns().iter().map(|time| (time - self.0) as f64 / 1e9);
        times.zip(values).filter_map(|(s, value)| Some((s, (*value)? as f64))).collect()
    }

    fn end_s(&self, profile: &Profile) -> f64 {
        let end = profile.times_ns().iter().max().copied().unwrap_or(self.0);
        (end - self.0) as f64 / 1e9
    }
}

/// Keeps of each stretch of time as wide as a pixel the first, lowest, highest and last point.
fn thin(points: &[Point], width: usize) -> Vec<Point> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let span = last.0 - first.0;
    if points.len() <= 4 * width || span <= 0.0 {
        return points.to_vec();
    }
    let pixel = |point: &Point| ((point.0 - first.0) / span * width as f64) as usize;
    let mut kept = Vec::new();
    for stretch in points.chunk_by(|a, b| pixel(a) == pixel(b)) {
        let by_bytes = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let ends = [stretch.first(), stretch.last()];
        let extremes = [stretch.iter().min_by(by_bytes), stretch.iter().max_by(by_bytes)];
        let mut few: Vec<Point> = ends.into_iter().chain(extremes).flatten().copied().collect();
        few.sort_by(|a, b| a.0.total_cmp(&b.0));
        few.dedup();
        kept.extend(few);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(levels: &[u64]) -> Profile {
        let mut profile = Profile::default();
        for (row, level) in levels.iter().enumerate() {
            let shared = level / 4;
            let values = [(TREE, Some(*level)), (TREE_SHARED, Some(shared))];
            profile.push(1_000_000_000 * (row as u64 + 5), "x", values);
        }
        profile
    }

    #[test]
    fn one_run_is_stacked_with_its_peak_and_limit() {
        let mut profile = run(&[40, 100, 80]);
        profile.set("limit_bytes", "120");
        profile.set("verdict", "out_of_memory");
        let scene = Scene::of(&[("a.prof".into(), profile)], 100).unwrap();
        let layers = &scene.layers;
        assert_eq!((layers[0].edge[1], layers[1].edge[1]), ((1.0, 100.0), (1.0, 75.0)));
        assert_eq!(scene.peaks[0].at, (1.0, 100.0));
        assert_eq!((scene.limit, scene.killed_s, scene.end_s), (Some(120.0), Some(2.0), 2.0));
        assert!(scene.top > 120.0);
    }

    #[test]
    fn a_limit_far_away_is_told_and_not_drawn() {
        let mut profile = run(&[40, 100]);
        profile.set("limit_bytes", "1073741824");
        let scene = Scene::of(&[("a.prof".into(), profile)], 100).unwrap();
        assert!(scene.limit.is_none() && scene.subtitle.contains("limit 1 GiB"));
    }

    #[test]
    fn several_runs_share_a_column_or_are_refused() {
        let runs = [("a".to_owned(), run(&[40, 100])), ("b".to_owned(), run(&[50, 90, 60]))];
        let scene = Scene::of(&runs, 100).unwrap();
        assert_eq!((scene.lines.len(), scene.peaks.len(), scene.end_s), (2, 2, 2.0));
        let mut other = Profile::default();
        other.push(1, "x", [(PSUTIL, Some(3))]);
        let runs = [("a".to_owned(), run(&[40])), ("c".to_owned(), other)];
        assert!(Scene::of(&runs, 100).unwrap_err().to_string().contains("in common"));
        assert!(Scene::of(&[("e".into(), Profile::default())], 100).is_err());
    }

    #[test]
    fn thinning_keeps_extremes() {
        let points: Vec<Point> = (0..10_000).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        let mut spiked = points.clone();
        spiked[5_003].1 = 99.0;
        let kept = thin(&spiked, 50);
        assert!(kept.len() <= 4 * 51, "{}", kept.len());
        assert!(kept.contains(&(5_003.0, 99.0)) && kept.is_sorted_by(|a, b| a.0 <= b.0));
        assert_eq!((kept.first(), kept.last()), (spiked.first(), spiked.last()));
    }
}
