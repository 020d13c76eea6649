//! Cases: a draft with some of its parts changed before it is signed and logged, and a bundle with
//! some of its parts changed after that.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "everything here was minted a moment ago"
)]

use serde_json::{Map, Value, json};
use test_vectors::approval::{DECIDED_AT_SECONDS, ORIGIN, RP_ID, approval_id};
use test_vectors::bitcoin::{
    Chain, display_hash, follow, in_block, path, promised, proof, timestamp,
};
use test_vectors::ceremony::{AT, BE, BS, ED, UP, UV};
use test_vectors::encoding::{b64, b64url, hex, pseudo_random, sha256};
use test_vectors::{Algorithm, Approval, Ceremony, Draft, Passkey, Policy};

use super::chance::Chance;

/// Evidence that was minted once and is taken apart again and again.
pub(super) struct Pool {
    /// Bundles, from which parts are spliced into others.
    donors: Vec<Value>,
    passkeys: Vec<Passkey>,
}

impl Pool {
    pub(super) fn new() -> Self {
        let mut donors = Vec::new();
        for number in 1..=3 {
            let mut draft = Draft::numbered(Algorithm::Es256, number);
            draft.leaves_before = usize::try_from(number).unwrap();
            let mut approval = draft.mint();
            approval.bundle.anchor = Some(draft.anchor(4));
            donors.push(approval.bundle.value());
        }
        let passkeys = Algorithm::ALL
            .iter()
            .flat_map(|algorithm| ["alice", "mallory"].map(|seed| Passkey::new(*algorithm, seed)));
        Self {
            donors,
            passkeys: passkeys.collect(),
        }
    }

    /// The input of a vector of kind `bundle`.
    pub(super) fn case(&self, chance: &mut Chance) -> Value {
        let mut draft = Draft::numbered(Algorithm::Es256, 1);
        if chance.once_in(2) {
            draft.passkey = chance.pick(&self.passkeys).clone();
        }
        draft.leaves_before = chance.below(5);
        draft.leaves_behind = chance.below(5);
        for _ in 0..chance.below(3) {
            self.change_draft(&mut draft, chance);
        }
        let mut approval = draft.mint();
        let mut headers = None;
        if chance.once_in(2) {
            headers = anchor(&draft, &mut approval, chance);
        }
        if chance.once_in(3) {
            change_signatures(&draft, &mut approval, chance);
        }
        if chance.once_in(2) {
            change_policy(&mut approval.policy, chance);
        }
        let mut evidence = match chance.once_in(5) {
            true => {
                if !chance.once_in(4) {
                    approval.policy.log = None;
                }
                approval.confirmation()
            }
            false => approval.bundle.value(),
        };
        for _ in 0..chance.below(3) {
            self.change_evidence(&mut evidence, chance);
        }
        let mut input = json!({
            "bundleText": evidence.to_string(),
            "policy": approval.policy.value(),
        });
        if chance.once_in(40) {
            input["policy"] = Value::Null;
        }
        if let Some(file) = headers {
            input["headers"] = json!(b64url(&file));
        }
        ask(&mut input, &approval, chance);
        input
    }

    fn change_draft(&self, draft: &mut Draft, chance: &mut Chance) {
        let other = chance.pick(&self.passkeys).clone();
        let ceremony = &mut draft.ceremony;
        match chance.below(17) {
            0 => ceremony.origin = (*chance.pick(&ORIGINS)).into(),
            1 => ceremony.kind = (*chance.pick(&["webauthn.create", "webauthn.get ", ""])).into(),
            2 => ceremony.cross_origin = *chance.pick(&[None, Some(true), Some(false)]),
            3 => {
                ceremony.top_origin = Some((*chance.pick(&ORIGINS)).into());
                ceremony.cross_origin = *chance.pick(&[None, Some(true), Some(true), Some(false)]);
            }
            4 => {
                let flags = [
                    UP,
                    UV,
                    0,
                    BE,
                    BS,
                    BE | BS,
                    AT,
                    0x02,
                    0x20,
                    UP | UV | BE | BS,
                ];
                ceremony.flags = *chance.pick(&flags) | *chance.pick(&[UP | UV, UP, 0]);
            }
            5 => {
                ceremony.flags |= ED;
                let tails: [&[u8]; 7] = [
                    b"\xa0",
                    b"\xa1\x61a\xf5",
                    b"\xa1\x01\xf5",
                    b"\xa2\x61b\xf5\x61a\xf5",
                    b"\xa1\x61a\xf9\x3c\x00",
                    b"\xa0\x00",
                    b"",
                ];
                ceremony.tail = chance.pick(&tails).to_vec();
            }
            6 => ceremony.rp_id = (*chance.pick(&RP_IDS)).into(),
            7 => draft.entry_rp_id = (*chance.pick(&RP_IDS)).into(),
            8 => {
                let lengths = [0, 15, 16, 32, 64, 65];
                let nonce = vec![7; *chance.pick(&lengths)];
                let challenge = [&nonce[..], &sha256(&draft.payload)].concat();
                ceremony.challenge = match chance.below(4) {
                    0 => b64(&challenge),
                    1 => hex(&challenge),
                    _ => b64url(&challenge),
                };
            }
            9 => ceremony.extra.push((*chance.pick(&EXTRA)).into()),
            10 => draft.payload.push(b' '),
            11 => {
                let payload = *chance.pick(&PAYLOADS);
                let nonce = pseudo_random("nonce");
                ceremony.challenge = Ceremony::new(RP_ID, ORIGIN, &nonce, payload).challenge;
                draft.payload = payload.to_vec();
            }
            12 => draft.decided_at = (*chance.pick(&TIMES)).into(),
            13 => draft.edit_entry = *chance.pick(&EDITS),
            14 => draft.passkey = other,
            15 => draft.approval_id = approval_id(9),
            _ => {
                draft.quorum = chance.below(4);
                let cosigned = (0..3).filter(|_| chance.below(3) > 0);
                draft.cosigned = cosigned
                    .collect::<Vec<usize>>()
                    .into_iter()
                    .map(|i| (i, *chance.pick(&SECONDS)))
                    .collect();
            }
        }
    }

    fn change_evidence(&self, evidence: &mut Value, chance: &mut Chance) {
        let mut pointers = Vec::new();
        collect(evidence, String::new(), &mut pointers);
        let pointer = chance.pick(&pointers).clone();
        match chance.below(6) {
            0 => remove(evidence, &pointer),
            1 => {
                let donor = chance.pick(&self.donors);
                if let (Some(place), Some(part)) =
                    (evidence.pointer_mut(&pointer), donor.pointer(&pointer))
                {
                    *place = part.clone();
                }
            }
            2 => {
                let values = [
                    json!(null),
                    json!(""),
                    json!(7),
                    json!([]),
                    json!({}),
                    json!(true),
                ];
                *evidence.pointer_mut(&pointer).unwrap() = chance.pick(&values).clone();
            }
            3 => {
                let key = *chance.pick(&["more", "type", "status", "anchor"]);
                if let Some(object) = evidence
                    .pointer_mut(&pointer)
                    .and_then(Value::as_object_mut)
                {
                    object.insert(key.into(), json!("x"));
                }
            }
            _ => {
                if let Some(Value::String(text)) = evidence.pointer_mut(&pointer) {
                    *text = flipped(text, chance);
                }
            }
        }
    }
}

const ORIGINS: [&str; 4] = [
    ORIGIN,
    "https://look-alike.example",
    "https://approvals.example/",
    "android:apk-key-hash:AAAA",
];
const RP_IDS: [&str; 4] = [RP_ID, "other.example", "example", "Approvals.example"];
const EXTRA: [&str; 5] = [
    "\"x\":[1,{\"y\":null}]",
    "\"origin\":\"https://approvals.example\"",
    "\"x\":\"\\udc00\"",
    "\"x\":1e400",
    "\"tokenBinding\":{}",
];
const PAYLOADS: [&[u8]; 5] = [
    b"{\"a\":1,\"b\":[true,null]}",
    b"{ \"b\" : [ true , null ] , \"a\" : 1 }",
    b"not JSON",
    b"",
    b"{\"a\":1,\"a\":1}",
];
const TIMES: [&str; 4] = [
    "1970-01-01T00:00:00.000Z",
    "2026-03-01T12:00:00.000Z",
    "2026-03-02T12:00:00.000Z",
    "2026-02-29T12:00:00.000Z",
];
const SECONDS: [u64; 7] = [
    0,
    1,
    DECIDED_AT_SECONDS,
    DECIDED_AT_SECONDS + 5,
    DECIDED_AT_SECONDS + 7,
    DECIDED_AT_SECONDS + 100_000,
    253_402_300_800,
];

type Edit = fn(&mut test_vectors::Entry);

const EDITS: [Edit; 5] = [
    |entry| entry.kind = "another/v1".into(),
    |entry| entry.signature.push(0),
    |entry| entry.approval_id_hash = vec![7; 32],
    |entry| entry.client_data_hash = vec![7; 31],
    |entry| entry.credential_public_key.reverse(),
];

/// Another spelling or another content of a text.
fn flipped(text: &str, chance: &mut Chance) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if bytes.is_empty() {
        return "A".into();
    }
    let at = chance.below(bytes.len());
    match chance.below(4) {
        0 => {
            bytes.remove(at);
        }
        1 => bytes.insert(at, *chance.pick(b"A =\n0")),
        2 => bytes.truncate(at),
        _ => bytes[at] ^= 1 << chance.below(6),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Pointers to every member and item.
fn collect(value: &Value, pointer: String, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                collect(value, format!("{pointer}/{key}"), out);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                collect(value, format!("{pointer}/{i}"), out);
            }
        }
        _ => {}
    }
    out.push(pointer);
}

fn remove(value: &mut Value, pointer: &str) {
    let parent = pointer
        .rsplit_once('/')
        .and_then(|(parent, key)| Some((value.pointer_mut(parent)?.as_object_mut()?, key)));
    if let Some((parent, key)) = parent {
        parent.remove(key);
    }
}

/// An anchor, with or without a chain; the header file, if there is one.
fn anchor(draft: &Draft, approval: &mut Approval, chance: &mut Chance) -> Option<Vec<u8>> {
    let mut anchor = draft.anchor(chance.below(4));
    let digest = sha256(anchor.checkpoint.as_bytes());
    let time = u32::try_from(DECIDED_AT_SECONDS).unwrap() + *chance.pick(&[0, 7200, 90_000]);
    let chain = Chain::default()
        .extended(chance.below(3), time, "below")
        .with(follow(&path(), &digest), time + 1800)
        .extended(chance.below(5), time + 2400, "above");
    // Somewhere near the block, or the block itself.
    let block = chain
        .headers
        .iter()
        .position(|header| header[36..68] == follow(&path(), &digest));
    let height = block.unwrap();
    let stamp = |height: usize| {
        let place = in_block(u64::try_from(height).unwrap());
        proof(&digest, &timestamp(&path(), &place))
    };
    match chance.below(8) {
        0 => anchor.ots = Some(stamp(height + 1)),
        1 => anchor.ots = None,
        2 => {
            anchor.ots = Some(proof(
                &sha256(b"other"),
                &promised("https://calendar.example"),
            ))
        }
        3 => {}
        _ => anchor.ots = Some(stamp(height)),
    }
    if chance.once_in(3) {
        let shown = chance.below(chain.headers.len());
        let shown = if chance.once_in(2) { height } else { shown };
        anchor.header = Some((u64::try_from(shown).unwrap(), chain.headers[shown].to_vec()));
    }
    if chance.once_in(6) {
        anchor.consistency = None;
    }
    let mut pins = Vec::new();
    for _ in 0..chance.below(3) {
        let at = chance.below(chain.headers.len() + 1);
        let hash = chain.headers.get(at).filter(|_| !chance.once_in(5));
        let hash = hash.map_or_else(|| "11".repeat(32), display_hash);
        if pins.iter().all(|pin: &Value| pin["height"] != at) {
            pins.push(json!({"height": at, "hash": hash}));
        }
    }
    let mut rule = Map::new();
    rule.insert("required".into(), json!(chance.once_in(2)));
    let networks = ["regtest", "regtest", "regtest", "mainnet", "signet"];
    rule.insert("network".into(), json!(chance.pick(&networks)));
    rule.insert("minConfirmations".into(), json!(1 + chance.below(4)));
    rule.insert("pinnedBlocks".into(), json!(pins));
    if chance.once_in(3) {
        let work = format!("{:064x}", 1 + chance.below(20));
        rule.insert("minChainWork".into(), json!(work));
    }
    approval.policy.anchor = Some(Value::Object(rule));
    approval.bundle.anchor = Some(anchor);
    (!chance.once_in(4)).then(|| chain.file())
}

/// Lines added to, taken from, or made wrong under the head.
fn change_signatures(draft: &Draft, approval: &mut Approval, chance: &mut Chance) {
    let anchored = approval.bundle.anchor.is_some() && chance.once_in(2);
    let bundle = &mut approval.bundle;
    let proof = match &mut bundle.anchor {
        Some(anchor) if anchored => &mut anchor.log_proof,
        _ => &mut bundle.log_proof,
    };
    let text = proof.checkpoint.clone();
    let witness = &chance.pick(&draft.witnesses).key;
    let at = chance.below(proof.lines.len() + 1);
    match chance.below(6) {
        0 => proof.lines.truncate(at),
        1 => proof
            .lines
            .insert(at, witness.line(&text, *chance.pick(&SECONDS))),
        2 => proof.lines.insert(at, witness.line_with(&[7; 72])),
        3 => {
            let other = witness.renamed("stranger.example").line(&text, 7);
            proof.lines.insert(at, other);
        }
        4 => {
            let line = witness.line(&text, DECIDED_AT_SECONDS);
            proof.lines.extend(vec![line; 15 + chance.below(4)]);
        }
        _ => {
            proof.lines.reverse();
        }
    }
    if anchored && let Some(anchor) = &mut bundle.anchor {
        anchor.checkpoint = anchor.log_proof.note();
    }
}

fn change_policy(policy: &mut Policy, chance: &mut Chance) {
    let limits = [
        "2026-03-01T12:00:05.000Z",
        "2026-03-01T12:00:07.000Z",
        "2026-03-01T14:00:07.000Z",
        "2026-03-01T15:30:00.000Z",
    ];
    let approver = &mut policy.approvers[0];
    match chance.below(13) {
        0 => approver.not_after = Some((*chance.pick(&limits)).into()),
        1 => approver.not_before = Some((*chance.pick(&limits)).into()),
        2 => approver.credential_id = None,
        3 => approver.credential_id = Some(vec![7; 16]),
        4 => {
            policy.approvers.remove(0);
        }
        5 => policy.origins = vec![(*chance.pick(&ORIGINS)).into()],
        6 => policy.origins.push((*chance.pick(&ORIGINS)).into()),
        7 => policy.rp_ids = vec![(*chance.pick(&RP_IDS)).into()],
        8 => {
            policy.cross_origin = Some(chance.once_in(2));
            policy.top_origins = Some(vec![(*chance.pick(&ORIGINS)).into()]);
        }
        9 => policy.user_verification = Some("preferred".into()),
        10 => policy.payload = Some("hash-only".into()),
        11 => policy.log = None,
        _ => {
            if let Some(log) = &policy.log {
                // Another quorum over the same witnesses.
                let (head, _) = log.split_once("group").unwrap_or((log, ""));
                let tails = [
                    "quorum none\n",
                    "quorum w1\n",
                    "quorum w3\n",
                    "group a all w1 w2\ngroup b any a w3\nquorum b\n",
                    "group a 2 w1 w2 w3\nquorum a\n",
                ];
                policy.log = Some(format!("{head}{}", chance.pick(&tails)));
            }
        }
    }
}

/// The knowledge and questions of the caller.
fn ask(input: &mut Value, approval: &Approval, chance: &mut Chance) {
    let payload = &approval.payload;
    match chance.below(8) {
        0 | 1 => input["payload"] = json!(b64url(payload)),
        2 => input["payload"] = json!(b64url(chance.pick::<&[u8]>(&PAYLOADS))),
        3 => {
            let spaced = String::from_utf8_lossy(payload).replace(',', " , ");
            input["payload"] = json!(b64url(spaced.as_bytes()));
        }
        4 => {
            let hash = if chance.once_in(3) {
                sha256(b"x")
            } else {
                sha256(payload)
            };
            input["expectations"] = json!({"payloadSha256": hex(&hash)});
        }
        _ => {}
    }
    if chance.once_in(6) {
        let mut asked = input["expectations"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        match chance.below(3) {
            0 => asked.insert("approver".into(), json!(chance.pick(&["alice", "bob"]))),
            1 => asked.insert("rpId".into(), json!(chance.pick(&RP_IDS))),
            _ => asked.insert(
                "approvalId".into(),
                json!(approval_id(u32::try_from(1 + chance.below(2)).unwrap())),
            ),
        };
        input["expectations"] = Value::Object(asked);
    }
    if chance.once_in(6) {
        let moments = [
            "2026-03-01T11:58:06.000Z",
            "2026-03-01T12:00:00.000Z",
            "2027-01-01T00:00:00.000Z",
        ];
        input["at"] = json!(chance.pick(&moments));
    }
}
