//! `cosignet break-glass`: files for when the gate is not there.

mod sign;

use std::path::Path;
use std::process::ExitCode;

use verifier_core::Policy;
use verifier_core::Roster;
use verifier_core::break_glass::{Error, File, Grant, Opened, Pattern, Settings, Signed, Signer};
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::roster;

use gate_client::Gate;

use crate::args::{
    BreakGlassCheckArgs, BreakGlassCommand, BreakGlassJoinArgs, BreakGlassNewArgs,
    BreakGlassReportArgs, Format, Trusted,
};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::gate::{denied, plain_keys};
use crate::text::{plain, wrap};
use crate::verify::CRYPTO;
use crate::{file, output, policy_file, roster_file};

pub(crate) fn run(command: &BreakGlassCommand) -> Result<ExitCode, CliError> {
    match command {
        BreakGlassCommand::New(args) => new(args),
        BreakGlassCommand::Sign(args) => sign::run(args),
        BreakGlassCommand::Join(args) => join(args),
        BreakGlassCommand::Check(args) => check(args),
        BreakGlassCommand::Report(args) => report(args),
    }
}

/// What signatures are judged by.
pub(crate) struct Trust {
    pub(crate) policy: Policy,
    pub(crate) roster: Option<Result<Roster, roster::Error>>,
}

impl Trust {
    pub(crate) fn load(args: &Trusted) -> Result<Self, CliError> {
        let policy = policy_file::load(&args.policy)?;
        let roster = args.roster.as_deref();
        let roster = roster
            .map(|path| roster_file::load(path, Some(&policy), None, None))
            .transpose()?;
        Ok(Self { policy, roster })
    }

    fn verify(&self, file: File) -> Result<Signed, Error> {
        file.verify(&self.policy, self.roster.as_ref(), &CRYPTO)
    }
}

/// A break-glass file, as it is.
fn read(path: &Path) -> Result<File, CliError> {
    let bytes = file::read_whole(path, File::MAX_BYTES)?;
    File::parse(&bytes).map_err(|error| CliError::of(&error).about(path))
}

fn new(args: &BreakGlassNewArgs) -> Result<ExitCode, CliError> {
    let policy = policy_file::load(&args.policy)?;
    let action = Pattern::parse(&args.action).ok_or_else(|| {
        CliError::usage("the text after --action is no pattern.")
            .expected("an action, or the beginning of some that ends in a dot and a star")
            .found(plain(&args.action))
            .next("Write --action payment.send, or --action 'payment.*'.")
    })?;
    let lasts = u64::try_from(args.lasts.as_millis()).unwrap_or(u64::MAX);
    let end = args.from.saturating_add_millis(lasts);
    let mut grant = Grant::new(
        action,
        args.audience.clone(),
        args.reason.clone(),
        policy.sha256(),
        (args.from, end),
        sign::random()?,
    );
    grant.uses = args.uses;
    let made = File::unsigned(&grant).map_err(|error| {
        let usage = CliError::usage(format!("{error}."));
        match verifier_core::Failure::expected(&error) {
            Some(expected) => usage.expected(expected),
            None => usage,
        }
    })?;
    file::create(&args.output, made.to_json() + "\n")?;
    Ok(ExitCode::SUCCESS)
}

fn join(args: &BreakGlassJoinArgs) -> Result<ExitCode, CliError> {
    let mut joined: Option<File> = None;
    for path in &args.inputs {
        let one = read(path)?;
        let Some(all) = &mut joined else {
            joined = Some(one);
            continue;
        };
        if all.grant_text() != one.grant_text() {
            let message = "another grant is signed in it than in the files before.";
            let next = "Give copies of one file: each `break-glass new` makes another one.";
            return Err(CliError::usage(message).next(next).about(path));
        }
        for signature in one.signatures() {
            let added = all.add(signature.clone());
            added.map_err(|error| CliError::of(&error).about(path))?;
        }
    }
    let text = joined.map(|file| file.to_json() + "\n");
    file::create(&args.output, text.unwrap_or_default())?;
    Ok(ExitCode::SUCCESS)
}

fn check(args: &BreakGlassCheckArgs) -> Result<ExitCode, CliError> {
    let trust = Trust::load(&args.trust)?;
    let failed = |error: Error| CliError::of(&error).about(&args.file);
    let signed = trust.verify(read(&args.file)?).map_err(failed)?;
    let Some(path) = &args.settings else {
        let text = match args.format {
            Format::Human => human(
                &signed,
                "Every signature holds. Whether they are enough, the settings of the program say: --settings FILE.",
            ),
            Format::Json => json(&signed),
        };
        return Ok(exit_of(output::print(&text, args.format)));
    };
    let bytes = file::read_whole(path, Settings::MAX_BYTES)?;
    let settings = Settings::from_json(&bytes);
    let settings = settings.map_err(|error| CliError::of(&error).about(path))?;
    let opened = Opened::new(signed.clone(), &settings).map_err(failed)?;
    let (json, words) = match (&args.action, args.at) {
        (Some(action), Some(at)) => {
            let permitted = opened.permits(action, at).map_err(failed)?;
            let words = format!("It permits {} at {at}, without an approval.", plain(action));
            (permitted.to_json(), words)
        }
        _ => (opened.to_json(), "It opens.".into()),
    };
    let text = match args.format {
        Format::Human => human(&signed, &words),
        Format::Json => json + "\n",
    };
    Ok(exit_of(output::print(&text, args.format)))
}

/// What is known without settings: less than a report on a file that opens, and named otherwise.
fn json(signed: &Signed) -> String {
    let grant = Value::from(signed.file().grant_text());
    let signer = |one: &Signer| {
        Value::from([
            ("fingerprint", one.fingerprint.clone().into()),
            ("name", one.name.clone().into()),
            ("person", one.person.clone().into()),
        ])
    };
    let signers = signed.signers().iter().map(signer).collect();
    let members = [
        ("grant", grant),
        ("grantSha256", hex(&signed.file().grant_sha256()).into()),
        ("schema", "cosignet.break-glass-signers/v1".into()),
        ("signers", signers),
    ];
    Value::from(members).to_text() + "\n"
}

fn human(signed: &Signed, words: &str) -> String {
    let grant = signed.file().grant();
    let mut out = String::new();
    let mut say = |label: &str, text: &str| out.push_str(&wrap(&format!("{label:<10}"), text));
    say("action", &plain(grant.action.as_str()));
    say("audience", &plain(&grant.audience));
    say("reason", &verifier_core::quote(&grant.reason));
    let (from, to) = (grant.not_before, grant.not_after);
    say("window", &format!("{from} to {to}"));
    say("uses", &grant.uses.to_string());
    say("policy", &hex(&grant.policy_sha256));
    for one in signed.signers() {
        say(
            "signed by",
            &format!("{}, with {}", plain(&one.person), one.fingerprint),
        );
    }
    out + &wrap("", words)
}

fn report(args: &BreakGlassReportArgs) -> Result<ExitCode, CliError> {
    let settings = gate_client::Settings::load(&args.settings).map_err(denied)?;
    let gate = Gate::without_policy(&args.door.url, plain_keys(&args.door)?).map_err(denied)?;
    let gate = gate.patience(args.door.patience);
    let reported = gate.report_break_glass(settings.uses()).map_err(denied)?;
    let (told, invalid) = (reported.told, reported.invalid);
    let text = match args.format {
        Format::Human => {
            let all = format!("The gate was told about {told} uses, and knows all of them.\n");
            match invalid {
                0 => all,
                _ => format!("{all}It holds {invalid} of them for not valid: look at them now.\n"),
            }
        }
        Format::Json => {
            let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
            Value::from([
                ("invalid", number(invalid).into()),
                ("reported", number(told).into()),
            ])
            .to_text()
                + "\n"
        }
    };
    Ok(exit_of(output::print(&text, args.format)))
}

fn exit_of(printed: Result<(), Exit>) -> ExitCode {
    printed.err().unwrap_or(Exit::Ok).into()
}
