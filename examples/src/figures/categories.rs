//! Charts over names, not numbers.

use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::{Figure, GRID, INK, Series, builder, ends, number, text};

/// A chart over names.
pub(super) type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<Categories, RangedCoordf64>>;

/// Where a series lies in the share of a category.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// From the middle.
    pub(super) aside: f64,
    pub(super) width: f64,
}

pub(super) fn dots<B: DrawingBackend>(
    chart: &mut Chart<'_, B>,
    series: &Series,
    place: Place,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let dots = series.points.iter().enumerate().map(|(k, (x, y))| {
        // A little apart, so that equal values are seen as many.
        let apart = ((k * 7 % 11) as f64 / 10.0 - 0.5) * place.width;
        Circle::new((x + place.aside + apart, *y), 3, series.colour().mix(0.65).filled())
    });
    chart.draw_series(dots)?;
    Ok(())
}

impl Figure {
    /// What `draw` makes of each series, side by side above the names of categories.
    pub(super) fn by_category<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        categories: &[String],
        series: &[Series],
        draw: fn(&mut Chart<'_, B>, &Series, Place) -> anyhow::Result<()>,
    ) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let (low, high) = ends(series, |point| point.1);
        let (low, high) = (low.min(0.0), high.max(0.0));
        let pad = 0.06 * (high - low).max(1e-9);
        let names = Categories { n: categories.len() };
        let mut chart = builder(area).build_cartesian_2d(names, low - pad..high + pad)?;
        let name = |at: &f64| categories.get(at.round() as usize).cloned().unwrap_or_default();
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(&self.x).y_desc(&self.y).light_line_style(WHITE).bold_line_style(GRID);
        mesh.axis_style(INK).label_style(text(14)).axis_desc_style(text(15));
        mesh.x_labels(categories.len().max(1));
        mesh.x_label_formatter(&name).y_label_formatter(&|value| number(*value));
        mesh.draw()?;
        for (i, one) in series.iter().enumerate() {
            let aside = 0.8 * ((i as f64 + 0.5) / series.len() as f64 - 0.5);
            draw(&mut chart, one, Place { aside, width: 0.5 / series.len() as f64 })?;
        }
        Ok(())
    }
}

/// An axis of names: 0, 1, 2, … in the middle of equal shares.
#[derive(Clone)]
pub(super) struct Categories {
    pub(super) n: usize,
}

impl Ranged for Categories {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let part = (value + 0.5) / self.n.max(1) as f64;
        limit.0 + (part * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        (0..self.n).map(|i| i as f64).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        -0.5..self.n as f64 - 0.5
    }
}

impl ValueFormatter<f64> for Categories {
    fn format(value: &f64) -> String {
        number(*value)
    }
}
