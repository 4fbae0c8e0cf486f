use chunkfit_core::OutputSpec;

use crate::complex_trace::recipes as complex_trace;
use crate::parse::{ParseError, Values};
use crate::reference::Verifiable;
use crate::{
    derivative, eigen_attributes, envelope, gaussian, gradient_dips, gradient_magnitude, gst,
};
use crate::{gst_slopes, mean, median, reflection_intensity, rescale, rms, semblance, time_gain};

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

/// How an operator is described, and made from the parameters in a line of text.
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) outputs: fn() -> Vec<OutputSpec>,
    pub(crate) reference: &'static str,
    pub(crate) build: fn(&Values<'_>) -> Result<Box<dyn Verifiable>, ParseError>,
}

/// In the order in which they are listed to people.
pub(crate) const RECIPES: &[Recipe] = &[
    envelope::RECIPE,
    gaussian::RECIPE,
    gst::RECIPE,
    complex_trace::SEVERAL,
    complex_trace::QUADRATURE,
    complex_trace::PHASE,
    complex_trace::COSINE_PHASE,
    complex_trace::FREQUENCY,
    complex_trace::RELATIVE_AMPLITUDE_CHANGE,
    complex_trace::BANDWIDTH,
    complex_trace::DOMINANT_FREQUENCY,
    complex_trace::SWEETNESS,
    complex_trace::AMPLITUDE_ACCELERATION,
    complex_trace::FREQUENCY_CHANGE,
    complex_trace::QUALITY_FACTOR,
    complex_trace::PHASE_ROTATION,
    derivative::FIRST_RECIPE,
    derivative::SECOND_RECIPE,
    rms::RECIPE,
    mean::RECIPE,
    median::RECIPE,
    gradient_magnitude::RECIPE,
    gst_slopes::RECIPE,
    semblance::RECIPE,
    eigen_attributes::RECIPE,
    reflection_intensity::RECIPE,
    gradient_dips::RECIPE,
    time_gain::RECIPE,
    rescale::RECIPE,
];

/// All operators.
///
/// ```
/// let operators = chunkfit_seismic::catalog();
/// assert!(operators.iter().any(|operator| operator.name == "envelope"));
/// ```
#[must_use]
pub fn catalog() -> Vec<CatalogEntry> {
    let entry = |recipe: &Recipe| CatalogEntry {
        name: recipe.name,
        summary: recipe.summary,
        parameters: recipe.parameters,
        outputs: (recipe.outputs)(),
        reference: recipe.reference,
    };
    RECIPES.iter().map(entry).collect()
}
