//! Figures, each as SVG and PNG.

mod boxes;
mod categories;
mod panels;

use std::path::Path;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

/// One picture.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Name of its files.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Curves.
    Lines { series: Vec<Series>, y_max: f64, scale: Scale },
    /// For each category, points of every series side by side.
    Dots { categories: Vec<String>, series: Vec<Series> },
    /// The same, and of each series in a category a box: quartiles, the values within one and a half
    /// boxes, and those beyond.
    Boxes { categories: Vec<String>, series: Vec<Series> },
    /// A number for each pair of categories, as a shade: rows from below, columns from the left. Negative
    /// numbers have the other colour; NaN is left out.
    Tiles { columns: Vec<String>, rows: Vec<String>, values: Vec<Vec<f64>> },
    /// Every quantity by every other, and how each is spread on the diagonal.
    Pairs { quantities: Vec<(String, Vec<f64>)> },
}

/// A named set of points. In [`Content::Dots`] and [`Content::Boxes`], x is the number of the category.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) look: Look,
    /// Which of the colours.
    pub(crate) colour: usize,
}

/// The axis below curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Points joined by a line.
    Joined,
    /// A thin line without points.
    Thin,
    /// Points alone.
    Points,
}

const SIZE: (u32, u32) = (1060, 460);
/// Pixels of its width that name the series.
const LEGEND: u32 = 230;
const INK: RGBColor = RGBColor(40, 44, 52);
const GRID: RGBColor = RGBColor(226, 229, 234);
/// Distinct also without red or green.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 90, 60),
    RGBColor(90, 90, 100),
];

impl Figure {
    /// Writes `NAME.svg` and `NAME.png`, and returns the text of the former.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<String> {
        register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
            .map_err(|_| anyhow!("the font cannot be read"))?;
        let mut svg = String::new();
        let size = self.size();
        self.draw(SVGBackend::with_string(&mut svg, size).into_drawing_area())?;
        std::fs::write(folder.join(format!("{}.svg", self.name)), &svg)?;
        let png = folder.join(format!("{}.png", self.name));
        self.draw(BitMapBackend::new(&png, size).into_drawing_area())?;
        Ok(svg)
    }

    /// Higher where many rows need it.
    fn size(&self) -> (u32, u32) {
        let height = match &self.content {
            Content::Tiles { rows, .. } => 140 + 22 * rows.len() as u32,
            Content::Pairs { quantities } => 180 * quantities.len() as u32,
            Content::Lines { .. } | Content::Dots { .. } | Content::Boxes { .. } => 0,
        };
        (SIZE.0, SIZE.1.max(height))
    }

    fn draw<B: DrawingBackend>(&self, area: DrawingArea<B, Shift>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        area.fill(&WHITE)?;
        let area = area.titled(&self.title, text(21))?;
        let (chart, legend) = area.split_horizontally(SIZE.0 - LEGEND);
        let series = match &self.content {
            Content::Lines { series, y_max, scale } => {
                let (low, high) = ends(series, |point| point.0);
                match scale {
                    Scale::Log => {
                        let xs = (low / 1.15..high * 1.15).log_scale();
                        self.lines(&chart, xs, series, *y_max)?;
                    }
                    Scale::Linear => {
                        let pad = 0.05 * (high - low).max(1e-9);
                        self.lines(&chart, low - pad..high + pad, series, *y_max)?;
                    }
                }
                series
            }
            Content::Dots { categories, series } => {
                self.by_category(&chart, categories, series, categories::dots)?;
                series
            }
            Content::Boxes { categories, series } => {
                self.by_category(&chart, categories, series, boxes::draw)?;
                series
            }
            Content::Tiles { columns, rows, values } => {
                self.tiles(&area, columns, rows, values)?;
                return Ok(area.present()?);
            }
            Content::Pairs { quantities } => {
                panels::pairs(&area, quantities)?;
                return Ok(area.present()?);
            }
        };
        draw_legend(&legend, series)?;
        Ok(area.present()?)
    }

    fn lines<B: DrawingBackend, X>(
        &self,
        area: &DrawingArea<B, Shift>,
        xs: X,
        series: &[Series],
        y_max: f64,
    ) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
        X: AsRangedCoord<Value = f64>,
        X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let mut chart =
            builder(area).build_cartesian_2d(xs, ends(series, |p| p.1).0.min(0.0)..y_max)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(&self.x).y_desc(&self.y).light_line_style(WHITE).bold_line_style(GRID);
        mesh.axis_style(INK).label_style(text(14)).axis_desc_style(text(15));
        mesh.x_label_formatter(&|value| number(*value)).y_label_formatter(&|value| number(*value));
        mesh.draw()?;
        for (i, one) in (1..).zip(series) {
            let points = || one.points.iter().copied();
            // Wider where others follow on top, so that equal curves are all seen.
            let wider = (series.len() as u32 - i).min(3);
            if one.look != Look::Points {
                let stroke = one.stroke();
                let stroke = stroke.stroke_width(stroke.stroke_width + 2 * wider);
                chart.draw_series(LineSeries::new(points(), stroke))?;
            }
            if one.look != Look::Thin {
                let dot = |point| Circle::new(point, 4 + wider as i32, one.colour().filled());
                chart.draw_series(points().map(dot))?;
            }
        }
        Ok(())
    }
}

impl Series {
    fn colour(&self) -> RGBColor {
        COLOURS[self.colour % COLOURS.len()]
    }

    fn stroke(&self) -> ShapeStyle {
        self.colour().stroke_width(if self.look == Look::Thin { 1 } else { 2 })
    }
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

fn builder<'a, 'b, B: DrawingBackend>(area: &'a DrawingArea<B, Shift>) -> ChartBuilder<'a, 'b, B> {
    let mut builder = ChartBuilder::on(area);
    builder.margin(12).x_label_area_size(48).y_label_area_size(72);
    builder
}

fn ends(series: &[Series], of: fn(&(f64, f64)) -> f64) -> (f64, f64) {
    let values = || series.iter().flat_map(|series| &series.points).map(of);
    (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max))
}

/// Beside the chart, where it hides nothing.
fn draw_legend<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    series: &[Series],
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    for (row, one) in (0..).zip(series) {
        let y = 24 + 22 * row;
        if one.look != Look::Points {
            area.draw(&PathElement::new([(0, y), (22, y)], one.stroke()))?;
        }
        if one.look != Look::Thin {
            area.draw(&Circle::new((11, y), 4, one.colour().filled()))?;
        }
        area.draw(&Text::new(one.name.clone(), (30, y - 5), text(14)))?;
    }
    Ok(())
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 10.0 || v.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 0.095 && (v * 10.0).fract().min(1.0 - (v * 10.0).fract()) < 1e-6 => {
            format!("{value:.1}")
        }
        v if v < 0.0095 => format!("{value:.1e}"),
        _ => format!("{value:.2}"),
    }
}
