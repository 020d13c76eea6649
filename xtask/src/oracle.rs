//! `fuzz --oracle`: approvals that were changed where it hurts, verified by the core and by the
//! second reading of the specification. Both have to find the same, check by check.
//!
//! Every case comes from a seed alone, so that a difference can be looked at again. A case is a
//! vector: what differs is written to a file that `cosignet vectors run` reads.

mod case;
mod chance;

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use test_vectors::reading::Question;
use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::Time;
use verifier_core::hazmat::encoding::{from_base64url, from_hex};
use verifier_core::hazmat::signature::{AwsLc, Crypto, RustCrypto};
use verifier_core::{Report, Request, verify};

use crate::command::target;
use case::Pool;
use chance::Chance;

/// Arguments behind `fuzz --oracle`: `[--minutes N] [--seed S]`.
pub(crate) fn run_campaign(args: &[&str]) -> Result<(), String> {
    let (mut minutes, mut seed) = (10, from_the_clock());
    for pair in args.chunks(2) {
        match pair {
            ["--minutes", n] => minutes = n.parse().map_err(|_| format!("{n} minutes?"))?,
            ["--seed", s] => seed = s.parse().map_err(|_| format!("seed {s}?"))?,
            other => return Err(format!("fuzz --oracle does not know {}", other.join(" "))),
        }
    }
    eprintln!("seed {seed}, {minutes} minutes");
    let end = Instant::now() + Duration::from_secs(60 * minutes);
    let tally = campaign(seed, |_| Instant::now() < end)?;
    eprintln!("{tally}");
    Ok(())
}

fn from_the_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

/// How the cases of a campaign ended.
#[derive(Debug, Default)]
struct Tally {
    verified: usize,
    rejected: usize,
    incomplete: usize,
    malformed: usize,
}

impl Tally {
    fn add(&mut self, verdict: &str) {
        *match verdict {
            "VERIFIED" => &mut self.verified,
            "REJECTED" => &mut self.rejected,
            "INCOMPLETE" => &mut self.incomplete,
            _ => &mut self.malformed,
        } += 1;
    }

    fn count(&self) -> usize {
        self.verified + self.rejected + self.incomplete + self.malformed
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} cases, no difference: {} VERIFIED, {} REJECTED, {} INCOMPLETE, {} MALFORMED",
            self.count(),
            self.verified,
            self.rejected,
            self.incomplete,
            self.malformed
        )
    }
}

/// Cases of this seed, as long as `go_on` says so of their number.
fn campaign(seed: u64, go_on: impl Fn(usize) -> bool) -> Result<Tally, String> {
    let pool = Pool::new();
    let mut tally = Tally::default();
    let mut number = 0;
    while go_on(number) {
        let mut chance = Chance::new(seed, number);
        let input = pool.case(&mut chance);
        match compare(&input) {
            Ok(Some(verdict)) => tally.add(verdict),
            // A policy that is refused asks nothing.
            Ok(None) => {}
            Err(difference) => return Err(report(seed, number, &input, &difference)),
        }
        number += 1;
    }
    Ok(tally)
}

/// Keeps the case as a vector that expects what the second reading found.
fn report(seed: u64, number: usize, input: &Value, difference: &str) -> String {
    let answer = Question::of_vector(input).answer();
    let file = json!({
        "kind": "bundle",
        "description": difference,
        "source": format!("cargo xtask fuzz --oracle --seed {seed}"),
        "cases": [{
            "name": format!("case {number}"),
            "input": input,
            "expect": answer.expectation(answer.code),
        }],
    });
    let path = target().join(format!("oracle-{seed}-{number}.json"));
    let kept = match fs::write(&path, file.to_string()) {
        Ok(()) => path.display().to_string(),
        Err(error) => format!("nowhere: {error}"),
    };
    format!("seed {seed}, case {number}: {difference}\nkept in {kept}")
}

/// The verdict on which both agree, or in what they do not.
fn compare(input: &Value) -> Result<Option<&'static str>, String> {
    let policy = &input["policy"];
    let policy = match policy.is_null() {
        true => None,
        false => match Policy::from_json(policy.to_string().as_bytes()) {
            Ok(policy) => Some(policy),
            Err(_) => return Ok(None),
        },
    };
    let answer = Question::of_vector(input).answer();
    let found = core(input, policy.as_ref(), &AwsLc)?;
    let portable = found.verdict().as_str() == "VERIFIED" || answer.verdict == "VERIFIED";
    if portable {
        let other = core(input, policy.as_ref(), &RustCrypto)?;
        if other.to_json() != found.to_json() {
            return Err("the two back ends disagree".into());
        }
    }
    let differ = |what: &str, core: &str, reading: &str| {
        Err(format!(
            "{what}: the core finds {core}, the second reading {reading}"
        ))
    };
    if found.verdict().as_str() != answer.verdict {
        return differ("verdict", found.verdict().as_str(), answer.verdict);
    }
    for (check, other) in found.checks().iter().zip(&answer.checks) {
        let show = |status: &str, code: Option<&str>| format!("{status} {}", code.unwrap_or("-"));
        let mine = show(check.status.as_str(), check.code.map(|code| code.as_str()));
        let theirs = show(other.status, other.code);
        if check.id.as_str() != other.id || mine != theirs {
            return differ(other.id, &mine, &theirs);
        }
    }
    if found.checks().len() != answer.checks.len() {
        return Err("another number of checks".into());
    }
    let bound = found.not_later_than().map(|time| time.to_string());
    if bound != answer.not_later_than {
        return differ(
            "notLaterThan",
            &format!("{bound:?}"),
            &format!("{:?}", answer.not_later_than),
        );
    }
    // Of several defects of a malformed input any one may be named.
    if answer.verdict != "MALFORMED" && found.code().as_str() != answer.code {
        return differ("code", found.code().as_str(), answer.code);
    }
    Ok(Some(answer.verdict))
}

fn core(input: &Value, policy: Option<&Policy>, crypto: &dyn Crypto) -> Result<Report, String> {
    let bytes = |key: &str| -> Result<Option<Vec<u8>>, String> {
        let text = input[key].as_str().map(from_base64url).transpose();
        text.map_err(|error| format!("{key}: {error}"))
    };
    let asked = |key: &str| input["expectations"].get(key)?.as_str();
    let (payload, file) = (bytes("payload")?, bytes("headers")?);
    let chain = file.as_deref().map(HeaderChain::parse).transpose();
    let chain = chain.map_err(|error| format!("headers: {error}"))?;
    let mut request = Request::default();
    request.policy = policy;
    request.payload = payload.as_deref();
    request.payload_sha256 = asked("payloadSha256")
        .and_then(|hex| from_hex(hex).ok())
        .and_then(|bytes| bytes.try_into().ok());
    request.approval_id = asked("approvalId");
    request.approver = asked("approver");
    request.rp_id = asked("rpId");
    request.at = input["at"].as_str().and_then(Time::parse);
    request.headers = chain.as_ref();
    request.crypto = crypto;
    let text = input["bundleText"].as_str().unwrap_or_default();
    Ok(verify(text.as_bytes(), &request))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The campaign in small. A difference here is a fault of the core, of the second reading, or
    /// of the specification.
    #[test]
    fn the_core_and_the_second_reading_find_the_same() {
        let tally = campaign(1, |number| number < 600).unwrap();
        assert!(tally.verified > 60 && tally.rejected > 60, "{tally}");
        assert!(tally.incomplete > 10 && tally.malformed > 5, "{tally}");
    }

    #[test]
    fn cases_come_from_the_seed_alone() {
        let pool = Pool::new();
        let case = |seed, number| pool.case(&mut Chance::new(seed, number));
        assert_eq!(case(7, 3), case(7, 3));
        assert_ne!(case(7, 3), case(7, 4));
        assert_ne!(case(7, 3), case(8, 3));
    }
}
