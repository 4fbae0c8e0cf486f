//! `tracing` spans as regions.

use std::borrow::Cow;
use std::cell::RefCell;
use std::time::Instant;

use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::heap::{self, HeapMark, Marked};
use crate::ledger::{self, Ticket};
use crate::probe::usage;
use crate::region::{enabled, heap_growth};
use crate::{Faults, RegionReport, ThreadGrowth};

/// Makes every `tracing` span a region and hands its report to a function when the span closes.
///
/// A report's name is the path of the span, `read/decode`. `thread_heap` is exact for what happens
/// while the span is entered, on whatever threads, one after the other; it includes what `tracing`
/// itself requests for inner spans. The resident set is the process's from the first entry to the
/// close, and marked `shared` where spans of several threads overlap.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let layer = traceq::RegionLayer::new(|report| println!("{report}"));
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || {
///     let _span = tracing::info_span!("envelope").entered();
///     vec![0_f32; 5 * 7 * 11]
/// });
/// ```
#[derive(Debug)]
pub struct RegionLayer<F> {
    report: F,
    depth: usize,
    resident: bool,
}

impl<F: Fn(RegionReport) + 'static> RegionLayer<F> {
    /// Reports every span, with heap and resident set.
    pub fn new(report: F) -> Self {
        Self { report, depth: usize::MAX, resident: true }
    }

    /// Measures spans up to this depth; a span without parent has depth 1.
    #[must_use]
    pub fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Leaves the resident set out: a span then costs a fraction of a microsecond instead of tens.
    #[must_use]
    pub fn heap_only(self) -> Self {
        Self { resident: false, ..self }
    }
}

/// What is known of a span between its begin and its close.
struct Span {
    path: String,
    begun: Instant,
    entered: Option<Entered>,
    process: Option<Marked>,
    thread: Option<Marked>,
}

struct Entered {
    ticket: Option<Ticket>,
    faults: Option<Faults>,
}

thread_local! {
    /// Entered spans of this thread. Marks of the heap cannot leave their thread.
    static ENTERED: RefCell<Vec<(Id, HeapMark)>> = RefCell::new(Vec::with_capacity(32));
}

impl<S, F> Layer<S> for RegionLayer<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn(RegionReport) + 'static,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !enabled() {
            return;
        }
        let Some(span) = context.span(id) else { return };
        let names: Vec<_> = span.scope().from_root().map(|span| span.name()).collect();
        if names.len() > self.depth {
            return;
        }
        span.extensions_mut().insert(Span {
            path: names.join("/"),
            begun: Instant::now(),
            entered: None,
            process: None,
            thread: None,
        });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(state) = extensions.get_mut::<Span>() else { return };
        if state.entered.is_none() {
            state.entered = Some(Entered {
                ticket: self.resident.then(ledger::enter).and_then(Result::ok),
                faults: self.resident.then(usage).and_then(|usage| Some(usage.ok()?.1)),
            });
        }
        drop(extensions);
        ENTERED.with_borrow_mut(|entered| {
            entered.reserve(1);
            if let Some(mark) = HeapMark::open() {
                entered.push((id.clone(), mark));
            }
        });
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        // Spans may be left in another order than they were entered.
        let mark = ENTERED.with_borrow_mut(|entered| {
            let place = entered.iter().rposition(|(open, _)| open == id)?;
            Some(entered.remove(place).1)
        });
        let Some((process, thread)) = mark.map(HeapMark::close) else { return };
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(state) = extensions.get_mut::<Span>() else { return };
        if let Some(now) = process {
            let first = state.process.unwrap_or(now);
            state.process =
                Some(Marked { start: first.start, peak: first.peak.max(now.peak), end: now.end });
        }
        if let Some(now) = thread {
            // Balances of different threads join end to end.
            let before = state.thread.unwrap_or(Marked { start: 0, peak: 0, end: 0 });
            let moved = before.end - now.start;
            state.thread = Some(Marked {
                start: 0,
                peak: before.peak.max(now.peak + moved),
                end: now.end + moved,
            });
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(state) = span.extensions_mut().remove::<Span>() else { return };
        let wall = state.begun.elapsed();
        let (ticket, faults) = match state.entered {
            Some(entered) => (entered.ticket, entered.faults),
            None => (None, None),
        };
        let seen = ticket.and_then(|ticket| ledger::exit(ticket).ok().flatten());
        (self.report)(RegionReport {
            wall: Some(wall),
            heap: state.process.map(heap_growth),
            thread_heap: state.thread.map(ThreadGrowth::from),
            rss: seen.map(|seen| seen.rss),
            rss_bounds: seen.map(|seen| seen.bounds),
            levels: seen.map(|seen| seen.levels),
            faults: faults.and_then(|before| Some(usage().ok()?.1.since(before))),
            shared: seen.is_some_and(|seen| seen.shared),
            heap_bound_bytes: state.process.map(|_| heap::bound_bytes()),
            counter_bound_bytes: seen.map(|_| ledger::bound()),
            ..RegionReport::nothing(Cow::Owned(state.path))
        });
    }
}
