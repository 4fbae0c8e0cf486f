//! Profile, fit, predict: from readings to a line for a batch script.

use std::fs;

use crate::support::{fail, report, succeed};

#[test]
fn an_operator_is_profiled_fitted_and_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let profile = ["profile", "--operator", "gaussian:sigma=1", "-o", "g.csv"];
    let shapes = ["--shapes", "40x50x60,61x67x71,100x60x50"];
    let rows = report(at, &[&profile[..], &shapes].concat());
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let fitted = report(at, &["fit", "g.csv", "--operator", "gaussian:sigma=1", "-o", "g.json"]);
    assert_eq!(fitted["rung"], "ledger with measured base");

    let said = report(at, &["predict", "--model", "g.json", "--shape", "150x160x170"]);
    let (peak, upper) = (&said["peak_bytes"], said["upper_bytes"].as_u64().unwrap());
    // A block in and a core out, beside the base and what is declared.
    assert!(peak.as_u64().unwrap() > 8 * 150 * 160 * 170, "{said}");
    assert!(upper >= peak.as_u64().unwrap());
    let line = succeed(at, &["predict", "--model", "g.json", "--shape", "150x160x170", "--slurm"]);
    assert_eq!(line, format!("#SBATCH --mem={}M\n", upper.div_ceil(1 << 20)));

    // What was predicted is what a fresh process takes.
    let again = ["profile", "--operator", "gaussian:sigma=1", "-o", "far.csv"];
    let far = report(at, &[&again[..], &["--shapes", "150x160x170"]].concat());
    let measured = far[0]["peak"]["measured"].as_u64().unwrap();
    assert!(measured <= upper, "{measured} is above {upper}");
    assert!(upper < measured + measured / 10, "{upper} is far above {measured}");

    let fits = report(at, &["predict", "--model", "g.json", "--budget", "100MiB"]);
    assert!(fits["upper_bytes"].as_u64().unwrap() <= 100 << 20);
    let stale = ["predict", "--model", "g.json", "--operator", "gst", "--shape", "9x9x9"];
    let told = fail(at, &stale);
    assert!(told.contains("stale") && told.contains("gaussian:sigma=1"), "{told}");
}

/// `dd` holds one buffer of known size.
#[test]
fn any_command_is_profiled() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("hold.sh"), "exec dd if=/dev/zero of=\"$2\" count=1 bs=$(stat -c %s \"$1\")")
        .unwrap();
    let hold = format!("sh {} {{input}} {{output}}", at.join("hold.sh").display());
    let profile = |more: &[&str]| {
        report(at, &[&["profile", "--command", &hold, "-o", "dd.csv"], more].concat())
    };
    profile(&["--shapes", "100x100x200,200x200x100,100x300x200"]);
    let fitted = report(at, &["fit", "dd.csv", "-o", "dd.json"]);
    assert_eq!(fitted["operator"], "command:dd");
    let said = report(at, &["predict", "--model", "dd.json", "--shape", "200x400x300"]);
    let bytes = 4.0 * 200.0 * 400.0 * 300.0;
    let ratio = said["peak_bytes"].as_f64().unwrap() / bytes;
    assert!((0.98..1.08).contains(&ratio), "{said}");

    let found = report(at, &["doctor"]);
    let mut capabilities = found["capabilities"].as_array().unwrap().iter();
    let groups = capabilities.find(|one| one["name"] == "group with a limit").unwrap();
    if groups["available"] != true {
        // There it is refused memory and ends by itself.
        eprintln!("skipped: a kill by the limit, without control groups: {groups}");
        return;
    }
    // A limit that is too low for it says "at least".
    let killed = profile(&["--shapes", "200x200x200", "--limit", "16MiB"]);
    assert_eq!(killed[0]["peak"]["at-least"], 16 << 20);
}

#[test]
fn what_cannot_be_profiled_or_fitted_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let profile = |more: &[&str]| fail(at, &[&["profile", "-o", "x.csv"], more].concat());
    let one = ["--shapes", "30x40x50"];
    assert!(profile(&[&["--operator", "nothing"], &one[..]].concat()).contains("nothing"));
    assert!(profile(&[&["--command", "true"], &one[..]].concat()).contains("{input}"));
    assert!(profile(&[&["--command", "'open {input}"], &one[..]].concat()).contains("quotes"));
    let absent = profile(&[&["--command", "no-such-program {input}"], &one[..]].concat());
    assert!(absent.contains("does not start"), "{absent}");
    let failed = profile(&[&["--command", "ls {input}.not"], &one[..]].concat());
    assert!(failed.contains("input.npy.not"), "{failed}");
    let small = profile(&["--operator", "gst", "--volume", "50x70x110"]);
    assert!(small.contains("--budget"), "{small}");
    assert!(!at.join("x.csv").exists());

    fs::write(at.join("junk.csv"), "a,b\n1,2\n").unwrap();
    assert!(fail(at, &["fit", "junk.csv", "-o", "m.json"]).contains("inlines"));
    assert!(fail(at, &["fit", "absent.csv", "-o", "m.json"]).contains("absent.csv"));
    fs::write(at.join("m.json"), "{}").unwrap();
    let told = fail(at, &["predict", "--model", "m.json", "--shape", "9x9x9"]);
    assert!(told.contains("m.json"), "{told}");
    let told = fail(at, &["predict", "--operator", "gst", "--budget", "1KiB"]);
    assert!(told.contains("1.00 KiB") || told.contains("1 KiB"), "{told}");
}
