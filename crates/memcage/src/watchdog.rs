//! The limit for those without rights to control groups: a thread that looks and kills.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::janitor::kill_tree;
use crate::proc::Proc;
use crate::verdict::{Limit, Sentence};

/// Between two looks. What an inmate takes meanwhile is only bounded by its data limit.
const PERIOD: Duration = Duration::from_millis(5);

/// An inmate under watch.
#[derive(Debug)]
pub(crate) struct Ward {
    pub(crate) pid: u32,
    limit: Option<u64>,
    seen: AtomicU64,
    sentence: OnceLock<Sentence>,
}

impl Ward {
    /// Highest resident set seen, in bytes, descendants included.
    pub(crate) fn seen_bytes(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Why it was killed, if it was.
    pub(crate) fn sentence(&self) -> Option<Sentence> {
        self.sentence.get().copied()
    }
}

#[derive(Debug)]
struct Watch {
    proc: Proc,
    total: Option<u64>,
    /// Whether this process counts toward the total.
    entered: AtomicBool,
    stop: AtomicBool,
    wards: Mutex<Vec<Arc<Ward>>>,
}

/// Watches the resident sets of processes, and kills the one over a limit.
#[derive(Debug)]
pub(crate) struct Watchdog {
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(crate) fn start(total: Option<u64>) -> io::Result<Self> {
        let watch = Arc::new(Watch {
            proc: Proc::real(),
            total,
            entered: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            wards: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&watch);
        let thread =
            thread::Builder::new().name("memcage-watchdog".into()).spawn(move || shared.run())?;
        Ok(Self { watch, thread: Some(thread) })
    }

    /// Counts this process toward the total from now on.
    pub(crate) fn enter(&self) {
        self.watch.entered.store(true, Ordering::Relaxed);
    }

    /// Watches process `pid`, a child of ours.
    pub(crate) fn watch(&self, pid: u32, limit: Option<u64>) -> Arc<Ward> {
        let (seen, sentence) = (AtomicU64::new(0), OnceLock::new());
        let ward = Arc::new(Ward { pid, limit, seen, sentence });
        self.watch.wards().push(Arc::clone(&ward));
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        ward
    }

    /// Must be called while `ward` is not reaped, so that its number cannot belong to another.
    pub(crate) fn forget(&self, ward: &Ward) {
        self.watch.wards().retain(|other| other.pid != ward.pid);
    }

    /// Kills all that are watched.
    pub(crate) fn kill_all(&self) {
        for ward in &*self.watch.wards() {
            kill_tree(&self.watch.proc, ward.pid);
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.watch.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

impl Watch {
    fn wards(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Ward>>> {
        self.wards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            if self.look() {
                thread::park_timeout(PERIOD);
            } else {
                thread::park();
            }
        }
    }

    /// Looks at every ward and kills the one over a limit. Tells whether there was any.
    fn look(&self) -> bool {
        // Held throughout, so that nobody is reaped between the look and the kill.
        let wards = self.wards();
        let mut levels = Vec::with_capacity(wards.len());
        for ward in &*wards {
            let tree = self.proc.tree(ward.pid);
            // Those that ended meanwhile have no resident set.
            let level = tree.iter().filter_map(|&pid| self.proc.resident_bytes(pid).ok()).sum();
            ward.seen.fetch_max(level, Ordering::Relaxed);
            levels.push((level, ward.limit));
        }
        let own = self.entered.load(Ordering::Relaxed).then(std::process::id);
        let own = own.and_then(|pid| self.proc.resident_bytes(pid).ok()).unwrap_or(0);
        if let Some((index, sentence)) = convict(&levels, self.total, own)
            && let Some(ward) = wards.get(index)
        {
            // The first sentence stands while the process is on its way out.
            ward.sentence.get_or_init(|| sentence);
            kill_tree(&self.proc, ward.pid);
        }
        !wards.is_empty()
    }
}

/// Who must go: the one over its own limit, or the largest when all are over the total together.
fn convict(
    levels: &[(u64, Option<u64>)],
    total: Option<u64>,
    own: u64,
) -> Option<(usize, Sentence)> {
    let over = levels.iter().enumerate().find_map(|(index, &(resident_bytes, limit))| {
        let limit_bytes = limit.filter(|&limit| resident_bytes > limit)?;
        Some((index, Sentence { limit: Limit::Inmate, limit_bytes, resident_bytes }))
    });
    if over.is_some() {
        return over;
    }
    let resident_bytes = levels.iter().map(|level| level.0).sum::<u64>() + own;
    let limit_bytes = total.filter(|&total| resident_bytes > total)?;
    let (largest, _) = levels.iter().enumerate().max_by_key(|(_, level)| level.0)?;
    Some((largest, Sentence { limit: Limit::Total, limit_bytes, resident_bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::page_bytes;
    use crate::proc::tests::fake;

    #[test]
    fn own_limits_come_before_the_total() {
        let own = |index, limit_bytes, resident_bytes| {
            Some((index, Sentence { limit: Limit::Inmate, limit_bytes, resident_bytes }))
        };
        let all = |index, limit_bytes, resident_bytes| {
            Some((index, Sentence { limit: Limit::Total, limit_bytes, resident_bytes }))
        };
        assert_eq!(convict(&[(5, Some(5)), (7, None)], None, 100), None);
        assert_eq!(convict(&[(9, None), (6, Some(5))], Some(10), 0), own(1, 5, 6));
        assert_eq!(convict(&[(3, Some(5)), (7, None)], Some(9), 0), all(1, 9, 10));
        assert_eq!(convict(&[(3, None), (4, None)], Some(9), 2), None);
        assert_eq!(convict(&[(3, None), (4, None)], Some(9), 3), all(1, 9, 10));
        // Nobody to kill.
        assert_eq!(convict(&[], Some(9), 10), None);
    }

    #[test]
    fn a_look_counts_descendants() {
        let (_dir, proc) = fake(&[
            ("5000001/statm", "9 3 0 0 0 0 0"),
            ("5000001/task/5000001/children", "5000002 "),
            ("5000002/statm", "9 4 0 0 0 0 0"),
        ]);
        let (entered, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let watch = Watch { proc, total: None, entered, stop, wards: Mutex::default() };
        assert!(!watch.look());
        let (seen, sentence) = (AtomicU64::new(0), OnceLock::new());
        // Numbers beyond the largest process number, so that the kill hits nobody.
        let ward = Ward { pid: 5_000_001, limit: Some(6 * page_bytes()), seen, sentence };
        let ward = Arc::new(ward);
        watch.wards().push(Arc::clone(&ward));
        assert!(watch.look());
        assert_eq!(ward.seen_bytes(), 7 * page_bytes());
        assert_eq!(ward.sentence().unwrap().resident_bytes, 7 * page_bytes());
    }
}
