//! What versions of a roster say.

use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::policy::Approver;
use verifier_core::roster::Version;

use super::draft_of;
use crate::args::{Format, RosterDiffArgs, RosterShowArgs};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::text::{plain, wrap};
use crate::{output, people};

pub(super) fn show(args: &RosterShowArgs) -> Result<Exit, CliError> {
    let draft = draft_of(&args.file)?;
    let found = draft.from();
    let text = match args.format {
        Format::Json => {
            let members = [
                ("approved", Value::Null),
                ("name", found.name().into()),
                ("sha256", hex(&found.sha256()).into()),
                ("version", found.number().into()),
            ];
            Value::from(members).to_text() + "\n"
        }
        Format::Human => {
            let what = match draft.follows() {
                true => "NOTHING WAS VERIFIED. The newest version in the file:",
                false => "NOTHING WAS VERIFIED. The payload of a version:",
            };
            format!("{what}\n\n{}", version(found))
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

/// A version for people.
pub(super) fn version(version: &Version) -> String {
    let mut out = String::new();
    let mut say = |label: &str, text: &str| out.push_str(&wrap(&format!("{label:<12}"), text));
    say("roster", &plain(version.name()));
    say("version", &version.number().to_string());
    say("sha256", &hex(&version.sha256()));
    say("changed by", &people::clauses(version.require()));
    for (label, list) in [
        ("admin", version.admins()),
        ("approver", version.approvers()),
    ] {
        for one in list {
            say(label, &key(one));
        }
    }
    out
}

fn key(one: &Approver) -> String {
    format!(
        "{}, {}, key {}",
        plain(&one.name),
        people::person(one),
        one.key.fingerprint()
    )
}

pub(super) fn diff(args: &RosterDiffArgs) -> Result<Exit, CliError> {
    let (old, new) = (draft_of(&args.old)?, draft_of(&args.new)?);
    let (old, new) = (old.from(), new.from());
    let mut changes: Vec<(&str, &str, String)> = Vec::new();
    for (list, before, after) in [
        ("admin", old.admins(), new.admins()),
        ("approver", old.approvers(), new.approvers()),
    ] {
        let lines = |list: &[Approver]| -> Vec<String> { list.iter().map(key).collect() };
        let (before, after) = (lines(before), lines(after));
        for line in before.iter().filter(|line| !after.contains(line)) {
            changes.push(("-", list, line.clone()));
        }
        for line in after.iter().filter(|line| !before.contains(line)) {
            changes.push(("+", list, line.clone()));
        }
    }
    if old.require() != new.require() {
        changes.push(("~", "clauses", "the admins who change it".into()));
    }
    let text = match args.format {
        Format::Json => {
            let change = |(sign, list, line): &(&str, &str, String)| {
                Value::from([
                    ("change", Value::from((*sign).to_owned())),
                    ("key", line.clone().into()),
                    ("list", (*list).to_owned().into()),
                ])
            };
            let members = [
                ("changes", changes.iter().map(change).collect()),
                ("from", old.number().into()),
                ("to", new.number().into()),
            ];
            Value::from(members).to_text() + "\n"
        }
        Format::Human => {
            let mut out = format!("version {} to version {}\n", old.number(), new.number());
            if changes.is_empty() {
                out.push_str("  the same people with the same keys\n");
            }
            for (sign, list, line) in changes {
                out.push_str(&wrap(&format!("  {sign} {list:<9} "), &line));
            }
            out
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}
