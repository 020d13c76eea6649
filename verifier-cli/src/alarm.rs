//! `cosignet verify-alarm`: what an alarm proves, and against whom.

use verifier_core::AwsLc;
use verifier_core::alarm::{Accused, Alarm, Error, Observed, Proven, Request};
use verifier_core::code::Effect;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::time::for_people;

use crate::args::{Format, VerifyAlarmArgs};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::headers::{self, HeaderFile};
use crate::text::{plain, wrap};
use crate::{file, output, policy_file};

pub(crate) fn run(args: &VerifyAlarmArgs) -> Result<Exit, CliError> {
    let policy = policy_file::load(&args.policy)?;
    let file = args.headers.as_deref().map(headers::read).transpose()?;
    let headers = file.as_ref().map(HeaderFile::verify).transpose()?;
    let bytes = file::read(&args.file, Alarm::MAX_BYTES)?;
    let mut request = Request::new(&policy, &AwsLc);
    request.headers = headers.as_ref();
    let alarm = Alarm::parse(&bytes);
    let observed = alarm.as_ref().ok().map(|alarm| alarm.observed.clone());
    let judged = alarm.and_then(|alarm| alarm.judge(&request));
    let exit = judged.as_ref().err().map_or(Exit::Ok, exit_of);
    let text = match args.format {
        Format::Json => to_json(&judged, exit),
        Format::Human => to_human(&judged, observed.as_ref()),
    };
    Ok(output::print(&text, args.format).err().unwrap_or(exit))
}

fn exit_of(error: &Error) -> Exit {
    match error.effect() {
        Effect::Malformed => Exit::Malformed,
        Effect::Incomplete => Exit::Incomplete,
        _ => Exit::Rejected,
    }
}

fn verdict(judged: &Result<Proven, Error>) -> &'static str {
    match judged.as_ref().err().map(exit_of) {
        None => "PROVEN",
        Some(Exit::Malformed) => "MALFORMED",
        Some(Exit::Incomplete) => "OPEN",
        Some(_) => "UNPROVEN",
    }
}

/// One line. Members that do not apply are left out.
fn to_json(judged: &Result<Proven, Error>, exit: Exit) -> String {
    let mut members = vec![
        ("exitCode", Value::from(u64::from(exit.code()))),
        ("schema", "cosignet.alarm-verdict/v1".into()),
        ("verdict", verdict(judged).into()),
    ];
    match judged {
        Ok(proven) => members.extend(proven_members(proven)),
        Err(error) => {
            members.push(("code", error.code().into()));
            members.push(("message", sentence(&error.to_string()).into()));
        }
    }
    let members = members.into_iter().map(|(key, value)| (key.into(), value));
    Value::Object(members.collect()).to_text() + "\n"
}

/// The proven facts, for programs.
pub(crate) fn proven_members(proven: &Proven) -> Vec<(&'static str, Value<'static>)> {
    let accused = |accused: &Accused| {
        Value::from([
            ("role", accused.role.into()),
            ("vkey", accused.vkey.clone().into()),
        ])
    };
    let not_proven = proven.not_proven().iter().cloned().map(Value::from);
    vec![
        ("against", proven.against().iter().map(accused).collect()),
        ("kind", proven.kind().into()),
        ("notProven", not_proven.collect()),
        ("proves", proven.statement().to_owned().into()),
    ]
}

fn to_human(judged: &Result<Proven, Error>, observed: Option<&Observed>) -> String {
    let label = format!("{:<10} ", verdict(judged));
    let mut out = match judged {
        Ok(proven) => {
            let mut out = wrap(
                &label,
                &format!("{}  [{}]", proven.statement(), proven.kind()),
            );
            out.push('\n');
            for accused in proven.against() {
                let text = format!("the {} {}", accused.role, plain(&accused.vkey));
                out.push_str(&wrap("  against   ", &text));
            }
            out
        }
        Err(error) => {
            let text = format!("{}  [{}]", sentence(&error.to_string()), error.code());
            wrap(&label, &text)
        }
    };
    if let Some(observed) = observed.filter(|observed| **observed != Observed::default()) {
        let at = observed.at.map(for_people).unwrap_or_default();
        let from: Vec<String> = observed.from.iter().take(8).map(|url| plain(url)).collect();
        let text = format!("{at} at {} (says whoever made the file)", from.join(", "));
        out.push_str(&wrap("  seen      ", text.trim_start()));
    }
    if let Ok(proven) = judged {
        out.push_str("\nNot proven:\n");
        for text in proven.not_proven() {
            out.push_str(&wrap("  - ", text));
        }
    }
    out
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}
