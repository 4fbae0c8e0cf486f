//! Per-thread balances, handed on in batches.
//!
//! A thread's `net` is what it allocated less what it freed. `high` is the highest `net` since the
//! last hand-over, so that the peak between two hand-overs is known exactly. `ceil` and `floor` are
//! where `net` must be handed on; before a thread's first call and after its end they are set such
//! that every call takes the slow path.

#![expect(unsafe_code, reason = "a thread's end is told by pthread keys, which need no allocation")]

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::mark;
use crate::ledger;

/// A thread hands on its balance when it has moved by this much, in bytes.
pub const FLUSH_BYTES: u64 = 64 * 1024;

const FLUSH: i64 = FLUSH_BYTES as i64;

/// What all threads have handed on.
static LIVE: AtomicI64 = AtomicI64::new(0);
/// Threads that have allocated and not ended.
static THREADS: AtomicU64 = AtomicU64::new(0);
/// The highest that [`THREADS`] has been.
static MOST_THREADS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Has not allocated yet.
    Fresh,
    /// Batches.
    Counting,
    /// Its end has been told: hands on every call.
    Ended,
}

pub(super) struct Local {
    net: Cell<i64>,
    high: Cell<i64>,
    ceil: Cell<i64>,
    floor: Cell<i64>,
    handed_on: Cell<i64>,
    /// The balance at which the resident set was looked at last, and in which state of the regions.
    looked: Cell<(u64, i64)>,
    life: Cell<Life>,
    pub(super) marks: mark::ThreadMarks,
}

thread_local! {
    // Constant and without destructor: reaching it neither allocates nor fails after the thread's end.
    static LOCAL: Local = const {
        Local {
            net: Cell::new(0),
            high: Cell::new(0),
            ceil: Cell::new(i64::MIN),
            floor: Cell::new(i64::MAX),
            handed_on: Cell::new(0),
            looked: Cell::new((0, 0)),
            life: Cell::new(Life::Fresh),
            marks: mark::ThreadMarks::new(),
        }
    };
}

/// Books `bytes` more to this thread. Wrapping, as a hook must not panic; no program comes near.
#[inline]
pub(super) fn grow(bytes: i64) {
    LOCAL.with(|local| {
        let net = local.net.get().wrapping_add(bytes);
        local.net.set(net);
        if net > local.high.get() {
            local.high.set(net);
            if net > local.ceil.get() {
                local.hand_on();
            }
        }
    });
}

/// Books `bytes` less to this thread.
#[inline]
pub(super) fn shrink(bytes: i64) {
    LOCAL.with(|local| {
        let net = local.net.get().wrapping_sub(bytes);
        local.net.set(net);
        if net < local.floor.get() {
            local.hand_on();
        }
    });
}

/// Blocks from this size on are given back to the kernel one by one, if the allocator does so at all.
pub(super) const LARGE: usize = 128 * 1024;

/// A balance higher by less than this needs no other look: the error that is left.
const LOOK_STEP: i64 = 4096;

/// Has open regions look at the resident set, just before a large block goes. Once for each height
/// that this thread's balance reaches, so a loop that takes and frees the same pays once.
#[cold]
#[inline(never)]
pub(super) fn before_large_free() {
    let Some(regions) = ledger::open_regions() else { return };
    LOCAL.with(|local| {
        let (net, (known, looked)) = (local.net.get(), local.looked.get());
        if known != regions || net >= looked.wrapping_add(LOOK_STEP) {
            local.looked.set((regions, net));
            ledger::look();
        }
    });
}

/// Hands on this thread's balance and returns the process's live bytes.
pub(super) fn settle() -> i64 {
    LOCAL.with(Local::hand_on)
}

/// Runs `f` on this thread's counters, just after its balance was handed on; also gives it the
/// process's live bytes.
pub(super) fn with_settled<R>(f: impl FnOnce(&Local, i64) -> R) -> R {
    LOCAL.with(|local| {
        let live = local.hand_on();
        f(local, live)
    })
}

/// Whether any thread has come through the allocator: the start of a Rust program allocates.
pub(super) fn installed() -> bool {
    MOST_THREADS.load(Relaxed) > 0
}

pub(super) fn most_threads() -> u64 {
    MOST_THREADS.load(Relaxed)
}

impl Local {
    pub(super) fn net(&self) -> i64 {
        self.net.get()
    }

    /// The peak to report is the value that the addition found, plus this thread's highest balance
    /// since its last hand-over: reading `LIVE` again would race.
    #[cold]
    #[inline(never)]
    fn hand_on(&self) -> i64 {
        let (net, high, handed_on) = (self.net.get(), self.high.get(), self.handed_on.get());
        if self.life.get() == Life::Fresh && net != 0 {
            self.begin();
        }
        let before = LIVE.fetch_add(net - handed_on, Relaxed);
        mark::raise_process(before + (high - handed_on));
        self.marks.raise(high);
        self.handed_on.set(net);
        self.high.set(net);
        if self.life.get() == Life::Counting {
            self.ceil.set(net + FLUSH);
            self.floor.set(net - FLUSH);
        }
        before + (net - handed_on)
    }

    fn begin(&self) {
        self.life.set(if tell_end_of_this_thread() { Life::Counting } else { Life::Ended });
        let now = THREADS.fetch_add(1, Relaxed) + 1;
        MOST_THREADS.fetch_max(now, Relaxed);
    }

    fn end(&self) {
        self.hand_on();
        self.life.set(Life::Ended);
        self.ceil.set(i64::MIN);
        self.floor.set(i64::MAX);
        THREADS.fetch_sub(1, Relaxed);
    }
}

/// Key number + 1, or 0 before the first thread made it.
static KEY: AtomicU64 = AtomicU64::new(0);

/// Has [`Local::end`] called when this thread ends. `thread_local!` with a destructor would allocate
/// to register it; the first 32 pthread keys of a process do not, and later ones use C's heap.
fn tell_end_of_this_thread() -> bool {
    let Some(key) = end_key() else { return false };
    // SAFETY: `key` was made by `pthread_key_create`; any value that is not null makes the
    // destructor run.
    unsafe {
        libc::pthread_setspecific(key, std::ptr::NonNull::<u8>::dangling().as_ptr().cast()) == 0
    }
}

fn end_key() -> Option<libc::pthread_key_t> {
    let known = KEY.load(Relaxed);
    if known != 0 {
        return libc::pthread_key_t::try_from(known - 1).ok();
    }
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: `key` is writable; the destructor is a function of the right form.
    if unsafe { libc::pthread_key_create(&mut key, Some(at_end)) } != 0 {
        return None;
    }
    match KEY.compare_exchange(0, u64::from(key) + 1, Relaxed, Relaxed) {
        Ok(_) => Some(key),
        Err(other) => {
            // SAFETY: made above, and known to nobody else.
            unsafe { libc::pthread_key_delete(key) };
            libc::pthread_key_t::try_from(other - 1).ok()
        }
    }
}

extern "C" fn at_end(_: *mut libc::c_void) {
    LOCAL.with(Local::end);
}
