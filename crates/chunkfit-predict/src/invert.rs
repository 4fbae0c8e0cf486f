use chunkfit_core::{ByteSize, MemoryModel, Shape};

/// Shapes between two, the second at least as long along every axis: `at(0)` is the first, `at(steps())`
/// the second, and no extent decreases in between.
///
/// ```
/// use chunkfit_core::Shape;
/// use chunkfit_predict::Ray;
///
/// let cubes = Ray::cubes(64).unwrap();
/// assert_eq!(cubes.at(6), Shape::new([7, 7, 7])?);
/// let longer = Ray::new(Shape::new([5, 7, 1])?, Shape::new([5, 7, 400])?).unwrap();
/// assert_eq!(longer.at(10), Shape::new([5, 7, 11])?);
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ray {
    from: Shape,
    to: Shape,
}

impl Ray {
    /// `None` when an axis of `to` is shorter than that of `from`.
    #[must_use]
    pub fn new(from: Shape, to: Shape) -> Option<Self> {
        let grows = from.extents().iter().zip(to.extents()).all(|(a, b)| *a <= b);
        grows.then_some(Self { from, to })
    }

    /// Cubes of side 1 to `largest`; `None` when that is 0 or more than a machine can address.
    #[must_use]
    pub fn cubes(largest: usize) -> Option<Self> {
        let cube = |side| Shape::new([side; 3]).ok();
        Self::new(cube(1)?, cube(largest)?)
    }

    /// The number of steps: the most that any axis grows.
    #[must_use]
    pub fn steps(&self) -> usize {
        let growth = self.from.extents().into_iter().zip(self.to.extents()).map(|(a, b)| b - a);
        growth.max().unwrap_or(0)
    }

    /// The shape after `step` steps, the last one beyond.
    #[must_use]
    pub fn at(&self, step: usize) -> Shape {
        let steps = self.steps();
        if step >= steps {
            return self.to;
        }
        let (from, to) = (self.from.extents(), self.to.extents());
        let between = |i: usize| {
            let grown = (to[i] - from[i]) as u128 * step as u128 / steps as u128;
            from[i] + grown as usize
        };
        // Between two shapes there are only shapes.
        Shape::new([0, 1, 2].map(between)).unwrap_or(self.from)
    }
}

/// The largest block of `ray` whose bound stays within `budget`, by bisection; `None` when not even the
/// first does. `core_of` gives the core that a task with that block produces: never smaller for a larger
/// block.
#[must_use]
pub fn invert(
    model: &dyn MemoryModel,
    budget: ByteSize,
    ray: &Ray,
    core_of: impl Fn(Shape) -> Shape,
) -> Option<Shape> {
    let fits = |step: usize| {
        let block = ray.at(step);
        model.predict(block, core_of(block)).upper <= budget
    };
    if !fits(0) {
        return None;
    }
    let (mut low, mut high) = (0, ray.steps() + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    Some(ray.at(low))
}

#[cfg(test)]
mod tests {
    use chunkfit_core::{Prediction, Regime};

    use super::*;

    #[test]
    fn is_the_last_that_fits() {
        let model = |block: Shape, _: Shape| {
            let peak = block.bytes::<f32>() * 7 + ByteSize::new(1000);
            Prediction { peak, upper: peak, regime: Regime::Declared }
        };
        let ray =
            Ray::new(Shape::new([1, 3, 2]).unwrap(), Shape::new([50, 70, 110]).unwrap()).unwrap();
        for budget in [1167, 1168, 5000, 123_456, 10_000_000, u64::MAX] {
            let budget = ByteSize::new(budget);
            let fits = |step| model(ray.at(step), ray.at(step)).upper <= budget;
            let expected = (0..=ray.steps()).filter(|&s| fits(s)).max().map(|s| ray.at(s));
            assert_eq!(invert(&model, budget, &ray, |b| b), expected, "{budget}");
        }
    }
}
