//! A report for people. Nothing from the evidence is printed unescaped.

#[cfg(test)]
mod sentences;

use std::path::Path;

use verifier_core::check::{Check, CheckId, Status};
use verifier_core::hazmat::encoding::{base64url, hex};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::time::for_people;
use verifier_core::report::{
    AnchorFacts, BoundSource, LogFacts, PayloadMatch, Strength, Subject, WitnessFacts,
};
use verifier_core::{Report, Verdict, quote};

use crate::code;
use crate::failure::{CliError, show_path};
use crate::role;
use crate::text::{Style, json_text, plain, row, width, wrap};

/// The word in a list where there is no verdict.
pub(crate) const UNREADABLE: &str = "UNREADABLE";

/// One row, for a list.
pub(crate) fn line(report: &Report, path: &Path, style: Style) -> String {
    let plain_word = format!("{:<10}", report.verdict());
    let (path, code, summary) = (show_path(path), report.code(), report.summary());
    let row = row(
        &format!("{plain_word}  "),
        &format!("{path}  [{code}]  {summary}"),
    );
    // Painted last, so that colours do not count as columns.
    row.replacen(&plain_word, &word(report.verdict(), style), 1)
}

/// One row for a file without a report.
pub(crate) fn unreadable(error: &CliError, path: &Path, style: Style) -> String {
    let (path, code, message) = (show_path(path), error.code(), &error.message);
    let row = row(
        &format!("{UNREADABLE}  "),
        &format!("{path}  [{code}]  {message}"),
    );
    row.replacen(UNREADABLE, &style.bad(UNREADABLE), 1)
}

/// The line above the checks that passed where nobody signed their subject.
const UNSIGNED: &str = "No signature was verified: the checks below that passed say what the file \
                        claims, not what anybody signed.";

/// Whether somebody signed what the checks are about: of a decision, in any of its bundles.
fn is_signed(report: &Report) -> bool {
    if report.approvals().iter().any(is_signed) {
        return true;
    }
    let signature = |check: &&Check| check.id == CheckId::WebauthnSignature;
    let check = report.checks().iter().find(signature);
    check.is_some_and(|check| check.status == Status::Pass)
}

/// The whole report.
pub(crate) fn full(
    report: &Report,
    input: &[u8],
    payload: Option<&[u8]>,
    note: Option<&str>,
    style: Style,
) -> String {
    let mut out = headline(report, style);
    if let Some(note) = note {
        out.push_str(&wrap("  note      ", note));
    }
    for check in report.checks() {
        if matches!(check.status, Status::Fail | Status::Incomplete) {
            out.push('\n');
            out.push_str(&open_check(check, report, style));
        }
    }
    let facts = facts(report, payload);
    if !facts.is_empty() {
        out.push('\n');
        out.push_str(&facts);
    }
    if !report.checks().is_empty() {
        out.push('\n');
        if !is_signed(report) {
            out.push_str(&wrap("  ", UNSIGNED));
        }
        out.push_str(&passed(report.checks(), style, width()));
        out.push_str(&left_out(report.checks(), style));
    }
    if !report.not_proven().is_empty() {
        out.push_str("\nNot proven:\n");
        for one in report.not_proven() {
            out.push_str(&wrap("  - ", &one.text));
        }
    }
    out.push('\n');
    let next = role::next(report, input, payload);
    out.push_str(&footer(report, next.as_deref(), style));
    out
}

fn word(verdict: Verdict, style: Style) -> String {
    // Padded before it is painted, so that colours do not count as columns.
    let text = format!("{verdict:<10}");
    match verdict {
        Verdict::Verified => style.good(&text),
        Verdict::Incomplete => style.open(&text),
        _ => style.bad(&text),
    }
}

fn headline(report: &Report, style: Style) -> String {
    let plain_word = format!("{:<10}", report.verdict());
    let text = match report.verdict() {
        Verdict::Verified => report.summary().to_owned(),
        _ => format!("{}  [{}]", report.summary(), report.code()),
    };
    let text = wrap(&format!("{plain_word} "), &text);
    text.replacen(&plain_word, &word(report.verdict(), style), 1)
}

/// A check that stands in the way of VERIFIED.
fn open_check(check: &Check, report: &Report, style: Style) -> String {
    let word = match check.status {
        Status::Fail => style.bad("failed    "),
        _ => style.open("incomplete"),
    };
    let code = check
        .code
        .map(|code| format!("  [{code}]"))
        .unwrap_or_default();
    let mut out = format!("  {word}  {}{code}\n", check.id.title());
    const INDENT: &str = "              ";
    if !report.summary().contains(&check.message) {
        out.push_str(&wrap(INDENT, &check.message));
    }
    let (expected, found) = (format!("{INDENT}expected  "), format!("{INDENT}found     "));
    for (label, value) in [(expected, &check.expected), (found, &check.found)] {
        if let Some(value) = value {
            out.push_str(&wrap(&label, value));
        }
    }
    let none = || "nothing".to_owned();
    let signed = if is_signed(report) { "signed" } else { "found" };
    for (i, difference) in check.differences.iter().enumerate() {
        let label = if i == 0 { "differs" } else { "       " };
        let text = format!(
            "{}  expected {}  {signed} {}",
            difference.path,
            difference.expected.clone().unwrap_or_else(none),
            difference.found.clone().unwrap_or_else(none),
        );
        out.push_str(&wrap(&format!("{INDENT}{label}   "), &text));
    }
    match check.differences_left_out {
        0 => {}
        1 => out.push_str(&wrap(INDENT, "          and at 1 more place")),
        more => out.push_str(&wrap(
            INDENT,
            &format!("          and at {more} more places"),
        )),
    }
    out
}

/// The facts: the signed payload, by whom, how, where it is logged, and when.
fn facts(report: &Report, payload: Option<&[u8]>) -> String {
    let mut out = String::new();
    let mut say = |label: &str, text: &str| out.push_str(&wrap(&format!("  {label:<10}"), text));
    if let Some(subject) = report.subject() {
        let hash = subject.payload_hash.map(|hash| {
            let compared = subject
                .payload_match
                .map_or("this is what was signed", compared);
            format!("sha256 {} ({compared})", hex(&hash))
        });
        what(content(report, payload), hash, &mut say);
        match report.approver() {
            Some(approver) => {
                let key = base64url(&approver.key_sha256);
                say(
                    "who",
                    &format!("{}, key SHA256:{key}", plain(&approver.name)),
                );
            }
            None => say("who", "unknown: no key of a policy"),
        }
        say("how", &how(subject));
    }
    if let Some(signed) = report.signed() {
        let context = &signed.context;
        let (action, rule) = (plain(&context.action), plain(&context.rule));
        let asked = plain(&context.requester);
        say(
            "request",
            &format!(
                "{}: {action}, asked by {asked} under rule {rule}, for {}",
                context.request_id,
                plain(&context.audience)
            ),
        );
        let until = for_people(context.expires_at);
        let proven = match signed.in_time {
            Some(true) => "and is proven to have been",
            Some(false) => "and is NOT proven to have been",
            None => "and nothing proves when it was",
        };
        say("", &format!("it had to be decided by {until}, {proven}"));
    }
    decision(report, payload, &mut say);
    if let Some(roster) = report.roster() {
        let (name, version) = (plain(&roster.name), roster.version);
        say(
            "roster",
            &format!("{name}, version {version}, sha256 {}", hex(&roster.sha256)),
        );
    }
    if let Some(log) = report.log() {
        let (origin, index, size) = (plain(&log.origin), log.index, log.tree_size);
        say(
            "logged",
            &format!("{origin}, entry {index} in a tree of {size}"),
        );
        say("witnessed", &witnessed(log));
    }
    if report.log().is_some() || report.not_later_than().is_some() {
        say("time", &proven_time(report));
    }
    if let Some(anchor) = report.anchor() {
        say("anchored", &anchored(anchor));
    }
    let claimed = claimed(report);
    if !claimed.is_empty() {
        say(
            "claimed",
            &format!("{} (by the service, signed by nobody)", claimed.join(", ")),
        );
    }
    if let Some(at) = report.at() {
        say("asked for", &format!("the moment {at}"));
    }
    out
}

/// The payload: its words, if they are at hand, and its hash.
fn what(content: Option<String>, hash: Option<String>, say: &mut impl FnMut(&str, &str)) {
    for (i, line) in content.into_iter().chain(hash).enumerate() {
        say(if i == 0 { "what" } else { "" }, &line);
    }
}

/// Who of several people approved what, and who serves which clause.
fn decision(report: &Report, payload: Option<&[u8]>, say: &mut impl FnMut(&str, &str)) {
    let Some(decision) = report.decision() else {
        return;
    };
    if report.subject().is_none() {
        let hash = decision.payload_hash;
        let hash = hash.map(|hash| format!("sha256 {}", hex(&hash)));
        what(content(report, payload), hash, say);
    }
    for (number, one) in (1_usize..).zip(report.approvals()) {
        let who = match one.approver() {
            Some(approver) => plain(&approver.name),
            None => "somebody unknown".to_owned(),
        };
        let counts = match one.verdict() {
            Verdict::Verified => "approved".to_owned(),
            _ => format!("{} [{}]: {}", one.verdict(), one.code(), one.summary()),
        };
        let label = if number == 1 { "bundles" } else { "" };
        say(label, &format!("{number}. {who}: {counts}"));
    }
    for (i, clause) in decision.clauses.iter().enumerate() {
        let by: Vec<String> = clause.by.iter().map(|person| plain(person)).collect();
        let by = match by.as_slice() {
            [] => "nobody".to_owned(),
            by => by.join(", "),
        };
        let missing = match clause.missing() {
            0 => String::new(),
            missing => format!("; {missing} MISSING"),
        };
        let label = if i == 0 { "clauses" } else { "" };
        let group = plain(&clause.group);
        say(
            label,
            &format!("{} of {group}: {by}{missing}", clause.at_least),
        );
    }
}

/// By when the entry existed, and whose word that is.
fn proven_time(report: &Report) -> String {
    let (Some(time), Some(from)) = (report.not_later_than(), report.not_later_than_from()) else {
        return "no time is proven".into();
    };
    let time = for_people(time);
    match (from, report.anchor()) {
        (BoundSource::Quorum, _) => {
            format!("not later than {time}: a quorum of witnesses had seen it")
        }
        (BoundSource::AnchoredQuorum, _) => {
            format!("not later than {time}: a quorum of witnesses had seen the anchored head")
        }
        (BoundSource::Block, Some(anchor)) => {
            let block = anchor.block_for_people();
            format!("not later than {time}: {block} commits to it")
        }
        _ => format!("not later than {time}"),
    }
}

/// The witnesses that saw the tree, when, and whether that is enough.
fn witnessed(log: &LogFacts) -> String {
    let witness = |witness: &WitnessFacts| {
        let (name, key) = (plain(&witness.policy_name), plain(&witness.name));
        format!("by {name} ({key}) at {}", for_people(witness.time))
    };
    let by: Vec<String> = log.witnesses.iter().map(witness).collect();
    let by = match by.as_slice() {
        [] => "by nobody that the policy names".into(),
        by => by.join(", "),
    };
    let quorum = &log.quorum;
    match (log.quorum_met, log.quorum_time) {
        (true, Some(_)) => format!("{by}; the quorum is met: {quorum}"),
        (true, None) => format!("{by}; the policy requires no witnesses"),
        (false, _) => format!("{by}; the quorum is NOT met: {quorum}"),
    }
}

/// The payload, where it is what was signed.
fn content(report: &Report, payload: Option<&[u8]>) -> Option<String> {
    let matched = match (report.subject(), report.decision()) {
        (Some(subject), _) => subject.payload_match,
        (None, Some(decision)) => decision.payload_match,
        (None, None) => None,
    };
    let bytes = match (report.payload(), matched?) {
        (Some(bundled), _) => bundled,
        (None, PayloadMatch::Exact) => payload?,
        _ => return None,
    };
    if let Ok(value) = Value::parse(bytes, Limits::bytes(bytes.len())) {
        return Some(json_text(&value.to_text()));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(quote(text)),
        Err(_) => Some(format!("{} bytes that are not text", bytes.len())),
    }
}

fn compared(how: PayloadMatch) -> &'static str {
    match how {
        PayloadMatch::Bundle => "the payload in the bundle; you gave none to compare",
        PayloadMatch::Canonical => "your payload, in another layout",
        PayloadMatch::Exact => "your payload, byte for byte",
        PayloadMatch::Sha256 => "the hash you gave",
        _ => "compared",
    }
}

fn how(subject: &Subject) -> String {
    let verified = match subject.user_verified {
        true => "user verified (PIN or biometric)",
        false => "user not verified",
    };
    let kept = match (subject.backup_eligible, subject.backed_up) {
        (true, true) => "synced to other devices",
        (true, false) => "can be synced to other devices",
        (false, _) => "says it stays on one device",
    };
    let mut parts = vec![
        format!("passkey ({})", subject.algorithm),
        verified.to_owned(),
    ];
    parts.extend(subject.rp_id.as_deref().map(plain));
    parts.extend(subject.origin.as_deref().map(plain));
    parts.push(kept.into());
    if subject.cross_origin {
        parts.push("in a frame of another site".into());
    }
    parts.join(", ")
}

/// By which block, when, and how far to believe it.
fn anchored(anchor: &AnchorFacts) -> String {
    let block = anchor.block_for_people();
    let time = anchor.time.map(for_people).unwrap_or_default();
    let hash = anchor.hash.as_deref().unwrap_or_default();
    match anchor.strength {
        Strength::Chain => format!(
            "in the log no later than {block}, {time} ± 2 h: in the chain that the policy knows, {} confirmations",
            anchor.confirmations
        ),
        Strength::Header => format!(
            "the timestamp leads to {block}, {time} ± 2 h: its header carries its own work and is in no chain that the policy knows; compare its hash {hash}"
        ),
        _ => format!("the timestamp leads to {block}, whose header is not known"),
    }
}

fn claimed(report: &Report) -> Vec<String> {
    let claimed = report.claimed_by_service();
    let texts = [
        ("status", claimed.status.as_deref()),
        ("id", claimed.approval_id.as_deref()),
        ("action", claimed.action.as_deref()),
        ("e-mail", claimed.approver_email.as_deref()),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(name, text)| Some(format!("{name} {}", plain(text?))));
    let decided = claimed
        .decided_at
        .map(|time| format!("decided {}", for_people(time)));
    texts.chain(decided).collect()
}

/// Checks that passed, in as many columns as there is room for, three at most.
fn passed(checks: &[Check], style: Style, width: usize) -> String {
    /// Of a cell with its `ok` and the blanks behind it.
    const CELL: usize = 32;
    let titles: Vec<&str> = checks
        .iter()
        .filter(|check| check.status == Status::Pass)
        .map(|check| check.id.title())
        .collect();
    let mut out = String::new();
    for row in titles.chunks((width / CELL).clamp(1, 3)) {
        let cells: Vec<String> = row.iter().map(|title| format!("{title:<26}")).collect();
        let cells: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(i, cell)| {
                let last = i + 1 == row.len();
                let cell = if last { cell.trim_end() } else { cell };
                format!("{}  {cell}", style.good("ok"))
            })
            .collect();
        out.push_str(&format!("  {}\n", cells.join("  ")));
    }
    out
}

/// Checks that did not run, those with one reason together.
fn left_out(checks: &[Check], style: Style) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for check in checks {
        let why = match check.status {
            Status::Skipped => format!("skipped: {}", check.message),
            Status::NotChecked if check.id == CheckId::Time => {
                "not checked: You named no moment (--at).".to_owned()
            }
            Status::NotChecked => format!("not checked: {}", check.message),
            _ => continue,
        };
        match groups.iter_mut().find(|(known, _)| *known == why) {
            Some((_, titles)) => titles.push(check.id.title()),
            None => groups.push((why, vec![check.id.title()])),
        }
    }
    let mut out = String::new();
    for (why, titles) in groups {
        let line = wrap("  --  ", &format!("{}  ({why})", titles.join(", ")));
        out.push_str(&line.replacen("--", &style.dim("--"), 1));
    }
    out
}

fn footer(report: &Report, next: Option<&str>, style: Style) -> String {
    let policy = match report.policy() {
        Some(policy) => {
            let name = plain(&policy.name);
            format!("policy {name} sha256 {}", hex(&policy.sha256))
        }
        None => "no policy".into(),
    };
    let version = concat!("cosignet ", env!("CARGO_PKG_VERSION"), "   offline");
    let mut out = String::new();
    for text in [policy.as_str(), version] {
        for line in wrap("", text).lines() {
            out.push_str(&style.dim(line));
            out.push('\n');
        }
    }
    let code = report.code();
    let next = next.unwrap_or(code::next(code));
    let next = match report.verdict() {
        Verdict::Verified => next.to_owned(),
        _ => format!("{next} More: `cosignet explain {code}`."),
    };
    out.push_str(&wrap("Next: ", &next));
    out
}
