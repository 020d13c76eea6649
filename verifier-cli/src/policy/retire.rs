//! `cosignet policy retire-approver`: an end for a key, comments kept.

use toml_edit::{DocumentMut, Value as Toml, value};
use verifier_core::Time;
use verifier_core::hazmat::json::Value;
use verifier_core::policy::{Approver, Policy};
use verifier_core::quote;

use super::check::list;
use super::edit::PolicyEdit;
use crate::args::{Format, RetireArgs};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::output;
use crate::text::{plain, wrap};

pub(super) fn run(args: &RetireArgs) -> Result<Exit, CliError> {
    let mut edit = PolicyEdit::open(&args.policy)?;
    let places = places(args, edit.policy()).map_err(|error| error.about(&args.policy))?;
    let before: Vec<Approver> = edit.policy().approvers().to_vec();
    for place in &places {
        set_end(edit.document(), *place, args.at);
    }
    // Nothing but these ends may have changed.
    let policy = edit.write(|changed| {
        let same = |(at, (old, new)): (usize, (&Approver, &Approver))| {
            let end = match places.contains(&at) {
                true => Some(args.at),
                false => old.not_after,
            };
            new.key == old.key
                && new.name == old.name
                && new.credential_id == old.credential_id
                && new.not_before == old.not_before
                && new.not_after == end
        };
        let pairs = before.iter().zip(changed.approvers());
        before.len() == changed.approvers().len() && pairs.enumerate().all(same)
    })?;
    let retired: Vec<&Approver> = places
        .iter()
        .filter_map(|place| policy.approvers().get(*place))
        .collect();
    let text = report(args, &policy, &retired);
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

/// Where the keys stand whose end is to be set. Fails unless it is clear which they are.
fn places(args: &RetireArgs, policy: &Policy) -> Result<Vec<usize>, CliError> {
    let show = format!(
        "Look at the keys: `cosignet policy show {}`.",
        show_path(&args.policy)
    );
    let meant = |approver: &Approver| {
        let name = args.name.as_ref().is_none_or(|name| *name == approver.name);
        let key = args.key.as_ref();
        name && key.is_none_or(|key| *key == approver.key.fingerprint())
    };
    let all = policy.approvers().iter().enumerate();
    let found: Vec<(usize, &Approver)> = all.filter(|(_, approver)| meant(approver)).collect();
    let open =
        |(_, approver): &&(usize, &Approver)| approver.not_after.is_none_or(|end| end > args.at);
    let places: Vec<(usize, &Approver)> = found.iter().filter(open).copied().collect();
    match (found.as_slice(), places.as_slice()) {
        ([], _) => {
            let what = match (&args.key, &args.name) {
                (Some(key), _) => format!("with the fingerprint {}", quote(key)),
                (_, name) => format!("of {}", quote(name.as_deref().unwrap_or_default())),
            };
            Err(CliError::new(
                CliCode::KeyUnknown,
                format!("the policy has no key {what}."),
            )
            .next(show))
        }
        ([(_, one), ..], []) => {
            let end = found.iter().filter_map(|(_, key)| key.not_after).max();
            let end = end.map_or_else(String::new, |end| end.to_string());
            Err(CliError::new(
                CliCode::KeyRetired,
                format!(
                    "the validity of {} ends at {end} already.",
                    quote(&one.name)
                ),
            )
            .expected(format!("an end after {}", args.at))
            .found(end))
        }
        (_, [(_, one), _, ..]) if !args.all => {
            let keys: Vec<String> = places
                .iter()
                .map(|(_, key)| key.key.fingerprint())
                .collect();
            Err(CliError::new(
                CliCode::KeyAmbiguous,
                format!(
                    "{} has {} keys that are not retired.",
                    quote(&one.name),
                    keys.len()
                ),
            )
            .expected("one key")
            .found(keys.join(", "))
            .next("Say which: `--key` and its fingerprint; or `--all`."))
        }
        (_, places) => {
            let early = |(_, key): &&(usize, &Approver)| {
                key.not_before.is_some_and(|start| start > args.at)
            };
            if let Some((_, key)) = places.iter().find(early) {
                let start = key
                    .not_before
                    .map_or_else(String::new, |start| start.to_string());
                return Err(CliError::usage(format!(
                    "the key of {} would end before it begins.",
                    quote(&key.name)
                ))
                .expected(format!("--at {start} or later"))
                .found(args.at.to_string())
                .next("Give a later time; or remove the key by hand, if it was never used."));
            }
            Ok(places.iter().map(|(place, _)| *place).collect())
        }
    }
}

/// Sets the end of the approver at `place`, in either of the forms in which TOML has lists.
fn set_end(document: &mut DocumentMut, place: usize, at: Time) {
    let end = at.to_string();
    let Some(approvers) = document.get_mut("approvers") else {
        return;
    };
    if let Some(table) = approvers
        .as_array_of_tables_mut()
        .and_then(|tables| tables.get_mut(place))
    {
        match table
            .get_mut("notAfter")
            .and_then(|item| item.as_value_mut())
        {
            Some(old) => exchange(old, end),
            None => {
                table.insert("notAfter", value(end));
            }
        }
    } else if let Some(table) = approvers
        .as_array_mut()
        .and_then(|array| array.get_mut(place))
        .and_then(|item| item.as_inline_table_mut())
    {
        match table.get_mut("notAfter") {
            Some(old) => exchange(old, end),
            None => {
                table.insert("notAfter", end.into());
                table.fmt();
            }
        }
    }
}

/// Puts another text in the place of a value. What stands around it, such as a comment, stays.
fn exchange(old: &mut Toml, text: String) {
    let decor = old.decor().clone();
    *old = text.into();
    *old.decor_mut() = decor;
}

fn report(args: &RetireArgs, policy: &Policy, retired: &[&Approver]) -> String {
    let name = retired.first().map_or("", |key| key.name.as_str());
    let warning = policy_advice::retirement(policy, name);
    let warnings: Vec<String> = warning.into_iter().collect();
    if args.format == Format::Json {
        let keys = retired.iter().map(|key| Value::from(key.key.fingerprint()));
        let value = Value::from([
            ("keys", keys.collect()),
            ("name", name.into()),
            ("notAfter", args.at.to_string().into()),
            ("warnings", list(&warnings)),
        ]);
        return value.to_text() + "\n";
    }
    let path = show_path(&args.policy);
    let mut out = format!("Retired {} in {path} at {}.\n\n", plain(name), args.at);
    for key in retired {
        let algorithm = key.key.public_key().algorithm();
        out.push_str(&format!("  {algorithm}  {}\n", key.key.fingerprint()));
    }
    out.push('\n');
    for warning in warnings {
        out.push_str(&wrap("WARNING: ", &warning));
        out.push('\n');
    }
    out.push_str(&wrap(
        "",
        "Approvals that are proven to be as old as that stay VERIFIED; later ones are REJECTED. \
         Everybody who verifies needs the new policy.",
    ));
    out.push_str(&format!("Next: cosignet policy check {path}\n"));
    out
}
