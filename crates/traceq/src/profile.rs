//! A timeline in memory: what a `.prof` file holds.

use std::collections::HashMap;
use std::time::Duration;

/// Resident set by the kernel's files; the original's `kernel` backend.
pub const KERNEL: &str = "kernel_memory_usage";
/// Resident set through a library; the original's `psutil` backend.
pub const PSUTIL: &str = "psutil_memory_usage";
/// `ru_maxrss`, a mark; the original's `resource` backend.
pub const RESOURCE: &str = "resource_memory_usage";
/// Live heap; the original's `tracemalloc` backend.
pub const TRACEMALLOC: &str = "tracemalloc_memory_usage";

/// `VmHWM` of the process: a mark.
pub const HWM: &str = "hwm_memory_usage";
/// Highest charge of the process's control group: a mark.
pub const CGROUP: &str = "cgroup_memory_usage";
/// Charge of the process's control group.
pub const CGROUP_LEVEL: &str = "cgroup_current_memory_usage";
/// Resident sets of the process and its descendants, summed.
pub const TREE: &str = "tree_memory_usage";
/// The part of [`TREE`] that is shared memory or pages of files.
pub const TREE_SHARED: &str = "tree_shared_memory_usage";
/// Time that processes of the control group stood still for want of memory, at least one of them,
/// since the run began, in microseconds.
pub const PRESSURE: &str = "pressure_some_us";
/// The same of the whole machine, where the group has no such counter.
pub const MACHINE_PRESSURE: &str = "machine_pressure_some_us";
/// Number of processes in [`TREE`].
pub const PROCESSES: &str = "tree_processes";

/// The four columns that every `.prof` file has, with the unit in which each is stored.
#[cfg(feature = "prof")]
pub(crate) const ORIGINAL: [(&str, &str); 4] =
    [(KERNEL, "kb"), (PSUTIL, "b"), (RESOURCE, "kb"), (TRACEMALLOC, "b")];

/// What a row without signature is signed with.
pub const UNSIGNED: &str = "unknown::unknown:0::unknown";

/// What the time stamps of a profile count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// Since the machine booted, in steps of a millisecond: differences only, not dates.
    BootMillis,
    /// Since 1970, in steps of a nanosecond.
    #[default]
    UnixNanos,
}

/// A sampled run: metadata, and rows of time, signature and values by column.
///
/// Columns whose names end in `_memory_usage` are in bytes; others are counts. A value that was not
/// recorded is `None`, and so is the peak of a column that was never recorded.
///
/// ```
/// use traceq::profile::{KERNEL, Profile, UNSIGNED};
///
/// let mut profile = Profile::default();
/// profile.set("entrypoint_shape", "(5, 7, 11)");
/// profile.push(1_000, UNSIGNED, [(KERNEL, Some(4096))]);
/// profile.push(2_000, UNSIGNED, [(KERNEL, None), ("hwm_memory_usage", Some(8192))]);
/// assert_eq!(profile.peak(KERNEL), Some(4096));
/// assert_eq!(profile.peak("psutil_memory_usage"), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Profile {
    metadata: Vec<(String, String)>,
    clock: Clock,
    times: Vec<u64>,
    signatures: Signatures,
    columns: Vec<Column>,
}

/// One value per row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<u64>>,
}

/// The signature of each row; equal ones are stored once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signatures {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
    rows: Vec<u32>,
}

impl Signatures {
    /// Adds a row; true where its signature is new.
    pub(crate) fn push(&mut self, signature: &str) -> bool {
        let known = self.numbers.get(signature).copied();
        let number = known.unwrap_or_else(|| {
            let number = self.names.len() as u32;
            self.numbers.insert(signature.to_owned(), number);
            self.names.push(signature.to_owned());
            number
        });
        self.rows.push(number);
        known.is_none()
    }
}

impl Profile {
    #[cfg(feature = "prof")]
    pub(crate) fn from_parts(
        metadata: Vec<(String, String)>,
        clock: Clock,
        times: Vec<u64>,
        signatures: Signatures,
        columns: Vec<Column>,
    ) -> Self {
        Self { metadata, clock, times, signatures, columns }
    }

    /// The metadata, in the order of the file.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// One value of the metadata.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Sets one value of the metadata.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        match self.metadata.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.metadata.push((key, value)),
        }
    }

    /// What the time stamps count.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Adds a row. Columns that it does not name get no value.
    pub fn push<'a>(
        &mut self,
        time_ns: u64,
        signature: &str,
        values: impl IntoIterator<Item = (&'a str, Option<u64>)>,
    ) {
        let row = self.times.len();
        self.times.push(time_ns);
        self.signatures.push(signature);
        for (name, value) in values {
            let place = self.columns.iter().position(|column| column.name == name);
            let column = match place {
                Some(place) => &mut self.columns[place],
                None => self.columns.push_mut(Column { name: name.to_owned(), values: Vec::new() }),
            };
            column.values.resize(row, None);
            column.values.push(value);
        }
        for column in &mut self.columns {
            column.values.resize(row + 1, None);
        }
    }

    /// The time of each row, in nanoseconds of [`clock`](Self::clock).
    pub fn times_ns(&self) -> &[u64] {
        &self.times
    }

    /// The signature of a row.
    pub fn signature(&self, row: usize) -> Option<&str> {
        let number = *self.signatures.rows.get(row)?;
        self.signatures.names.get(number as usize).map(String::as_str)
    }

    /// The columns that were recorded.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// One column by name; `None` where it was not recorded.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The highest value of a column. Of a sampled level this is a lower bound of the peak.
    pub fn peak(&self, name: &str) -> Option<u64> {
        self.column(name)?.values.iter().flatten().max().copied()
    }

    /// Time between the first and the last row; `None` without rows.
    pub fn duration(&self) -> Option<Duration> {
        let (first, last) = (self.times.iter().min()?, self.times.iter().max()?);
        Some(Duration::from_nanos(last - first))
    }
}

impl Column {
    /// Its name, as in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One value per row.
    pub fn values(&self) -> &[Option<u64>] {
        &self.values
    }

    /// Whether its values are bytes.
    pub fn is_bytes(&self) -> bool {
        is_bytes(&self.name)
    }
}

pub(crate) fn is_bytes(name: &str) -> bool {
    name.ends_with("_memory_usage")
}

/// Equal in what is recorded: the order of columns is no part of it, nor is a column without values.
impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        let recorded = |profile: &Self| {
            let mut columns: Vec<Column> = profile.columns.clone();
            columns.retain(|column| column.values.iter().any(Option::is_some));
            columns.sort_by(|a, b| a.name.cmp(&b.name));
            columns
        };
        self.metadata == other.metadata
            && self.clock == other.clock
            && self.times == other.times
            && (0..self.len()).all(|row| self.signature(row) == other.signature(row))
            && recorded(self) == recorded(other)
    }
}
