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
    /// A standard deviation leaves nothing of the derivative of a Gaussian.
    #[error("sigma is {sigma} along the {axis} axis; give at least {smallest} for a derivative")]
    SmallSigma {
        /// The axis.
        axis: Axis,
        /// The value.
        sigma: f64,
        /// The smallest standard deviation.
        smallest: f64,
    },
    /// A window has no centre, or is larger than any volume.
    #[error(
        "{parameter} is {window} along the {axis} axis; give an odd number from 1 to {largest}"
    )]
    Window {
        /// Name of the parameter.
        parameter: &'static str,
        /// The axis.
        axis: Axis,
        /// The value.
        window: usize,
        /// The largest window.
        largest: usize,
    },
    /// A window holds too many voxels.
    #[error("the window holds {voxels} voxels, more than the {largest} that are allowed; lower it")]
    WindowVoxels {
        /// Voxels of the window.
        voxels: usize,
        /// The most that are allowed.
        largest: usize,
    },
    /// A number is out of range.
    #[error("{parameter} is {value}; give {expected}")]
    Number {
        /// Name of the parameter.
        parameter: &'static str,
        /// The value.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// No output is asked for.
    #[error("no output is asked for; give one or more")]
    NoOutput,
    /// An output is asked for twice.
    #[error("output {name} is asked for twice; name it once")]
    RepeatedOutput {
        /// Its name.
        name: &'static str,
    },
}
