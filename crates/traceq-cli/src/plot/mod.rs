//! `traceq plot`: timelines as SVG or PNG.

mod draw;
mod scene;
mod spread;
mod strain;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use plotters::prelude::*;
use plotters::style::register_font;

use crate::args::PlotArgs;
use crate::load::load;

use scene::Scene;

/// `traceq plot`.
pub(crate) fn plot(args: &PlotArgs) -> anyhow::Result<ExitCode> {
    let ending = args.out.extension().map(|ending| ending.to_ascii_lowercase());
    let as_svg = match ending.as_deref().and_then(|ending| ending.to_str()) {
        Some("svg") => true,
        Some("png") => false,
        _ => bail!("--out {} must end in .svg or .png", args.out.display()),
    };
    let mut runs = Vec::new();
    for file in &args.files {
        runs.push((name(file), load(file)?.0));
    }
    let scene = Scene::of(&runs, args.size.0 as usize)?;
    // The same letters everywhere, so that a picture does not depend on the machine's fonts.
    register_font(draw::FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| anyhow::anyhow!("the font that is built in cannot be read"))?;
    let drawn = if as_svg {
        draw::draw(&scene, &SVGBackend::new(&args.out, args.size).into_drawing_area(), 1)
    } else {
        draw_pixels(&scene, &args.out, args.size)
    };
    drawn.with_context(|| format!("cannot write {}", args.out.display()))?;
    eprintln!("traceq: {} written", args.out.display());
    Ok(ExitCode::SUCCESS)
}

/// Draws larger and takes means: slanted lines and letters come out smooth.
fn draw_pixels(scene: &Scene, out: &Path, (width, height): (u32, u32)) -> anyhow::Result<()> {
    let zoom = if width * height <= MOST_SMOOTHED { 3 } else { 1 };
    let mut large = vec![0; (3 * width * height * zoom * zoom) as usize];
    let backend = BitMapBackend::with_buffer(&mut large, (width * zoom, height * zoom));
    draw::draw(scene, &backend.into_drawing_area(), zoom)?;
    let pixels = shrink(&large, (width * zoom) as usize, zoom as usize);
    let mut picture = BitMapBackend::new(out, (width, height));
    let placed = picture.blit_bitmap((0, 0), (width, height), &pixels);
    placed.and_then(|()| picture.present()).map_err(|error| anyhow::anyhow!("{error}"))
}

/// Pixels of a picture that are worth the memory: nine times theirs.
const MOST_SMOOTHED: u32 = 4_000_000;

/// The mean of each square of `zoom` × `zoom` pixels of three colours.
fn shrink(pixels: &[u8], width: usize, zoom: usize) -> Vec<u8> {
    let n = (zoom * zoom) as u32;
    let mut small = Vec::with_capacity(pixels.len() / n as usize);
    for rows in pixels.chunks_exact(3 * width * zoom) {
        for x in 0..width / zoom {
            for color in 0..3 {
                let square = (0..zoom * zoom).map(|at| {
                    let (row, column) = (at / zoom, x * zoom + at % zoom);
                    u32::from(rows[3 * (row * width + column) + color])
                });
                small.push(((square.sum::<u32>() + n / 2) / n) as u8);
            }
        }
    }
    small
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_become_their_means() {
        let grey = |values: [u8; 8]| values.into_iter().flat_map(|v| [v, v, v]).collect::<Vec<_>>();
        let large = grey([0, 10, 100, 100, 20, 30, 100, 104]);
        assert_eq!(shrink(&large, 4, 2), [15, 15, 15, 101, 101, 101]);
        assert_eq!(shrink(&large, 4, 1), large);
    }
}
