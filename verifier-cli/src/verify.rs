//! `cosignet verify`: from files to verdicts, in order, several at a time.

pub(crate) mod human;
mod job;
pub(crate) mod repeats;
mod tally;
pub(crate) mod together;

use verifier_core::HeaderChain;

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::headers::{self, HeaderFile};
use crate::input::{self, Given, InputFile, is_folder};
use crate::text::Style;
use crate::{file, policy_file, roster_file};

pub(crate) use job::CRYPTO;

use job::Job;

/// The longest payload that is read, in bytes: it is held in memory. Longer ones have a hash.
const MAX_PAYLOAD: usize = 1 << 30;

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, CliError> {
    check_usage(args)?;
    let policy = args.policy.as_deref().map(policy_file::load).transpose()?;
    let payload = args.payload.as_deref();
    let payload = payload
        .map(|path| file::read_whole(path, MAX_PAYLOAD))
        .transpose()?;
    let file = args.headers.as_deref().map(headers::read).transpose()?;
    let headers: Option<HeaderChain<'_>> = file.as_ref().map(HeaderFile::verify).transpose()?;
    // Verified once for all inputs. One that does not hold is for the reports to say.
    let roster = args.roster.as_deref();
    let roster = roster
        .map(|path| roster_file::load(path, policy.as_ref(), headers.as_ref(), args.at))
        .transpose()?;
    let roles = [
        ("given as --policy", &args.policy),
        ("given as --headers", &args.headers),
        ("given as --roster", &args.roster),
    ];
    let given: Vec<Given<'_>> = roles
        .iter()
        .filter_map(|(role, path)| Some(Given::new(role, path.as_deref()?)))
        .collect();
    let inputs = input::expand(&args.inputs, &given);
    if args.require_expectation {
        require_expectation(args, &inputs.files)?;
    }
    let job = Job {
        args,
        policy: policy.as_ref(),
        payload: payload.as_deref(),
        headers: headers.as_ref(),
        roster: roster.as_ref(),
        single: is_single(args),
        style: Style::of_stdout(),
    };
    match args.together {
        true => job.together(&inputs),
        false => job.run(&inputs),
    }
}

/// Whether one thing is to be verified, and no folder.
fn is_single(args: &VerifyArgs) -> bool {
    args.together || matches!(args.inputs.as_slice(), [one] if !is_folder(one))
}

/// Whether the caller names the one approval, or what it is to be about.
fn expects(args: &VerifyArgs) -> bool {
    args.payload.is_some() || args.payload_sha256.is_some() || args.approval_id.is_some()
}

/// Refuses arguments that make sense alone and not together.
fn check_usage(args: &VerifyArgs) -> Result<(), CliError> {
    for (given, name) in [
        (args.payload.is_some(), "--payload"),
        (args.payload_sha256.is_some(), "--payload-sha256"),
        (args.approval_id.is_some(), "--approval-id"),
    ] {
        if given && !is_single(args) {
            let message = format!("{name} is about one approval, and several are to be verified.");
            return Err(CliError::usage(message).next(
                "Verify that approval alone. In a folder, X.payload beside X.json is its payload.",
            ));
        }
    }
    let named = args.inputs.iter().chain(&args.policy).chain(&args.payload);
    let named = named.chain(&args.headers).chain(&args.roster);
    if named.filter(|path| file::is_stdin(path)).count() > 1 {
        let message = "stdin (-) can be only one of the files, whatever its name.";
        return Err(CliError::usage(message).next("Put the others into files."));
    }
    Ok(())
}

/// Fails for the first input that could be any approval by anybody in the policy.
fn require_expectation(args: &VerifyArgs, inputs: &[InputFile]) -> Result<(), CliError> {
    let open = |input: &&InputFile| input.payload.is_none() && input.problem.is_none();
    if expects(args) {
        return Ok(());
    }
    let Some(input) = inputs.iter().find(open) else {
        return Ok(());
    };
    let message = format!(
        "nothing says what {} has to be about, and --require-expectation was given.",
        show_path(&input.path)
    );
    Err(CliError::usage(message).file(&input.path).next(
        "Name the payload and the approval: --payload FILE --approval-id ID. In a folder, put \
         X.payload beside X.json.",
    ))
}
