//! Does the steps of a schedule.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Barrier, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use traceq::probe::{Backend, Hwm};
use traceq::{MemoryProbe, Region, Target};

use crate::blocks::Block;
use crate::levels::Counters;
use crate::observer::{LOCK, monotonic_ns};
use crate::schedule::{Allocator, PageSize, ReadHow, SLOTS, Start, Step};
use crate::supervisor;
use crate::victim::{ARGUMENT, Job, Ledgers, Record, Spike, Taken};

/// Everything that steps need is there before the first one: nothing else is allocated meanwhile.
pub(crate) struct Actor {
    slots: Vec<Option<Block>>,
    files: Vec<Block>,
    buffer: Vec<u8>,
    shells: Vec<Child>,
    written: Vec<String>,
    open: Vec<Region>,
    begun_ns: u64,
    pub(crate) record: Record,
}

impl Actor {
    pub(crate) fn new() -> Self {
        let record = Record {
            checks: Vec::with_capacity(64),
            spikes: Vec::with_capacity(2048),
            regions: Vec::with_capacity(256),
            ledgers: Vec::with_capacity(1024),
            locks: Vec::with_capacity(64),
            ..Record::default()
        };
        Self {
            slots: (0..SLOTS).map(|_| None).collect(),
            files: Vec::with_capacity(8),
            // Aligned for direct reading by being larger than needed.
            buffer: vec![1; (1 << 20) + 4096],
            shells: Vec::with_capacity(8),
            written: Vec::with_capacity(8),
            open: Vec::with_capacity(8),
            begun_ns: 0,
            record,
        }
    }

    /// Does a little of everything before it counts, so that code, files and buffers are resident.
    pub(crate) fn warm_up(&mut self, counters: &mut Counters) -> anyhow::Result<()> {
        let warm = [
            Step::Open,
            Step::Map { slot: 0, kib: 64, pages: PageSize::Small },
            Step::Malloc { slot: 1, kib: 64, allocator: Allocator::System },
            Step::Touch { slot: 0, kib: 64 },
            Step::Touch { slot: 1, kib: 64 },
            Step::Spike { at_us: 0, kib: 64, us: 10 },
            Step::Check,
            Step::Free { slot: 0 },
            Step::Free { slot: 1 },
            Step::Close,
            Step::Check,
        ];
        self.all(&warm, counters)?;
        self.record.checks.clear();
        self.record.spikes.clear();
        self.record.regions.clear();
        Ok(())
    }

    pub(crate) fn all(&mut self, steps: &[Step], counters: &mut Counters) -> anyhow::Result<()> {
        self.begun_ns = monotonic_ns();
        steps.iter().try_for_each(|step| self.act(step, counters))
    }

    fn act(&mut self, step: &Step, counters: &mut Counters) -> anyhow::Result<()> {
        match step {
            Step::Map { slot, kib, pages } => {
                self.slots[*slot] = Some(Block::map(bytes(*kib), *pages)?);
            }
            Step::Malloc { slot, kib, allocator } => {
                if *allocator == Allocator::Steady {
                    memcage::resident::steady_allocator();
                }
                self.slots[*slot] = Some(Block::request(bytes(*kib), false)?);
            }
            Step::Calloc { slot, kib } => {
                self.slots[*slot] = Some(Block::request(bytes(*kib), true)?);
            }
            Step::Touch { slot, kib } => self.block(*slot)?.touch(bytes(*kib)),
            Step::Look { slot, kib } => self.block(*slot)?.look(bytes(*kib)),
            Step::Advise { slot, advice } => self.block(*slot)?.give_up(*advice)?,
            Step::Free { slot } => self.slots[*slot] = None,
            Step::Sleep { us } => std::thread::sleep(Duration::from_micros(*us)),
            Step::Work { rounds } => {
                for _ in 0..*rounds {
                    Block::map(1 << 20, PageSize::Small)?.touch(1 << 20);
                }
            }
            Step::Spike { at_us, kib, us } => {
                let spike = self.spike(self.begun_ns + at_us * 1000, bytes(*kib), *us)?;
                self.record.spikes.push(spike);
            }
            Step::Threads { n, kib } => together(*n, bytes(*kib), PageSize::Small)?,
            Step::Ledgers { n, kib, pages } => {
                self.record.ledgers.push(ledgers(*n, bytes(*kib), *pages)?);
            }
            Step::Child { steps, start } => {
                let record = child(steps, *start)?;
                self.record.children.push(record);
            }
            Step::ReadFile { path, how, kib } => self.read_file(path, *how, bytes(*kib))?,
            Step::WriteFile { path, kib } => {
                let mut file = File::create(path)?;
                for _ in 0..kib >> 10 {
                    file.write_all(&self.buffer[..1 << 20])?;
                }
                self.written.push(path.clone());
            }
            Step::Lock { ms } => {
                let _held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
                let begin = monotonic_ns();
                std::thread::sleep(Duration::from_millis(*ms));
                self.record.locks.push((begin, monotonic_ns()));
            }
            Step::Shell { every_ms } => self.shells.push(shell(*every_ms)?),
            Step::Open => self.open.push(Region::enter("region")),
            Step::Close => {
                let region = self.open.pop().context("a region is open")?;
                self.record.regions.push(region.close().into());
            }
            Step::Check => {
                let mut levels = counters.read();
                levels.0.extend(supervisor::ask()?.0);
                self.record.checks.push(levels);
            }
        }
        Ok(())
    }

    fn block(&self, slot: usize) -> anyhow::Result<&Block> {
        self.slots[slot].as_ref().with_context(|| format!("slot {slot} is empty"))
    }

    fn spike(&self, at_ns: u64, bytes: usize, us: u64) -> anyhow::Result<Spike> {
        let wait = at_ns.saturating_sub(monotonic_ns());
        std::thread::sleep(Duration::from_nanos(wait));
        let region = Region::enter("spike");
        let block = Block::map(bytes, PageSize::Small)?;
        let most = bytes / 10 * 9 / 4096 * 4096;
        block.touch(most);
        let begin_ns = monotonic_ns();
        block.touch_from(most, bytes);
        let end = begin_ns + us * 1000;
        // Sleeping is not exact enough for the last part.
        let rest = end.saturating_sub(monotonic_ns());
        if rest > 2_000_000 {
            std::thread::sleep(Duration::from_nanos(rest - 2_000_000));
        }
        while monotonic_ns() < end {
            std::hint::spin_loop();
        }
        let end_ns = monotonic_ns();
        drop(block);
        Ok(Spike { begin_ns, end_ns, resident: Taken::from(region.close()).resident })
    }

    fn read_file(&mut self, path: &str, how: ReadHow, bytes: usize) -> anyhow::Result<()> {
        let mut file = match how {
            ReadHow::Direct => File::options().read(true).custom_flags(O_DIRECT).open(path),
            ReadHow::Read | ReadHow::Map => File::open(path),
        }?;
        if how == ReadHow::Map {
            let block = Block::map_file(&file, bytes)?;
            block.look(bytes);
            self.files.push(block);
            return Ok(());
        }
        let skip = self.buffer.as_ptr().align_offset(4096);
        let buffer = &mut self.buffer[skip..skip + (1 << 20)];
        while (file.stream_position()? as usize) < bytes {
            if file.read(buffer)? == 0 {
                bail!("{path} has less than {bytes} bytes");
            }
        }
        Ok(())
    }

    pub(crate) fn leave(mut self) -> anyhow::Result<Record> {
        for shell in &mut self.shells {
            shell.kill()?;
            shell.wait()?;
        }
        for path in &self.written {
            std::fs::remove_file(path)?;
        }
        Ok(self.record)
    }
}

const O_DIRECT: i32 = rustix::fs::OFlags::DIRECT.bits() as i32;

fn bytes(kib: u64) -> usize {
    (kib << 10) as usize
}

/// All threads hold their memory at the same moment.
fn together(n: usize, bytes: usize, pages: PageSize) -> anyhow::Result<()> {
    let barrier = Barrier::new(n);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n)
            .map(|_| {
                scope.spawn(|| -> std::io::Result<()> {
                    let block = Block::map(bytes, pages);
                    if let Ok(block) = &block {
                        block.touch(bytes);
                    }
                    barrier.wait();
                    block.map(drop)
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?.map_err(Into::into)
        })
    })
}

fn ledgers(n: usize, bytes: usize, pages: PageSize) -> anyhow::Result<Ledgers> {
    let mut mark = Hwm::open(Target::Own)?;
    let mut level = Backend::Status.open(Target::Own)?;
    // Stacks of threads are mapped and resident only the first time.
    together(n, 4096, PageSize::Small)?;
    let same = mark.reset()?.bytes as i64;
    let mixed = level.read()?.bytes as i64;
    together(n, bytes, pages)?;
    let peak = mark.read()?.bytes as i64;
    Ok(Ledgers { same: peak - same, mixed: peak - mixed })
}

fn child(steps: &[Step], start: Start) -> anyhow::Result<Record> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([ARGUMENT, &serde_json::to_string(&Job::steps(steps.iter().cloned()))?]);
    if start == Start::Fork {
        #[expect(unsafe_code, reason = "makes the standard library fork instead of vfork")]
        // SAFETY: the closure does nothing.
        unsafe {
            command.pre_exec(|| Ok(()));
        }
    }
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let record = text.lines().last().context("the child did not start")?;
    serde_json::from_str(record).context("the child's result")
}

/// As monitors in shell scripts do: several processes for each sample.
fn shell(every_ms: u64) -> anyhow::Result<Child> {
    let pid = std::process::id();
    let script = format!(
        "while :; do cat /proc/{pid}/status | grep VmRSS | awk '{{print $2}}'; sleep {}; done",
        Duration::from_millis(every_ms).as_secs_f64()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null());
    Ok(command.stderr(Stdio::null()).process_group(0).spawn()?)
}

/// Whether a file system can read past its cache, and the file is there.
pub(crate) fn can_read_direct(path: &Path) -> bool {
    File::options().read(true).custom_flags(O_DIRECT).open(path).is_ok()
}
