//! Boxes of quartiles (Tukey, 1977).

use plotters::prelude::*;

use super::Series;
use super::categories::{Chart, Place};
use crate::stats::quantile;

/// A distribution: quartiles, the farthest values within one and a half times their distance, and what
/// lies beyond.
#[derive(Debug, PartialEq)]
struct Box5 {
    whiskers: [f64; 2],
    quartiles: [f64; 3],
    beyond: Vec<f64>,
}

impl Box5 {
    fn of(values: &[f64]) -> Option<Self> {
        let quartiles = [quantile(values, 0.25)?, quantile(values, 0.5)?, quantile(values, 0.75)?];
        let reach = 1.5 * (quartiles[2] - quartiles[0]);
        let near = |v: &f64| (quartiles[0] - reach..=quartiles[2] + reach).contains(v);
        let inside = || values.iter().copied().filter(|v| near(v));
        Some(Self {
            whiskers: [inside().fold(f64::MAX, f64::min), inside().fold(f64::MIN, f64::max)],
            quartiles,
            beyond: values.iter().copied().filter(|v| !near(v)).collect(),
        })
    }
}

/// One box for each category of a series.
pub(super) fn draw<B: DrawingBackend>(
    chart: &mut Chart<'_, B>,
    series: &Series,
    place: Place,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let mut categories: Vec<f64> = series.points.iter().map(|point| point.0).collect();
    categories.sort_by(f64::total_cmp);
    categories.dedup();
    for category in categories {
        let of = series.points.iter().filter(|point| point.0 == category);
        let values: Vec<f64> = of.map(|point| point.1).collect();
        let Some(one) = Box5::of(&values) else { continue };
        let (x, half) = (category + place.aside, place.width / 2.0);
        let ([low, high], [first, middle, third]) = (one.whiskers, one.quartiles);
        let line = |points: [(f64, f64); 2]| PathElement::new(points, series.stroke());
        let fill = series.colour().mix(0.25).filled();
        chart.draw_series([Rectangle::new([(x - half, first), (x + half, third)], fill)])?;
        let outline = series.stroke();
        chart.draw_series([Rectangle::new([(x - half, first), (x + half, third)], outline)])?;
        chart.draw_series([
            line([(x - half, middle), (x + half, middle)]),
            line([(x, low), (x, first)]),
            line([(x, third), (x, high)]),
            line([(x - half / 2.0, low), (x + half / 2.0, low)]),
            line([(x - half / 2.0, high), (x + half / 2.0, high)]),
        ])?;
        let dot = |y: &f64| Circle::new((x, *y), 3, series.colour().mix(0.65).filled());
        chart.draw_series(one.beyond.iter().map(dot))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_has_half_of_the_values_and_names_those_far_away() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 30.0, -20.0];
        let one = Box5::of(&values).unwrap();
        assert_eq!(one.quartiles, [2.0, 4.0, 7.0]);
        assert_eq!(one.whiskers, [1.0, 8.0]);
        assert_eq!(one.beyond, [30.0, -20.0]);
        assert_eq!(Box5::of(&[]), None);
        assert_eq!(Box5::of(&[3.0]).unwrap().whiskers, [3.0, 3.0]);
    }
}
