use std::io::Write;

use chunkfit_core::ByteSize;
use serde::Serialize;

use crate::args::DoctorArgs;
use crate::report::write_json;

#[derive(Serialize)]
struct Findings {
    allowance_bytes: ByteSize,
    allowance_bound_by: String,
    cpus: usize,
    capabilities: Vec<memcage::Capability>,
}

/// `chunkfit doctor`.
pub(crate) fn doctor(args: &DoctorArgs) -> anyhow::Result<()> {
    let allowance = memcage::allowance()?;
    let findings = Findings {
        allowance_bytes: ByteSize::new(allowance.bytes),
        allowance_bound_by: allowance.bound_by,
        cpus: memcage::cpus(),
        capabilities: memcage::doctor(),
    };
    if let Some(path) = &args.json {
        write_json(path, &findings)?;
    }
    if args.json.as_deref().is_none_or(|path| path.as_os_str() != "-") {
        let mut out = std::io::stdout().lock();
        let Findings { allowance_bytes, allowance_bound_by, cpus, capabilities } = &findings;
        writeln!(out, "memory that we may use  {allowance_bytes} (bound by {allowance_bound_by})")?;
        writeln!(out, "processors              {cpus}")?;
        for found in capabilities {
            let mark = if found.available { "yes" } else { "no " };
            writeln!(out, "{mark}  {:24}  {}", found.name, found.evidence)?;
        }
    }
    Ok(())
}
