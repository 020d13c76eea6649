//! `cosignet gate`: people are asked, and a command runs if they have approved, and not otherwise.

mod command;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use gate_client::{Ask, Asking, BreakGlass, Denied, Gate, Journal, Keys, Reason, Settings};
use verifier_core::break_glass::File;
use verifier_core::hazmat::json::Value;

use crate::args::{
    Asked, Door, Format, GateClaimArgs, GateCommand, GateRequestArgs, GateRunArgs, GateWaitArgs,
    Memory, Trusted,
};
use crate::break_glass::Trust;
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, print_note};
use crate::{file, output, policy_file, roster_file};

/// The longest payload file, in bytes: that of the longest payload, with space between its values.
const MAX_PAYLOAD: usize = 4 * 1024 * 1024;

/// How long a gate is asked for that was not there before.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// The longest file with a key, in bytes.
const MAX_KEY: usize = 4096;

pub(crate) fn run(command: &GateCommand) -> Result<ExitCode, CliError> {
    match command {
        GateCommand::Run(args) => act(args),
        GateCommand::Request(args) => request(args),
        GateCommand::Wait(args) => wait(args),
        GateCommand::Claim(args) => claim(args),
    }
}

fn act(args: &GateRunArgs) -> Result<ExitCode, CliError> {
    if let (Some(file), Some(settings)) = (&args.glass.file, &args.glass.settings) {
        return act_without(args, file, settings);
    }
    let gate = trusting(&args.door, &args.trust, &args.memory)?;
    let ask = remembered(asked(&args.ask)?, &args.memory)?;
    let asking = gate.request(ask).map_err(denied)?;
    let url = asking.url().to_owned();
    print_note(&format!("Approvers decide on {url}."), args.format);
    let ran = gate
        .act(&asking, |approved| {
            command::run(&args.command, &command::Act::of(approved))
        })
        .map_err(denied)?;
    if let Some(why) = ran.unreported {
        let message = format!("The command ran, and not everybody knows it: {why}.");
        print_note(&message, args.format);
    }
    ended(ran.result, ExitCode::SUCCESS)
}

fn ended(
    result: Result<(), command::Unsuccessful>,
    success: ExitCode,
) -> Result<ExitCode, CliError> {
    match result {
        Ok(()) => Ok(success),
        Err(command::Unsuccessful::Ended(code)) => Ok(ExitCode::from(code)),
        Err(command::Unsuccessful::NotStarted(error)) => Err(error),
    }
}

/// Without gate and approval, under a break-glass file. Nobody takes its end for that of a run that
/// was approved.
fn act_without(args: &GateRunArgs, file: &Path, settings: &Path) -> Result<ExitCode, CliError> {
    let settings = Settings::load(settings).map_err(denied)?;
    // Everything that may be wrong is found out before anything is done.
    let gate = plain_gate(&args.door)?.patience(args.door.patience.min(AFTERWARDS));
    let trust = Trust::load(&args.trust)?;
    let bytes = file::read_whole(file, File::MAX_BYTES)?;
    let roster = trust.roster.as_ref();
    let glass = BreakGlass::open(&bytes, &trust.policy, roster, &settings);
    let glass = glass.map_err(|error| denied(error).file(file))?;
    let payload = file::read_whole(&args.ask.payload, MAX_PAYLOAD)?;
    let broken = glass
        .run(&args.ask.action, &payload, |emergency| {
            command::run(&args.command, &command::Act::without_approval(emergency))
        })
        .map_err(denied)?;
    let told = gate.report_break_glass(settings.uses());
    if let Ok(told) = &told
        && told.invalid > 0
    {
        let message = "The gate holds a use for not valid: its own people have not signed for it.";
        print_note(message, args.format);
    }
    for why in broken.unwritten.into_iter().chain(told.err()) {
        let message = format!(
            "The command ran without an approval, and not everybody knows it: {why}. Tell the \
             gate when it is there: `cosignet break-glass report`."
        );
        print_note(&message, args.format);
    }
    ended(broken.result, Exit::WithoutApproval.into())
}

fn request(args: &GateRequestArgs) -> Result<ExitCode, CliError> {
    let gate = plain_gate(&args.door)?;
    let asking = gate.request(asked(&args.ask)?).map_err(denied)?;
    let text = match args.format {
        Format::Human => format!("{}\n{}\n", asking.id(), asking.url()),
        Format::Json => shown(&asking) + "\n",
    };
    Ok(exit_of(output::print(&text, args.format)))
}

fn shown(asking: &Asking) -> String {
    Value::from([
        ("expiresAt", asking.expires_at().to_string().into()),
        ("id", asking.id().into()),
        ("url", asking.url().into()),
    ])
    .to_text()
}

fn wait(args: &GateWaitArgs) -> Result<ExitCode, CliError> {
    let gate = plain_gate(&args.door)?;
    // The action is nobody's business before the claim.
    let ask = ask_for("", &args.payload)?;
    let asking = gate.find(&args.id, ask).map_err(denied)?;
    gate.wait(&asking).map_err(denied)?;
    Ok(ExitCode::SUCCESS)
}

fn claim(args: &GateClaimArgs) -> Result<ExitCode, CliError> {
    let gate = trusting(&args.door, &args.trust, &args.memory)?;
    let ask = remembered(ask_for(&args.action, &args.payload)?, &args.memory)?;
    let asking = gate.find(&args.id, ask).map_err(denied)?;
    let approved = gate.claim(&asking).map_err(denied)?;
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(approved.payload())
        .and_then(|()| stdout.flush());
    written.map_err(|error| {
        let message = format!("the approved bytes cannot be written: {error}.");
        CliError::new(CliCode::IoOutput, message)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn exit_of(printed: Result<(), Exit>) -> ExitCode {
    printed.err().unwrap_or(Exit::Ok).into()
}

fn plain_gate(door: &Door) -> Result<Gate, CliError> {
    let gate = Gate::without_policy(&door.url, plain_keys(door)?).map_err(denied)?;
    Ok(gate.patience(door.patience))
}

/// A gate whose decisions are verified.
fn trusting(door: &Door, trust: &Trusted, memory: &Memory) -> Result<Gate, CliError> {
    let policy = policy_file::load(&trust.policy)?;
    let roster = trust.roster.as_deref();
    let roster = roster
        .map(|path| roster_file::load(path, Some(&policy), None, None))
        .transpose()?;
    let mut gate = Gate::new(&door.url, plain_keys(door)?, policy).map_err(denied)?;
    if let Some(roster) = roster {
        gate = gate.roster(roster);
    }
    if let Some(path) = &memory.journal {
        gate = gate.journal(Journal::new(path));
    }
    Ok(gate.patience(door.patience))
}

/// The keys for a gate.
pub(crate) fn plain_keys(door: &Door) -> Result<Keys, CliError> {
    let read = |path: &Path| {
        let bytes = file::read_whole(path, MAX_KEY)?;
        String::from_utf8(bytes).map_err(|_| {
            let message = "the file of the key is no text.";
            CliError::usage(message).about(path)
        })
    };
    let create = read(&door.key_file)?;
    Ok(match &door.claim_key_file {
        Some(path) => Keys::apart(&create, &read(path)?),
        None => Keys::both(&create),
    })
}

fn asked(args: &Asked) -> Result<Ask, CliError> {
    let mut ask = ask_for(&args.action, &args.payload)?;
    if let Some(name) = &args.username {
        ask = ask.username(name);
    }
    if let Some(name) = &args.group {
        ask = ask.group(name);
    }
    if let Some(time) = args.expires_in {
        ask = ask.expires_in(time);
    }
    Ok(ask)
}

fn ask_for(action: &str, payload: &Path) -> Result<Ask, CliError> {
    let bytes = file::read_whole(payload, MAX_PAYLOAD)?;
    Ask::new(action, &bytes).map_err(|error| denied(error).file(payload))
}

fn remembered(ask: Ask, memory: &Memory) -> Result<Ask, CliError> {
    match &memory.operation {
        Some(id) => ask.operation(id).map_err(denied),
        None => Ok(ask),
    }
}

/// A denial in the words of this program.
pub(crate) fn denied(denied: Denied) -> CliError {
    let code = code_of(denied.reason());
    let mut error = CliError::new(code, format!("{denied}.")).next(denied.next());
    if let Some(expected) = denied.expected() {
        error = error.expected(expected);
    }
    if let Some(found) = denied.found() {
        error = error.found(found);
    }
    error
}

/// The code that has the same text.
fn code_of(reason: Reason) -> CliCode {
    let text = reason.code();
    let found = CliCode::ALL.iter().find(|code| code.as_str() == text);
    // A reason that is new to this program is a denial all the same.
    found.copied().unwrap_or(CliCode::DeniedBadAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier_core::Code;

    #[test]
    fn every_reason_has_its_code_and_no_exit_of_success() {
        for reason in Reason::ALL.iter().copied() {
            let code = code_of(reason);
            assert_eq!(code.as_str(), reason.code());
            assert_ne!(code.exit(), Exit::Ok);
        }
        let reason = Reason::NotVerified(Code::DecisionRefused);
        assert_eq!(code_of(reason), CliCode::DeniedNotVerified);
        for (reason, exit) in [
            (Reason::Refused, 10),
            (Reason::Cancelled, 10),
            (Reason::Expired, 11),
            (Reason::ClaimExpired, 11),
            (Reason::Unreachable, 12),
            (Reason::OutcomeUnknown, 13),
            (Reason::Invalid, 2),
        ] {
            assert_eq!(code_of(reason).exit().code(), exit, "{reason:?}");
        }
    }
}
