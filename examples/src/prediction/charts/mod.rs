//! Figures of one operator and across operators.

mod cross;
mod insights;
mod models;
mod profile;
mod spread;
mod steps;

use super::data::{Dataset, Reading};
use super::study::Result;
use crate::figures::{Content, Figure, Look, Scale, Series};

pub(super) use cross::cross;
pub(super) use insights::insights;
pub(super) use models::models;
pub(super) use profile::profile;
pub(super) use steps::steps;

fn series(name: &str, colour: usize, look: Look, points: Vec<(f64, f64)>) -> Series {
    Series { name: name.to_owned(), points, look, colour }
}

/// Curves over a linear axis, from 0.
fn curves(name: &str, title: &str, axes: [&str; 2], series: Vec<Series>) -> Figure {
    let most = series.iter().flat_map(|s| &s.points).map(|p| p.1).fold(0.0, f64::max);
    let content = Content::Lines { series, y_max: 1.06 * most.max(1e-9), scale: Scale::Linear };
    figure(name, title, axes, content)
}

/// For each name, the values of each series.
fn dots(name: &str, title: &str, axes: [&str; 2], names: Vec<String>, s: Vec<Series>) -> Figure {
    figure(name, title, axes, Content::Dots { categories: names, series: s })
}

/// For each name, a box of the values of each series.
fn boxes(name: &str, title: &str, axes: [&str; 2], names: Vec<String>, s: Vec<Series>) -> Figure {
    figure(name, title, axes, Content::Boxes { categories: names, series: s })
}

fn figure(name: &str, title: &str, [x, y]: [&str; 2], content: Content) -> Figure {
    Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        x: x.to_owned(),
        y: y.to_owned(),
        content,
    }
}

fn slug(operator: &str) -> String {
    operator.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn millions(reading: &Reading) -> f64 {
    reading.voxels() / 1e6
}

/// (x, y) of every reading, smallest volume first.
fn by_volume(data: &Dataset, y: impl Fn(&Reading) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points: Vec<_> =
        data.readings.iter().filter_map(|r| Some((millions(r), y(r)?))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

const VOLUME: &str = "volume, million voxels";
const PEAK: &str = "peak, GiB";

fn residuals(result: &Result) -> Vec<f64> {
    result.measured.iter().zip(&result.predicted).map(|(y, p)| y - p).collect()
}

/// A name that fits below an axis.
fn short(model: &str) -> String {
    let words = model.replace(" regression", "").replace("support vector", "SVR");
    words.replace("ladder, ", "L: ").replace("gradient boosting", "boosting")
}
