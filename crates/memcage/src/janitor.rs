//! The process that cleans up when its parent is killed.
//!
//! It reads orders from a pipe. The parent holds the other end; a forked child holds a copy until it
//! executes its program or dies. So when the pipe closes, no child is on its way into a group.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::process::{CommandExt, parent_id};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::CageError;
use crate::group::{Nest, signal_kill};
use crate::proc::Proc;

const ARGUMENT: &str = "__memcage-janitor";
const READY: u8 = b'!';

/// Whether `main` told us that it handles re-execution.
static INITIALISED: AtomicBool = AtomicBool::new(false);

/// What the parent tells the janitor: a letter and a process, written at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// An inmate without a group has started.
    Watch(u32),
    /// It was reaped.
    Forget(u32),
    /// Everything is cleaned up.
    Goodbye,
}

impl Order {
    fn encode(self) -> [u8; 5] {
        let (letter, pid) = match self {
            Self::Watch(pid) => (b'+', pid),
            Self::Forget(pid) => (b'-', pid),
            Self::Goodbye => (b'.', 0),
        };
        let [a, b, c, d] = pid.to_ne_bytes();
        [letter, a, b, c, d]
    }

    fn decode([letter, a, b, c, d]: [u8; 5]) -> Option<Self> {
        let pid = u32::from_ne_bytes([a, b, c, d]);
        match letter {
            b'+' => Some(Self::Watch(pid)),
            b'-' => Some(Self::Forget(pid)),
            b'.' => Some(Self::Goodbye),
            _ => None,
        }
    }
}

/// The parent's end of the pipe.
#[derive(Debug)]
pub(crate) struct Orders(File);

impl Orders {
    /// Tells of the calling process. Safe between fork and exec: one write, no allocation.
    pub(crate) fn watch_me(&self) -> io::Result<()> {
        self.give(Order::Watch(std::process::id()))
    }

    /// Takes back [`watch_me`](Self::watch_me) for a process that was reaped.
    pub(crate) fn forget(&self, pid: u32) {
        // Fails only when the janitor is gone; the next spawn tells.
        let _ = self.give(Order::Forget(pid));
    }

    fn give(&self, order: Order) -> io::Result<()> {
        (&self.0).write_all(&order.encode())
    }
}

/// The running janitor.
#[derive(Debug)]
pub(crate) struct Janitor {
    child: Mutex<Child>,
    orders: Arc<Orders>,
}

impl Janitor {
    /// Starts the janitor of `nest`, and waits until it is ready.
    pub(crate) fn start(nest: Option<&Nest>) -> Result<Self, CageError> {
        // Executing a program that does not call `init` could start all its work once more.
        if !INITIALISED.load(Ordering::Relaxed) {
            return Err(CageError::NotInitialised);
        }
        let failed = |source| CageError::Helper { helper: "janitor process", source };
        let mut child = Command::new("/proc/self/exe")
            .arg0("memcage-janitor")
            .arg(ARGUMENT)
            .args(nest.map(Nest::to_args).unwrap_or_default())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut answer = [0];
        let ready = child.stdout.take().map(|mut out| out.read_exact(&mut answer));
        let orders = child.stdin.take();
        match (ready, orders) {
            (Some(Ok(())), Some(orders)) if answer == [READY] => {
                let orders = Orders(File::from(std::os::fd::OwnedFd::from(orders)));
                Ok(Self { child: Mutex::new(child), orders: Arc::new(orders) })
            }
            _ => {
                // Something else than our `init` runs there.
                let _ = child.kill();
                let _ = child.wait();
                Err(CageError::NotInitialised)
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    pub(crate) fn orders(&self) -> &Arc<Orders> {
        &self.orders
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().ok().flatten()
    }

    /// Lets it end without cleaning up, and reaps it.
    pub(crate) fn goodbye(&self) {
        let _ = self.orders.give(Order::Goodbye);
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// Is the janitor until its parent ends, if this process was started as one; the exit code then.
pub(crate) fn serve_if_called() -> Option<i32> {
    INITIALISED.store(true, Ordering::Relaxed);
    let mut args = std::env::args_os().skip(1);
    if args.next()? != ARGUMENT {
        return None;
    }
    let nest: Vec<OsString> = args.collect();
    Some(i32::from(serve(Nest::from_args(&nest).as_ref()).is_err()))
}

fn serve(nest: Option<&Nest>) -> Result<(), CageError> {
    let failed = |source| CageError::Helper { helper: "janitor process", source };
    let parent = parent_id();
    // Out of the terminal's reach: Ctrl-C and hang-up are for the parent.
    rustix::process::setsid().map_err(io::Error::from).map_err(failed)?;
    let mut out = io::stdout();
    out.write_all(&[READY]).and_then(|()| out.flush()).map_err(failed)?;

    let mut watched = BTreeSet::new();
    let mut orders = io::stdin().lock();
    while let Some(order) = next(&mut orders) {
        match order {
            // The parent has not reaped it yet, or its `Forget` follows.
            Order::Watch(pid) if Proc::real().parent(pid).is_ok_and(|of| of == parent) => {
                watched.insert(pid);
            }
            Order::Watch(_) => {}
            Order::Forget(pid) => {
                watched.remove(&pid);
            }
            Order::Goodbye => return Ok(()),
        }
    }
    for pid in watched {
        kill_tree(&Proc::real(), pid);
    }
    nest.map_or(Ok(()), Nest::remove)
}

/// The next order, or none when the parent is gone.
fn next(from: &mut impl Read) -> Option<Order> {
    let mut buffer = [0; 5];
    loop {
        match from.read_exact(&mut buffer) {
            Ok(()) => return Order::decode(buffer),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Kills a process and its descendants, as far as `/proc` tells them.
pub(crate) fn kill_tree(proc: &Proc, pid: u32) {
    // A dead parent's children get another parent, so the list comes first.
    for pid in proc.tree(pid) {
        signal_kill(pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_the_pipe() {
        let orders = [Order::Watch(70_000), Order::Forget(1), Order::Goodbye];
        let bytes: Vec<u8> = orders.iter().flat_map(|order| order.encode()).collect();
        let mut from = &bytes[..];
        for order in orders {
            assert_eq!(next(&mut from), Some(order));
        }
        assert_eq!(next(&mut from), None);
    }

    #[test]
    fn nonsense_and_half_an_order_end_the_conversation() {
        assert_eq!(next(&mut &b"?0000"[..]), None);
        assert_eq!(next(&mut &b"+00"[..]), None);
    }

    #[test]
    fn a_program_without_init_is_told() {
        // The standard test harness is such a program.
        assert!(matches!(Janitor::start(None), Err(CageError::NotInitialised)));
    }
}
