/// Why a model could not be fitted or asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Fewer rows than the model can learn from.
    #[error("{model} needs at least {needed} rows, got {got}; profile more blocks")]
    TooFewRows {
        /// The model.
        model: &'static str,
        /// Rows that it needs.
        needed: usize,
        /// Rows that were given.
        got: usize,
    },
    /// A row has another number of features than the names, or than the rows of the fit.
    #[error("row {row} has {got} features, expected {expected}; use the feature map of the fit")]
    WrongWidth {
        /// The row, from 0.
        row: usize,
        /// Features expected.
        expected: usize,
        /// Features given.
        got: usize,
    },
    /// As many targets as rows are needed.
    #[error("{rows} rows have {targets} targets; give one target per row")]
    TargetCount {
        /// Rows.
        rows: usize,
        /// Targets.
        targets: usize,
    },
    /// NaN or infinite.
    #[error("{column} of row {row} is {value}; remove the row or correct the reading")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The feature, or `target`.
        column: String,
        /// The value, as text, since NaN equals nothing.
        value: String,
    },
    /// A feature that never varies cannot be told from the intercept.
    #[error("{column} is {value} in every row; drop it, or keep constant columns explicitly")]
    Constant {
        /// The feature.
        column: String,
        /// Its value.
        value: f64,
    },
    /// A hyper-parameter is outside its range.
    #[error("{name} of {model} is {value}; {rule}")]
    Parameter {
        /// The model.
        model: &'static str,
        /// The hyper-parameter.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        rule: &'static str,
    },
    /// The numerics gave up.
    #[error("{model} has no solution for these rows: {reason}")]
    Numerical {
        /// The model.
        model: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// Observations that no single model describes.
    #[error("observations mix {what}: {first} and {second}; fit one model per {what}")]
    Mixed {
        /// What differs.
        what: &'static str,
        /// One value.
        first: String,
        /// Another.
        second: String,
    },
    /// Neither a declared ledger nor enough readings.
    #[error(
        "{volumes} distinct volumes were measured and no ledger is declared; profile at least 2 \
         blocks of different size"
    )]
    NothingToFit {
        /// Distinct volumes among the usable readings.
        volumes: usize,
    },
}
