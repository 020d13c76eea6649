//! `webhook`, and where people get mail.

use command_line::CliError;
use serving::openapi::schema::object;
use verifier_core::hazmat::json::Value;

use super::{call, list, number, text};
use crate::admin;
use crate::args::{AddArgs, WebhookCommand};
use crate::layout::Layout;

pub(super) fn run(command: &WebhookCommand) -> Result<String, CliError> {
    match command {
        WebhookCommand::Add(args) => add(args),
        WebhookCommand::List { data } => {
            let all = admin::ask(&data.layout(), &call("channels", []))?;
            Ok(items(&all).iter().map(channel).collect())
        }
        WebhookCommand::Rotate {
            name,
            overlap,
            data,
        } => {
            let overlap = overlap.saturating_mul(3_600_000);
            let members = [
                ("name", Value::from(name.as_str())),
                ("overlap", overlap.into()),
            ];
            let rotate = call("channelRotate", members);
            let answer = admin::ask(&data.layout(), &rotate)?;
            Ok(format!("{}\n", text(&answer, "secret")))
        }
        WebhookCommand::Enable { name, data } => {
            let members = [("name", Value::from(name.as_str()))];
            admin::ask(&data.layout(), &call("channelEnable", members))?;
            Ok(String::new())
        }
        WebhookCommand::Remove { name, data } => {
            let members = [("name", Value::from(name.as_str()))];
            admin::ask(&data.layout(), &call("channelRemove", members))?;
            Ok(String::new())
        }
        WebhookCommand::Redeliver { name, id, data } => {
            let id = id.as_deref().map(|id| ("id", Value::from(id)));
            let members = [("name", Value::from(name.as_str()))].into_iter().chain(id);
            let answer = ask(&data.layout(), "redeliver", members)?;
            Ok(match number(&answer, "deliveries") {
                0 => "Nothing was given up.\n".into(),
                1 => "1 delivery is sent once more.\n".into(),
                many => format!("{many} deliveries are sent once more.\n"),
            })
        }
        WebhookCommand::Log {
            name,
            dead,
            most,
            data,
        } => {
            let name = name.as_deref().map(|name| ("name", Value::from(name)));
            let state = dead.then(|| ("state", Value::from("dead")));
            let members = [("most", Value::from(*most))].into_iter();
            let members = members.chain(name).chain(state);
            let all = ask(&data.layout(), "deliveries", members)?;
            Ok(items(&all).iter().map(delivery).collect())
        }
    }
}

fn add(args: &AddArgs) -> Result<String, CliError> {
    let kind = match args.chat {
        true => "chat",
        false => "webhook",
    };
    let topics = args.events.iter().map(|event| Value::from(event.as_str()));
    let members = [
        ("kind", Value::from(kind)),
        ("name", args.name.as_str().into()),
        ("private", args.allow_private.into()),
        ("topics", topics.collect()),
        ("url", args.url.as_str().into()),
    ];
    let layout = args.data.layout();
    let answer = admin::ask(&layout, &call("channelAdd", members))?;
    Ok(match text(&answer, "secret") {
        secret if secret.is_empty() => String::new(),
        secret => format!("{secret}\n"),
    })
}

/// Sets where somebody gets mail, or that they get none.
pub(super) fn set_address(
    layout: &Layout,
    person: &str,
    address: Option<&str>,
) -> Result<(), CliError> {
    let address = address.map(|address| ("address", Value::from(address)));
    let members = [("name", Value::from(person))].into_iter().chain(address);
    ask(layout, "mailAddress", members).map(|_| ())
}

/// People and where they get mail.
pub(super) fn addresses(layout: &Layout) -> Result<Vec<(String, String)>, CliError> {
    let all = admin::ask(layout, &call("mailAddresses", []))?;
    let all = items(&all).iter();
    Ok(all
        .map(|one| (text(one, "person"), text(one, "address")))
        .collect())
}

fn ask<'a>(
    layout: &Layout,
    name: &'a str,
    members: impl IntoIterator<Item = (&'a str, Value<'a>)>,
) -> Result<Value<'static>, CliError> {
    let call = ("call", Value::from(name));
    admin::ask(layout, &object(members.into_iter().chain([call])))
}

fn channel(channel: &Value<'_>) -> String {
    let is_private = channel.as_object().and_then(|all| all.get("private"));
    let mut out = format!(
        "{}  {} {}{}\n    {}\n",
        text(channel, "name"),
        text(channel, "kind"),
        text(channel, "url"),
        match is_private {
            Some(Value::Bool(true)) => "  (private addresses allowed)",
            _ => "",
        },
        list(channel, "topics").join(", "),
    );
    let secrets = number(channel, "secrets");
    if secrets > 1 {
        out.push_str(&format!("    {secrets} secrets sign\n"));
    }
    if !text(channel, "disabled").is_empty() {
        out.push_str(&format!(
            "    disabled {}: {}\n",
            text(channel, "disabled"),
            text(channel, "why")
        ));
    }
    out
}

fn delivery(delivery: &Value<'_>) -> String {
    let tries = match number(delivery, "tries") {
        0 => "not tried".to_owned(),
        1 => "1 try".to_owned(),
        many => format!("{many} tries"),
    };
    let more = |label: &str, member: &str| match text(delivery, member) {
        value if value.is_empty() => String::new(),
        value => format!("{label}{value}"),
    };
    format!(
        "{}  {}  {} {}\n    {} to {}, {tries}{}{}\n",
        text(delivery, "at"),
        text(delivery, "id"),
        text(delivery, "topic"),
        text(delivery, "about"),
        text(delivery, "state"),
        text(delivery, "to"),
        more(", next ", "next"),
        more(": ", "said"),
    )
}

fn items<'v, 'a>(value: &'v Value<'a>) -> &'v [Value<'a>] {
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}
