//! Tables of shades and of small charts.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::categories::Categories;
use super::{COLOURS, Figure, GRID, INK, builder, number, text};

/// More columns than these are too narrow for numbers.
const WRITTEN: usize = 30;
/// Bars of a diagonal.
const BARS: usize = 12;

impl Figure {
    pub(super) fn tiles<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        columns: &[String],
        rows: &[String],
        values: &[Vec<f64>],
    ) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let (xs, ys) = (Categories { n: columns.len() }, Categories { n: rows.len() });
        let mut chart = builder(area).y_label_area_size(200).build_cartesian_2d(xs, ys)?;
        let name = |names: &[String], at: &f64| {
            names.get(at.round() as usize).cloned().unwrap_or_default()
        };
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(&self.x).y_desc(&self.y).disable_mesh();
        mesh.axis_style(INK).label_style(text(14)).axis_desc_style(text(15));
        mesh.x_labels(columns.len().max(1)).y_labels(rows.len().max(1));
        let (below, beside) = (|at: &f64| name(columns, at), |at: &f64| name(rows, at));
        mesh.x_label_formatter(&below).y_label_formatter(&beside);
        mesh.draw()?;
        let all = || values.iter().flatten().copied().filter(|v| v.is_finite());
        let (low, high) = (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max));
        // Where there are both signs, 0 is the palest.
        let (low, high) = if low < 0.0 { (0.0, high.max(-low)) } else { (low, high) };
        let centred = text(12).pos(Pos::new(HPos::Center, VPos::Center));
        for (y, row) in values.iter().enumerate() {
            for (x, value) in row.iter().enumerate().filter(|(_, v)| v.is_finite()) {
                let (x, y) = (x as f64, y as f64);
                let share = (value.abs() - low) / (high - low).max(f64::MIN_POSITIVE);
                let corners = [(x - 0.48, y - 0.48), (x + 0.48, y + 0.48)];
                let colour = COLOURS[usize::from(*value < 0.0)];
                let shade = colour.mix(0.08 + 0.72 * share).filled();
                chart.draw_series([Rectangle::new(corners, shade)])?;
                if columns.len() <= WRITTEN {
                    chart.draw_series([Text::new(number(*value), (x, y), centred.clone())])?;
                }
            }
        }
        Ok(())
    }
}

/// Row by column, one panel each; the diagonal counts.
pub(super) fn pairs<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    quantities: &[(String, Vec<f64>)],
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let n = quantities.len();
    for (at, panel) in area.split_evenly((n, n)).iter().enumerate() {
        let ((y_name, y), (x_name, x)) = (&quantities[at / n], &quantities[at % n]);
        let bars = if at / n == at % n { Some(histogram(x)) } else { None };
        let (left, right) = padded(x);
        let (below, above) = match &bars {
            Some(bars) => (0.0, 1.1 * bars.iter().map(|bar| bar.2).fold(1.0, f64::max)),
            None => padded(y),
        };
        let mut builder = ChartBuilder::on(panel);
        builder.margin(5).x_label_area_size(34).y_label_area_size(48);
        let mut chart = builder.build_cartesian_2d(left..right, below..above)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(x_name).y_desc(if bars.is_some() { "shapes" } else { y_name });
        mesh.light_line_style(WHITE).bold_line_style(GRID).axis_style(INK);
        mesh.label_style(text(11)).axis_desc_style(text(12)).x_labels(5).y_labels(5);
        let (along, up) = (decimals(right - left), decimals(above - below));
        let (along, up) = (|v: &f64| format!("{v:.along$}"), |v: &f64| format!("{v:.up$}"));
        mesh.x_label_formatter(&along).y_label_formatter(&up);
        mesh.draw()?;
        if let Some(bars) = bars {
            let bar = |(from, to, count)| {
                Rectangle::new([(from, 0.0), (to, count)], COLOURS[0].mix(0.6).filled())
            };
            chart.draw_series(bars.into_iter().map(bar))?;
        } else {
            let dot = |(x, y): (&f64, &f64)| Circle::new((*x, *y), 3, COLOURS[0].mix(0.6).filled());
            chart.draw_series(x.iter().zip(y).map(dot))?;
        }
    }
    Ok(())
}

fn padded(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::MAX, f64::min);
    let high = values.iter().copied().fold(f64::MIN, f64::max);
    let pad = 0.08 * (high - low).max(1e-9);
    (low - pad, high + pad)
}

/// So many that the labels of an axis of this range differ.
fn decimals(range: f64) -> usize {
    (1.0 - range.log10().floor()).clamp(0.0, 6.0) as usize
}

/// Ends and counts of equal bars.
fn histogram(values: &[f64]) -> Vec<(f64, f64, f64)> {
    let (low, high) = padded(values);
    let width = (high - low) / BARS as f64;
    let mut bars: Vec<(f64, f64, f64)> =
        (0..BARS).map(|i| (low + width * i as f64, low + width * (i + 1) as f64, 0.0)).collect();
    for value in values {
        bars[(((value - low) / width) as usize).min(BARS - 1)].2 += 1.0;
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_an_axis_differ() {
        for (range, want) in [(1234.0, 0), (12.0, 0), (3.0, 1), (0.0013, 4), (1e-12, 6)] {
            assert_eq!(decimals(range), want, "{range}");
        }
    }

    #[test]
    fn a_histogram_counts_every_value_once() {
        for values in [vec![3.0], vec![5.0; 4], (0..100).map(f64::from).collect()] {
            let bars = histogram(&values);
            let counted: f64 = bars.iter().map(|bar| bar.2).sum();
            assert_eq!(counted, values.len() as f64);
            for (low, high, count) in bars {
                let inside = values.iter().filter(|v| low <= **v && **v < high).count();
                assert!((count - inside as f64).abs() <= 1.0, "{low} {high}");
            }
        }
    }
}
