//! From a scene to pixels or shapes.

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::scene::{Point, Role, Scene};
use super::strain::Strain;

/// The name under which the built-in font is registered; SVG viewers take their own for it.
pub(super) const FONT: &str = "sans-serif";

const INK: RGBColor = RGBColor(30, 41, 54);
const FAINT: RGBColor = RGBColor(84, 97, 111);
const GRID: RGBColor = RGBColor(228, 233, 238);
const ANONYMOUS: RGBColor = RGBColor(44, 108, 178);
const SHARED: RGBColor = RGBColor(150, 196, 228);
const GROUP: RGBColor = RGBColor(221, 126, 30);
const SPREAD: RGBColor = RGBColor(214, 221, 229);
const DANGER: RGBColor = RGBColor(190, 36, 48);
/// Told apart also by those who see few colours.
const RUNS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(90, 80, 160),
    RGBColor(120, 120, 120),
];

/// More lines than this get no legend entry of their own.
const MOST_ENTRIES: usize = 18;
const LEGEND_WIDTH: i32 = 240;
/// Below the axis, for the strip.
const STRIP_HEIGHT: i32 = 46;

/// Draws the scene on an empty area that is `zoom` times as large as the picture.
pub(super) fn draw<B: DrawingBackend>(
    scene: &Scene,
    area: &DrawingArea<B, Shift>,
    zoom: u32,
) -> anyhow::Result<()> {
    let canvas = Canvas { area, zoom: zoom as i32 };
    canvas.paint(scene).map_err(|error| anyhow!("{error}"))
}

/// Where and how large to draw. Positions are in pixels of the area, sizes in pixels of the picture.
struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    zoom: i32,
}

type Painted<B, T = ()> = Result<T, DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

impl<B: DrawingBackend> Canvas<'_, B> {
    fn paint(&self, scene: &Scene) -> Painted<B> {
        let px = |n: i32| n * self.zoom;
        self.area.fill(&WHITE)?;
        let (width, height) = self.area.dim_in_pixel();
        let (width, height) = (width as i32, height as i32);
        self.text(&scene.title, (px(24), px(26)), 21, &INK, HPos::Left)?;
        self.text(&scene.subtitle, (px(24), px(50)), 14, &FAINT, HPos::Left)?;

        let many = scene.layers.is_empty();
        let legend = if many { px(LEGEND_WIDTH) } else { 0 };
        let strip = if scene.strain.is_some() { px(STRIP_HEIGHT) } else { 0 };
        let (bytes, byte_name) = byte_unit(scene.top);
        let (s, s_name) = time_unit(scene.end_s);
        let mut chart = ChartBuilder::on(self.area)
            .margin_top(px(if many { 68 } else { 94 }))
            .margin_right(px(28) + legend)
            .margin_left(px(10))
            .margin_bottom(px(8) + strip)
            .x_label_area_size(px(44))
            .y_label_area_size(px(72))
            .build_cartesian_2d(0.0..scene.end_s / s, 0.0..scene.top / bytes)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(self.zoom as u32))
            .axis_style(FAINT.stroke_width(self.zoom as u32))
            .set_all_tick_mark_size(px(5))
            .x_labels((width / px(130)).max(2) as usize)
            .y_labels((height / px(75)).max(2) as usize)
            .x_label_formatter(&|value| number(*value))
            .y_label_formatter(&|value| number(*value))
            .x_desc(format!("time ({s_name})"))
            .y_desc(format!("memory ({byte_name})"))
            .label_style((FONT, px(14)).into_font().color(&FAINT))
            .axis_desc_style((FONT, px(15)).into_font().color(&INK))
            .draw()?;

        let place = |point: &Point| (point.0 / s, point.1 / bytes);
        for (at, layer) in scene.layers.iter().enumerate() {
            let color = layer_color(scene, at);
            let edge = layer.edge.iter().map(place);
            chart.draw_series(AreaSeries::new(edge, 0.0, color.filled()).border_style(color))?;
        }
        let edge = |high: bool| {
            let point = move |&(at, low, top): &(f64, f64, f64)| (at, if high { top } else { low });
            scene.band.iter().map(point).map(|point| place(&point))
        };
        if !scene.band.is_empty() {
            let around: Vec<_> = edge(true).chain(edge(false).rev()).collect();
            chart.draw_series([Polygon::new(around, SPREAD.filled())])?;
        }
        for line in &scene.lines {
            let (points, style) = (line.points.iter().map(place), self.line_style(line.role));
            if line.role == Role::Mark {
                chart.draw_series(DashedLineSeries::new(points, px(6), px(4), style))?;
            } else {
                chart.draw_series(LineSeries::new(points, style))?;
            }
        }
        if let Some(limit) = scene.limit {
            let ends = [(0.0, limit / bytes), (scene.end_s / s, limit / bytes)];
            chart.draw_series(DashedLineSeries::new(
                ends,
                px(9),
                px(5),
                self.stroke(&DANGER, 2),
            ))?;
            let (x, y) = chart.backend_coord(&ends[0]);
            let label = format!("limit {}", traceq::Unit::Auto.show(limit as u64));
            self.text(&label, (x + px(8), y - px(11)), 14, &DANGER, HPos::Left)?;
        }
        for (at, peak) in scene.peaks.iter().enumerate() {
            let (x, y) = chart.backend_coord(&place(&peak.at));
            let color = if many { run_color(at) } else { INK };
            self.area.draw(&Circle::new((x, y), px(5), WHITE.filled()))?;
            self.area.draw(&Circle::new((x, y), px(5), self.stroke(&color, 2)))?;
            if !peak.label.is_empty() {
                let to_the_left = f64::from(x) > 0.6 * f64::from(width);
                let side = if to_the_left { HPos::Right } else { HPos::Left };
                let x = if to_the_left { x - px(11) } else { x + px(11) };
                self.plate(&peak.label, (x, y - px(16)), side)?;
            }
        }
        if let Some(killed) = scene.killed_s {
            let (x, bottom) = chart.backend_coord(&(killed / s, 0.0));
            let (_, top) = chart.backend_coord(&(killed / s, scene.top / bytes));
            let line = PathElement::new([(x, top), (x, bottom)], self.stroke(&DANGER, 2));
            self.area.draw(&line)?;
            let at = (x - px(8), top + px(12));
            self.text("killed for memory", at, 14, &DANGER, HPos::Right)?;
        }
        if let Some(strain) = &scene.strain {
            let across = |at: f64| chart.backend_coord(&(at / s, 0.0)).0;
            self.strip(strain, across, (across(0.0), across(scene.end_s)), height - strip)?;
        }
        if many {
            self.legend_column(scene, width - legend)?
        } else {
            self.legend_row(scene)?
        }
        self.area.present()
    }

    /// A bar along the time axis: the darker, the more of that time was lost.
    fn strip(
        &self,
        strain: &Strain,
        across: impl Fn(f64) -> i32,
        (left, right): (i32, i32),
        top: i32,
    ) -> Painted<B> {
        let px = |n: i32| n * self.zoom;
        let (upper, lower) = (top + px(4), top + px(18));
        let bar = [(left, upper), (right, lower)];
        self.area.draw(&Rectangle::new(bar, GRID.mix(0.6).filled()))?;
        for (from, to, share) in strain.spans.iter().filter(|span| span.2 > 0.0) {
            // What is seldom must still be seen.
            let ink = DANGER.mix(0.15 + 0.85 * share);
            let corners = [(across(*from), upper), (across(*to).max(across(*from) + 1), lower)];
            self.area.draw(&Rectangle::new(corners, ink.filled()))?;
        }
        let label = match strain.worst() {
            0.0 => format!("{}: none", strain.label),
            worst => format!("{}: up to {:.0} %", strain.label, (100.0 * worst).max(1.0)),
        };
        self.text(&label, (left, top + px(30)), 13, &FAINT, HPos::Left)
    }

    /// Swatches side by side, below the subtitle.
    fn legend_row(&self, scene: &Scene) -> Painted<B> {
        let px = |n: i32| n * self.zoom;
        let (mut x, y) = (px(24), px(76));
        for (at, layer) in scene.layers.iter().enumerate().rev() {
            let corners = [(x, y - px(6)), (x + px(14), y + px(6))];
            self.area.draw(&Rectangle::new(corners, layer_color(scene, at).filled()))?;
            x = self.entry(layer.label, (x + px(20), y))?;
        }
        for line in &scene.lines {
            self.swatch(line.role, (x, y))?;
            x = self.entry(&line.label, (x + px(28), y))?;
        }
        Ok(())
    }

    /// One below the other, to the right of the picture.
    fn legend_column(&self, scene: &Scene, x: i32) -> Painted<B> {
        let px = |n: i32| n * self.zoom;
        let mut y = px(84);
        for line in scene.lines.iter().take(MOST_ENTRIES) {
            self.swatch(line.role, (x, y))?;
            self.entry(&line.label, (x + px(28), y))?;
            y += px(24);
        }
        if scene.lines.len() > MOST_ENTRIES {
            let more = format!("and {} more", scene.lines.len() - MOST_ENTRIES);
            self.entry(&more, (x + px(28), y))?;
            y += px(24);
        }
        if !scene.band.is_empty() {
            let corners = [(x, y - px(6)), (x + px(22), y + px(6))];
            self.area.draw(&Rectangle::new(corners, SPREAD.filled()))?;
            self.entry("lowest to highest", (x + px(28), y))?;
        }
        Ok(())
    }

    fn swatch(&self, role: Role, (x, y): (i32, i32)) -> Painted<B> {
        let dashes: &[(i32, i32)] =
            if role == Role::Mark { &[(0, 6), (9, 15), (18, 22)] } else { &[(0, 22)] };
        for (from, to) in dashes {
            let ends = [(x + from * self.zoom, y), (x + to * self.zoom, y)];
            self.area.draw(&PathElement::new(ends, self.line_style(role)))?;
        }
        Ok(())
    }

    /// A legend entry; returns where the next one begins.
    fn entry(&self, label: &str, at: (i32, i32)) -> Painted<B, i32> {
        self.text(label, at, 14, &INK, HPos::Left)?;
        Ok(at.0 + self.width(label)? + 28 * self.zoom)
    }

    /// Text on a light ground, so that it can be read over the picture.
    fn plate(&self, label: &str, (x, y): (i32, i32), side: HPos) -> Painted<B> {
        let width = self.width(label)?;
        let left = if matches!(side, HPos::Right) { x - width } else { x };
        let (rim, half) = (5 * self.zoom, 11 * self.zoom);
        let corners = [(left - rim, y - half), (left + width + rim, y + half)];
        self.area.draw(&Rectangle::new(corners, WHITE.mix(0.86).filled()))?;
        self.text(label, (left, y), 14, &INK, HPos::Left)
    }

    /// Of small text.
    fn width(&self, text: &str) -> Painted<B, i32> {
        let style = (FONT, 14 * self.zoom).into_text_style(self.area);
        Ok(self.area.estimate_text_size(text, &style)?.0 as i32)
    }

    fn text(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        color: &RGBColor,
        side: HPos,
    ) -> Painted<B> {
        let font = (FONT, size * self.zoom).into_font().color(color);
        self.area.draw(&Text::new(text, at, font.pos(Pos::new(side, VPos::Center))))
    }

    fn stroke(&self, color: &RGBColor, width: i32) -> ShapeStyle {
        color.stroke_width((width * self.zoom) as u32)
    }

    fn line_style(&self, role: Role) -> ShapeStyle {
        match role {
            Role::Group => self.stroke(&GROUP, 2),
            Role::Mark => self.stroke(&GROUP, 1),
            Role::Run(at) => self.stroke(&run_color(at), 2),
        }
    }
}

fn layer_color(scene: &Scene, at: usize) -> RGBColor {
    if at + 1 == scene.layers.len() { ANONYMOUS } else { SHARED }
}

fn run_color(at: usize) -> RGBColor {
    RUNS[at % RUNS.len()]
}

/// The unit of the axis, so that its numbers are above 1.
fn byte_unit(top: f64) -> (f64, &'static str) {
    match top {
        t if t >= 2.0 * f64::from(1 << 30) => (f64::from(1 << 30), "GiB"),
        t if t >= 2.0 * f64::from(1 << 20) => (f64::from(1 << 20), "MiB"),
        t if t >= 2048.0 => (1024.0, "KiB"),
        _ => (1.0, "B"),
    }
}

fn time_unit(end_s: f64) -> (f64, &'static str) {
    match end_s {
        t if t >= 7200.0 => (3600.0, "h"),
        t if t >= 300.0 => (60.0, "min"),
        t if t >= 1.0 => (1.0, "s"),
        _ => (1e-3, "ms"),
    }
}

/// As many digits as a tick needs.
fn number(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    format!("{rounded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_units_that_leave_numbers_above_1() {
        assert_eq!(byte_unit(90e6), (1_048_576.0, "MiB"));
        assert_eq!(byte_unit(3e9).1, "GiB");
        assert_eq!((time_unit(0.2).1, time_unit(20.0).1, time_unit(900.0).1), ("ms", "s", "min"));
        assert_eq!((number(0.1 + 0.2), number(40.0)), ("0.3".to_owned(), "40".to_owned()));
    }
}
