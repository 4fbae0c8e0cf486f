//! The operator that a command names.

use chunkfit_core::{Axis, Operator, Source};

/// The operator `text` names, for the volume in `source`: where the text says nothing about the sample
/// interval, that of the volume is taken.
pub(crate) fn operator_for(text: &str, source: &dyn Source) -> anyhow::Result<Box<dyn Operator>> {
    Ok(chunkfit_seismic::parse_for(text, dt_ms(source))?)
}

/// Milliseconds from sample to sample, when the sample axis is one of time.
fn dt_ms(source: &dyn Source) -> Option<f64> {
    let axis = &source.axes()[Axis::Sample.index()];
    match (axis.unit.as_deref(), &axis.values[..]) {
        (Some("ms"), [first, second, ..]) if second > first => Some(second - first),
        _ => None,
    }
}
