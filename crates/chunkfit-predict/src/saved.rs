use std::io::{Read, Write};

use chunkfit_core::MemoryModel;
use serde::{Deserialize, Serialize};

use crate::ladder::Parts;
use crate::{Dtype, Fitted, Observation, Scope};

/// The version of the document that this crate writes and reads.
pub const SAVED_SCHEMA: u32 = 2;

/// What a model is of: when any of it differs, the model is stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name of the operator with its parameters: `gaussian:sigma=3`.
    pub operator: String,
    /// Version of the code of the operator.
    pub version: String,
    /// The type of an element.
    pub dtype: Dtype,
    /// What the peaks count.
    pub scope: Scope,
    /// Threads of one task.
    pub threads: usize,
    /// Name and version of the allocator.
    pub allocator: String,
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Name of the machine; live bytes of the heap are the same on every machine.
    pub machine: String,
}

impl Identity {
    /// The first field that differs, with both values.
    fn differs(&self, now: &Self) -> Option<(&'static str, String, String)> {
        let fields: [(&'static str, String, String); 7] = [
            ("operator", self.operator.clone(), now.operator.clone()),
            ("operator version", self.version.clone(), now.version.clone()),
            ("dtype", self.dtype.to_string(), now.dtype.to_string()),
            ("scope", self.scope.to_string(), now.scope.to_string()),
            ("number of threads", self.threads.to_string(), now.threads.to_string()),
            ("allocator", self.allocator.clone(), now.allocator.clone()),
            ("page size", self.page_bytes.to_string(), now.page_bytes.to_string()),
        ];
        let machine = ("machine", self.machine.clone(), now.machine.clone());
        let resident = self.scope != Scope::LiveHeap;
        let all = fields.into_iter().chain(resident.then_some(machine));
        all.into_iter().find(|(_, saved, now)| saved != now)
    }
}

/// Why a saved model cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// The file system, or text that is no such document.
    #[error("the model cannot be read or written: {0}")]
    Json(#[from] serde_json::Error),
    /// The file system.
    #[error("the model cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// Another version of the document.
    #[error("the model has schema {found}, this version reads {SAVED_SCHEMA}; fit it again")]
    Schema {
        /// The version found.
        found: u32,
    },
    /// The document was altered or damaged.
    #[error("the model has checksum {found:08x}, its content {expected:08x}; fit it again")]
    Checksum {
        /// The checksum in the document.
        found: u32,
        /// That of its content.
        expected: u32,
    },
    /// The numbers are no monotone model.
    #[error("the model is damaged: its parts do not belong together; fit it again")]
    Unsound,
    /// The model is of something else.
    #[error("the model is stale: its {what} is `{saved}`, now it is `{now}`; fit it again")]
    Stale {
        /// What differs.
        what: &'static str,
        /// As saved.
        saved: String,
        /// As it is.
        now: String,
    },
    /// The model was fitted on a ledger, which is code and not part of the document.
    #[error("the model of {operator} stands on the ledger of the operator; pass the ledger")]
    NoLedger {
        /// The operator.
        operator: String,
    },
}

/// A fitted model with everything needed to know when it is stale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedModel {
    identity: Identity,
    parts: Parts,
    evidence: Vec<Observation>,
    created_unix_s: u64,
    written_by: String,
}

/// The file: the model, and what shows that it is whole.
#[derive(Serialize, Deserialize)]
struct Document<M> {
    schema: u32,
    checksum: u32,
    model: M,
}

impl SavedModel {
    /// `fitted` from the readings `evidence`, at `created_unix_s` seconds after 1970.
    #[must_use]
    pub fn new(
        fitted: &Fitted<'_>,
        identity: Identity,
        evidence: &[Observation],
        created_unix_s: u64,
    ) -> Self {
        Self {
            identity,
            parts: fitted.parts().clone(),
            evidence: evidence.to_vec(),
            created_unix_s,
            written_by: concat!("chunkfit-predict ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// What the model is of.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The readings that it was fitted to.
    #[must_use]
    pub fn evidence(&self) -> &[Observation] {
        &self.evidence
    }

    /// When it was fitted, in seconds after 1970.
    #[must_use]
    pub const fn created_unix_s(&self) -> u64 {
        self.created_unix_s
    }

    fn checksum(&self) -> Result<u32, serde_json::Error> {
        serde_json::to_vec(self).map(|text| crc32fast::hash(&text))
    }

    /// Writes the model as one JSON document.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub fn save<W: Write>(&self, mut out: W) -> Result<(), SavedError> {
        let document = Document { schema: SAVED_SCHEMA, checksum: self.checksum()?, model: self };
        serde_json::to_writer_pretty(&mut out, &document)?;
        out.write_all(b"\n")?;
        Ok(())
    }

    /// Reads what [`save`](Self::save) wrote. The checksum is of the content, so the layout of the text
    /// may change.
    ///
    /// # Errors
    ///
    /// When the text is no such document, of another schema, altered, or not a monotone model.
    pub fn load<R: Read>(input: R) -> Result<Self, SavedError> {
        let raw: Document<serde_json::Value> = serde_json::from_reader(input)?;
        if raw.schema != SAVED_SCHEMA {
            return Err(SavedError::Schema { found: raw.schema });
        }
        let model: Self = serde_json::from_value(raw.model)?;
        let expected = model.checksum()?;
        if raw.checksum != expected {
            return Err(SavedError::Checksum { found: raw.checksum, expected });
        }
        if !model.parts.is_sound() {
            return Err(SavedError::Unsound);
        }
        Ok(model)
    }

    /// Whether this is a model of what `now` says.
    ///
    /// # Errors
    ///
    /// [`SavedError::Stale`] when it is of another operator, version, dtype, scope, number of threads,
    /// allocator or page size, or of another machine unless it counts live bytes of the heap.
    pub fn check(&self, now: &Identity) -> Result<(), SavedError> {
        match self.identity.differs(now) {
            Some((what, saved, now)) => Err(SavedError::Stale { what, saved, now }),
            None => Ok(()),
        }
    }

    /// The model, for use under `now` with the operator's `ledger`: predicts as it did when saved, bit
    /// for bit.
    ///
    /// # Errors
    ///
    /// [`SavedError::Stale`] as [`check`](Self::check) says; [`SavedError::NoLedger`] when it stands on a
    /// ledger and none is given.
    pub fn fitted<'a>(
        &self,
        now: &Identity,
        ledger: Option<&'a (dyn MemoryModel + Sync)>,
    ) -> Result<Fitted<'a>, SavedError> {
        self.check(now)?;
        if self.parts.needs_ledger() && ledger.is_none() {
            return Err(SavedError::NoLedger { operator: self.identity.operator.clone() });
        }
        Ok(Fitted::new(self.parts.clone(), ledger))
    }
}
