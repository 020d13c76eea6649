//! `cosignet roster`: who may approve, as a payload that admins approve like anything else.

mod draft;
mod show;

use std::path::Path;

use durable::Edit;
use verifier_core::HeaderChain;
use verifier_core::hazmat::decision::Decision;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::json::Value;
use verifier_core::policy::Approver;
use verifier_core::roster::{self, Roster, Version, payload_text};

use crate::args::{
    Format, RosterAddArgs, RosterAppendArgs, RosterCheckArgs, RosterCommand, RosterInitArgs,
    RosterRemoveArgs,
};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::headers::{self, HeaderFile};
use crate::text::plain;
use crate::{file, key, output, policy_file, roster_file};

use draft::{Draft, drafted};

pub(crate) fn run(command: &RosterCommand) -> Result<Exit, CliError> {
    match command {
        RosterCommand::Init(args) => init(args),
        RosterCommand::Add(args) => add(args),
        RosterCommand::Remove(args) => remove(args),
        RosterCommand::Append(args) => append(args),
        RosterCommand::Show(args) => show::show(args),
        RosterCommand::Diff(args) => show::diff(args),
        RosterCommand::Check(args) => check(args),
    }
}

fn init(args: &RosterInitArgs) -> Result<Exit, CliError> {
    let policy = policy_file::load(&args.policy)?;
    let Some(rule) = policy.roster() else {
        let message = "the policy has no [roster], which names the admins of version 1.";
        return Err(CliError::usage(message).about(&args.policy));
    };
    let text = payload_text(&rule.name, 1, None, &rule.require, rule.admins(), &[]);
    Draft::written(&args.output, &text)?;
    file::create(&args.output, &text)?;
    let path = show_path(&args.output);
    said(&format!(
        "Wrote version 1 of the roster {} to {path}.\nNext: cosignet roster add {path} --name NAME --group GROUP --registration FILE\n",
        plain(&rule.name)
    ))
}

fn add(args: &RosterAddArgs) -> Result<Exit, CliError> {
    let (key, id) = match &args.registration {
        Some(path) => {
            let registration = key::registration(path)?;
            let id = registration.credential_id().to_vec();
            (registration.key().clone(), Some(id))
        }
        None => (key::read(args.key.as_deref().unwrap_or_default())?, None),
    };
    let fingerprint = key.fingerprint();
    let person = args.person.as_ref().unwrap_or(&args.name).clone();
    let new = Approver::new(args.name.clone(), person, args.group.clone(), key, id);
    let mut draft = Draft::open(&args.file, args.output.as_deref())?;
    draft.list(args.admin).push(new);
    let (path, version) = draft.write()?;
    said(&format!(
        "Added {} to version {} in {}.\n\n  {fingerprint}\n\nCompare this fingerprint with its holder over another channel than the one that brought the key.\n",
        plain(&args.name),
        version.number(),
        show_path(&path)
    ))
}

fn remove(args: &RosterRemoveArgs) -> Result<Exit, CliError> {
    let mut draft = Draft::open(&args.file, args.output.as_deref())?;
    let list = draft.list(args.admin);
    let before = list.len();
    list.retain(|one| match (&args.name, &args.person) {
        (Some(name), _) => one.name != *name,
        (None, Some(person)) => one.person != *person,
        (None, None) => true,
    });
    let removed = before.saturating_sub(list.len());
    if removed == 0 {
        let message = "nobody in the roster is called that.";
        let next = format!("Look: `cosignet roster show {}`.", show_path(&args.file));
        return Err(CliError::usage(message).next(next));
    }
    let (path, version) = draft.write()?;
    let keys = if removed == 1 { "key" } else { "keys" };
    said(&format!(
        "Removed {removed} {keys} from version {} in {}.\n",
        version.number(),
        show_path(&path)
    ))
}

fn append(args: &RosterAppendArgs) -> Result<Exit, CliError> {
    let bytes = file::read_whole(&args.decision, Decision::MAX_BYTES)?;
    let decision = match Input::parse(&bytes) {
        Ok(Input::Decision(decision)) => Ok(decision),
        Ok(Input::Bundle(bundle)) => {
            Decision::new(vec![bundle]).map_err(|error| CliError::usage(format!("{error}.")))
        }
        Ok(_) => Err(CliError::usage("this is no decision.")),
        Err(error) => Err(CliError::of(&error)),
    };
    let decision = decision.map_err(|error| error.about(&args.decision))?;
    // Nobody else appends between what is read here and what replaces it.
    let old = match args.file.exists() {
        true => Some(file::edit(&args.file, Roster::MAX_BYTES)?),
        false => None,
    };
    let next = roster::appended(old.as_ref().map(Edit::bytes), &decision)
        .map_err(|error| CliError::of(&error).about(&args.file))?;
    let roster = verify(next.as_bytes(), &args.policy, args.headers.as_deref())?;
    let roster = roster.map_err(|error| CliError::of(&error).about(&args.decision))?;
    match old {
        None => file::create(&args.file, &next)?,
        Some(edit) => file::replace(&args.file, edit, &next)?,
    }
    said(&format!(
        "{} now ends with version {}.\n",
        show_path(&args.file),
        roster.newest().number()
    ))
}

fn check(args: &RosterCheckArgs) -> Result<Exit, CliError> {
    let bytes = file::read_whole(&args.file, Roster::MAX_BYTES)?;
    let roster = verify(&bytes, &args.policy, args.headers.as_deref())?;
    let roster = roster.map_err(|error| CliError::of(&error).about(&args.file))?;
    let newest = roster.newest();
    let text = match args.format {
        Format::Json => {
            let members = [
                ("name", newest.name().into()),
                ("sha256", hex(&newest.sha256()).into()),
                ("version", newest.number().into()),
            ];
            Value::from(members).to_text() + "\n"
        }
        Format::Human => format!(
            "The roster {} holds: {} versions, each approved by the admins of the one before.\n\n{}",
            plain(newest.name()),
            newest.number(),
            show::version(newest)
        ),
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

/// The roster in a file, under a policy that names one.
fn verify(
    bytes: &[u8],
    policy: &Path,
    headers: Option<&Path>,
) -> Result<Result<Roster, roster::Error>, CliError> {
    let policy = policy_file::load(policy)?;
    let file = headers.map(headers::read).transpose()?;
    let chain: Option<HeaderChain<'_>> = file.as_ref().map(HeaderFile::verify).transpose()?;
    roster_file::parse(bytes, &policy, chain.as_ref())
}

fn said(text: &str) -> Result<Exit, CliError> {
    Ok(output::print(text, Format::Human).err().unwrap_or(Exit::Ok))
}

/// The newest version in a roster's file, or the payload that a file is, and the place of the next
/// one. Nothing is verified.
fn draft_of(path: &Path) -> Result<roster::Draft, CliError> {
    drafted(&file::read_whole(path, Roster::MAX_BYTES)?, path)
}

fn parsed(payload: &[u8], path: &Path) -> Result<Version, CliError> {
    Version::parse(payload).map_err(|error| CliError::of(&error).about(path))
}
