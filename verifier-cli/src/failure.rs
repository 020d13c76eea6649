//! What goes wrong before or besides a verdict, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use verifier_core::code::{Code, Effect};
use verifier_core::json::Value;
use verifier_core::{Failure, quote};

use crate::args::Format;
use crate::code::CliCode;
use crate::exit::Exit;
use crate::text::wrap;

/// What happened, what was expected and found, what to do next.
#[derive(Clone, Debug)]
pub(crate) struct CliError {
    code: &'static str,
    exit: Exit,
    /// One sentence.
    pub(crate) message: String,
    file: Option<String>,
    expected: Option<String>,
    found: Option<String>,
    next: String,
}

impl CliError {
    pub(crate) fn new(code: CliCode, message: impl Into<String>) -> Self {
        Self {
            code: code.as_str(),
            exit: code.exit(),
            message: message.into(),
            file: None,
            expected: None,
            found: None,
            next: code.explanation().next.into(),
        }
    }

    /// An error that the core has found in something other than evidence.
    pub(crate) fn of(failure: &dyn Failure) -> Self {
        let code = failure.code();
        let text = failure.to_string();
        let stop = if text.ends_with('.') { "" } else { "." };
        Self {
            code: code.as_str(),
            exit: exit_of(code),
            message: format!("{text}{stop}"),
            file: None,
            expected: failure.expected(),
            found: failure.found(),
            next: code.explanation().next.into(),
        }
    }

    pub(crate) fn policy(code: Code, message: impl Into<String>) -> Self {
        Self {
            code: code.as_str(),
            exit: exit_of(code),
            message: message.into(),
            file: None,
            expected: None,
            found: None,
            next: code.explanation().next.into(),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(CliCode::Usage, message)
    }

    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        // The operating system's number adds nothing to its words.
        let text = error.to_string();
        let why = text.split(" (os error").next().unwrap_or(&text);
        let message = format!("{} cannot be read: {why}.", show_path(path));
        Self::new(CliCode::IoUnreadable, message).file(path)
    }

    pub(crate) fn file(self, path: &Path) -> Self {
        let file = Some(path.to_string_lossy().into_owned());
        Self { file, ..self }
    }

    /// Says in the message, too, which file the error is about.
    pub(crate) fn about(self, path: &Path) -> Self {
        let message = format!("{}: {}", show_path(path), self.message);
        Self { message, ..self }.file(path)
    }

    pub(crate) fn expected(self, expected: impl Into<String>) -> Self {
        let expected = Some(expected.into());
        Self { expected, ..self }
    }

    pub(crate) fn found(self, found: impl Into<String>) -> Self {
        let found = Some(found.into());
        Self { found, ..self }
    }

    pub(crate) fn next(self, next: impl Into<String>) -> Self {
        let next = next.into();
        Self { next, ..self }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// One line of JSON. Members that do not apply are left out.
    pub(crate) fn to_json(&self) -> String {
        let optional = [
            ("expected", self.expected.clone()),
            ("file", self.file.clone()),
            ("found", self.found.clone()),
        ];
        let text = optional
            .into_iter()
            .filter_map(|(key, value)| Some((key.into(), Value::from(value?))));
        let always = [
            ("code", Value::from(self.code)),
            ("exitCode", u64::from(self.exit.code()).into()),
            ("message", self.message.as_str().into()),
            ("next", self.next.as_str().into()),
        ];
        let always = always.into_iter().map(|(key, value)| (key.into(), value));
        Value::Object(text.chain(always).collect()).to_text()
    }

    /// A few lines for people.
    pub(crate) fn to_human(&self) -> String {
        let mut out = wrap("error: ", &format!("{}  [{}]", self.message, self.code));
        for (label, value) in [("expected", &self.expected), ("found   ", &self.found)] {
            if let Some(value) = value {
                out.push_str(&wrap(&format!("  {label}  "), value));
            }
        }
        out.push_str(&wrap("  next: ", &self.next));
        out
    }

    /// To stderr, in the form that the caller asked for.
    pub(crate) fn print(&self, format: Format) {
        let mut text = match format {
            Format::Human => self.to_human(),
            Format::Json => self.to_json(),
        };
        if !text.ends_with('\n') {
            let _infallible = writeln!(text);
        }
        // There is nowhere left to report a failure of this.
        let _ignored = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }
}

fn exit_of(code: Code) -> Exit {
    match code.effect() {
        Effect::Reject => Exit::Rejected,
        Effect::Malformed => Exit::Malformed,
        Effect::Incomplete => Exit::Incomplete,
        _ => Exit::Usage,
    }
}

/// A path fit to print, in quotes if it holds anything unusual.
pub(crate) fn show_path(path: &Path) -> String {
    crate::text::plain_path(&quote(&path.to_string_lossy()))
}
