//! The tests of memcage on a real cgroup v2 hierarchy.
//!
//! A Debian kernel boots under qemu, in software if need be, with a file system in memory that holds busybox and
//! the test program. Each scenario runs the whole test program in another place of the hierarchy, and
//! says which mechanism it must find there.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::steps::{command, root, run};

/// A package whose dependency is a kernel with cgroup v2 and a resettable `memory.peak` (≥ 6.12).
const KERNEL: &str = "linux-image-6.12-cloud-amd64";
const TOOLS: [(&str, &str); 3] =
    [("qemu-system-x86_64", "qemu-system-x86"), ("busybox", "busybox-static"), ("cpio", "cpio")];
/// Software emulation on a busy machine.
const BOOT_SECONDS: &str = "600";

/// What the virtual machine does instead of starting services.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin RUST_BACKTRACE=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /etc
printf 'root:x:0:0::/tmp:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' > /etc/passwd
cd /tmp
top=/sys/fs/cgroup
failed=0

scenario() { # NAME GROUP USER MECHANISM
    echo "── $1"
    export MEMCAGE_EXPECT="$4"
    mkdir -p "$2"
    if sh -c 'echo $$ > "$0/cgroup.procs" && exec su "$1" -c /test' "$2" "$3"; then
        echo "vm-test: $1: passed"
    else
        echo "vm-test: $1: FAILED"
        failed=1
    fi
}

chmod 1777 /tmp
scenario "a group without the controller" $top/plain root "data limit"
echo +memory > $top/cgroup.subtree_control
scenario "root in the root group" $top root "cgroup v2"
scenario "root in a group of its own" $top/job root "cgroup v2"
mkdir $top/user
chown 1000:1000 $top/user $top/user/cgroup.procs $top/user/cgroup.subtree_control
scenario "a user in a group that is delegated" $top/user user "cgroup v2"
scenario "a user in a group that is not" $top/closed user "data limit"
[ $failed = 0 ] && echo "vm-test: all passed"
poweroff -f
"#;

/// Boots the machine, runs all scenarios, and fails when one of them does.
pub(crate) fn test() -> anyhow::Result<()> {
    install_tools()?;
    let folder = root().join("target/vm");
    fs::create_dir_all(&folder)?;
    let kernel = kernel(&folder)?;
    let image = image(&folder, &test_program()?)?;
    let log = folder.join("console.log");
    eprintln!("\n── booting {}", kernel.display());
    let machine = Command::new("timeout")
        .args([BOOT_SECONDS, "qemu-system-x86_64", "-m", "2048", "-smp", "2", "-nographic"])
        .args(["-no-reboot", "-append", "console=ttyS0 quiet panic=-1", "-kernel"])
        .arg(&kernel)
        .arg("-initrd")
        .arg(&image)
        .stdin(Stdio::null())
        .output()
        .context("cannot run qemu")?;
    fs::write(&log, &machine.stdout)?;
    let console = String::from_utf8_lossy(&machine.stdout);
    for line in console.lines().filter(|line| worth_showing(line)) {
        eprintln!("{}", line.trim_end());
    }
    if !console.contains("vm-test: all passed") {
        bail!("the tests failed on cgroup v2; all output is in {}", log.display());
    }
    Ok(())
}

fn worth_showing(line: &str) -> bool {
    ["──", "vm-test", "test result", "FAILED", "failed", "panicked", "skipped"]
        .iter()
        .any(|word| line.contains(word))
}

/// Why the machine cannot be booted here, if so.
pub(crate) fn obstacle() -> Option<String> {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return Some("this is no Linux on x86-64".to_owned());
    }
    if ["apt-get", "dpkg-deb"].iter().any(|program| !on_path(program)) {
        return Some("the kernel comes as a Debian package, and there is no apt-get".to_owned());
    }
    let missing = TOOLS.iter().find(|(program, _)| !on_path(program));
    let may_install = rustix::process::geteuid().is_root();
    missing
        .filter(|_| !may_install)
        .map(|(_, package)| format!("{package} is not installed, and only root may install it"))
}

/// Installs what is missing.
fn install_tools() -> anyhow::Result<()> {
    let missing: Vec<&str> = TOOLS
        .iter()
        .filter(|(program, _)| !on_path(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    run(&mut command("apt-get", &["update", "-qq"]))?;
    let mut install = command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    run(install.args(missing).stdout(Stdio::null()))
}

/// Whether a program of this name can be started.
fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The kernel, unpacked from its package but not installed.
fn kernel(folder: &Path) -> anyhow::Result<PathBuf> {
    let unpacked = folder.join("kernel");
    if let Some(kernel) = vmlinuz(&unpacked) {
        return Ok(kernel);
    }
    let depends = command("apt-cache", &["depends", KERNEL]).output()?;
    let depends = String::from_utf8_lossy(&depends.stdout).into_owned();
    let mut packages = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    let package = packages
        .find(|package| package.starts_with("linux-image-"))
        .with_context(|| format!("apt knows no {KERNEL}"))?;
    run(command("apt-get", &["download", "-qq", package]).current_dir(folder))?;
    let archive = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    let unpack = ["-x", &archive.to_string_lossy(), &unpacked.to_string_lossy()];
    run(&mut command("dpkg-deb", &unpack))?;
    vmlinuz(&unpacked).context("the package holds no kernel")
}

fn vmlinuz(unpacked: &Path) -> Option<PathBuf> {
    let boot = fs::read_dir(unpacked.join("boot")).ok()?;
    let is_kernel = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz"))
    };
    boot.filter_map(Result::ok).map(|entry| entry.path()).find(is_kernel)
}

/// The integration test program of memcage.
fn test_program() -> anyhow::Result<PathBuf> {
    let build = ["test", "-p", "memcage", "--test", "it", "--no-run", "--message-format", "json"];
    let output = command("cargo", &build).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("memcage's tests do not build");
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let executable = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_test = message["target"]["name"] == "it";
        message["executable"].as_str().filter(|_| is_test).map(PathBuf::from)
    };
    messages.lines().find_map(executable).context("cargo built no test program")
}

/// A file system in memory: busybox, the test program and the libraries that it needs.
fn image(folder: &Path, program: &Path) -> anyhow::Result<PathBuf> {
    let tree = folder.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    for name in ["bin", "proc", "sys", "dev", "tmp"] {
        fs::create_dir_all(tree.join(name))?;
    }
    let busybox = command("sh", &["-c", "command -v busybox"]).output()?;
    let busybox = String::from_utf8_lossy(&busybox.stdout).trim().to_owned();
    fs::copy(busybox, tree.join("bin/busybox"))?;
    fs::copy(program, tree.join("test"))?;
    for library in libraries(program)? {
        let inside = tree.join(library.strip_prefix("/")?);
        fs::create_dir_all(inside.parent().unwrap_or(&tree))?;
        fs::copy(&library, &inside)?;
    }
    let init = tree.join("init");
    fs::write(&init, INIT)?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755))?;
    let list = Command::new("find").arg(".").current_dir(&tree).output()?;
    let image = folder.join("image.cpio");
    let mut pack = Command::new("cpio")
        .args(["-o", "-H", "newc", "--quiet"])
        .current_dir(&tree)
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&image)?)
        .spawn()?;
    pack.stdin.take().context("cpio reads names")?.write_all(&list.stdout)?;
    if !pack.wait()?.success() {
        bail!("cpio failed");
    }
    Ok(image)
}

/// The shared libraries of a program, the loader included.
fn libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let path =
        |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    Ok(text.lines().filter_map(path).collect())
}
