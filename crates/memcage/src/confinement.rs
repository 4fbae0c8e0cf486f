use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::CageError;
use crate::proc::page_bytes;

/// What confines one inmate, with all its descendants.
///
/// A plain `Option<u64>` is a confinement by a limit alone, or by nothing.
///
/// ```
/// use memcage::Confinement;
///
/// let confinement = Confinement::from(Some(64 << 20)).slowed_above(48 << 20).on_cpus([0]);
/// assert_eq!(confinement.limit_bytes, Some(64 << 20));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confinement {
    /// The hard limit, in bytes: beyond it the inmate is killed.
    pub limit_bytes: Option<u64>,
    /// The soft limit, in bytes: beyond it the inmate is slowed down and its memory reclaimed, and it
    /// is never killed. Only cgroup v2 has it (`memory.high`).
    pub soft_limit_bytes: Option<u64>,
    /// The processors that it may run on, by number. All that this process may use if `None`.
    pub cpus: Option<Vec<usize>>,
}

impl From<Option<u64>> for Confinement {
    fn from(limit_bytes: Option<u64>) -> Self {
        Self { limit_bytes, ..Self::default() }
    }
}

impl Confinement {
    /// The same, with a soft limit of `bytes`.
    #[must_use]
    pub fn slowed_above(self, bytes: u64) -> Self {
        Self { soft_limit_bytes: Some(bytes), ..self }
    }

    /// The same, on these processors only.
    #[must_use]
    pub fn on_cpus(self, cpus: impl IntoIterator<Item = usize>) -> Self {
        Self { cpus: Some(cpus.into_iter().collect()), ..self }
    }

    /// Refuses limits that the kernel cannot count.
    pub(crate) fn check(&self) -> Result<(), CageError> {
        self.limit_bytes.into_iter().chain(self.soft_limit_bytes).try_for_each(check_limit)
    }

    /// The processors as the kernel takes them.
    pub(crate) fn mask(&self) -> Result<Option<Mask>, CageError> {
        self.cpus.as_deref().map(Mask::new).transpose()
    }
}

pub(crate) fn check_limit(limit_bytes: u64) -> Result<(), CageError> {
    let least_bytes = page_bytes();
    if limit_bytes < least_bytes {
        return Err(CageError::LimitTooSmall { limit_bytes, least_bytes });
    }
    Ok(())
}

/// A set of processors.
#[derive(Debug)]
pub(crate) struct Mask(CpuSet);

impl Mask {
    fn new(cpus: &[usize]) -> Result<Self, CageError> {
        let mut set = CpuSet::new();
        for &cpu in cpus {
            if cpu >= CpuSet::MAX_CPU {
                let source = io::ErrorKind::InvalidInput.into();
                return Err(CageError::Cpus { cpus: cpus.to_vec(), source });
            }
            set.set(cpu);
        }
        Ok(Self(set))
    }

    /// The processors that the calling thread may run on.
    pub(crate) fn own() -> io::Result<Self> {
        Ok(Self(sched_getaffinity(None)?))
    }

    /// Confines the calling thread, and reads the set back. Only system calls: no allocation, no lock.
    ///
    /// The kernel drops silently what is switched off or outside of the cpuset, and refuses a set of
    /// which nothing is left. Here both are `EINVAL`.
    pub(crate) fn apply(&self) -> io::Result<()> {
        sched_setaffinity(None, &self.0)?;
        if sched_getaffinity(None)? == self.0 {
            return Ok(());
        }
        Err(rustix::io::Errno::INVAL.into())
    }

    /// The numbers in it.
    pub(crate) fn cpus(&self) -> Vec<usize> {
        (0..CpuSet::MAX_CPU).filter(|&cpu| self.0.is_set(cpu)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_alone_is_a_limit() {
        assert_eq!(Confinement::from(None), Confinement::default());
        let full = Confinement::from(Some(9)).slowed_above(7).on_cpus(1..3);
        assert_eq!((full.limit_bytes, full.soft_limit_bytes), (Some(9), Some(7)));
        assert_eq!(full.cpus, Some(vec![1, 2]));
    }

    #[test]
    fn either_limit_must_be_a_page() {
        let page = page_bytes();
        assert!(Confinement::from(Some(page)).slowed_above(page).check().is_ok());
        assert!(Confinement::from(Some(page - 1)).check().is_err());
        assert!(Confinement::from(Some(page)).slowed_above(page - 1).check().is_err());
    }

    #[test]
    fn a_set_is_taken_whole_or_refused() {
        let own = Mask::own().unwrap();
        own.apply().unwrap();
        assert!(!own.cpus().is_empty());
        let absent = CpuSet::MAX_CPU - 1;
        for cpus in [vec![], vec![absent], [own.cpus(), vec![absent]].concat()] {
            let error = Mask::new(&cpus).unwrap().apply().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL), "{cpus:?}");
            // What the kernel took of it is undone.
            own.apply().unwrap();
        }
        let error = Mask::new(&[0, CpuSet::MAX_CPU]).unwrap_err();
        assert!(error.to_string().contains("processors 0,1024"), "{error}");
    }
}
