//! `cosignet policy check`: what is weak about a policy that is well formed.

use verifier_core::json::Value;
use verifier_core::policy::{Approver, LogRule, PayloadRule, Policy};
use verifier_core::quote;
use verifier_core::webauthn::UserVerification;

use crate::args::{Format, PolicyArgs};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::text::wrap;
use crate::{output, policy_file};

pub(super) fn run(args: &PolicyArgs) -> Result<Exit, CliError> {
    let policy = policy_file::load(&args.file)?;
    let warnings = warnings(&policy);
    let text = match args.format {
        Format::Json => {
            let list = warnings
                .iter()
                .map(|text| Value::from(text.as_str()))
                .collect();
            Value::from([("warnings", list)]).to_text() + "\n"
        }
        Format::Human => {
            let path = show_path(&args.file);
            let mut out = match warnings.len() {
                0 => format!("{path} is well formed; there is nothing to warn about.\n"),
                1 => format!("{path} is well formed, with 1 warning:\n"),
                count => format!("{path} is well formed, with {count} warnings:\n"),
            };
            for warning in &warnings {
                out.push_str(&wrap("  - ", warning));
            }
            out
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

fn warnings(policy: &Policy) -> Vec<String> {
    let mut out = Vec::new();
    if policy.approvers().is_empty() {
        out.push(
            "It lists no approvers, so nothing will be VERIFIED: `cosignet policy add-approver`."
                .into(),
        );
    }
    for (i, approver) in policy.approvers().iter().enumerate() {
        let mut before = policy.approvers().iter().take(i);
        if before.any(|other| other.name == approver.name) {
            out.push(format!(
                "The name {} stands for more than one key: reports cannot tell them apart.",
                quote(&approver.name)
            ));
        }
    }
    if policy.payload() == PayloadRule::HashOnly {
        out.push(
            "payload = \"hash-only\": VERIFIED may mean that nobody knows what was approved."
                .into(),
        );
    }
    webauthn(policy, &mut out);
    log(policy, &mut out);
    out
}

fn webauthn(policy: &Policy, out: &mut Vec<String>) {
    let rules = policy.webauthn();
    if rules.user_verification == UserVerification::Preferred {
        out.push("userVerification = \"preferred\": whoever holds the device can approve, without PIN or biometric.".into());
    }
    for origin in rules.origins.iter().chain(&rules.top_origins) {
        if let Some(why) = unlikely(origin) {
            out.push(format!(
                "No browser sends the origin {}: {why}.",
                quote(origin)
            ));
        } else if origin.starts_with("http:") {
            out.push(format!(
                "The origin {} is not protected by TLS; browsers sign there only on localhost.",
                quote(origin)
            ));
        }
    }
    for rp_id in &rules.rp_ids {
        let mut origins = rules.origins.iter();
        // Native apps have origins that name no host.
        let belongs = |origin: &String| host(origin).is_none_or(|host| is_within(host, rp_id));
        if !origins.any(belongs) {
            out.push(format!(
                "No origin belongs to the relying party id {}: browsers refuse to sign for it.",
                quote(rp_id)
            ));
        }
    }
    if rules.cross_origin && rules.top_origins.is_empty() {
        out.push("crossOrigin = true without topOrigins: any site may embed the approval page where browsers do not name it.".into());
    }
}

fn log(policy: &Policy, out: &mut Vec<String>) {
    let witnessed = match policy.log() {
        LogRule::Required(log) => log.tlog.requires_witnesses(),
        _ => false,
    };
    match policy.log() {
        LogRule::Required(_) if witnessed => {}
        LogRule::Required(_) => out.push("The quorum is none: the log could show other people another tree, and no time is proven.".into()),
        _ => out.push("log = \"none\": approvals can be denied, dropped and back-dated.".into()),
    }
    if policy.anchor().required && matches!(policy.log(), LogRule::None) {
        out.push("It requires an anchor and does without a log, so nothing will be VERIFIED: an anchor is one of a log's head.".into());
    }
    let dated = |approver: &&Approver| approver.not_after.is_some();
    for approver in policy.approvers().iter().filter(dated) {
        if !witnessed {
            out.push(format!("The key of {} has a notAfter, and without a quorum of witnesses only an anchor proves a time: otherwise its approvals stay INCOMPLETE.", quote(&approver.name)));
        }
    }
}

/// Why no browser writes this origin.
fn unlikely(origin: &str) -> Option<&'static str> {
    let rest = origin
        .strip_prefix("https://")
        .or(origin.strip_prefix("http://"))?;
    if rest.ends_with('/') {
        return Some("it ends in a slash");
    }
    if rest.contains(['/', '?', '#']) {
        return Some("it has more than scheme, host and port");
    }
    if rest.bytes().any(|b| b.is_ascii_uppercase()) {
        return Some("it has upper-case letters");
    }
    let default = match origin.starts_with("https") {
        true => ":443",
        false => ":80",
    };
    if rest.ends_with(default) {
        return Some("it names the port that goes without saying");
    }
    (!rest.is_ascii()).then_some("hosts are written in ASCII (xn--)")
}

fn host(origin: &str) -> Option<&str> {
    let rest = origin
        .strip_prefix("https://")
        .or(origin.strip_prefix("http://"))?;
    let rest = rest.split(['/', '?', '#']).next()?;
    rest.split(':').next()
}

fn is_within(host: &str, rp_id: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let parent = host.strip_suffix(rp_id);
    parent.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
