//! The store of a result.

use std::path::Path;

use chunkfit_core::{Axis, ByteSize, Operator, Shape, Source};
use chunkfit_io::Input;
use chunkfit_io::zarr::{self, StoreSpec};
use chunkfit_plan::Plan;

/// The storage chunk of an output is at most this long along each axis: small enough to buffer, large
/// enough to read.
pub(crate) const STORAGE_CHUNK: usize = 64;

/// What writing a core holds, in storage chunks of at most `most`.
pub(crate) fn write_scratch(core: Shape, most: Shape) -> ByteSize {
    zarr::write_scratch(chunkfit_plan::output_chunk(core, most), core)
}

/// A store for the outputs of `operator`, in storage chunks of `chunk`.
pub(crate) fn zarr_spec<'a>(
    input: &'a Input,
    operator: &'a dyn Operator,
    chunk: Shape,
    name: &'a str,
) -> StoreSpec<'a> {
    StoreSpec {
        volume: input.shape(),
        chunk,
        outputs: operator.outputs(),
        axes: input.axes(),
        name,
        attributes: serde_json::Map::new(),
        coordinates: false,
    }
}

/// The store of a result, which says where it comes from.
pub(super) fn result_spec<'a>(
    input: &'a Input,
    operator: &'a dyn Operator,
    plan: &Plan,
) -> anyhow::Result<StoreSpec<'a>> {
    let [_, _, samples] = input.axes();
    let name = if samples.name == "depth" { "PostStack3DDepth" } else { "PostStack3DTime" };
    let provenance = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "operator": operator.name(),
        "input": input.path().file_name().map(|name| name.to_string_lossy().into_owned()),
        "missing_traces": input.missing_traces(),
    });
    Ok(StoreSpec {
        attributes: serde_json::Map::from_iter([("chunkfit".to_owned(), provenance)]),
        coordinates: input.coordinates(0..1)?.is_some(),
        ..zarr_spec(input, operator, plan.output_chunk, name)
    })
}

/// Makes the store and copies what belongs to the traces: which are there, and where they lie. A few
/// inlines at a time, so that memory does not grow with the survey.
pub(super) fn create_store(
    path: &Path,
    store: &StoreSpec<'_>,
    input: &Input,
) -> anyhow::Result<()> {
    zarr::create(path, store)?;
    let inlines = store.volume[Axis::Inline];
    let step = zarr::TRACE_ROWS;
    for first in (0..inlines).step_by(step) {
        let rows = first..(first + step).min(inlines);
        zarr::write_mask(path, first, input.live(rows.clone())?.view())?;
        if store.coordinates
            && let Some((x, y)) = input.coordinates(rows)?
        {
            zarr::write_coordinates(path, first, x.view(), y.view())?;
        }
    }
    Ok(())
}
