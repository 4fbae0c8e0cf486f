use chunkfit_core::{Operator, Shape};
use chunkfit_seismic::{Envelope, Gaussian, Quantity, StructureTensor, envelope, gst, parse};
use ndarray::Array3;
use proptest::prelude::*;

fn same_after_parsing(operator: &dyn Operator) -> Result<(), TestCaseError> {
    let name = operator.name();
    let parsed = parse(&name)
        .map_err(|error| TestCaseError::fail(format!("{name} does not parse: {error}")))?;
    prop_assert_eq!(parsed.name(), name);
    prop_assert_eq!(parsed.outputs(), operator.outputs());
    prop_assert_eq!(parsed.halo(), operator.halo());
    let shape = Shape::new([20, 30, 40]).expect("not empty");
    prop_assert_eq!(parsed.workspace(shape, shape), operator.workspace(shape, shape));
    Ok(())
}

fn volume() -> impl Strategy<Value = Array3<f32>> {
    (1..5_usize, 1..5_usize, 1..40_usize).prop_flat_map(|(i, x, k)| {
        prop::collection::vec(-1e4_f32..1e4, i * x * k).prop_map(move |values| {
            Array3::from_shape_vec([i, x, k], values).expect("it has as many values")
        })
    })
}

proptest! {
    #[test]
    fn names_parse_to_the_same_operator(
        sigma in [0.0..40.0, 0.0..40.0, 0.0..40.0],
        truncate in 0.1..9.0,
        half in [0..9_usize, 0..9, 0..9],
        quantities in prop::sample::subsequence(Quantity::ALL.to_vec(), 1..=3).prop_shuffle(),
    ) {
        same_after_parsing(&Envelope)?;
        same_after_parsing(&Gaussian::new(sigma, truncate).unwrap())?;
        same_after_parsing(&Gaussian::new([sigma[0]; 3], 4.0).unwrap())?;
        let kernel = half.map(|half| 2 * half + 1);
        same_after_parsing(&StructureTensor::new(kernel, &quantities).unwrap())?;
    }

    #[test]
    fn parsing_anything_is_no_panic(text in "(envelope|gaussian|gst|.{0,4})(:[a-z=,+x0-9.e-]{0,20})?") {
        let _ = parse(&text);
    }

    #[test]
    fn orientations_are_in_range(volume in volume()) {
        let orientation = gst(volume.view(), [3, 3, 3]).unwrap();
        prop_assert!(orientation.dip.iter().all(|d| (0.0..=90.0).contains(d)));
        prop_assert!(orientation.azimuth.iter().all(|a| *a > -180.0 && *a <= 180.0));
        prop_assert!(orientation.planarity.iter().all(|p| (0.0..=1.0).contains(p)));
    }

    #[test]
    fn the_envelope_is_not_below_the_amplitude(volume in volume()) {
        let envelope = envelope(volume.view());
        prop_assert!(envelope.iter().zip(&volume).all(|(e, v)| *e >= v.abs()));
    }
}
