//! The commands beside `serve`.

mod webhook;

use std::path::PathBuf;

use command_line::{CliError, Exit, Format, output};
use payload_form::Payload;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::schema::Members;

use crate::args::{
    ApproverCommand, ClockCommand, Command, ExportArgs, InviteArgs, KeyCommand, RulesCommand,
};
use crate::layout::Layout;
use crate::rules;
use crate::rules::check::{self, Finding, Weight};
use crate::{admin, export, init, moving, policy, roster, serve};

/// Does what the command line says.
pub(crate) fn run(command: &Command) -> Result<Exit, CliError> {
    let text = match command {
        Command::Init(args) => {
            init::run(args)?.map_or_else(String::new, |vkey| format!("{vkey}\n"))
        }
        Command::Serve(args) => {
            serve::run(args)?;
            String::new()
        }
        Command::Invite(args) => invite(args)?,
        Command::Approver(command) => approver(command)?,
        Command::Key(command) => key(command)?,
        Command::Webhook(command) => webhook::run(command)?,
        Command::Rules(command) => return rule_file(command),
        Command::Policy(args) => policy::text(args)?,
        Command::Roster(args) => roster::text(args)?,
        Command::Export(args) => return exported(args),
        Command::Move(args) => moving::run(args)?,
        Command::Clock(ClockCommand::Accept { data }) => {
            let answer = admin::ask(&data.layout(), &call("clock", []))?;
            let ended = number(&answer, "ended");
            format!(
                "The clock is taken for right. Requests that were open or unclaimed and have ended: {ended}.\n"
            )
        }
    };
    print(&text)
}

fn print(text: &str) -> Result<Exit, CliError> {
    let printed = output::print(text, Format::Human);
    Ok(printed.err().unwrap_or(Exit::Ok))
}

fn call<'a, const N: usize>(name: &'a str, members: [(&'a str, Value<'a>); N]) -> Value<'a> {
    let all = members.into_iter().chain([("call", Value::from(name))]);
    serving::openapi::schema::object(all)
}

fn invite(args: &InviteArgs) -> Result<String, CliError> {
    let layout = args.data.layout();
    admin::require_gate(&layout)?;
    // Before anything is changed: a link without an address would be lost.
    let origin = policy::origin(&layout)?;
    let groups = args.groups.iter().map(|group| Value::from(group.as_str()));
    let members = [
        ("groups", groups.collect()),
        ("hours", args.hours.into()),
        ("name", args.name.as_str().into()),
    ];
    let answer = admin::ask(&layout, &call("invite", members))?;
    let token = text(&answer, "token");
    let groups = list(&answer, "groups");
    let of = match groups.is_empty() {
        true => "in no group, so no rule asks them yet".to_owned(),
        false => format!("in {}", groups.join(", ")),
    };
    Ok(format!(
        "{origin}/enrol#{token}\n\n\
         For {}, {of}. It makes one passkey, within {} hours. Give it to nobody else.\n",
        verifier_core::plain(&args.name),
        args.hours
    ))
}

fn approver(command: &ApproverCommand) -> Result<String, CliError> {
    let people = match command {
        ApproverCommand::List { data } => {
            let layout = data.layout();
            let people = admin::ask(&layout, &call("people", []))?;
            return Ok(listed(&people, &webhook::addresses(&layout)?));
        }
        ApproverCommand::Mail {
            name,
            address,
            none: _,
            data,
        } => {
            webhook::set_address(&data.layout(), name, address.as_deref())?;
            return Ok(String::new());
        }
        ApproverCommand::Retire {
            name,
            passkey,
            data,
        } => {
            let members = [
                ("name", name.as_str().into()),
                ("passkey", passkey.as_deref().into()),
            ];
            let members = members
                .into_iter()
                .filter(|(_, value)| *value != Value::Null);
            let members = members.chain([("call", Value::from("retire"))]);
            let retire = serving::openapi::schema::object(members);
            Value::Array(vec![admin::ask(&data.layout(), &retire)?])
        }
    };
    Ok(listed(&people, &[]))
}

/// Everybody, and where they get mail.
fn listed(people: &Value<'_>, addresses: &[(String, String)]) -> String {
    let Value::Array(people) = people else {
        return String::new();
    };
    if people.is_empty() {
        return "Nobody yet. `cosignet-gate invite NAME` makes a link.\n".into();
    }
    people.iter().map(|one| person(one, addresses)).collect()
}

fn person(person: &Value<'_>, addresses: &[(String, String)]) -> String {
    let gone = |value: &Value<'_>| match text(value, "retired") {
        at if at.is_empty() => String::new(),
        at => format!("  retired {at}"),
    };
    let groups = list(person, "groups").join(", ");
    let name = text(person, "name");
    let mail = addresses.iter().find(|(of, _)| *of == name);
    let mail = mail.map_or_else(String::new, |(_, address)| format!("  mail {address}"));
    let mut out = format!("{name}  [{groups}]{mail}{}\n", gone(person));
    if let Some(Value::Array(passkeys)) = person.as_object().and_then(|all| all.get("passkeys")) {
        for passkey in passkeys {
            let synced = passkey.as_object().and_then(|all| all.get("synced"));
            let kind = match synced {
                Some(Value::Bool(true)) => "synced",
                _ => "this device only",
            };
            out.push_str(&format!(
                "  {}\n    {kind}, attestation {}, added {}{}\n    id {}\n",
                text(passkey, "fingerprint"),
                text(passkey, "attestation"),
                text(passkey, "added"),
                gone(passkey),
                text(passkey, "id"),
            ));
        }
    }
    out
}

fn key(command: &KeyCommand) -> Result<String, CliError> {
    match command {
        KeyCommand::Create {
            name,
            rights,
            owner,
            data,
        } => {
            let rights = rights.join(",");
            let members = [
                ("name", Value::from(name.as_str())),
                ("rights", rights.as_str().into()),
            ];
            let owner = owner.as_deref().map(|owner| ("owner", Value::from(owner)));
            let members = members.into_iter().chain(owner);
            let members = members.chain([("call", Value::from("keyCreate"))]);
            let create = serving::openapi::schema::object(members);
            let answer = admin::ask(&data.layout(), &create)?;
            Ok(format!("{}\n", text(&answer, "key")))
        }
        KeyCommand::List { data } => {
            let keys = admin::ask(&data.layout(), &call("keys", []))?;
            let Value::Array(keys) = &keys else {
                return Ok(String::new());
            };
            let row = |key: &Value<'_>| {
                let more = |label: &str, member: &str| match text(key, member) {
                    value if value.is_empty() => String::new(),
                    value => format!("  {label} {value}"),
                };
                format!(
                    "{}  [{}]  created {}{}{}\n",
                    text(key, "name"),
                    text(key, "rights"),
                    text(key, "created"),
                    more("owner", "owner"),
                    more("revoked", "revoked"),
                )
            };
            Ok(keys.iter().map(row).collect())
        }
        KeyCommand::Revoke { name, data } => {
            let members = [("name", Value::from(name.as_str()))];
            let answer = admin::ask(&data.layout(), &call("keyRevoke", members))?;
            match answer.as_object().and_then(|all| all.get("revoked")) {
                Some(Value::Bool(true)) => Ok(String::new()),
                _ => Err(CliError::usage(
                    "There is no key of this name that is in use.",
                )),
            }
        }
    }
}

fn rule_file(command: &RulesCommand) -> Result<Exit, CliError> {
    let path = |file: &Option<PathBuf>, data: &Option<PathBuf>| match (file, data) {
        (Some(file), _) => Ok(file.clone()),
        (None, Some(data)) => Ok(Layout::new(data).rules()),
        (None, None) => Err(CliError::usage("Name a rule file, or --data.")),
    };
    match command {
        RulesCommand::Check { file, data } => {
            let rules = serve::read_rules(&path(file, &data.data)?)?;
            let mut findings = rules.check();
            if let Some(layout) = data.layout()
                && admin::has_gate(&layout)?
            {
                findings.extend(rules.check_people(&people(&layout)?, &keys(&layout)?));
            }
            let is_warning = |one: &Finding| one.weight() == Weight::Warning;
            let warned = findings.iter().any(is_warning);
            print(&check::to_text(&findings))?;
            Ok(if warned { Exit::Rejected } else { Exit::Ok })
        }
        RulesCommand::Explain {
            request,
            rules,
            requester,
            data,
        } => {
            let rules = serve::read_rules(&path(rules, &data.data)?)?;
            let body = command_line::file::read(request, Payload::MAX_BYTES)?;
            let wrong = |why: String| CliError::usage(why).about(request);
            let value = Value::parse(&body, Limits::bytes(Payload::MAX_BYTES))
                .map_err(|error| wrong(format!("It is not strict JSON: {error}.")))?;
            let members = Members::of(&value).map_err(|error| wrong(format!("{error}.")))?;
            let action = members
                .text("action")
                .map_err(|error| wrong(format!("{error}.")))?;
            let payload = members
                .value("payload")
                .map_err(|error| wrong(format!("{error}.")))?;
            let request = rules::Request {
                action,
                payload,
                requester,
            };
            let explained = rules.explain(&request);
            print(&explained.to_text())?;
            Ok(match explained.rule() {
                Some(_) => Exit::Ok,
                None => Exit::Incomplete,
            })
        }
    }
}

/// The people of a gate, as the rules look at them.
fn people(layout: &Layout) -> Result<Vec<check::Person>, CliError> {
    let people = admin::ask(layout, &call("people", []))?;
    let Value::Array(people) = &people else {
        return Ok(Vec::new());
    };
    let active = people.iter().filter(|one| text(one, "retired").is_empty());
    Ok(active
        .map(|one| check::Person {
            name: text(one, "name"),
            groups: list(one, "groups"),
        })
        .collect())
}

fn keys(layout: &Layout) -> Result<Vec<check::ApiKey>, CliError> {
    let keys = admin::ask(layout, &call("keys", []))?;
    let Value::Array(keys) = &keys else {
        return Ok(Vec::new());
    };
    let active = keys.iter().filter(|one| text(one, "revoked").is_empty());
    Ok(active
        .map(|one| check::ApiKey {
            name: text(one, "name"),
            owner: Some(text(one, "owner")).filter(|owner| !owner.is_empty()),
        })
        .collect())
}

fn exported(args: &ExportArgs) -> Result<Exit, CliError> {
    match (&args.verify, &args.data) {
        (Some(file), _) => print(&export::verify(file)?),
        (None, Some(data)) => {
            let layout = Layout::new(data).with_store(args.store.clone());
            export::print(&layout, args.after)?;
            Ok(Exit::Ok)
        }
        (None, None) => Err(CliError::usage("Say where the gate lives: --data DIR.")),
    }
}

fn text(value: &Value<'_>, key: &str) -> String {
    let found = value.as_object().and_then(|all| all.get(key));
    found.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value<'_>, key: &str) -> u64 {
    let found = value.as_object().and_then(|all| all.get(key));
    found.and_then(Value::as_u64).unwrap_or_default()
}

fn list(value: &Value<'_>, key: &str) -> Vec<String> {
    match value.as_object().and_then(|all| all.get(key)) {
        Some(Value::Array(items)) => {
            let all = items.iter().filter_map(Value::as_str);
            all.map(verifier_core::plain).collect()
        }
        _ => Vec::new(),
    }
}
