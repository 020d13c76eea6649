//! Events for auditors: printed, and checked.

use std::path::Path;

use command_line::{CliCode, CliError, Format, file, output};
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;

use crate::admin;
use crate::event::Link;
use crate::layout::Layout;

/// The longest file of events that is checked, in bytes.
const MAX_FILE: usize = 1024 * 1024 * 1024;

/// Prints the events behind this number.
pub(crate) fn print(layout: &Layout, after: u64) -> Result<(), CliError> {
    let mut after = after;
    loop {
        let call = Value::from([("after", after.into()), ("call", "events".into())]);
        let Value::Array(lines) = admin::ask(layout, &call)? else {
            return Ok(());
        };
        let mut text = String::new();
        for line in lines.iter().filter_map(Value::as_str) {
            text.push_str(line);
            text.push('\n');
        }
        if lines.is_empty() || output::print(&text, Format::Human).is_err() {
            return Ok(());
        }
        after = after.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
    }
}

/// Checks the chain in a file; returns what it comes to.
pub(crate) fn verify(path: &Path) -> Result<String, CliError> {
    let bytes = file::read(path, MAX_FILE)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| CliError::new(CliCode::GateDamaged, "The file is not UTF-8.").file(path))?;
    let mut link: Option<Link> = None;
    let mut first = None;
    for (number, line) in (1_usize..).zip(text.lines()) {
        let next = Link::follow(link, line).map_err(|why| {
            let message = format!("Line {number} does not continue the chain: {why}.");
            CliError::new(CliCode::GateDamaged, message).file(path)
        })?;
        first = first.or(Some(next.number));
        link = Some(next);
    }
    let (Some(first), Some(last)) = (first, link) else {
        return Ok("No events.\n".into());
    };
    let start = match first {
        1 => "from the first event on",
        _ => "and what came before is not in the file",
    };
    Ok(format!(
        "Events {first} to {} follow each other, {start}.\nThe last has SHA-256 {}.\n",
        last.number,
        hex(&last.hash)
    ))
}
