//! What a child does between fork and exec: it confines itself to processors, and enters its group or
//! takes its data limit.
//!
//! Doing this after exec would need a launcher program; but the standard streams of a [`Command`]
//! cannot be handed on to another command, so the child does it itself.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Weak};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::confinement::Mask;
use crate::janitor::Orders;

/// What a child does.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) way: Way,
    /// The processors that it confines itself to.
    pub(crate) cpus: Option<Mask>,
}

/// The way in, opened by the parent.
#[derive(Debug)]
pub(crate) enum Way {
    /// The `cgroup.procs` of a group.
    Group(File),
    /// No group: a data limit in bytes, if any, and the janitor to tell of the process.
    Watched(Option<u64>, Arc<Orders>),
}

impl Entry {
    /// Takes the calling process in. Only system calls: no allocation, no lock.
    fn pass(&self) -> io::Result<()> {
        self.cpus.as_ref().map_or(Ok(()), Mask::apply)?;
        match &self.way {
            Way::Group(door) => (&mut &*door).write_all(b"0"),
            Way::Watched(limit, orders) => {
                orders.watch_me()?;
                limit.map_or(Ok(()), limit_data)
            }
        }
    }
}

/// Limits the data of the calling process, not above the limit that it has.
fn limit_data(bytes: u64) -> io::Result<()> {
    let hard = getrlimit(Resource::Data).maximum.map_or(bytes, |hard| hard.min(bytes));
    Ok(setrlimit(Resource::Data, Rlimit { current: Some(hard), maximum: Some(hard) })?)
}

/// Starts `command` through `entry`.
pub(crate) fn spawn(command: &mut Command, entry: Entry) -> io::Result<Child> {
    let entry = Arc::new(entry);
    // The command keeps what runs before exec. Being weak, it does nothing at a later start.
    let way_in: Weak<Entry> = Arc::downgrade(&entry);
    let pass = move || way_in.upgrade().map_or(Ok(()), |entry| entry.pass());
    #[expect(unsafe_code, reason = "the standard library offers no other way to act before exec")]
    // SAFETY: runs in the forked child of a process with threads, so it must not allocate or lock.
    // `pass` makes system calls only. `upgrade` counts up and down, and cannot free the entry, whose
    // strong count in the parent's memory image is at least one.
    unsafe {
        command.pre_exec(pass);
    }
    command.spawn()
}
