//! Choose chunks that fit the memory of every worker.
//!
//! A [`Problem`] says what is to be cut (a volume, its storage, an operator's [`Halo`] and memory
//! model) and what may be used (a [`Budget`], and a [`CostModel`] to rank plans by). A
//! [`ChunkStrategy`] turns it into a [`Plan`]: equal chunks aligned to the storage chunks of the
//! output, the number of workers, and the reasons for both. A plan is plain data with a schema
//! version; it reads and writes as JSON.
//!
//! [`Halo`]: chunkfit_core::Halo
//!
//! ```
//! use chunkfit_core::{ByteSize, Halo, Prediction, Regime, Shape, StorageLayout};
//! use chunkfit_plan::{Budget, CostModel, Memory, OutputChunk, Problem, Reserve, Workers};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Block, core and six copies of the block: 28 bytes per padded voxel and 4 per core voxel.
//! let model = |block: Shape, core: Shape| {
//!     let peak = block.bytes::<f32>() * 7 + core.bytes::<f32>();
//!     Prediction { peak, upper: peak, regime: Regime::Declared }
//! };
//! let problem = Problem {
//!     volume: Shape::new([50, 70, 110])?,
//!     element_bytes: 4,
//!     halo: Halo::uniform(2),
//!     layout: StorageLayout::Contiguous { element_bytes: 4 },
//!     storage: OutputChunk::AtMost(Shape::new([64; 3])?),
//!     budget: Budget {
//!         memory: Memory::PerWorker(ByteSize::mib(8)),
//!         workers: Workers::Exactly(4),
//!         reserve: Reserve::default(),
//!     },
//!     cost: CostModel::default(),
//!     model: &model,
//! };
//! let plan = chunkfit_plan::strategy("memory-aware")?.plan(&problem)?;
//! assert!(plan.largest_task.upper <= plan.usable_bytes);
//! assert_eq!(plan.tasks().count(), plan.tasks);
//! println!("{}", plan.explain());
//! # Ok(())
//! # }
//! ```
//!
//! This crate reads no data, starts no thread and knows no engine: a plan can be made anywhere and
//! carried out by whoever likes (`chunkfit-run` is one). It does not measure: seconds and bytes are
//! those of the models that it is given. Chunks of different sizes in one plan, several volumes at
//! once and chains of operators that meet on disk are not planned.

mod budget;
mod cost;
mod cut;
mod error;
mod explain;
mod plan;
mod problem;
mod rationale;
mod reads;
mod schedule;
mod search;
mod split;
mod storage;
mod strategies;

pub use budget::{Budget, Memory, Reserve, Share, Workers};
pub use cost::CostModel;
pub use error::{Blame, DoesNotFit, PlanError};
pub use explain::Explanation;
pub use plan::{InvalidPlan, Plan, SCHEMA_VERSION, Task};
pub use problem::Problem;
pub use rationale::{Alternative, Binding, Rationale};
pub use split::split;
pub use storage::{OutputChunk, output_chunk};
pub use strategies::{ChunkStrategy, Cube, DaskAuto, Even, Fixed, MemoryAware, strategy};
