//! Reading and writing `.prof` files, and the journal that survives a kill.
//!
//! A `.prof` file is gzip around one MessagePack map: `metadata` (text by text), then the rows under
//! `data` or `experiment` (an array of maps). Files of every generation of the original program are
//! read; written files are read by its `load_profile`. What is new stands under new keys.
//!
//! Reading trusts nothing: the decompressed size and the memory of the result are limited by
//! [`Limits`], declared lengths are checked before anything is allocated, and nesting takes no stack.

mod error;
mod journal;
mod read;
mod token;
mod write;

pub use error::ProfError;
pub use journal::{Journal, Recovered, recover, recover_from};
pub use read::{Limits, load, read};
pub use write::{save, write};
