//! Without the allocator, and with regions switched off, nothing is left in a program: the assembly of
//! small programs is compared, one of which does not know this crate at all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Allocates, grows and frees. Without generic functions, of which the compiler takes copies that it
/// finds in other crates, and then other registers.
const WORK: &str = r#"
use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn traceq_test_work(n: usize) -> usize {
    unsafe {
        let (small, large) = (
            Layout::from_size_align_unchecked(n, 8),
            Layout::from_size_align_unchecked(2 * n, 8),
        );
        let block = realloc(alloc(small), small, 2 * n);
        let zeroed = alloc_zeroed(large);
        let value = zeroed.add(n).read_volatile() as usize;
        dealloc(zeroed, large);
        dealloc(block, large);
        value
    }
}

#[unsafe(no_mangle)]
extern "C" fn main(n: i32, _: *const *const u8) -> i32 {
    traceq_test_work(n as usize + 6) as i32
}
"#;

const ON: &str = "
#[global_allocator]
static ALLOC: traceq::TraceqAlloc = traceq::TraceqAlloc::system();
";

/// The library that this test was linked with lies beside it; there may be others with other features.
fn library() -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    let found = std::fs::read_dir(own.parent().unwrap()).unwrap().flatten().filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("libtraceq-") && name.ends_with(".rlib")
    });
    let newest = found.max_by_key(|entry| entry.metadata().unwrap().modified().unwrap());
    newest.map(|entry| entry.path())
}

/// Compiles a program; its functions with their instructions, addresses taken out.
fn functions(folder: &Path, name: &str, source: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let library = library()?;
    let (file, program) = (folder.join(format!("{name}.rs")), folder.join(name));
    std::fs::write(&file, source).unwrap();
    // The crate's name is part of every symbol, so all programs have the same.
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = Command::new(rustc)
        .args(["--edition", "2024", "--crate-name", "compared", "-O", "-C", "codegen-units=1"])
        .arg("--extern")
        .arg(format!("traceq={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", library.parent()?.display()))
        .arg("-o")
        .args([&program, &file])
        .output()
        .ok()?;
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(Command::new(&program).status().unwrap().success());
    let listing =
        Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(&program).output().ok()?;
    let text = String::from_utf8(listing.stdout).ok()?;
    let mut functions = BTreeMap::<String, Vec<String>>::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(symbol) = line.strip_suffix(">:").and_then(|line| line.split_once('<')) {
            current = Some(functions.entry(symbol.1.to_owned()).or_default());
        } else if let (Some((_, code)), Some(body)) = (line.split_once(":\t"), &mut current) {
            // What is called or read is told by its name, where it has one.
            let (what, name) = code.split_once('<').map_or((code, ""), |(what, name)| (what, name));
            let words = what.split_whitespace().map(|word| match word {
                word if word.contains("0x") => "address",
                word if word.chars().all(|c| c.is_ascii_hexdigit()) => "address",
                word => word,
            });
            let name = name.split('+').next().unwrap_or_default().trim_end_matches('>');
            body.push(format!("{} {name}", words.collect::<Vec<_>>().join(" ")));
        }
    }
    Some(functions)
}

#[test]
fn no_instruction_is_left_without_the_allocator() {
    let folder = tempfile::tempdir().unwrap();
    let compile = |name: &str, head: &str| {
        functions(folder.path(), name, &format!("#![no_main]\n{head}\n{WORK}"))
    };
    let (Some(without), Some(off), Some(on)) =
        (compile("without", ""), compile("off", "extern crate traceq;"), compile("on", ON))
    else {
        eprintln!("skipped: needs rustc, objdump, and the library beside this test");
        return;
    };
    let count = |functions: &BTreeMap<_, Vec<_>>| functions.values().map(Vec::len).sum::<usize>();
    println!("instructions: {} without, {} off, {} on", count(&without), count(&off), count(&on));
    let is_ours = |name: &&String| name.contains("traceq") && !name.contains("traceq_test");
    assert_eq!(off.keys().filter(is_ours).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(without["traceq_test_work"], off["traceq_test_work"]);
    let names = |functions: &BTreeMap<String, _>| functions.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&without), names(&off));
    assert_eq!(count(&without), count(&off));
    // The comparison sees the allocator where it is.
    assert!(on.keys().any(|name| is_ours(&name)) && count(&on) > count(&off));
}
