//! `cosignet witness`: the witness is a program of its own.

use crate::args::WitnessArgs;
use crate::failure::CliError;

/// The error that says which program to call.
pub(crate) fn moved(args: &WitnessArgs) -> CliError {
    let words: Vec<_> = args
        .words
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let command = match words.first() {
        Some(first) if ["init", "serve"].contains(&&**first) => {
            format!("cosignet-witness {first} …")
        }
        _ => "cosignet-witness --help".into(),
    };
    CliError::usage("the witness is a program of its own, cosignet-witness.").next(format!(
        "Call `{command}`: the arguments and the files are the same."
    ))
}
