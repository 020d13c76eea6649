//! `cosignet policy`: files that say whom and what their owner trusts.

mod add;
mod check;
mod edit;
mod init;
mod retire;
mod show;

use crate::args::PolicyCommand;
use crate::exit::Exit;
use crate::failure::CliError;

pub(crate) fn run(command: &PolicyCommand) -> Result<Exit, CliError> {
    match command {
        PolicyCommand::AddApprover(args) => add::run(args),
        PolicyCommand::Check(args) => check::run(args),
        PolicyCommand::Init(args) => init::run(args),
        PolicyCommand::RetireApprover(args) => retire::run(args),
        PolicyCommand::Show(args) => show::run(args),
    }
}
