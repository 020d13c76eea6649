//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

/// Begins a metric: what it is, for people and for programs.
pub fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _infallible = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// The value of a label, in quotation marks. `text` has no control characters.
pub fn label(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
