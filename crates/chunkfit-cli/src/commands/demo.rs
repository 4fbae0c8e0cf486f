use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use chunkfit_core::{Axis, ByteSize, ChunkGrid, Operator, Region, Shape, Source};
use chunkfit_io::segy::{SegyLayout, SegyWriter};
use chunkfit_io::zarr::ZarrSource;
use chunkfit_io::{Input, InputOptions};
use chunkfit_seismic::synthetic::Survey;
use ndarray::{Array2, Array3, Axis as ArrayAxis};

use super::run::stop_on_signals;
use crate::args::DemoArgs;
use crate::budget::Allowed;
use crate::engine::{Outcome, Request, execute};
use crate::operator::operator_for;
use crate::partial::Existing;
use crate::picture::{Palette, Panel, draw};
use crate::progress::{Progress, say};
use crate::report::{Report, check_json_path, write_json};
use crate::verify::verify;

const SEED: u64 = 20;

/// `chunkfit demo`: survey, run, check, pictures, table.
pub(crate) fn demo(args: &DemoArgs) -> anyhow::Result<()> {
    chunkfit_seismic::parse(&args.operator)?;
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let survey = args.out.join("survey.sgy");
    let result = args.out.join("result.zarr");
    let request = Request {
        input: survey.clone(),
        output: result.clone(),
        operator: args.operator.clone(),
        reading: InputOptions::default(),
        allowed: Allowed::from_options(Some(args.memory), None)?,
        allowed_was_said: true,
        workers: Some(args.workers),
        isolation: None,
        strategy: None,
        model: None,
        existing: Existing { resume: false, overwrite: true, restart: true },
    };
    check_json_path(args.json.as_deref())?;
    let stop = stop_on_signals()?;
    write_survey(&survey, args.shape, &stop)?;
    let Outcome::Finished(mut report) = execute(&request, &stop)? else {
        bail!("the demo replaces its result, so it cannot be complete already");
    };
    let input = Input::open(&survey, &InputOptions::default())?;
    let operator = operator_for(&args.operator, &input)?;
    let grid = ChunkGrid::new(report.shape, report.chunk);
    let check = verify(&input, operator.as_ref(), &result, &grid, SEED)?;
    report.verified = Some(check.passed);
    report.verification = Some(check);
    let picture = args.out.join("section.png");
    draw_middle_inline(&picture, &input, operator.as_ref(), &result)?;
    finish(args, &report, &picture)
}

fn finish(args: &DemoArgs, report: &Report, picture: &Path) -> anyhow::Result<()> {
    report.print();
    say(&format!("{:>12}  {}", "picture", picture.display()));
    write_json(&args.out.join("report.json"), report)?;
    if let Some(path) = &args.json {
        write_json(path, report)?;
    }
    match &report.verification {
        Some(check) if !check.passed => bail!("the result is wrong: {check}"),
        _ => Ok(()),
    }
}

/// Writes a synthetic survey, one inline in memory at a time.
fn write_survey(path: &Path, shape: Shape, stop: &AtomicBool) -> anyhow::Result<()> {
    let survey = Survey::new(shape, SEED);
    let layout = SegyLayout::new(shape);
    let mut writer = SegyWriter::create(path, &layout)?;
    let started = Instant::now();
    let mut progress = Progress::new("survey", shape.voxels() as u64, 0);
    for inline in 0..shape[Axis::Inline] {
        if stop.load(Ordering::Relaxed) {
            bail!("stopped while writing the survey; nothing is kept");
        }
        writer.write_inline(inline, survey.inline(inline).view())?;
        progress.advance((shape[Axis::Crossline] * shape[Axis::Sample]) as u64);
    }
    writer.finish()?;
    progress.finish();
    let size = ByteSize::new(fs::metadata(path)?.len());
    let seconds = started.elapsed().as_secs_f64();
    let path = path.display();
    say(&format!("{:>12}  {path} ({size}, {shape} voxels, {seconds:.1} s)", "survey"));
    Ok(())
}

/// Draws the inline in the middle of the survey: the input and every output.
fn draw_middle_inline(
    path: &Path,
    input: &dyn Source,
    operator: &dyn Operator,
    result: &Path,
) -> anyhow::Result<()> {
    let middle = input.shape()[Axis::Inline] / 2;
    let [inlines, crosslines, samples] = input.axes();
    let title = format!("Input, inline {}", inlines.values[middle]);
    let section = read_inline(input, middle)?;
    let mut panels = vec![Panel::clipped(&title, "amplitude", section, Palette::Diverging)];
    for output in operator.outputs() {
        let store = ZarrSource::open(result, Some(&output.name))?;
        let section = read_inline(&store, middle)?;
        let unit = output.unit.as_deref().unwrap_or("");
        let title = format!("{} of {}", capital(&output.name), operator.name());
        let quantity = if unit.is_empty() { "" } else { unit };
        panels.push(match &*output.name {
            "azimuth" => Panel {
                title,
                quantity: quantity.to_owned(),
                values: section,
                palette: Palette::Cyclic,
                range: (-180.0, 180.0),
            },
            "gaussian" => Panel::clipped(&title, quantity, section, Palette::Diverging),
            _ => Panel::clipped(&title, quantity, section, Palette::Sequential),
        });
    }
    draw(path, &panels, crosslines, samples)
}

fn read_inline(source: &dyn Source, inline: usize) -> anyhow::Result<Array2<f32>> {
    let [_, crosslines, samples] = source.shape().extents();
    let region = Region::new([inline, 0, 0], Shape::new([1, crosslines, samples])?);
    let mut values = Array3::zeros(region.shape().extents());
    source.read(&region, values.view_mut())?;
    Ok(values.remove_axis(ArrayAxis(0)))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
