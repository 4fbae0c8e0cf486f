//! Progress: a bar on a terminal, otherwise a line a second or less.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use chunkfit_run::Event;
use indicatif::{ProgressBar, ProgressStyle};

/// Prints a line to standard error. When nobody reads it any more, work goes on without.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Shows how far long work has come, on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    total: u64,
    done: u64,
    bar: Option<ProgressBar>,
    started: Instant,
    said: Option<Instant>,
}

const BETWEEN_LINES: Duration = Duration::from_secs(1);

impl Progress {
    /// `total` voxels of work named `what`, of which `done` are done already.
    pub(crate) fn new(what: &str, total: u64, done: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{msg:>12} [{bar:40}] {percent:>3} %  {elapsed} elapsed, {eta} left";
            let bar = ProgressBar::new(total).with_message(what.to_owned());
            bar.set_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("━╸ "),
            );
            bar.set_position(done);
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { what: what.to_owned(), total, done, bar, started: Instant::now(), said: None }
    }

    /// `voxels` more are done.
    pub(crate) fn advance(&mut self, voxels: u64) {
        self.done += voxels;
        match &self.bar {
            Some(bar) => bar.set_position(self.done),
            None if self.said.unwrap_or(self.started).elapsed() >= BETWEEN_LINES => {
                self.said = Some(Instant::now());
                let percent = 100.0 * self.done as f64 / self.total as f64;
                let elapsed = self.started.elapsed().as_secs_f64();
                say(&format!("{:>12} {percent:3.0} %  {elapsed:.0} s", self.what));
            }
            None => {}
        }
    }

    /// Shows an event of a run.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Done { at, .. } => self.advance(at.core().shape().voxels() as u64),
            Event::Split { core, reason } => self.line(&format!("splitting {core}: {reason}")),
            Event::Again { core, reason } => self.line(&format!("once more {core}: {reason}")),
            _ => {}
        }
    }

    fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => say(line),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
