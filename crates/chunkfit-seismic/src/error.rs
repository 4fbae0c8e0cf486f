use chunkfit_core::Axis;

/// Why numbers do not make an operator.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// A standard deviation is negative or not finite.
    #[error("sigma is {sigma} along the {axis} axis; give 0 or more voxels")]
    Sigma {
        /// The axis.
        axis: Axis,
        /// The value.
        sigma: f64,
    },
    /// The place where the kernel is cut is not a positive number.
    #[error("truncate is {truncate}; give a positive number of standard deviations")]
    Truncate {
        /// The value.
        truncate: f64,
    },
    /// A Gaussian kernel is larger than any volume.
    #[error(
        "sigma={sigma} and truncate={truncate} reach {radius} voxels along the {axis} axis, more \
         than the {largest} that are allowed; lower sigma or truncate"
    )]
    Radius {
        /// The axis.
        axis: Axis,
        /// Standard deviation in voxels.
        sigma: f64,
        /// Where the kernel is cut, in standard deviations.
        truncate: f64,
        /// Voxels on each side of the centre.
        radius: f64,
        /// The largest radius.
        largest: usize,
    },
    /// A window has no centre, or is larger than any volume.
    #[error("kernel is {kernel} along the {axis} axis; give an odd number from 1 to {largest}")]
    Kernel {
        /// The axis.
        axis: Axis,
        /// The value.
        kernel: usize,
        /// The largest window.
        largest: usize,
    },
    /// No output is asked for.
    #[error("no output is asked for; give one or more of dip, azimuth and planarity")]
    NoOutput,
    /// An output is asked for twice.
    #[error("output {name} is asked for twice; name it once")]
    RepeatedOutput {
        /// Its name.
        name: &'static str,
    },
}
