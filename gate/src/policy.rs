//! The policy for auditors: the people and passkeys of this gate, its site, and its log.
//!
//! It is as trustworthy as the machine that it is printed on. The fingerprints in it are those that
//! people have seen on their own screens.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use command_line::{CliError, Format, file};
use durable::Access;
use verifier_core::Time;
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::time::CLOCK_ALLOWANCE_MILLIS;

use crate::args::PolicyArgs;
use crate::layout::Layout;
use crate::listed::Listed;
use crate::rules::{Rule, Rules};
use crate::site::Site;
use crate::{listed, serve};

/// The longest file with the site, in bytes.
const MAX_SITE: usize = 64 * 1024;

/// Keeps what auditors need of the settings, so that the policy can be printed while no gate runs.
pub(crate) fn keep_site(
    layout: &Layout,
    site: &Site,
    rules: &Path,
    log: Option<&str>,
) -> Result<(), CliError> {
    let value = Value::from([
        ("audience", site.audience.as_str().into()),
        ("log", log.into()),
        ("origin", site.origin.as_str().into()),
        ("rpId", site.rp_id.as_str().into()),
        ("rules", rules.display().to_string().into()),
    ]);
    let text = format!("{}\n", value.to_text());
    durable::replace(&layout.site(), text.as_bytes(), Access::Private)
        .map_err(|error| file::unwritable(&layout.site(), &error))
}

/// The origin of the gate's pages, as `serve` had it last.
pub(crate) fn origin(layout: &Layout) -> Result<String, CliError> {
    let site = read_site(layout)?;
    Ok(member(&site, "origin").unwrap_or_default())
}

fn read_site(layout: &Layout) -> Result<Value<'static>, CliError> {
    let bytes = file::read(&layout.site(), MAX_SITE).map_err(|error| {
        error.next("Run `cosignet-gate serve` once: it says where the gate is reached.")
    })?;
    match Value::parse(&bytes, Limits::bytes(MAX_SITE)) {
        Ok(site) => Ok(site.into_owned()),
        Err(error) => Err(CliError::usage(format!("{error}.")).about(&layout.site())),
    }
}

fn member(value: &Value<'_>, key: &str) -> Option<String> {
    let found = value.as_object()?.get(key)?.as_str()?;
    Some(found.to_owned())
}

/// `policy`: the text, in TOML, or in canonical JSON with defaults filled in.
pub(crate) fn text(args: &PolicyArgs) -> Result<String, CliError> {
    let toml = toml(args)?;
    match args.format {
        Format::Human => Ok(toml),
        Format::Json => json(&toml),
    }
}

/// The same policy as JSON. Only a whole one has that form.
fn json(toml: &str) -> Result<String, CliError> {
    let policy = policy_text::from_toml(toml).map_err(|error| {
        CliError::of(&error).next(
            "Print it without --format json, add what is missing, and let `cosignet policy show \
             policy.toml --format json` make the JSON.",
        )
    })?;
    Ok(format!("{}\n", policy.canonical_json()))
}

fn toml(args: &PolicyArgs) -> Result<String, CliError> {
    let layout = args.data.layout();
    let people = listed::ask(&layout)?;
    let site = read_site(&layout)?;
    let site = |key: &str| member(&site, key);
    let mut out = String::from(
        "# Made by cosignet-gate. Compare the fingerprints with the people, and the key of the log\n\
         # with its operator, before you trust it.\n",
    );
    let mut line = |text: String| {
        let _infallible = writeln!(out, "{text}");
    };
    line(format!(
        "name = {}",
        quoted(&site("origin").unwrap_or_default())
    ));
    line("\n[webauthn]".into());
    line(format!(
        "rpIds = [{}]",
        quoted(&site("rpId").unwrap_or_default())
    ));
    line(format!(
        "origins = [{}]",
        quoted(&site("origin").unwrap_or_default())
    ));
    let path = site("rules").map_or_else(|| layout.rules(), PathBuf::from);
    let rules = match args.rule {
        None => None,
        Some(_) => Some(serve::read_rules(&path)?),
    };
    let rule = match (&args.rule, &rules) {
        (Some(name), Some(rules)) => Some(find(rules, name).map_err(|error| error.about(&path))?),
        _ => None,
    };
    for one in &people {
        approver(one, rule, &mut line);
    }
    if let Some(rule) = rule {
        decision(rule, site("audience").as_deref(), &mut line);
    }
    match site("log") {
        Some(log) => {
            line("\n[log]".into());
            line(format!("policy = '''\n{}\n'''", log.trim_end()));
        }
        None => line("\n# The log is elsewhere: add [log] with the policy that you trust.".into()),
    }
    Ok(out)
}

fn approver(one: &Listed, rule: Option<&Rule>, line: &mut impl FnMut(String)) {
    // An auditor cannot tell when a request was made, so whoever may serve a clause at last may.
    let of_rule = rule.map(|rule| rule.groups_of(&one.groups, Duration::MAX));
    let groups = of_rule.as_ref().unwrap_or(&one.groups);
    line(format!("\n# fingerprint {}", one.fingerprint));
    line("[[approvers]]".into());
    line(format!("name = {}", quoted(&one.name)));
    line(format!("person = {}", quoted(&one.person)));
    if !groups.is_empty() {
        let all: Vec<String> = groups.iter().map(|group| quoted(group)).collect();
        line(format!("groups = [{}]", all.join(", ")));
    }
    line(format!("publicKey = {}", quoted(&one.public_key)));
    line(format!("credentialId = {}", quoted(&one.id)));
    line(format!("notBefore = {}", quoted(&not_before(&one.added))));
    if let Some(retired) = &one.retired {
        line(format!("notAfter = {}", quoted(retired)));
    }
}

fn find<'r>(rules: &'r Rules, name: &str) -> Result<&'r Rule, CliError> {
    let all = rules.list();
    all.iter().find(|rule| rule.name() == name).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|rule| quoted(rule.name())).collect();
        CliError::usage("There is no rule of this name.")
            .expected(names.join(", "))
            .found(quoted(name))
    })
}

fn decision(rule: &Rule, audience: Option<&str>, line: &mut impl FnMut(String)) {
    line("\n[decision]".into());
    let clause = |one: &crate::rules::Clause| {
        format!(
            "{{ group = {}, atLeast = {} }}",
            quoted(&one.group),
            one.at_least
        )
    };
    let clauses: Vec<String> = rule.approve().iter().map(clause).collect();
    line(format!("require = [{}]", clauses.join(", ")));
    line("context = \"required\"".into());
    if let Some(audience) = audience {
        line(format!("audience = {}", quoted(audience)));
    }
}

/// The moment from which a key counts. Witnesses date in whole seconds, by clocks that may be as far
/// behind as clocks may differ: an approval right after the enrolment would else look older than its
/// key.
fn not_before(enrolled: &str) -> String {
    let time = Time::parse(enrolled).and_then(|time| {
        let earliest = time.as_millis().saturating_sub(CLOCK_ALLOWANCE_MILLIS);
        Time::from_seconds(earliest / 1000)
    });
    time.map_or_else(|| enrolled.to_owned(), |time| time.to_string())
}

/// A basic string of TOML. JSON's strings are such strings.
fn quoted(text: &str) -> String {
    Value::from(text).to_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_within_the_second_of_the_enrolment_is_not_older_than_its_key() {
        let enrolled = "2026-11-29T07:43:30.315Z";
        assert_eq!(not_before(enrolled), "2026-11-29T07:41:30.000Z");
        assert_eq!(not_before(""), "");
    }
}
