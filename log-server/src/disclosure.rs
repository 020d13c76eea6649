//! The level of disclosure of an entry, and how it is raised, lowered and erased.
//!
//! ```text
//! {"disclosure":…,"clientDataJSON":b64?,"context":…?,"refusal":{"random":b64}?,
//!  "payload":b64?,"action":…?,"email":…?}
//! ```

use verifier_core::Code;
use verifier_core::break_glass;
use verifier_core::hazmat::bundle::{self, Bundle, Reveal};
use verifier_core::hazmat::commitment::{EmailAddress, approver_commitment, email_hash};
use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::schema::{self, Members};

use crate::admission::{disclosure, glass, label};
use crate::refusal::{Reason, Refusal};
use crate::statement::{Statement, challenge};
use crate::store::{Disclosure, Evidence};

/// The members of a request, those that are optional included.
pub(crate) const CHANGE_MEMBERS: &[&str] = &[
    "action",
    "clientDataJSON",
    "context",
    "disclosure",
    "email",
    "payload",
    "refusal",
];

/// A request to change what is shown.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    level: Disclosure,
    client_data_json: Option<Vec<u8>>,
    statement: Statement,
    payload: Option<Vec<u8>>,
    action: Option<String>,
    email: Option<String>,
}

impl Change {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let value = Value::parse(body, Limits::bytes(Bundle::MAX_PAYLOAD * 2))
            .map_err(|error| Refusal::new(Reason::NotJson, error.to_string()))?;
        let members = Members::of(&value)?.only(CHANGE_MEMBERS)?;
        let level = disclosure(&members)?
            .ok_or_else(|| members.error("disclosure", schema::Wrong::Missing))?;
        let this = Self {
            level,
            client_data_json: members.optional_bytes("clientDataJSON")?,
            statement: Statement::read(&members)?,
            payload: members.optional_bytes("payload")?,
            action: label(&members, "action")?,
            email: label(&members, "email")?,
        };
        let more = this.payload.is_some() || this.action.is_some() || this.email.is_some();
        let signed = this.client_data_json.is_some() || !this.statement.is_empty();
        if (more && level < Disclosure::Public) || (signed && level == Disclosure::Sealed) {
            return Err(Refusal::new(
                Reason::Schema,
                "The request carries more than this level of disclosure shows.",
            ));
        }
        if this
            .payload
            .as_ref()
            .is_some_and(|p| p.len() > Bundle::MAX_PAYLOAD)
        {
            return Err(Refusal::new(Reason::TooLarge, "The payload is too large."));
        }
        Ok(this)
    }

    /// The evidence that is kept after the change. Everything that it reveals is checked against
    /// the leaf; everything that it no longer shows is gone.
    pub(crate) fn apply(
        self,
        approval_id: &str,
        leaf: &Leaf,
        old: &Evidence,
    ) -> Result<Evidence, Refusal> {
        let Leaf::Decision(entry) = leaf else {
            return Err(glass::nothing_to_disclose());
        };
        if self.level == Disclosure::Sealed {
            return Ok(Evidence::sealed());
        }
        let mut new = old.clone();
        new.disclosure = self.level;
        new.approval_id = Some(approval_id.to_owned());
        if let Some(json) = self.client_data_json {
            let found = sha256(&json);
            if found != entry.client_data_hash {
                return Err(Refusal::rejected(
                    Code::EvidenceClientDataMismatch,
                    "These client data are not those of the entry.",
                )
                .compared(hex(&entry.client_data_hash), hex(&found)));
            }
            new.client_data_json = Some(json);
        }
        new.context = self.statement.context.or(new.context);
        new.refusal = self.statement.refusal.or(new.refusal);
        let statement = Statement::of(&new);
        let Some(json) = &new.client_data_json else {
            return Err(Refusal::rejected(
                Code::EvidenceClientDataMissing,
                "The client data were erased: send them along to show them again.",
            ));
        };
        statement.check_form(entry.act, json)?;
        if self.level == Disclosure::Hash {
            new.payload = None;
            new.action = None;
            new.email = None;
            if old.disclosure == Disclosure::Public {
                new.blind = None;
                new.salt = None;
            }
            return Ok(new);
        }
        if let Some(payload) = self.payload {
            statement.check(&challenge(json)?, &sha256(&payload))?;
            new.payload = Some(payload);
        }
        if new.payload.is_none() {
            return Err(Refusal::rejected(
                Code::PayloadMissing,
                "A public entry needs its payload.",
            ));
        }
        if self.action.is_some() {
            new.action = self.action;
        }
        if let Some(email) = self.email {
            let address = EmailAddress::parse(&email).ok();
            let opens = new.blind.zip(new.salt).zip(address);
            let found = opens.map(|((blind, salt), address)| {
                approver_commitment(&blind, &email_hash(&address, &salt))
            });
            if found.is_none() || found != entry.approver {
                return Err(Refusal::rejected(
                    Code::EvidenceApproverMismatch,
                    "The address does not open the commitment of the entry, or what opens it was \
                     erased.",
                ));
            }
            new.email = Some(email);
        }
        Ok(new)
    }
}

/// The public part of what is kept.
pub(crate) fn shown(kept: &Evidence) -> bundle::Evidence {
    let mut shown = bundle::Evidence::default();
    if kept.disclosure >= Disclosure::Hash {
        shown.approval_id = kept.approval_id.clone();
        shown.client_data_json = kept.client_data_json.clone();
        shown.context = kept.context.clone();
        shown.refusal = kept.refusal;
    }
    if kept.disclosure >= Disclosure::Public {
        shown.payload = kept.payload.clone();
        shown.action = kept.action.clone();
        // Without the address, blind and salt would only help to guess it.
        if let (Some(blind), Some(salt), Some(email)) = (kept.blind, kept.salt, &kept.email) {
            shown.approver = Some(Reveal::new(blind, salt, Some(email.clone())));
        }
    }
    shown
}

/// Faults of the evidence beside an entry. The address is not held against its
/// commitment: that takes a tenth of a second each.
pub(crate) fn complaint(kept: &Evidence, leaf: &Leaf) -> Option<&'static str> {
    let entry = match leaf {
        Leaf::BreakGlass(entry) => return glass_complaint(kept, entry),
        Leaf::Decision(entry) => entry,
    };
    let Evidence {
        approval_id,
        client_data_json,
        ..
    } = kept;
    let id = approval_id.as_ref().map(|id| sha256(id.as_bytes()));
    if id.is_some_and(|hash| hash != entry.approval_id_hash) {
        return Some("the approval id is not that of the entry");
    }
    let data = client_data_json.as_ref().map(|json| sha256(json));
    if data.is_some_and(|hash| hash != entry.client_data_hash) {
        return Some("the client data are not those of the entry");
    }
    let statement = Statement::of(kept);
    if let Some(payload) = &kept.payload {
        let signed = client_data_json.as_ref();
        let signed = signed.and_then(|json| challenge(json).ok());
        let holds = |challenge: &String| statement.check(challenge, &sha256(payload)).is_ok();
        if !signed.as_ref().is_some_and(holds) {
            return Some("the payload is not the one that was signed");
        }
    }
    if let Some(json) = client_data_json
        && statement.check_form(entry.act, json).is_err()
    {
        return Some("the context is not the one that was signed");
    }
    let public = kept.payload.is_some() || kept.action.is_some() || kept.email.is_some();
    if public && kept.disclosure < Disclosure::Public {
        return Some("more is kept than its disclosure allows");
    }
    let missing = match kept.disclosure {
        Disclosure::Sealed => false,
        Disclosure::Hash => id.is_none() || data.is_none(),
        Disclosure::Public => id.is_none() || data.is_none() || kept.payload.is_none(),
    };
    missing.then_some("what its disclosure promises is missing")
}

/// Beside the entry of a use of break-glass there is nothing but its id and its own client data.
fn glass_complaint(kept: &Evidence, entry: &break_glass::Entry) -> Option<&'static str> {
    let id = kept.approval_id.as_ref();
    if id.is_some_and(|id| *id != entry.id()) {
        return Some("the id is not that of the entry");
    }
    let data = kept.client_data_json.as_ref();
    if data.is_some_and(|json| *json != entry.client_data_json) {
        return Some("the client data are not those of the entry");
    }
    let nothing = Evidence {
        approval_id: kept.approval_id.clone(),
        client_data_json: kept.client_data_json.clone(),
        ..Evidence::sealed()
    };
    (*kept != nothing).then_some("more is kept than its disclosure allows")
}
