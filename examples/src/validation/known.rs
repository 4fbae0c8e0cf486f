//! The rows of one subject, and what its model says of them.

use chunkfit_core::{MemoryModel, Regime};
use chunkfit_predict::{Fitted, Ladder};

use super::draw::Drawn;
use super::policies::Task;
use super::subject::{Declared, Subject};
use super::tasks::Row;

/// A task and what was said of it before.
#[derive(Clone, Copy)]
pub(super) struct Checked {
    pub(super) drawn: Drawn,
    pub(super) peak: f64,
    /// Predicted over measured, less one.
    pub(super) error: f64,
    /// Bound over measured, less one.
    pub(super) room: f64,
    /// Measured less base and ledger, in bytes.
    pub(super) beyond: f64,
    pub(super) regime: Regime,
}

/// All rows of one operator on one type.
pub(super) struct Known<'a> {
    pub(super) subject: Subject,
    pub(super) declared: Declared,
    pub(super) profiled: Vec<&'a Row>,
    pub(super) tasks: Vec<&'a Row>,
}

impl<'a> Known<'a> {
    /// Rows of the same subject follow each other.
    pub(super) fn of(rows: &'a [Row]) -> anyhow::Result<Vec<Self>> {
        let same = |a: &Row, b: &Row| a.subject() == b.subject();
        let one = |rows: &'a [Row]| {
            let subject = rows[0].subject();
            let (profiled, tasks) = rows.iter().partition(|row| row.drawn == Drawn::Profiled);
            Ok(Self { declared: subject.declared()?, subject, profiled, tasks })
        };
        rows.chunk_by(same).map(one).collect()
    }

    pub(super) fn fit(&self) -> anyhow::Result<Fitted<'_>> {
        let seen = self.profiled.iter().map(|row| row.observation());
        let seen: Vec<_> = seen.collect::<anyhow::Result<_>>()?;
        let halo = self.subject.halo()?;
        Ok(Ladder::new().with_ledger(&self.declared).with_halo(halo).fit(&seen)?)
    }

    pub(super) fn check(&self) -> anyhow::Result<Vec<Checked>> {
        let fitted = self.fit()?;
        let check = |row: &&Row| {
            let (block, core) = (row.block()?, row.core()?);
            let said = fitted.predict(block, core);
            let peak = row.peak_bytes as f64;
            let declared = self.declared.predict(block, core).peak.as_f64();
            Ok(Checked {
                drawn: row.drawn,
                peak,
                error: said.peak.as_f64() / peak - 1.0,
                room: said.upper.as_f64() / peak - 1.0,
                beyond: peak - declared - row.base_bytes as f64,
                regime: said.regime,
            })
        };
        self.tasks.iter().map(check).collect()
    }

    pub(super) fn log(&self) -> anyhow::Result<Vec<Task>> {
        self.tasks.iter().map(|row| task(row)).collect()
    }
}

pub(super) fn task(row: &Row) -> anyhow::Result<Task> {
    Ok(Task {
        block: row.block()?,
        core: row.core()?,
        input: row.input_bytes()?,
        peak: row.peak_bytes as f64,
        seconds: row.seconds,
    })
}
