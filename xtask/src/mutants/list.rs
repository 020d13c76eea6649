//! What to break, as cargo-mutants says it.

use std::process::Command;

use serde_json::Value;

use crate::command::{self, root};

/// One change of the rules.
#[derive(Debug)]
pub(crate) struct Mutant {
    /// Where and what, for people: `FILE:LINE:COLUMN: replace … with …`.
    pub(crate) name: String,
    /// The file, from the folder of the workspace.
    pub(crate) file: String,
    /// The line and the column where the change begins, both from 1, the column in characters.
    pub(crate) start: (usize, usize),
    /// What the change is.
    pub(crate) kind: Kind,
    /// The text that takes the place of what was there.
    pub(crate) replacement: String,
}

/// The kinds of changes that cargo-mutants knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A function returns a value at once. It begins where the body's first statement does.
    Body,
    /// An operator between two operands is another one.
    Binary,
    /// An operator before an operand is missing.
    Unary,
    /// An arm is missing. It begins where the pattern does.
    Arm,
    /// A condition of an arm is always `true`, or never.
    Guard,
    /// A field takes its value from the base of a struct expression.
    Field,
    /// A kind that came later than this program.
    Other,
}

impl Mutant {
    /// The folder of rules below `verifier-core/src`, or the file that stands for itself.
    pub(crate) fn rules(&self) -> &str {
        let path = self.file.rsplit("src/").next().unwrap_or(&self.file);
        let end = path.find(['/', '.']).unwrap_or(path.len());
        path.get(..end).unwrap_or(path)
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let at = value.pointer("/span/start")?;
        let number = |name: &str| usize::try_from(at.get(name)?.as_u64()?).ok();
        let returns = value.pointer("/function/return_type");
        let opaque = returns
            .and_then(Value::as_str)
            .is_some_and(|returned| returned.contains("impl "));
        let kind = match value.get("genre")?.as_str()? {
            // A second type for one `impl Trait`.
            "FnValue" if opaque => Kind::Other,
            "FnValue" => Kind::Body,
            "BinaryOperator" => Kind::Binary,
            "UnaryOperator" => Kind::Unary,
            "MatchArm" => Kind::Arm,
            "MatchArmGuard" => Kind::Guard,
            "StructField" => Kind::Field,
            _ => Kind::Other,
        };
        Some(Self {
            name: text("name")?,
            file: text("file")?,
            start: (number("line")?, number("column")?),
            kind,
            replacement: text("replacement")?,
        })
    }
}

/// cargo-mutants, for the core.
pub(crate) fn cargo_mutants() -> Command {
    let mut command = Command::new("cargo");
    let core = ["mutants", "--package=verifier-core"];
    command.current_dir(root()).args(core);
    command
}

/// The mutants of these files or patterns of files, without those of texts for people.
pub(crate) fn of(files: &[&str]) -> Result<Vec<Mutant>, String> {
    let mut command = cargo_mutants();
    command.args([
        "--list",
        "--json",
        // What people read is no rule.
        "--exclude-re=::(as_str|expected|fmt|found|message|name)( ->|$)",
    ]);
    for file in files {
        // Modules of `hazmat` have `#[path = "."]`, and go by that here.
        let dotted = file.replacen("/src/", "/src/./", 1);
        command.args([format!("--file={file}"), format!("--file={dotted}")]);
    }
    let listed = command::print(&mut command)?;
    let listed: Value = serde_json::from_str(&listed)
        .map_err(|error| format!("the list of cargo-mutants is not JSON: {error}"))?;
    let listed = listed.as_array().map(Vec::as_slice).unwrap_or_default();
    let read: Option<Vec<Mutant>> = listed.iter().map(Mutant::read).collect();
    read.ok_or_else(|| "the list of cargo-mutants is written in a new way".to_owned())
}

/// The text as a regular expression that matches nothing else.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if "\\.+*?()|[]{}^$#&-~".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
