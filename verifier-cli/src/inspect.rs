//! `cosignet inspect`: what a file says, true or not.

use verifier_core::Kind;
use verifier_core::hazmat::decision::Decision;
use verifier_core::hazmat::json::Value;
use verifier_core::inspect::{NOTICE, inspect};

use crate::args::{Format, InspectArgs};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::text::{plain, wrap};
use crate::{file, output, role};

pub(crate) fn run(args: &InspectArgs) -> Result<Exit, CliError> {
    let bytes = file::read(&args.file, Decision::MAX_BYTES)?;
    let value = inspect(&bytes).map_err(|error| {
        const SHOWN: &[Kind] = &[Kind::Bundle, Kind::Confirmation, Kind::Decision];
        let wanted = "something that inspect shows: an approval or a part of one, a registration";
        role::named(CliError::of(&error), &bytes, wanted, SHOWN).about(&args.file)
    })?;
    let text = match args.format {
        Format::Json => value.to_text() + "\n",
        Format::Human => {
            let mut out = format!("{NOTICE}\n\n");
            tree(&value, 0, &mut out);
            out.push_str("\nTo verify it: `cosignet verify FILE --policy FILE`.\n");
            out
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

/// One member a line, objects indented. As deep as the core nests them, which is not deep.
fn tree(value: &Value<'_>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let Value::Object(members) = value else {
        return out.push_str(&wrap(&indent, &scalar(value)));
    };
    for (key, value) in members.iter().filter(|(key, _)| *key != "notice") {
        match value {
            Value::Object(_) => {
                out.push_str(&format!("{indent}{key}\n"));
                tree(value, depth + 1, out);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push_str(&format!("{indent}{key}\n"));
                for (i, item) in items.iter().enumerate() {
                    if matches!(item, Value::Object(_)) {
                        out.push_str(&format!("{indent}  [{i}]\n"));
                        tree(item, depth + 2, out);
                    } else {
                        tree(item, depth + 1, out);
                    }
                }
            }
            _ => out.push_str(&wrap(&format!("{indent}{key}  "), &scalar(value))),
        }
    }
}

fn scalar(value: &Value<'_>) -> String {
    match value {
        Value::Null => "not there".into(),
        Value::Array(_) => "none".into(),
        Value::String(text) => plain(text),
        other => other.to_text(),
    }
}
