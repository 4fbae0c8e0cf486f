//! Observations in CSV.

use chunkfit_core::{ByteSize, Shape};
use chunkfit_predict::{
    COLUMNS, Disturbance, Dtype, Observation, Origin, Peak, Scope, TableError, read_csv, write_csv,
};
use proptest::prelude::*;

fn observation() -> impl Strategy<Value = Observation> {
    let extents = || [1..2000_usize, 1..2000_usize, 1..2000_usize];
    let origin = (0..Dtype::ALL.len(), 0..Scope::ALL.len(), ".{0,12}", "[a-z\", \n]{0,9}")
        .prop_map(|(dtype, scope, machine, allocator)| Origin {
            dtype: Dtype::ALL[dtype],
            scope: Scope::ALL[scope],
            machine,
            allocator,
        });
    let peak = (any::<bool>(), any::<u64>()).prop_map(|(killed, bytes)| {
        let bytes = ByteSize::new(bytes);
        if killed { Peak::AtLeast(bytes) } else { Peak::Measured(bytes) }
    });
    let base = proptest::option::of(any::<u64>().prop_map(ByteSize::new));
    let disturbance = any::<[bool; 2]>().prop_map(|[reclaim, swap]| Disturbance { reclaim, swap });
    (extents(), extents(), peak, base, origin, disturbance).prop_map(
        |(block, core, peak, base, origin, disturbance)| Observation {
            block: Shape::new(block).unwrap(),
            core: Shape::new(core).unwrap(),
            peak,
            base,
            origin,
            disturbance,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_written_reads_back_equal(rows in proptest::collection::vec(observation(), 0..8)) {
        let mut file = Vec::new();
        write_csv(&mut file, &rows).unwrap();
        prop_assert_eq!(read_csv(file.as_slice()).unwrap(), rows);
    }
}

const GOOD: &str = "5,7,11,5,7,11,f32,live-heap,3080,0,0,here,glibc 2.39,0,0";

fn read(line: &str) -> Result<Vec<Observation>, TableError> {
    read_csv(format!("{}\n{GOOD}\n{line}\n", COLUMNS.join(",")).as_bytes())
}

#[test]
fn errors_name_line_and_column() {
    assert_eq!(read(GOOD).unwrap().len(), 2);
    for (from, to, message) in [
        ("f32", "f99", "line 3: dtype is `f99`; write one of i8, u8"),
        ("live-heap", "rss", "line 3: scope is `rss`; write one of live-heap, high-water, cgroup"),
        ("3080", "3 GiB", "line 3: peak_bytes is `3 GiB`; write a whole number, not negative"),
        ("5,7,11,f32", "5,0,11,f32", "line 3: the core is no shape: the crossline axis has no"),
        ("3080,0", "3080,maybe", "line 3: censored is `maybe`; write 0 or 1"),
    ] {
        let error = read(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let short = read("5,7,11").unwrap_err().to_string();
    assert!(short.contains("line: 3"), "{short}");
}

#[test]
fn columns_may_move_but_not_be_missing() {
    let file = "scope,inlines,crosslines,samples,core_inlines,core_crosslines,core_samples,dtype,\
                peak_bytes,note,censored,base_bytes,machine,allocator,reclaim,swap\n\
                cgroup,5,7,11,3,5,9,i16,99,hello,1,,m,a,1,0\n";
    let rows = read_csv(file.as_bytes()).unwrap();
    assert_eq!(rows[0].peak, Peak::AtLeast(ByteSize::new(99)));
    assert_eq!(rows[0].base, None);
    assert!(rows[0].disturbance.reclaim && !rows[0].disturbance.swap);
    let error = read_csv("inlines\n1\n".as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("the header has no column `crosslines`"), "{error}");
}
