//! `cosignet decision`: several bundles in one file.

use crate::args::{DecisionCommand, Format};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::input;
use crate::verify::together;
use crate::{file, output};

pub(crate) fn run(command: &DecisionCommand) -> Result<Exit, CliError> {
    let DecisionCommand::Join(args) = command;
    let text = together::join(&input::expand(&args.inputs, &[]).files)?;
    match &args.output {
        Some(path) => {
            file::create(path, text)?;
            Ok(Exit::Ok)
        }
        None => Ok(output::print(&(text + "\n"), Format::Human)
            .err()
            .unwrap_or(Exit::Ok)),
    }
}
