//! The shapes that the thesis measured, when they are at hand.

use chunkfit_core::Shape;

/// One measured shape.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) shape: Shape,
    pub(crate) gib: f64,
}

impl Reading {
    pub(crate) fn bytes(&self) -> u64 {
        (self.gib * GIB).round() as u64
    }
}

pub(crate) const GIB: f64 = 1_073_741_824.0;

/// The rows of one operator, in file order; `None`, and a loud line, without the file.
pub(crate) fn thesis(operator: &str) -> Option<Vec<Reading>> {
    let all = everything()?;
    Some(all.into_iter().filter(|(name, _)| name == operator).map(|(_, reading)| reading).collect())
}

/// The shapes of all operators, in file order.
pub(crate) fn thesis_shapes() -> Option<Vec<Shape>> {
    Some(everything()?.into_iter().map(|(_, reading)| reading.shape).collect())
}

fn everything() -> Option<Vec<(String, Reading)>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/thesis-peaks.csv");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {path} is not here, so nothing is compared with the thesis");
        return None;
    };
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let extents = [1, 2, 3].map(|i| cells[i].parse().unwrap());
        let reading =
            Reading { shape: Shape::new(extents).unwrap(), gib: cells[4].parse().unwrap() };
        (cells[0].to_owned(), reading)
    };
    let rows: Vec<_> = text.lines().skip(1).map(row).collect();
    assert_eq!(rows.len(), 182);
    Some(rows)
}
