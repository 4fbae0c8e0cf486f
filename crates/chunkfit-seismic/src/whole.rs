use chunkfit_core::{Operator, OperatorError, Placement, Shape};
use ndarray::{Array3, ArrayView3};

use crate::filter::Sample;
use crate::fresh::fresh;

/// Applies `operator` to a whole volume, on this thread; one array for each of its outputs, of the
/// shape of the volume.
///
/// **Memory.** The outputs, and [`Operator::workspace`].
///
/// ```
/// use ndarray::Array3;
///
/// let volume = Array3::from_shape_fn([5, 7, 11], |(i, x, k)| (i + 2 * x) as f32 - k as f32);
/// let operator = chunkfit_seismic::parse("gst:outputs=dip")?;
/// let dip = &chunkfit_seismic::whole(operator.as_ref(), volume.view())?[0];
/// assert_eq!(dip.dim(), (5, 7, 11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the operator fails.
pub fn whole<T: Sample, O: Operator<T> + ?Sized>(
    operator: &O,
    volume: ArrayView3<'_, T>,
) -> Result<Vec<Array3<T>>, OperatorError> {
    let mut outputs = outputs(operator, volume);
    if let Ok(shape) = Shape::new(volume.dim().into()) {
        let mut views: Vec<_> = outputs.iter_mut().map(|output| output.view_mut()).collect();
        operator.apply(volume, &Placement::whole(shape), &mut views)?;
    }
    Ok(outputs)
}

fn outputs<T: Sample, O: Operator<T> + ?Sized>(
    operator: &O,
    volume: ArrayView3<'_, T>,
) -> Vec<Array3<T>> {
    operator.outputs().iter().map(|_| fresh(volume.raw_dim())).collect()
}

#[cfg(feature = "rayon")]
pub use parallel::whole_parallel;

#[cfg(feature = "rayon")]
mod parallel {
    use chunkfit_core::{Axis, Operator, OperatorError, Placement, Reach, Region, Shape};
    use ndarray::{Array3, ArrayView3, ArrayViewMut3, Axis as ArrayAxis};
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    use crate::filter::Sample;

    /// Parts for each thread, so that a slow one does not keep the others waiting.
    const PARTS_PER_THREAD: usize = 4;
    /// A part is this many times as thick as its halo at least, so that little is computed twice.
    const HALOS_PER_PART: usize = 4;

    /// As [`whole`](super::whole), on the threads of the rayon pool it is called in: slabs of inlines,
    /// or of crosslines where there are more of those. The bits are the same.
    ///
    /// **Memory.** The outputs, and a workspace for each thread, so give it a pool of known size.
    ///
    /// ```
    /// use ndarray::Array3;
    ///
    /// let volume = Array3::from_shape_fn([50, 7, 11], |(i, x, k)| (i + 2 * x) as f32 - k as f32);
    /// let operator = chunkfit_seismic::parse("gaussian:sigma=1")?;
    /// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    /// let parallel = || chunkfit_seismic::whole_parallel(operator.as_ref(), volume.view());
    /// assert_eq!(pool.install(parallel)?, chunkfit_seismic::whole(operator.as_ref(), volume.view())?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the operator fails.
    pub fn whole_parallel<T: Sample + Sync, O: Operator<T> + ?Sized>(
        operator: &O,
        volume: ArrayView3<'_, T>,
    ) -> Result<Vec<Array3<T>>, OperatorError> {
        let mut outputs = super::outputs(operator, volume);
        let Ok(shape) = Shape::new(volume.dim().into()) else { return Ok(outputs) };
        let axis = split_axis(shape);
        let thickness = thickness(operator, shape, axis, rayon::current_num_threads());
        parts(&mut outputs, shape, axis, thickness).into_par_iter().try_for_each(
            |(core, mut views)| {
                let at = Placement::new(shape, core, &operator.halo());
                operator.apply(at.block().view(volume), &at, &mut views)
            },
        )?;
        Ok(outputs)
    }

    fn split_axis(shape: Shape) -> Axis {
        if shape[Axis::Inline] >= shape[Axis::Crossline] { Axis::Inline } else { Axis::Crossline }
    }

    fn thickness<T, O: Operator<T> + ?Sized>(
        operator: &O,
        shape: Shape,
        axis: Axis,
        threads: usize,
    ) -> usize {
        let least = match operator.halo().reach(axis) {
            Reach::Width { before, after } => HALOS_PER_PART * (before + after),
            Reach::Whole => 1,
        };
        let fair = shape[axis].div_ceil(threads);
        shape[axis].div_ceil(PARTS_PER_THREAD * threads).max(least.min(fair)).max(1)
    }

    /// The outputs in slabs along `axis`, each with its place in the volume.
    fn parts<T>(
        outputs: &mut [Array3<T>],
        shape: Shape,
        axis: Axis,
        thickness: usize,
    ) -> Vec<(Region, Vec<ArrayViewMut3<'_, T>>)> {
        let place = |first: usize| {
            let (mut start, mut end) = ([0; 3], shape.extents());
            start[axis.index()] = first;
            end[axis.index()] = end[axis.index()].min(first + thickness);
            Region::between(start, end).unwrap_or(Region::whole(shape))
        };
        let starts = (0..shape[axis]).step_by(thickness);
        let mut parts: Vec<_> = starts.map(|first| (place(first), Vec::new())).collect();
        for output in outputs {
            let slabs = output.axis_chunks_iter_mut(ArrayAxis(axis.index()), thickness);
            for (slab, (_, views)) in slabs.zip(&mut parts) {
                views.push(slab);
            }
        }
        parts
    }
}
