use chunkfit_core::OutputSpec;

use crate::{Quantity, envelope, gaussian};

/// One operator that [`parse`](crate::parse()) understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Name, as written before the colon.
    pub name: &'static str,
    /// What it computes, in a sentence.
    pub summary: &'static str,
    /// What may be written after the colon.
    pub parameters: &'static [Parameter],
    /// The outputs, all of them.
    pub outputs: Vec<OutputSpec>,
    /// Whose definition it follows.
    pub reference: &'static str,
}

/// A parameter of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name, as written before the equals sign.
    pub name: &'static str,
    /// What is taken when it is left out.
    pub default: &'static str,
    /// Unit, empty when there is none.
    pub unit: &'static str,
    /// What it does, and what may be written.
    pub meaning: &'static str,
}

/// All operators.
///
/// ```
/// let names: Vec<_> = chunkfit_seismic::catalog().map(|operator| operator.name).to_vec();
/// assert_eq!(names, ["envelope", "gaussian", "gst"]);
/// ```
#[must_use]
pub fn catalog() -> [CatalogEntry; 3] {
    [
        CatalogEntry {
            name: "envelope",
            summary: "Envelope of each trace: absolute value of the analytic signal",
            parameters: &[],
            outputs: envelope::OUTPUTS.to_vec(),
            reference: "Taner et al. 1979; scipy.signal.hilbert, SciPy 1.17.1",
        },
        CatalogEntry {
            name: "gaussian",
            summary: "Gaussian filter along the three axes, reflecting at the faces of the volume",
            parameters: &[
                Parameter {
                    name: "sigma",
                    default: "3",
                    unit: "voxels",
                    meaning: "standard deviation; 3x3x1 for inline, crossline and sample apart",
                },
                Parameter {
                    name: "truncate",
                    default: "4",
                    unit: "standard deviations",
                    meaning: "where the kernel is cut",
                },
            ],
            outputs: gaussian::OUTPUTS.to_vec(),
            reference: "scipy.ndimage.gaussian_filter, SciPy 1.17.1",
        },
        CatalogEntry {
            name: "gst",
            summary: "Orientation of reflectors from the gradient structure tensor",
            parameters: &[
                Parameter {
                    name: "kernel",
                    default: "3",
                    unit: "voxels",
                    meaning: "odd window of the average; 3x3x9 for inline, crossline and sample apart",
                },
                Parameter {
                    name: "outputs",
                    default: "dip+azimuth+planarity",
                    unit: "",
                    meaning: "what to compute, joined by +",
                },
            ],
            outputs: Quantity::ALL.map(Quantity::output).to_vec(),
            reference: "Randen et al. 2000; van Vliet and Verbeek 1995",
        },
    ]
}
