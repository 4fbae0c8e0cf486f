use chunkfit_core::Shape;
use serde::{Deserialize, Serialize};

use super::Unit;
use crate::linalg::variance;

/// A feature of the thesis: n1, n2, n3 are inlines, crosslines and samples of the block, V their
/// product, S their sum and D the diagonal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names and formulas are in `name` and `eval`")]
pub enum Thesis {
    Inlines,
    Crosslines,
    Samples,
    Volume,
    InlinesCrosslines,
    InlinesSamples,
    CrosslinesSamples,
    Diagonal,
    Surface,
    LogInlines,
    LogCrosslines,
    LogSamples,
    LogVolume,
    InlinesPerCrossline,
    InlinesPerSample,
    CrosslinesPerSample,
    InlineShare,
    CrosslineShare,
    SampleShare,
    MeanLateral,
    /// One number for all rows: [`spread_of_lateral_extents`].
    LateralSpread(f64),
    SquaredVolume,
    LogVolumeLogDiagonal,
}

/// The population standard deviation over inlines and crosslines of all blocks together; 0 for none.
///
/// The thesis uses it as a feature of every row, though it is the same in each: 111.175 for its data.
#[must_use]
pub fn spread_of_lateral_extents(all: &[Shape]) -> f64 {
    if all.is_empty() {
        return 0.0;
    }
    let lateral = all.iter().flat_map(|shape| shape.extents().into_iter().take(2));
    variance(lateral.map(|n| n as f64)).sqrt()
}

impl Thesis {
    /// All 23, in the order of the thesis.
    #[must_use]
    pub const fn all(spread: f64) -> [Self; 23] {
        [
            Self::Inlines,
            Self::Crosslines,
            Self::Samples,
            Self::Volume,
            Self::InlinesCrosslines,
            Self::InlinesSamples,
            Self::CrosslinesSamples,
            Self::Diagonal,
            Self::Surface,
            Self::LogInlines,
            Self::LogCrosslines,
            Self::LogSamples,
            Self::LogVolume,
            Self::InlinesPerCrossline,
            Self::InlinesPerSample,
            Self::CrosslinesPerSample,
            Self::InlineShare,
            Self::CrosslineShare,
            Self::SampleShare,
            Self::MeanLateral,
            Self::LateralSpread(spread),
            Self::SquaredVolume,
            Self::LogVolumeLogDiagonal,
        ]
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Inlines => "inlines",
            Self::Crosslines => "xlines",
            Self::Samples => "samples",
            Self::Volume => "volume",
            Self::InlinesCrosslines => "inlines_x_xlines",
            Self::InlinesSamples => "inlines_x_samples",
            Self::CrosslinesSamples => "xlines_x_samples",
            Self::Diagonal => "diagonal",
            Self::Surface => "surface",
            Self::LogInlines => "log2_inlines",
            Self::LogCrosslines => "log2_xlines",
            Self::LogSamples => "log2_samples",
            Self::LogVolume => "log2_volume",
            Self::InlinesPerCrossline => "inlines_per_xline",
            Self::InlinesPerSample => "inlines_per_sample",
            Self::CrosslinesPerSample => "xlines_per_sample",
            Self::InlineShare => "inline_share",
            Self::CrosslineShare => "xline_share",
            Self::SampleShare => "sample_share",
            Self::MeanLateral => "mean_inlines_xlines",
            Self::LateralSpread(_) => "std_inlines_xlines",
            Self::SquaredVolume => "volume_squared",
            Self::LogVolumeLogDiagonal => "log2_volume_x_log_diagonal",
        }
    }

    /// What it counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        match self {
            Self::Inlines
            | Self::Crosslines
            | Self::Samples
            | Self::Diagonal
            | Self::MeanLateral
            | Self::LateralSpread(_) => Unit::Elements,
            Self::InlinesCrosslines
            | Self::InlinesSamples
            | Self::CrosslinesSamples
            | Self::Surface => Unit::FaceElements,
            Self::Volume => Unit::Voxels,
            Self::SquaredVolume => Unit::SquaredVoxels,
            Self::LogInlines
            | Self::LogCrosslines
            | Self::LogSamples
            | Self::LogVolume
            | Self::LogVolumeLogDiagonal => Unit::Logarithm,
            Self::InlinesPerCrossline
            | Self::InlinesPerSample
            | Self::CrosslinesPerSample
            | Self::InlineShare
            | Self::CrosslineShare
            | Self::SampleShare => Unit::Ratio,
        }
    }

    /// Its value for a block.
    #[must_use]
    pub fn eval(&self, block: Shape) -> f64 {
        let [n1, n2, n3] = block.extents().map(|n| n as f64);
        let volume = n1 * n2 * n3;
        let sum = n1 + n2 + n3;
        let diagonal = (n1 * n1 + n2 * n2 + n3 * n3).sqrt();
        match *self {
            Self::Inlines => n1,
            Self::Crosslines => n2,
            Self::Samples => n3,
            Self::Volume => volume,
            Self::InlinesCrosslines => n1 * n2,
            Self::InlinesSamples => n1 * n3,
            Self::CrosslinesSamples => n2 * n3,
            Self::Diagonal => diagonal,
            Self::Surface => 2.0 * (n1 * n2 + n1 * n3 + n2 * n3),
            Self::LogInlines => n1.log2(),
            Self::LogCrosslines => n2.log2(),
            Self::LogSamples => n3.log2(),
            Self::LogVolume => volume.log2(),
            Self::InlinesPerCrossline => n1 / n2,
            Self::InlinesPerSample => n1 / n3,
            Self::CrosslinesPerSample => n2 / n3,
            Self::InlineShare => n1 / sum,
            Self::CrosslineShare => n2 / sum,
            Self::SampleShare => n3 / sum,
            Self::MeanLateral => f64::midpoint(n1, n2),
            Self::LateralSpread(spread) => spread,
            Self::SquaredVolume => volume * volume,
            Self::LogVolumeLogDiagonal => volume.log2() * diagonal.ln_1p(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_on_one_block() {
        let block = Shape::new([2, 4, 8]).unwrap();
        let spread = spread_of_lateral_extents(&[block, Shape::new([6, 4, 1]).unwrap()]);
        assert!((spread - 2_f64.sqrt()).abs() < 1e-15);
        let row: Vec<f64> = Thesis::all(spread).iter().map(|f| f.eval(block)).collect();
        let d = 84_f64.sqrt();
        let want = [
            2.,
            4.,
            8.,
            64.,
            8.,
            16.,
            32.,
            d,
            112.,
            1.,
            2.,
            3.,
            6.,
            0.5,
            0.25,
            0.5,
            2. / 14.,
            4. / 14.,
            8. / 14.,
            3.,
            spread,
            4096.,
            6. * (1. + d).ln(),
        ];
        for (i, (got, want)) in row.iter().zip(want).enumerate() {
            assert!((got - want).abs() < 1e-13, "feature {i}: {got} {want}");
        }
    }
}
