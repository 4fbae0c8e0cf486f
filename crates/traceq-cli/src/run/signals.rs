//! Signals that would end us, but are meant for the command.

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use traceq::ExitWatch;

/// Signals that are caught from now on.
#[derive(Debug)]
pub(super) struct Signals(signal_hook::iterator::Signals);

impl Signals {
    pub(super) fn catch() -> anyhow::Result<Self> {
        let caught = signal_hook::iterator::Signals::new([SIGINT, SIGQUIT, SIGTERM, SIGHUP]);
        Ok(Self(caught.context("cannot catch signals")?))
    }

    /// Passes them on, so that the command decides and the profile is written.
    ///
    /// Ctrl-C and Ctrl-\ on a terminal reach the command by themselves.
    pub(super) fn pass_on_to(mut self, watch: &Arc<ExitWatch>) {
        let watch = Arc::clone(watch);
        let terminal = std::io::stdin().is_terminal() || std::io::stderr().is_terminal();
        std::thread::spawn(move || {
            for signal in self.0.forever() {
                if !(terminal && matches!(signal, SIGINT | SIGQUIT)) {
                    // It may have ended already.
                    let _ = watch.signal(signal);
                }
            }
        });
    }
}
