use std::io::Write;

use chunkfit_io::Input;
use serde_json::Value;

use crate::args::InfoArgs;
use crate::report::write_json;

/// `chunkfit info`.
pub(crate) fn info(args: &InfoArgs) -> anyhow::Result<()> {
    let input = Input::open(&args.input, &args.reading.options()?)?;
    let info = input.info();
    if let Some(path) = &args.json {
        write_json(path, &info)?;
    }
    if args.json.as_deref().is_none_or(|path| path.as_os_str() != "-") {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", args.input.display())?;
        if let Value::Object(facts) = serde_json::to_value(&info)? {
            for (name, value) in facts {
                write_fact(&mut out, &name, &value)?;
            }
        }
    }
    Ok(())
}

fn write_fact(out: &mut impl Write, name: &str, value: &Value) -> std::io::Result<()> {
    let name = name.replace('_', " ");
    match value {
        Value::Null => Ok(()),
        Value::Array(lines) if lines.iter().any(Value::is_string) => {
            lines.iter().try_for_each(|line| write_fact(out, &name, line))
        }
        value => writeln!(out, "{name:>18}  {}", text_of(value)),
    }
}

/// A value without JSON's punctuation: `400 × 400 × 400`, `min 111, max 133, step 1`.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text_of).collect::<Vec<_>>().join(" × "),
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, value)| !value.is_null());
            let words: Vec<_> = known.map(|(name, v)| format!("{name} {}", text_of(v))).collect();
            words.join(", ")
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
