//! Sections as PNG: crosslines on top, time or depth downwards, one panel per volume.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use anyhow::Context;
use chunkfit_core::AxisLabel;
use ndarray::{Array2, ArrayView2};

type Rgb = [u8; 3];

/// Which colours stand for values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Palette {
    /// Blue through white to red, centred at 0: amplitudes.
    Diverging,
    /// Dark to bright: quantities from 0 up.
    Sequential,
    /// The ends meet: angles.
    Cyclic,
}

impl Palette {
    fn stops(self) -> &'static [Rgb] {
        match self {
            Self::Diverging => &[
                [20, 48, 96],
                [54, 120, 184],
                [164, 204, 228],
                [248, 248, 246],
                [246, 190, 160],
                [206, 86, 74],
                [104, 8, 32],
            ],
            Self::Sequential => &[
                [16, 12, 44],
                [66, 26, 104],
                [134, 40, 110],
                [202, 66, 84],
                [242, 124, 56],
                [250, 196, 84],
                [252, 250, 200],
            ],
            Self::Cyclic => &[
                [226, 218, 226],
                [120, 160, 198],
                [84, 84, 172],
                [44, 20, 58],
                [148, 50, 84],
                [206, 148, 118],
                [226, 218, 226],
            ],
        }
    }

    /// The colour at `position` from 0 to 1; grey for not-a-number.
    fn colour(self, position: f32) -> Rgb {
        if position.is_nan() {
            return [150, 150, 150];
        }
        let stops = self.stops();
        let scaled = position.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
        let left = (scaled as usize).min(stops.len() - 2);
        let t = scaled - left as f32;
        [0, 1, 2].map(|c| {
            let (a, b) = (f32::from(stops[left][c]), f32::from(stops[left + 1][c]));
            (a + t * (b - a)).round() as u8
        })
    }
}

/// One section: what it shows, and how.
#[derive(Debug)]
pub(crate) struct Panel {
    /// Heading.
    pub(crate) title: String,
    /// Name and unit beside the colour bar.
    pub(crate) quantity: String,
    /// (crossline, sample).
    pub(crate) values: Array2<f32>,
    pub(crate) palette: Palette,
    /// Values at the ends of the colours.
    pub(crate) range: (f32, f32),
}

impl Panel {
    /// A panel whose range suits the palette: symmetric about 0 and clipped at the 98.5th percentile
    /// of the absolute values, or from 0 to that percentile.
    pub(crate) fn clipped(
        title: &str,
        quantity: &str,
        values: Array2<f32>,
        palette: Palette,
    ) -> Self {
        let mut sizes: Vec<f32> =
            values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
        sizes.sort_unstable_by(f32::total_cmp);
        let top = sizes.get(sizes.len() * 985 / 1000).copied().unwrap_or(0.0);
        let top = if top > 0.0 { top } else { 1.0 };
        let low = if palette == Palette::Diverging { -top } else { 0.0 };
        Self {
            title: title.to_owned(),
            quantity: quantity.to_owned(),
            values,
            palette,
            range: (low, top),
        }
    }
}

const INK: Rgb = [40, 44, 52];
const PAPER: Rgb = [255, 255, 255];
const WIDTH: usize = 470;
const HEIGHT: usize = 430;
const LEFT: usize = 74;
const TOP: usize = 84;
const RIGHT: usize = 108;
const BOTTOM: usize = 26;

/// Draws `panels` in rows of two, with the coordinates of the crossline and the sample axis.
///
/// # Errors
///
/// When the file cannot be written.
pub(crate) fn draw(
    path: &Path,
    panels: &[Panel],
    crosslines: &AxisLabel,
    samples: &AxisLabel,
) -> anyhow::Result<()> {
    let columns = panels.len().clamp(1, 2);
    let rows = panels.len().div_ceil(columns);
    let (cell_w, cell_h) = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM);
    let mut canvas = Canvas::new(columns * cell_w, rows * cell_h)?;
    for (i, panel) in panels.iter().enumerate() {
        let at = (i % columns * cell_w + LEFT, i / columns * cell_h + TOP);
        canvas.panel(panel, at, crosslines, samples);
    }
    canvas.save(path)
}

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    font: FontRef<'static>,
}

#[derive(Clone, Copy, PartialEq)]
enum Align {
    Left,
    Centre,
    Right,
}

impl Canvas {
    fn new(width: usize, height: usize) -> anyhow::Result<Self> {
        let font = FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT)?;
        Ok(Self { width, height, pixels: PAPER.repeat(width * height), font })
    }

    fn panel(
        &mut self,
        panel: &Panel,
        (x0, y0): (usize, usize),
        crosslines: &AxisLabel,
        samples: &AxisLabel,
    ) {
        let (low, high) = panel.range;
        self.section(panel, x0, y0);
        self.frame(x0, y0, WIDTH, HEIGHT);
        self.text(&panel.title, 21.0, x0 as f32, y0 as f32 - 60.0, Align::Left);
        self.text(&title_of(crosslines), 14.0, (x0 + WIDTH) as f32, y0 as f32 - 40.0, Align::Right);
        self.text(&title_of(samples), 14.0, x0 as f32 - 9.0, y0 as f32 - 40.0, Align::Right);
        for (position, label) in ticks(&crosslines.values) {
            let x = x0 + (position * (WIDTH - 1) as f64) as usize;
            self.fill(x, y0 - 5, 1, 5, INK);
            self.text(&label, 14.0, x as f32, y0 as f32 - 21.0, Align::Centre);
        }
        for (position, label) in ticks(&samples.values) {
            let y = y0 + (position * (HEIGHT - 1) as f64) as usize;
            self.fill(x0 - 5, y, 5, 1, INK);
            self.text(&label, 14.0, x0 as f32 - 9.0, y as f32 - 8.0, Align::Right);
        }
        let (bar_x, bar_w) = (x0 + WIDTH + 18, 14);
        for y in 0..HEIGHT {
            let colour = panel.palette.colour(1.0 - y as f32 / (HEIGHT - 1) as f32);
            self.fill(bar_x, y0 + y, bar_w, 1, colour);
        }
        self.frame(bar_x, y0, bar_w, HEIGHT);
        self.text(&panel.quantity, 14.0, bar_x as f32, y0 as f32 - 21.0, Align::Left);
        for step in 0..=4_u8 {
            let part = f32::from(step) / 4.0;
            let y = y0 as f32 + (1.0 - part) * (HEIGHT - 1) as f32;
            let label = number(f64::from(low + part * (high - low)));
            self.text(&label, 14.0, (bar_x + bar_w + 6) as f32, y - 8.0, Align::Left);
        }
    }

    /// The values, linearly interpolated where voxels are larger than pixels, as the nearest where
    /// interpolation would invent angles.
    fn section(&mut self, panel: &Panel, x0: usize, y0: usize) {
        let (low, high) = panel.range;
        let smooth = panel.palette != Palette::Cyclic;
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let value = sample(
                    panel.values.view(),
                    (x as f32 + 0.5) / WIDTH as f32,
                    (y as f32 + 0.5) / HEIGHT as f32,
                    smooth,
                );
                let colour = panel.palette.colour((value - low) / (high - low));
                self.fill(x0 + x, y0 + y, 1, 1, colour);
            }
        }
    }

    fn frame(&mut self, x: usize, y: usize, w: usize, h: usize) {
        self.fill(x - 1, y - 1, w + 2, 1, INK);
        self.fill(x - 1, y + h, w + 2, 1, INK);
        self.fill(x - 1, y - 1, 1, h + 2, INK);
        self.fill(x + w, y - 1, 1, h + 2, INK);
    }

    fn fill(&mut self, x: usize, y: usize, w: usize, h: usize, colour: Rgb) {
        for row in y..(y + h).min(self.height) {
            for column in x..(x + w).min(self.width) {
                self.pixels[3 * (row * self.width + column)..][..3].copy_from_slice(&colour);
            }
        }
    }

    fn text(&mut self, text: &str, size: f32, x: f32, y: f32, align: Align) {
        let font = self.font.clone();
        let scaled = font.as_scaled(PxScale::from(size * 1.15));
        let advance = |c: char| scaled.h_advance(scaled.glyph_id(c));
        let length: f32 = text.chars().map(advance).sum();
        let mut pen = match align {
            Align::Left => x,
            Align::Centre => x - length / 2.0,
            Align::Right => x - length,
        };
        let baseline = y + scaled.ascent();
        for c in text.chars() {
            let glyph =
                scaled.glyph_id(c).with_scale_and_position(scaled.scale(), point(pen, baseline));
            pen += advance(c);
            if let Some(outline) = font.outline_glyph(glyph) {
                let corner = outline.px_bounds().min;
                outline.draw(|gx, gy, cover| {
                    self.blend(corner.x + gx as f32, corner.y + gy as f32, cover);
                });
            }
        }
    }

    fn blend(&mut self, x: f32, y: f32, cover: f32) {
        if x < 0.0 || y < 0.0 || x as usize >= self.width || y as usize >= self.height {
            return;
        }
        let at = 3 * (y as usize * self.width + x as usize);
        // Thin strokes read better a little darker than their coverage.
        let cover = (cover * 1.35).min(1.0);
        for (pixel, ink) in self.pixels[at..at + 3].iter_mut().zip(INK) {
            *pixel = (f32::from(*pixel) * (1.0 - cover) + f32::from(ink) * cover).round() as u8;
        }
    }

    fn save(&self, path: &Path) -> anyhow::Result<()> {
        let context = || format!("cannot write {}", path.display());
        let file = BufWriter::new(File::create(path).with_context(context)?);
        let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header()?.write_image_data(&self.pixels).with_context(context)
    }
}

/// The value at a position from 0 to 1 along (crossline, sample).
fn sample(values: ArrayView2<'_, f32>, u: f32, v: f32, smooth: bool) -> f32 {
    let place = |t: f32, n: usize| {
        let at = (t * n as f32 - 0.5).clamp(0.0, (n - 1) as f32);
        let left = (at as usize).min(n.saturating_sub(2));
        (left, (left + 1).min(n - 1), at - left as f32)
    };
    let (n, m) = values.dim();
    let ((i, i1, a), (j, j1, b)) = (place(u, n), place(v, m));
    if !smooth {
        return values[[if a < 0.5 { i } else { i1 }, if b < 0.5 { j } else { j1 }]];
    }
    let low = values[[i, j]] * (1.0 - a) + values[[i1, j]] * a;
    let high = values[[i, j1]] * (1.0 - a) + values[[i1, j1]] * a;
    low * (1.0 - b) + high * b
}

fn title_of(axis: &AxisLabel) -> String {
    match &axis.unit {
        Some(unit) => format!("{} ({unit})", axis.name),
        None => axis.name.clone(),
    }
}

/// Round values along an axis and where they lie, from 0 to 1.
fn ticks(values: &[f64]) -> Vec<(f64, String)> {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else { return Vec::new() };
    let span = last - first;
    if span == 0.0 {
        return vec![(0.0, number(first))];
    }
    let rough = span.abs() / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|f| f * power).find(|s| *s >= rough);
    let step = step.unwrap_or(10.0 * power);
    let (low, high) = (first.min(last), first.max(last));
    let start = (low / step).ceil() as i64;
    let end = (high / step).floor() as i64;
    (start..=end)
        .map(|k| k as f64 * step)
        .map(|value| ((value - first) / span, number(value)))
        .collect()
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v != 0.0 && !(0.01..1e6).contains(&v) => format!("{value:.1e}"),
        v if v < 10.0 && value.fract() != 0.0 => format!("{value:.2}"),
        v if v < 100.0 && value.fract() != 0.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let label = |values: &[f64]| ticks(values).into_iter().map(|t| t.1).collect::<Vec<_>>();
        let times: Vec<f64> = (0..75).map(|k| 4.0 + 4.0 * f64::from(k)).collect();
        assert_eq!(label(&times), ["100", "200", "300"]);
        assert_eq!(label(&[7.0]), ["7"]);
        assert_eq!(ticks(&[5.0, 4.0, 3.0, 2.0, 1.0])[0], (1.0, "1".to_owned()));
        assert!(ticks(&[]).is_empty());
    }

    #[test]
    fn a_section_is_not_turned() {
        let values = Array2::from_shape_fn((5, 7), |(x, s)| (10 * x + s) as f32);
        assert_eq!(sample(values.view(), 0.0, 0.999, false), 6.0);
        assert_eq!(sample(values.view(), 0.999, 0.0, false), 40.0);
        assert_eq!(sample(values.view(), 0.999, 0.999, true), 46.0);
        let one = Array2::from_elem((1, 1), 3.0);
        assert_eq!(sample(one.view(), 0.7, 0.2, true), 3.0);
    }

    #[test]
    fn palettes_end_where_they_should() {
        assert_eq!(Palette::Cyclic.colour(0.0), Palette::Cyclic.colour(1.0));
        assert_eq!(Palette::Diverging.colour(0.5), [248, 248, 246]);
        assert_eq!(Palette::Sequential.colour(7.0), Palette::Sequential.colour(1.0));
    }
}
