use crate::turn::Turn;

/// The type of an element: `f32` or `f64`.
pub trait Sample: Copy + Default + Into<f64> + Send + Sync + Turn {
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;
}

impl Sample for f32 {
    fn from_f64(value: f64) -> Self {
        value as Self
    }
}

impl Sample for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }
}
