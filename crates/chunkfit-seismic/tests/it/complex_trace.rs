//! Attributes of the analytic signal against files of NumPy 2.4.6 and SciPy 1.17.1.

use std::path::Path;

use chunkfit_core::testing::{Dice, apply_at, check_operator};
use chunkfit_core::{Placement, Shape};
use chunkfit_seismic::{ComplexAttribute, Definition, envelope, parse, whole};
use ndarray::{Array3, ArrayView3, s};

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests-data/complex-trace");
const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

/// Largest difference from the file, over the largest envelope for amplitudes and relative to
/// 1 + value elsewhere.
fn limit(attribute: ComplexAttribute) -> f32 {
    match attribute {
        ComplexAttribute::Envelope
        | ComplexAttribute::Quadrature
        | ComplexAttribute::PhaseRotation => 1e-6,
        // The frequency that divides is off too, most where it is low.
        ComplexAttribute::Sweetness => 5e-6,
        // 1e-6 of the largest envelope is 6e-5 degrees, and more where the envelope is small.
        ComplexAttribute::Phase => 1e-4,
        ComplexAttribute::QualityFactor => 1e-3,
        // 1e-7 per sample is 2e-5 Hz at 1 ms, and a share of that for other units.
        _ => 5e-5,
    }
}

fn read(path: &Path) -> Array3<f32> {
    ndarray_npy::read_npy(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compute(name: &str, volume: ArrayView3<'_, f32>) -> Vec<Array3<f32>> {
    whole(parse(name).unwrap().as_ref(), volume).unwrap()
}

#[test]
fn own_files() {
    for (shape, dt, angle) in [("4x5x40", 4, 90), ("3x7x37", 2, 30), ("1x2x64", 1, -120)] {
        let file = |what: &str| read(&Path::new(OWN).join(format!("{shape}_{what}.npy")));
        let input = file("input");
        let largest = file("envelope").iter().copied().fold(0.0, f32::max);
        for definition in Definition::ALL {
            let names = ComplexAttribute::ALL.map(ComplexAttribute::name).join("/");
            let definition_name = definition.name();
            let all = format!(
                "complex-trace:outputs={names},dt={dt},definition={definition_name},angle={angle}"
            );
            for (attribute, got) in
                ComplexAttribute::ALL.into_iter().zip(compute(&all, input.view()))
            {
                let literature = format!("{attribute}-literature");
                let both = Path::new(OWN).join(format!("{shape}_{literature}.npy")).exists();
                let expected = match definition {
                    Definition::Literature if both => file(&literature),
                    _ => file(attribute.name()),
                };
                let amplitude = largest
                    / match (attribute, definition) {
                        (ComplexAttribute::Sweetness, Definition::Dasf) => 5.0,
                        _ => 1.0,
                    };
                let scale = |value: f32| match attribute {
                    ComplexAttribute::Envelope
                    | ComplexAttribute::Quadrature
                    | ComplexAttribute::PhaseRotation
                    | ComplexAttribute::Sweetness => amplitude,
                    _ => 1.0 + value.abs(),
                };
                let worst = got.iter().zip(&expected).map(|(got, expected)| {
                    let difference = (got - expected).abs();
                    let turned = if attribute == ComplexAttribute::Phase {
                        difference.min(360.0 - difference)
                    } else {
                        difference
                    };
                    turned / scale(*expected)
                });
                let worst = worst.fold(0.0, f32::max);
                assert!(
                    worst < limit(attribute),
                    "{shape}, {definition_name} {attribute}: {worst}"
                );
            }
        }
    }
}

/// Each attribute alone has the bits that it has among the others.
#[test]
fn alone_or_together() {
    let volume = Dice::new(5).volume(Shape::new([5, 6, 31]).unwrap());
    let names = ComplexAttribute::ALL.map(ComplexAttribute::name).join("/");
    let together = compute(&format!("complex-trace:outputs={names}"), volume.view());
    for (attribute, expected) in ComplexAttribute::ALL.into_iter().zip(together) {
        assert_eq!(compute(attribute.name(), volume.view())[0], expected, "{attribute}");
    }
}

/// Chunks cut volumes elsewhere than stretches do, which hold many inlines, or a part of a trace.
#[test]
fn cuts_do_not_show() {
    let names = ComplexAttribute::ALL.map(ComplexAttribute::name).join("/");
    let operator = parse(&format!("complex-trace:outputs={names}")).unwrap();
    for extents in [[331, 3, 3], [701, 3, 1], [3, 307, 5], [1009, 1, 2], [3, 2, 1103]] {
        check_operator(operator.as_ref(), extents, 4);
    }
}

/// A real cube, against what dasf-seismic-extras defines, computed by the independent reference.
#[test]
fn a_real_cube_agrees_with_the_reference() {
    let path = Path::new(SHARED).join("npy/dasf_raw_100x100x100.npy");
    if !path.is_file() {
        return eprintln!("skipped: {} is not there", path.display());
    }
    let volume = read(&path).slice(s![20..44, 30..52, ..]).to_owned();
    let at = Placement::whole(Shape::new(volume.dim().into()).unwrap());
    for attribute in ComplexAttribute::ALL {
        for definition in Definition::ALL {
            let name =
                format!("complex-trace:outputs={attribute},definition={}", definition.name());
            let operator = parse(&name).unwrap();
            let outputs = apply_at(operator.as_ref(), volume.view(), &at);
            let views = [outputs[0].view()];
            let check =
                chunkfit_seismic::reference::verify(&name, volume.view(), &at, &views).unwrap();
            assert!(check.passed, "{name}: {check:?}");
        }
    }
}

/// Traces keep their bits whatever goes beside them.
#[test]
fn neighbours_do_not_matter() {
    for n in [1, 2, 3, 7, 16, 30, 37, 100, 202] {
        let volume = Dice::new(n as u64).volume(Shape::new([5, 7, n]).unwrap());
        let together = envelope(volume.view());
        for ((i, x, _), trace) in volume
            .exact_chunks([1, 1, n])
            .into_iter()
            .enumerate()
            .map(|(number, trace)| ((number / 7, number % 7, 0), trace))
        {
            let mut beside = Array3::from_elem([1, 3, n], f32::NAN);
            beside.slice_mut(s![.., 1..2, ..]).assign(&trace);
            beside.slice_mut(s![.., 2, ..]).fill(1e30);
            let alone = envelope(beside.view());
            assert_eq!(alone.slice(s![0, 1, ..]), together.slice(s![i, x, ..]), "{n} samples");
        }
    }
}

#[test]
fn silence_and_nothing_in_it() {
    let mut volume = Array3::zeros([4, 5, 24]);
    let names = ComplexAttribute::ALL.map(ComplexAttribute::name).join("/");
    let all = format!("complex-trace:outputs={names},definition=literature");
    for (attribute, output) in ComplexAttribute::ALL.into_iter().zip(compute(&all, volume.view())) {
        let expected = if attribute == ComplexAttribute::CosinePhase { 1.0 } else { 0.0 };
        assert!(output.iter().all(|v| *v == expected), "{attribute}");
    }
    volume[[0, 0, 3]] = f32::INFINITY;
    for (attribute, output) in ComplexAttribute::ALL.into_iter().zip(compute(&all, volume.view())) {
        let halo = parse(attribute.name()).unwrap().halo();
        let reach = [4, 5].map(|n| match halo.reach(chunkfit_core::Axis::Inline) {
            chunkfit_core::Reach::Width { after, .. } => n.min(after + 1),
            chunkfit_core::Reach::Whole => n,
        });
        for ((i, x, k), value) in output.indexed_iter() {
            let near = i < reach[0] && x < reach[1];
            assert_eq!(value.is_nan(), near, "{attribute} at {i} {x} {k}: {value}");
        }
    }
}

#[test]
fn names_parse_to_the_same_operator() {
    for (text, name) in [
        ("phase", "phase"),
        ("complex-trace:outputs=phase", "phase"),
        ("complex-trace:outputs=phase/envelope,dt=2", "complex-trace:outputs=envelope/phase"),
        ("frequency", "frequency:dt=4"),
        ("sweetness:definition=literature,dt=0.5", "sweetness:dt=0.5,definition=literature"),
        ("phase-rotation:angle=-45", "phase-rotation:angle=-45"),
        ("complex-trace", "complex-trace:outputs=envelope/phase/frequency,dt=4"),
    ] {
        let operator = parse(text).unwrap();
        assert_eq!(operator.name(), name, "{text}");
        let again = parse(name).unwrap();
        assert_eq!(again.name(), name);
        assert_eq!(again.outputs(), operator.outputs());
        assert_eq!(again.halo(), operator.halo());
    }
    assert_eq!(
        chunkfit_seismic::parse_for("frequency", Some(2.0)).unwrap().name(),
        "frequency:dt=2"
    );
}

#[test]
fn messages_say_what_to_change() {
    for (text, part) in [
        ("frequency:dt=0", "dt is 0; give milliseconds"),
        ("frequency:dt=nan", "dt is NaN"),
        ("sweetness:definition=mine", "give dasf or literature"),
        ("phase-rotation:angle=inf", "angle is inf; give a number of degrees"),
        ("phase:dt=4", "phase takes no parameters"),
        ("complex-trace:outputs=phase/phase", "phase is asked for twice"),
        ("complex-trace:outputs=fase", "give one of envelope, quadrature, phase"),
    ] {
        let message = parse(text).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(part), "{text}: {message}");
    }
}
