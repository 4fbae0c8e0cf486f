/// Why an array cannot be filtered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The array has no such axis.
    #[error("axis {axis} of an array with {n_axes} axes; give one from 0 to {}", n_axes.saturating_sub(1))]
    Axis {
        /// The axis asked for.
        axis: usize,
        /// Axes of the array.
        n_axes: usize,
    },
    /// There is not one parameter per axis.
    #[error("{got} values for {n_axes} axes; give one value per axis")]
    PerAxis {
        /// Values given.
        got: usize,
        /// Axes of the array.
        n_axes: usize,
    },
    /// A kernel has no weight, or more than any axis has elements.
    #[error("{got} weights along axis {axis}; give 1 to {largest}")]
    Weights {
        /// The axis.
        axis: usize,
        /// Weights given.
        got: usize,
        /// The most that are allowed.
        largest: usize,
    },
    /// A standard deviation is negative or not finite, or its kernel has too many weights.
    #[error(
        "sigma is {sigma} along axis {axis}, cut at {truncate} standard deviations; give 0 or more, and a kernel of at most {largest} weights"
    )]
    Sigma {
        /// The axis.
        axis: usize,
        /// Standard deviation in elements.
        sigma: f64,
        /// Where the kernel is cut, in standard deviations.
        truncate: f64,
        /// The most weights that are allowed.
        largest: usize,
    },
    /// A standard deviation leaves nothing of the derivative of a Gaussian.
    #[error("sigma is {sigma} along axis {axis}; give at least {smallest} for a derivative")]
    SmallSigma {
        /// The axis.
        axis: usize,
        /// Standard deviation in elements.
        sigma: f64,
        /// The smallest that is allowed.
        smallest: f64,
    },
}
