//! Errors before or besides a verdict, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use log_client::Kind;
use verifier_core::code::{Code, Effect};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::shown::quote_bytes;
use verifier_core::{Failure, plain};

use crate::code::{CliCode, next};
use crate::exit::Exit;
use crate::output::Format;
use crate::text::wrap_stderr;

/// An error as it is shown: the event, expected and found, the next step.
#[derive(Clone, Debug)]
pub struct CliError {
    code: &'static str,
    exit: Exit,
    /// One sentence.
    pub message: String,
    details: Box<Details>,
}

#[derive(Clone, Debug)]
struct Details {
    file: Option<String>,
    expected: Option<String>,
    found: Option<String>,
    next: String,
}

impl CliError {
    /// An error with a code of the command lines, and the code's own next step.
    pub fn new(code: CliCode, message: impl Into<String>) -> Self {
        let next = code.explanation().next;
        Self::coded(code.as_str(), code.exit(), message.into(), next)
    }

    /// An error that the core has found in something other than evidence.
    pub fn of(failure: &dyn Failure) -> Self {
        let text = failure.to_string();
        let stop = if text.ends_with('.') { "" } else { "." };
        let mut error = Self::policy(failure.code(), format!("{text}{stop}"));
        error.details.expected = failure.expected();
        error.details.found = failure.found();
        error
    }

    /// An error with one of the core's codes.
    pub fn policy(code: Code, message: impl Into<String>) -> Self {
        Self::coded(code.as_str(), exit_of(code), message.into(), next(code))
    }

    fn coded(code: &'static str, exit: Exit, message: String, next: &str) -> Self {
        let details = Box::new(Details {
            file: None,
            expected: None,
            found: None,
            next: next.into(),
        });
        Self {
            code,
            exit,
            message,
            details,
        }
    }

    /// A command line or setting that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(CliCode::Usage, message)
    }

    /// A file that cannot be read.
    pub fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        // The operating system's number adds nothing to its words.
        let text = error.to_string();
        let why = text.split(" (os error").next().unwrap_or(&text);
        let message = format!("{} cannot be read: {why}.", show_path(path));
        Self::new(CliCode::IoUnreadable, message).file(path)
    }

    /// Names the file that the error is about, beside the message.
    pub fn file(mut self, path: &Path) -> Self {
        self.details.file = Some(path.to_string_lossy().into_owned());
        self
    }

    /// Says in the message, too, which file the error is about.
    pub fn about(self, path: &Path) -> Self {
        let message = format!("{}: {}", show_path(path), self.message);
        Self { message, ..self }.file(path)
    }

    /// Adds the value that would have been right.
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.details.expected = Some(expected.into());
        self
    }

    /// Adds the value that is there instead.
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.details.found = Some(found.into());
        self
    }

    /// Puts another next step in the place of the code's own.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.details.next = next.into();
        self
    }

    /// The same code, said of something else.
    pub fn instead(mut self, message: impl Into<String>, next: &str) -> Self {
        self.message = message.into();
        self.details.expected = None;
        self.details.found = None;
        self.next(next)
    }

    /// The end of the process that this error stands for.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// One line of JSON. Members that do not apply are left out.
    pub fn to_json(&self) -> String {
        let optional = [
            ("expected", &self.details.expected),
            ("file", &self.details.file),
            ("found", &self.details.found),
        ];
        let text = optional
            .into_iter()
            .filter_map(|(key, value)| Some((key.into(), Value::from(value.as_deref()?))));
        let always = [
            ("code", Value::from(self.code)),
            ("exitCode", u64::from(self.exit.code()).into()),
            ("message", self.message.as_str().into()),
            ("next", self.details.next.as_str().into()),
        ];
        let always = always.into_iter().map(|(key, value)| (key.into(), value));
        Value::Object(text.chain(always).collect()).to_text()
    }

    /// A few lines for people.
    pub fn to_human(&self) -> String {
        let mut out = wrap_stderr("error: ", &format!("{}  [{}]", self.message, self.code));
        let Details {
            expected, found, ..
        } = &*self.details;
        for (label, value) in [("expected", expected), ("found   ", found)] {
            if let Some(value) = value {
                out.push_str(&wrap_stderr(&format!("  {label}  "), value));
            }
        }
        out.push_str(&wrap_stderr("  next: ", &self.details.next));
        out
    }

    /// To stderr, in the form that the caller asked for.
    pub fn print(&self, format: Format) {
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

impl From<log_client::Error> for CliError {
    fn from(error: log_client::Error) -> Self {
        let code = match error.kind() {
            Kind::Address => CliCode::Usage,
            Kind::Mismatch => CliCode::ServedMismatch,
            Kind::Missing => CliCode::ServedMissing,
            _ => CliCode::IoUnreachable,
        };
        let mut own = Self::new(code, error.to_string());
        if let Some(expected) = error.to_expected() {
            own = own.expected(expected);
        }
        match error.to_next() {
            Some(next) => own.next(next),
            None => own,
        }
    }
}

/// Something to know beside the results, to stderr. It changes none of them.
pub fn print_note(message: &str, format: Format) {
    let text = match format {
        Format::Human => wrap_stderr("note: ", message),
        Format::Json => Value::from([("note", message.into())]).to_text() + "\n",
    };
    // There is nowhere left to report a failure of this.
    let _ignored = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}

fn exit_of(code: Code) -> Exit {
    match code.effect() {
        Effect::Reject => Exit::Rejected,
        Effect::Malformed => Exit::Malformed,
        Effect::Incomplete => Exit::Incomplete,
        _ => Exit::Usage,
    }
}

/// A path fit to print, in quotes if it is not one plain word.
pub fn show_path(path: &Path) -> String {
    match path.to_str() {
        Some(path) => plain(path),
        None => quote_bytes(path.as_os_str().as_encoded_bytes()),
    }
}
