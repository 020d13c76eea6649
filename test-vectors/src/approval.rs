//! Whole approvals: from a draft, whose every part can be changed, to bundle and policy.

use crate::bitcoin;
use crate::bundle::{Anchor, Bundle, Evidence};
use crate::ceremony::{Assertion, Ceremony};
use crate::context::{approval_challenge, refusal_challenge};
use crate::encoding::{b64url, hex, pseudo_random, sha256};
use crate::entry::{Disclosure, Entry, email_hash};
use crate::log::{Log, Witness, tlog_policy};
use crate::note::{Checkpoint, LogProof};
use crate::passkey::{Algorithm, Passkey};
use crate::policy::{Approver, Policy};

/// The RP id of all samples.
pub const RP_ID: &str = "approvals.example";
/// The origin of all samples.
pub const ORIGIN: &str = "https://approvals.example";
/// The log of all samples.
pub const LOG_ORIGIN: &str = "log.example/approvals";
/// The type of an approval's entry.
pub const APPROVAL: &str = "cosignet.approval/v1";
/// The type of a refusal's entry.
pub const REFUSAL: &str = "cosignet.refusal/v1";
/// When the samples were decided.
pub const DECIDED_AT: &str = "2026-03-01T12:00:00.000Z";
/// The same in seconds since 1970-01-01.
pub const DECIDED_AT_SECONDS: u64 = 1_772_366_400;

/// An approval in the making. Change what you like, then [`mint`](Self::mint) it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The signer.
    pub passkey: Passkey,
    /// The approval id.
    pub approval_id: String,
    /// The payload.
    pub payload: Vec<u8>,
    /// The ceremony that is signed.
    pub ceremony: Ceremony,
    /// `rpId` of the entry.
    pub entry_rp_id: String,
    /// `decidedAt` of the entry.
    pub decided_at: String,
    /// `type` of the entry.
    pub entry_type: String,
    /// The text of the context, if the bundle carries one.
    pub context: Option<String>,
    /// The random part of a refusal, if the bundle carries one.
    pub random: Option<[u8; 32]>,
    /// The service's label for the action.
    pub action: Option<String>,
    /// The approver, if the entry commits to one.
    pub disclosure: Option<Disclosure>,
    /// Whether the bundle carries the address. Checking one is slow on purpose.
    pub reveal_email: bool,
    /// Changes the entry after the ceremony and before it is logged.
    pub edit_entry: fn(&mut Entry),
    /// Replaces the text of the entry before it is logged.
    pub entry_text: Option<String>,
    /// The seed of the log's key.
    pub log_seed: [u8; 32],
    /// How many leaves are before this one.
    pub leaves_before: usize,
    /// How many leaves are behind it, under the same head.
    pub leaves_behind: usize,
    /// Lines that the checkpoint carries after its root.
    pub extensions: Vec<String>,
    /// The witnesses that the policy lists.
    pub witnesses: Vec<Witness>,
    /// How many of them the policy wants.
    pub quorum: usize,
    /// Which of them have cosigned, and when.
    pub cosigned: Vec<(usize, u64)>,
    /// Changes the policy at the end.
    pub edit_policy: fn(&mut Policy),
}

impl Draft {
    /// A wire transfer, approved with a passkey of this algorithm: user verified, e-mail
    /// committed, leaf 2 of 6, two of three witnesses.
    pub fn sample(algorithm: Algorithm) -> Self {
        let mut draft = Self::numbered(algorithm, 1);
        draft.disclosure = Some(Disclosure {
            blind: pseudo_random("blind"),
            salt: pseudo_random("salt"),
            email: Some("alice@example.com".into()),
        });
        draft
    }

    /// An approval that no vector contains or trusts: key and log of its own.
    pub fn apart() -> Self {
        let mut draft = Self::numbered(Algorithm::Es256, 7);
        draft.passkey = Passkey::new(Algorithm::Es256, "apart");
        draft.log_seed = pseudo_random("log apart");
        draft
    }

    /// Another approval by the same passkey: other id, nonce, amount and counter. It commits to
    /// no e-mail.
    pub fn numbered(algorithm: Algorithm, number: u32) -> Self {
        let payload = format!(
            r#"{{"action":"wire_transfer","amount":"{}.00","currency":"EUR","iban":"DE89370400440532013000","to":"Acme GmbH"}}"#,
            1_000 + number
        )
        .into_bytes();
        let nonce = pseudo_random(&format!("nonce {number}"));
        let mut ceremony = Ceremony::new(RP_ID, ORIGIN, &nonce, &payload);
        ceremony.sign_count = number;
        Self {
            passkey: Passkey::new(algorithm, "alice"),
            approval_id: approval_id(number),
            payload,
            ceremony,
            entry_rp_id: RP_ID.into(),
            decided_at: DECIDED_AT.into(),
            entry_type: APPROVAL.into(),
            context: None,
            random: None,
            action: Some("wire_transfer".into()),
            disclosure: None,
            reveal_email: false,
            edit_entry: |_| {},
            entry_text: None,
            log_seed: pseudo_random("log"),
            leaves_before: 2,
            leaves_behind: 3,
            extensions: Vec::new(),
            witnesses: (1..=3).map(witness).collect(),
            quorum: 2,
            cosigned: vec![(0, DECIDED_AT_SECONDS + 5), (1, DECIDED_AT_SECONDS + 7)],
            edit_policy: |_| {},
        }
    }

    /// The passkey with this seed, which signs nothing in particular yet. Short in bytes: Ed25519,
    /// and no label.
    pub fn by(seed: &str) -> Self {
        let mut draft = Self::numbered(Algorithm::EdDsa, 1);
        draft.passkey = Passkey::new(Algorithm::EdDsa, seed);
        draft.approval_id = uuid(&format!("approval by {seed}"));
        draft.action = None;
        draft
    }

    /// Approves this payload without a context.
    pub fn approving(mut self, payload: &[u8]) -> Self {
        let nonce = self.random_part();
        self.payload = payload.to_vec();
        self.ceremony.challenge = b64url(&[&nonce[..], &sha256(payload)].concat());
        self
    }

    /// Approves this payload under this context.
    pub fn approving_under(mut self, context: &str, payload: &[u8]) -> Self {
        let challenge = approval_challenge(&self.random_part(), context, payload);
        self.payload = payload.to_vec();
        self.context = Some(context.into());
        self.ceremony.challenge = b64url(&challenge);
        self
    }

    /// Refuses this payload under this context.
    pub fn refusing(mut self, context: &str, payload: &[u8]) -> Self {
        let random = self.random_part();
        self.payload = payload.to_vec();
        self.context = Some(context.into());
        self.random = Some(random);
        self.entry_type = REFUSAL.into();
        self.ceremony.challenge = b64url(&refusal_challenge(&random, context, payload));
        self
    }

    /// 32 bytes of its own for each approval id.
    fn random_part(&self) -> [u8; 32] {
        pseudo_random(&format!("random of {}", self.approval_id))
    }

    /// The signed assertion, and the text of its entry.
    pub fn sign(&self) -> (Assertion, String) {
        let assertion = self.ceremony.sign(&self.passkey);
        let mut entry = Entry::new(
            &self.approval_id,
            &self.entry_rp_id,
            &self.decided_at,
            &assertion,
        );
        entry.kind.clone_from(&self.entry_type);
        if let Some(Disclosure {
            blind,
            salt,
            email: Some(email),
        }) = &self.disclosure
        {
            let commitment = Disclosure::commitment(blind, &email_hash(email, salt));
            entry.approver = Some(commitment.to_vec());
        }
        (self.edit_entry)(&mut entry);
        let text = self.entry_text.clone().unwrap_or_else(|| entry.text());
        (assertion, text)
    }

    /// The log with this entry, other leaves around it, and `later` leaves after the head.
    pub fn log(&self, entry: &str, later: usize) -> Log {
        let index = self.leaves_before;
        let leaves: Vec<String> = (0..=index + self.leaves_behind + later)
            .map(|i| match i == index {
                true => entry.to_owned(),
                false => format!("leaf {i}"),
            })
            .collect();
        Log::new(LOG_ORIGIN, self.log_seed, &leaves)
    }

    /// Signs, logs and bundles.
    pub fn mint(&self) -> Approval {
        let (assertion, entry) = self.sign();
        let log = self.log(&entry, 0);
        let size = log.tree().size();
        let checkpoint = Checkpoint {
            extensions: self.extensions.clone(),
            ..log.checkpoint(size)
        };
        let text = checkpoint.text();
        let lines = log.sign(&text, &self.cosigners());
        let proof = log.prove_with(self.leaves_before, size, text, lines);
        self.assemble(assertion, entry, proof, self.policy(&log))
    }

    /// An anchor at a head with `later` more leaves, cosigned two hours later.
    pub fn anchor(&self, later: usize) -> Anchor {
        let (_, entry) = self.sign();
        let log = self.log(&entry, later);
        let size = log.tree().size();
        let cosigners: Vec<(&Witness, u64)> = self
            .cosigners()
            .into_iter()
            .map(|(witness, time)| (witness, time + 7200))
            .collect();
        let log_proof = log.prove(self.leaves_before, size, &cosigners);
        let checkpoint = log_proof.note();
        Anchor {
            consistency: Some(log.tree().consistency(size - later, size)),
            ots: Some(bitcoin::proof(
                &sha256(checkpoint.as_bytes()),
                &bitcoin::promised("https://calendar.example"),
            )),
            header: None,
            checkpoint,
            log_proof,
        }
    }

    /// The policy that trusts this approval.
    pub fn policy(&self, log: &Log) -> Policy {
        let mut policy = Policy {
            name: "example".into(),
            payload: None,
            rp_ids: vec![RP_ID.into()],
            origins: vec![ORIGIN.into()],
            user_verification: None,
            cross_origin: None,
            top_origins: None,
            approvers: vec![
                Approver::new("alice", &self.passkey),
                Approver::new("bob", &Passkey::new(Algorithm::Es256, "bob")),
            ],
            log: Some(tlog_policy(log, self.quorum, &self.witnesses)),
            max_append_delay: None,
            anchor: None,
            decision: None,
            roster: None,
        };
        (self.edit_policy)(&mut policy);
        policy
    }

    fn cosigners(&self) -> Vec<(&Witness, u64)> {
        self.cosigned
            .iter()
            .map(|(i, time)| (&self.witnesses[*i], *time))
            .collect()
    }

    pub(crate) fn assemble(
        &self,
        assertion: Assertion,
        entry: String,
        log_proof: LogProof,
        policy: Policy,
    ) -> Approval {
        let evidence = Evidence {
            approval_id: Some(self.approval_id.clone()),
            client_data_json: Some(assertion.client_data_json.clone()),
            payload: Some(self.payload.clone()),
            action: self.action.clone(),
            context: self.context.clone(),
            random: self.random,
            approver: self.disclosure.clone().map(|disclosure| Disclosure {
                email: disclosure.email.filter(|_| self.reveal_email),
                ..disclosure
            }),
        };
        Approval {
            policy,
            bundle: Bundle {
                entry,
                log_proof,
                evidence: Some(evidence),
                anchor: None,
            },
            assertion,
            approval_id: self.approval_id.clone(),
            payload: self.payload.clone(),
        }
    }
}

/// A minted approval.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The approval id.
    pub approval_id: String,
    /// The approved payload.
    pub payload: Vec<u8>,
    /// The signed assertion.
    pub assertion: Assertion,
    /// The bundle.
    pub bundle: Bundle,
    /// The policy under which the bundle is VERIFIED.
    pub policy: Policy,
}

impl Approval {
    /// A good approval; see [`Draft::sample`].
    pub fn sample(algorithm: Algorithm) -> Self {
        Draft::sample(algorithm).mint()
    }

    /// `count` good ES256 approvals in one log, under one head and one policy.
    pub fn many(count: u32) -> Vec<Self> {
        let drafts: Vec<Draft> = (1..=count)
            .map(|number| Draft::numbered(Algorithm::Es256, number))
            .collect();
        Self::together(&drafts)
    }

    /// These approvals in one log that holds nothing else, in this order, under one head. Log,
    /// witnesses and policy are those of the first draft.
    pub fn together(drafts: &[Draft]) -> Vec<Self> {
        let Some(first) = drafts.first() else {
            return Vec::new();
        };
        let signed: Vec<(Assertion, String)> = drafts.iter().map(Draft::sign).collect();
        let leaves: Vec<&String> = signed.iter().map(|(_, entry)| entry).collect();
        let log = Log::new(LOG_ORIGIN, first.log_seed, &leaves);
        let size = log.tree().size();
        let text = log.checkpoint(size).text();
        let lines = log.sign(&text, &first.cosigners());
        let policy = first.policy(&log);
        drafts
            .iter()
            .zip(signed.iter().cloned())
            .enumerate()
            .map(|(index, (draft, (assertion, entry)))| {
                let proof = log.prove_with(index, size, text.clone(), lines.clone());
                draft.assemble(assertion, entry, proof, policy.clone())
            })
            .collect()
    }

    /// The answer of the approval service for this approval.
    pub fn confirmation(&self) -> serde_json::Value {
        self.assertion.confirmation(&self.payload)
    }
}

/// The witness with this number.
pub fn witness(number: u32) -> Witness {
    Witness::new(
        &format!("w{number}"),
        &format!("witness.example/w{number}"),
        pseudo_random(&format!("witness {number}")),
    )
}

/// A UUID of version 4 for each number.
pub fn approval_id(number: u32) -> String {
    uuid(&format!("approval {number}"))
}

/// The same for each label.
pub fn uuid(label: &str) -> String {
    let mut bytes = pseudo_random(label);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes[..16]);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minting_is_deterministic() {
        for algorithm in Algorithm::ALL {
            let (a, b) = (Approval::sample(algorithm), Approval::sample(algorithm));
            assert_eq!(a.bundle.text(), b.bundle.text());
            assert_eq!(a.policy.value(), b.policy.value());
        }
    }

    #[test]
    fn many_share_a_head_and_differ_in_everything_else() {
        let approvals = Approval::many(33);
        let first = &approvals[0];
        for (i, approval) in approvals.iter().enumerate().skip(1) {
            let proof = &approval.bundle.log_proof;
            assert_eq!(proof.note(), first.bundle.log_proof.note());
            assert_eq!(proof.index, u64::try_from(i).unwrap());
            assert_eq!(approval.policy, first.policy);
            assert_ne!(approval.bundle.entry, first.bundle.entry);
            assert_ne!(approval.payload, first.payload);
            assert_ne!(approval.approval_id, first.approval_id);
        }
        assert!(Approval::many(0).is_empty());
    }

    #[test]
    fn policies_read_well_in_toml() {
        let mut policy = Approval::sample(Algorithm::Es256).policy;
        policy.approvers.truncate(1);
        policy.approvers[0].public_key = vec![1];
        policy.approvers[0].credential_id = None;
        policy.log = Some("quorum none\n".into());
        policy.anchor = Some(serde_json::json!({"pinnedBlocks": [{"height": 1, "hash": "00"}]}));
        let text = "name = \"example\"\n\n\
            [anchor]\npinnedBlocks = [{ hash = \"00\", height = 1 }]\n\n\
            [[approvers]]\nname = \"alice\"\npublicKey = \"AQ\"\n\n\
            [log]\npolicy = \"\"\"\nquorum none\n\"\"\"\n\n\
            [webauthn]\norigins = [\"https://approvals.example\"]\nrpIds = [\"approvals.example\"]\n";
        assert_eq!(policy.toml(), text);
        policy.log = None;
        policy.anchor = None;
        assert!(policy.toml().starts_with("log = \"none\"\nname = "));
    }
}
