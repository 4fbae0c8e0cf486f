//! `calls NAME AxBxC N`: an operator on a whole volume of noise, N times, for counting instructions.
//! `calls --list` prints the names of all operators.

use std::hint::black_box;

use chunkfit_benches::noise;
use chunkfit_core::{Placement, Shape};
use ndarray::Array3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("give an operator")?;
    if name == "--list" {
        chunkfit_seismic::catalog().iter().for_each(|operator| println!("{}", operator.name));
        return Ok(());
    }
    let operator = chunkfit_seismic::parse(&name)?;
    let shape: Shape = arguments.next().ok_or("give a shape, as 30x40x101")?.parse()?;
    let calls: usize = arguments.next().ok_or("give a number of calls")?.parse()?;
    let volume = noise(shape.extents());
    let mut outputs = vec![Array3::zeros(shape.extents()); operator.outputs().len()];
    for _ in 0..calls {
        let mut views: Vec<_> = outputs.iter_mut().map(|output| output.view_mut()).collect();
        operator.apply(volume.view(), &Placement::whole(shape), &mut views)?;
    }
    black_box(&outputs);
    Ok(())
}
