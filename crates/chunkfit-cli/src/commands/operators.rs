use std::io::Write;

/// `chunkfit operators`.
pub(crate) fn operators() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for operator in chunkfit_seismic::catalog() {
        writeln!(out, "{}\n  {}", operator.name, operator.summary)?;
        for p in operator.parameters {
            let unit = if p.unit.is_empty() { String::new() } else { format!(" ({})", p.unit) };
            writeln!(out, "    :{}={}{unit}  {}", p.name, p.default, p.meaning)?;
        }
        for output in operator.outputs {
            let unit = output.unit.as_deref().map_or(String::new(), |unit| format!(" ({unit})"));
            writeln!(out, "    → {}{unit}  {}", output.name, output.description)?;
        }
        writeln!(out, "    after {}\n", operator.reference)?;
    }
    Ok(())
}
