//! The command line of a program that ends with [`Exit`].

use std::ffi::OsString;

use clap::Parser;
use clap::error::{ContextValue, ErrorKind};
use verifier_core::hazmat::shown::escape;

use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::output::{self, Format};
use crate::words::{NEXT_NOT_ALONE, NEXT_WITH_FILE, NOT_ALONE, only_asks, option_that_is_a_file};

/// The command line as it was meant, or how the process ends instead. The first of the `words` is
/// the program's own name. What there is to say has been printed.
pub fn parse<P: Parser>(words: &[OsString]) -> Result<P, Exit> {
    let format = format_of(words);
    let refused = |error: CliError| {
        error.print(format);
        error.exit()
    };
    if let Some(path) = option_that_is_a_file(words) {
        let path = show_path(path);
        let message = format!("{path} is an option, and the name of a file here.");
        return Err(refused(CliError::usage(message).next(NEXT_WITH_FILE)));
    }
    P::try_parse_from(words).map_err(|error| {
        let asked = matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
        );
        if asked && only_asks(words, &P::command()) {
            let printed = output::print(&error.render().to_string(), format);
            return printed.err().unwrap_or(Exit::Ok);
        }
        if asked {
            return refused(CliError::usage(NOT_ALONE).next(NEXT_NOT_ALONE));
        }
        let error = legible(error);
        if format == Format::Json {
            return refused(CliError::usage(first_paragraph(&error)));
        }
        // There is nowhere left to report a failure of this.
        let _ignored = error.print();
        Exit::Usage
    })
}

/// The form in which errors are to be reported, as far as can be told where the command line makes
/// no sense.
pub fn format_of(words: &[OsString]) -> Format {
    let apart = words.windows(2).any(|pair| pair == ["--format", "json"]);
    match apart || words.iter().any(|word| word == "--format=json") {
        true => Format::Json,
        false => Format::Human,
    }
}

/// The error with the words of the command line in it made fit to print.
pub fn legible(mut error: clap::Error) -> clap::Error {
    let context: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(escape(text)))),
            ContextValue::Strings(texts) => {
                let texts = texts.iter().map(|text| escape(text)).collect();
                Some((kind, ContextValue::Strings(texts)))
            }
            // Tips, one line each, which repeat the words.
            ContextValue::StyledStrs(tips) => {
                let tips = tips.iter().map(|tip| escape(&tip.to_string()).into());
                Some((kind, ContextValue::StyledStrs(tips.collect())))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in context {
        error.insert(kind, value);
    }
    error
}

/// The fault in the command line, in one line.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("\n\n").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
