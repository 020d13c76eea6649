//! Every sentence against the facts that it needs: over all bundle vectors, and over approvals that
//! are put together from parts that are there, missing, or wrong.
//!
//! A rule names a text and what must be the case where it is printed, no more and no less. The
//! facts are the checks and the times in the JSON report.

use std::path::Path;

use serde_json::Value as Json;
use test_vectors::bitcoin::{self, Chain};
use test_vectors::encoding::sha256;
use test_vectors::{Algorithm, Draft};
use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::Time;
use verifier_core::hazmat::encoding::{from_base64url, from_hex};
use verifier_core::{Report, Request, verify};

use super::full;
use crate::text::Style;
use crate::verify::job::CRYPTO;

/// A report, and what people read of it, in one line.
struct Read {
    facts: Json,
    text: String,
}

impl Read {
    fn new(report: &Report, input: &[u8], payload: Option<&[u8]>) -> Self {
        let facts = serde_json::from_str(&report.to_json()).unwrap();
        let text = full(report, input, payload, None, Style::default());
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { facts, text }
    }

    fn fact(&self, pointer: &str) -> &Json {
        self.facts.pointer(pointer).unwrap_or(&Json::Null)
    }

    fn is(&self, pointer: &str, value: &str) -> bool {
        self.fact(pointer) == value
    }

    fn there(&self, pointer: &str) -> bool {
        !self.fact(pointer).is_null()
    }

    fn checks(&self) -> &[Json] {
        self.fact("/checks").as_array().unwrap()
    }

    fn passed(&self, id: &str) -> bool {
        let mut checks = self.checks().iter();
        checks.any(|check| check["id"] == id && check["status"] == "pass")
    }

    fn coded(&self, code: &str) -> bool {
        self.checks().iter().any(|check| check["code"] == code)
    }

    fn verified(&self) -> bool {
        self.is("/verdict", "VERIFIED")
    }

    fn signed(&self) -> bool {
        self.passed("webauthn.signature")
    }

    /// The proven time is that of a quorum on the bundle's own head.
    fn by_quorum(&self) -> bool {
        let met = ["log.proof", "log.checkpoint", "log.quorum"].map(|id| self.passed(id));
        let time = self.fact("/notLaterThan");
        met == [true; 3] && !time.is_null() && time == self.fact("/log/quorumTime")
    }

    /// The proven time is that of the block.
    fn by_block(&self) -> bool {
        let time = self.fact("/notLaterThan");
        self.passed("anchor.chain") && !time.is_null() && time == self.fact("/anchor/notLaterThan")
    }

    /// The proven time is neither: only a quorum on the anchored head is left.
    fn by_anchored_quorum(&self) -> bool {
        self.there("/notLaterThan")
            && self.passed("anchor.log")
            && !self.is("/log/quorum", "none")
            && !self.by_quorum()
            && !self.by_block()
    }

    fn chain(&self) -> bool {
        let checks = ["anchor.log", "anchor.path", "anchor.header", "anchor.chain"];
        checks.iter().all(|id| self.passed(id))
    }

    /// Of the witnesses in the policy, those whose signature lines all verify.
    fn witnesses(&self) -> usize {
        let lines = self.fact("/log/signatures").as_array().unwrap();
        let mut names: Vec<&str> = lines
            .iter()
            .filter(|line| line["signer"] == "witness" && line["verified"] == true)
            .map(|line| line["policyName"].as_str().unwrap())
            .collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }
}

type Rule = (&'static str, fn(&Read) -> bool);

/// A text, and when it is printed: then and only then.
const EXACTLY: &[Rule] = &[
    (" approved exactly the payload in this bundle, ", |r| {
        r.verified() && r.is("/subject/payloadMatch", "bundle")
    }),
    (" approved exactly this payload, ", |r| {
        r.verified() && r.is("/subject/payloadMatch", "exact")
    }),
    (" approved this JSON document (in another layout), ", |r| {
        r.verified() && r.is("/subject/payloadMatch", "canonical")
    }),
    (" approved the payload with exactly this hash, ", |r| {
        r.verified() && r.is("/subject/payloadMatch", "sha256")
    }),
    ("(witnessed).", |r| {
        r.verified() && (r.by_quorum() || r.by_anchored_quorum())
    }),
    ("says the service (not proven).", |r| {
        r.verified() && !r.there("/notLaterThan") && r.there("/claimedByService/decidedAt")
    }),
    ("a quorum of witnesses had seen it", |r| r.by_quorum()),
    ("a quorum of witnesses had seen the anchored head", |r| {
        r.by_anchored_quorum()
    }),
    (" commits to it", |r| r.by_block() && !r.by_quorum()),
    ("no time is proven", |r| {
        r.there("/log") && !r.there("/notLaterThan")
    }),
    ("the quorum is met: ", |r| {
        r.passed("log.quorum") && r.there("/log") && !r.is("/log/quorum", "none")
    }),
    ("; the policy requires no witnesses", |r| {
        r.there("/log") && r.is("/log/quorum", "none") && r.passed("log.quorum")
    }),
    ("the quorum is NOT met: ", |r| {
        r.there("/log") && !r.passed("log.quorum")
    }),
    ("by nobody that the policy names", |r| {
        r.there("/log") && r.witnesses() == 0
    }),
    ("in the chain that the policy knows,", |r| r.chain()),
    ("its header carries its own work and is in no chain", |r| {
        r.passed("anchor.header") && !r.passed("anchor.chain")
    }),
    ("the timestamp leads to Bitcoin", |r| {
        r.passed("anchor.path") && !r.passed("anchor.chain")
    }),
    ("No signature was verified:", |r| {
        !r.checks().is_empty() && !r.signed()
    }),
    ("ok passkey signature", Read::signed),
    (" key SHA256:", |r| {
        r.there("/approver") && r.there("/subject")
    }),
    (" who unknown: ", |r| {
        r.there("/subject") && !r.there("/approver")
    }),
    (" how passkey (", |r| r.there("/subject")),
    ("user verified (PIN or biometric)", |r| {
        r.fact("/subject/userVerified") == true
    }),
    ("user not verified,", |r| {
        r.fact("/subject/userVerified") == false
    }),
    ("(your payload, byte for byte)", |r| {
        r.is("/subject/payloadMatch", "exact") && r.there("/subject/payloadHash")
    }),
    ("(the hash you gave)", |r| {
        r.is("/subject/payloadMatch", "sha256")
    }),
    ("you gave none to compare", |r| {
        r.is("/subject/payloadMatch", "bundle")
    }),
    ("(this is what was signed)", |r| {
        r.there("/subject/payloadHash") && !r.there("/subject/payloadMatch")
    }),
    ("signed by nobody)", |r| {
        let claimed = r.fact("/claimedByService").as_object().unwrap();
        claimed.values().any(|value| !value.is_null())
    }),
    ("it is a synced passkey", |r| {
        r.fact("/subject/backupEligible") == true
    }),
    ("the user was not verified.", |r| {
        r.fact("/subject/userVerified") == false
    }),
    ("anybody can make a lone block", |r| {
        r.there("/anchor") && !r.passed("anchor.chain")
    }),
    ("blocks of regtest cost nothing", |r| {
        r.passed("anchor.chain") && r.is("/anchor/network", "regtest")
    }),
    ("the policy does without one.", |r| {
        let mut checks = r.checks().iter();
        let proof = checks.find(|check| check["id"] == "log.proof");
        proof.is_some_and(|check| check["status"] == "not_checked") && r.there("/policy")
    }),
    ("no time in the evidence is proven.", |r| {
        !r.checks().is_empty() && !r.there("/notLaterThan")
    }),
];

/// A text that needs something, and is not there whenever that is the case.
const ONLY_IF: &[Rule] = &[
    ("VERIFIED ", Read::verified),
    (" approved ", |r| {
        let found = r.text.split("Not proven:").next().unwrap();
        let found = found.split(" Next: ").next().unwrap();
        r.verified() || !found.replace("status approved", "").contains(" approved ")
    }),
    ("that was signed", Read::signed),
    ("that the challenge names", |r| !r.signed()),
    ("Bitcoin block", |r| {
        !r.there("/anchor") || r.is("/anchor/network", "mainnet") || lone_words(r)
    }),
    ("Bitcoin regtest block", |r| {
        r.is("/anchor/network", "regtest")
    }),
    (" more place", |r| {
        let left_out = |check: &Json| check["differencesLeftOut"] != 0;
        r.checks().iter().any(left_out)
    }),
    ("Your payload", |r| {
        r.facts["expected"].to_string().contains("\"payload")
    }),
    ("The payload you gave", |r| {
        r.facts["expected"].to_string().contains("\"payload\"")
    }),
    ("not the one that was signed", |r| {
        r.coded("payload.mismatch")
    }),
];

/// The words that speak of blocks in general.
fn lone_words(read: &Read) -> bool {
    let text = &read.text;
    let general = ["leads to no Bitcoin block", "the Bitcoin block exists"];
    let all = text.matches("Bitcoin block").count();
    all == general
        .iter()
        .map(|words| text.matches(words).count())
        .sum::<usize>()
}

/// The fault in a text for people; with the whole text the first time.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, right: bool, name: &str, what: &str, read: &Read) {
        if right {
            return;
        }
        let whole = match self.0.is_empty() {
            true => format!("\n{}\n{}\n", read.text, read.facts),
            false => String::new(),
        };
        self.0.push(format!("{name}: {what}{whole}"));
    }

    fn judge(&mut self, name: &str, read: &Read) {
        let Read { facts, text } = read;
        for (words, holds) in EXACTLY {
            self.unless(text.contains(words) == holds(read), name, words, read);
        }
        for (words, may) in ONLY_IF {
            self.unless(!text.contains(words) || may(read), name, words, read);
        }
        // An ok stands before the titles of checks that passed, and of no others.
        let ok = text.matches(" ok ").count();
        let passed = read.checks().iter().filter(|c| c["status"] == "pass");
        self.unless(ok == passed.count(), name, "ok", read);
        if read.there("/log") {
            let rest = text.split(") at ").skip(1);
            let dated = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
            let shown = rest.filter(|rest| dated(rest)).count();
            let listed = read.fact("/log/witnesses").as_array().unwrap().len();
            let same = shown == listed && listed == read.witnesses();
            self.unless(same, name, "witnesses", read);
        }
        // Whose word the time is follows from the times alone.
        let from = match (read.by_quorum(), read.by_anchored_quorum(), read.by_block()) {
            (true, _, _) => Json::from("quorum"),
            (_, true, _) => Json::from("anchoredQuorum"),
            (_, _, true) => Json::from("block"),
            _ => Json::Null,
        };
        let same = *read.fact("/notLaterThanFrom") == from;
        self.unless(same, name, "notLaterThanFrom", read);
        let sentences = facts["notProven"].as_array().unwrap();
        for sentence in sentences.iter().filter_map(Json::as_str) {
            self.unless(text.contains(sentence), name, sentence, read);
        }
        let ids = facts["notProvenIds"].as_array().unwrap();
        self.unless(ids.len() == sentences.len(), name, "notProvenIds", read);
    }

    fn nothing(&self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}

/// A case of the bundle vectors; `None` if its policy or headers are refused.
fn vector(case: &Json) -> Option<Read> {
    let input = &case["input"];
    let policy = match &input["policy"] {
        Json::Null => None,
        policy => Some(Policy::from_json(policy.to_string().as_bytes()).ok()?),
    };
    let bytes = |text: &Json| text.as_str().map(|text| from_base64url(text).unwrap());
    let (payload, headers) = (bytes(&input["payload"]), bytes(&input["headers"]));
    let chain = headers
        .as_deref()
        .map(HeaderChain::parse)
        .transpose()
        .ok()?;
    let asked = &input["expectations"];
    let hash = asked["payloadSha256"]
        .as_str()
        .map(|hash| from_hex(hash).unwrap());
    let mut request = Request::default();
    request.policy = policy.as_ref();
    request.payload = payload.as_deref();
    request.payload_sha256 = hash.map(|hash| hash.try_into().unwrap());
    request.approval_id = asked["approvalId"].as_str();
    request.approver = asked["approver"].as_str();
    request.rp_id = asked["rpId"].as_str();
    request.headers = chain.as_ref();
    request.at = input["at"].as_str().and_then(Time::parse);
    request.crypto = &CRYPTO;
    let bundle = input["bundleText"].as_str().unwrap().as_bytes();
    let report = verify(bundle, &request);
    Some(Read::new(&report, bundle, request.payload))
}

#[test]
fn every_sentence_about_a_vector_is_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/bundle");
    let (mut count, mut wrong) = (0, Wrong::default());
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.ends_with("splices.json") {
            // Each of them opens an e-mail address, which takes its time.
            continue;
        }
        let text = std::fs::read(path).unwrap();
        let vectors: Json = serde_json::from_slice(&text).unwrap();
        for case in vectors["cases"].as_array().unwrap() {
            if let Some(read) = vector(case) {
                wrong.judge(case["name"].as_str().unwrap(), &read);
                count += 1;
            }
        }
    }
    wrong.nothing();
    assert!(count > 500, "{count}");
}

/// The block in which an approval is anchored.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Anchored {
    No,
    Promised,
    /// With a block that the headers have, this many seconds after the first cosignature.
    In(i64),
    /// In a block whose header alone is there.
    Alone,
}

/// The caller's side of the comparison.
#[derive(Clone, Copy, Debug)]
enum Given {
    Nothing,
    Payload,
    OtherPayload,
    Hash,
    OtherHash,
}

#[test]
fn every_sentence_about_any_parts_is_true() {
    let anchors = [
        Anchored::No,
        Anchored::Promised,
        Anchored::In(-9000),
        Anchored::In(10_800),
        Anchored::Alone,
    ];
    let given = [
        Given::Nothing,
        Given::Payload,
        Given::OtherPayload,
        Given::Hash,
        Given::OtherHash,
    ];
    let mut wrong = Wrong::default();
    for quorum in [0, 2, 3] {
        for anchored in anchors {
            for signed in [true, false] {
                for given in given {
                    for listed in [true, false] {
                        let name = format!("{quorum} {anchored:?} {signed} {given:?} {listed}");
                        let read = assembled(quorum, anchored, signed, given, listed);
                        wrong.judge(&name, &read);
                    }
                }
            }
        }
    }
    wrong.nothing();
}

fn assembled(quorum: usize, anchored: Anchored, signed: bool, given: Given, listed: bool) -> Read {
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.quorum = quorum;
    if !signed {
        // Logged as it is; the signature counter is another one than was signed.
        draft.edit_entry = |entry| *entry.authenticator_data.last_mut().unwrap() ^= 1;
    }
    let mut approval = draft.mint();
    if !listed {
        approval.policy.approvers.remove(0);
    }
    let mut headers = None;
    if anchored != Anchored::No {
        let mut anchor = draft.anchor(5);
        if let Anchored::In(_) | Anchored::Alone = anchored {
            let after = match anchored {
                Anchored::In(after) => after,
                _ => 0,
            };
            let first = i64::try_from(draft.cosigned[0].1).unwrap();
            let time = u32::try_from(first + after).unwrap();
            let digest = sha256(anchor.checkpoint.as_bytes());
            let root = bitcoin::follow(&bitcoin::path(), &digest);
            let chain = Chain::default()
                .extended(4, time - 3000, "below")
                .with(root, time)
                .extended(9, time + 600, "above");
            let timestamp = bitcoin::timestamp(&bitcoin::path(), &bitcoin::in_block(5));
            anchor.ots = Some(bitcoin::proof(&digest, &timestamp));
            let pin = bitcoin::display_hash(&chain.headers[2]);
            approval.policy.anchor = Some(serde_json::json!({
                "network": "regtest",
                "pinnedBlocks": [{"height": 2, "hash": pin}],
            }));
            match anchored {
                Anchored::Alone => anchor.header = Some((5, chain.headers[5].to_vec())),
                _ => headers = Some(chain.file()),
            }
        }
        approval.bundle.anchor = Some(anchor);
    }
    let policy = approval.policy.value().to_string();
    let policy = Policy::from_json(policy.as_bytes()).unwrap();
    let chain = headers
        .as_deref()
        .map(|file| HeaderChain::parse(file).unwrap());
    let mut request = Request::default();
    request.policy = Some(&policy);
    request.headers = chain.as_ref();
    request.crypto = &CRYPTO;
    match given {
        Given::Nothing => {}
        Given::Payload => request.payload = Some(&approval.payload),
        Given::OtherPayload => request.payload = Some(b"{\"amount\":\"1.00\"}"),
        Given::Hash => request.payload_sha256 = Some(sha256(&approval.payload)),
        Given::OtherHash => request.payload_sha256 = Some([7; 32]),
    }
    let bundle = approval.bundle.text();
    let report = verify(bundle.as_bytes(), &request);
    Read::new(&report, bundle.as_bytes(), request.payload)
}
