//! The policy, as JSON and as TOML.

use serde_json::{Value, json};

use crate::encoding::b64url;
use crate::passkey::Passkey;

/// A policy. What is `None` is left to its default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// `name`.
    pub name: String,
    /// `payload`.
    pub payload: Option<String>,
    /// `webauthn.rpIds`.
    pub rp_ids: Vec<String>,
    /// `webauthn.origins`.
    pub origins: Vec<String>,
    /// `webauthn.userVerification`.
    pub user_verification: Option<String>,
    /// `webauthn.crossOrigin`.
    pub cross_origin: Option<bool>,
    /// `webauthn.topOrigins`.
    pub top_origins: Option<Vec<String>>,
    /// `approvers`.
    pub approvers: Vec<Approver>,
    /// The tlog-policy; `None` is `log = "none"`.
    pub log: Option<String>,
    /// `log.maxAppendDelay`.
    pub max_append_delay: Option<String>,
    /// `anchor`.
    pub anchor: Option<Value>,
    /// `decision`.
    pub decision: Option<Value>,
    /// `roster`; then there are no approvers.
    pub roster: Option<Value>,
}

/// A key that the policy trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approver {
    /// `name`.
    pub name: String,
    /// `publicKey`, a COSE_Key.
    pub public_key: Vec<u8>,
    /// `credentialId`.
    pub credential_id: Option<Vec<u8>>,
    /// `notBefore`.
    pub not_before: Option<String>,
    /// `notAfter`.
    pub not_after: Option<String>,
    /// `person`.
    pub person: Option<String>,
    /// `groups`.
    pub groups: Vec<String>,
}

impl Approver {
    /// A passkey under this name, with its credential id and without limits.
    pub fn new(name: &str, passkey: &Passkey) -> Self {
        Self {
            name: name.into(),
            public_key: passkey.public_key.clone(),
            credential_id: Some(passkey.credential_id.clone()),
            not_before: None,
            not_after: None,
            person: None,
            groups: Vec::new(),
        }
    }

    /// The same key in these groups.
    pub fn in_groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self
    }

    /// The same key of this person.
    pub fn of_person(mut self, person: &str) -> Self {
        self.person = Some(person.into());
        self
    }

    /// As it stands in a roster, where nothing has a default.
    pub fn in_roster(&self) -> Value {
        let mut value = self.value();
        value["person"] = json!(self.person.as_ref().unwrap_or(&self.name));
        value["groups"] = json!(self.groups);
        value
    }

    /// As it stands in a policy.
    pub fn value(&self) -> Value {
        let mut value = json!({"name": self.name, "publicKey": b64url(&self.public_key)});
        set(
            &mut value,
            "credentialId",
            self.credential_id.as_deref().map(b64url),
        );
        set(&mut value, "notBefore", self.not_before.clone());
        set(&mut value, "notAfter", self.not_after.clone());
        set(&mut value, "person", self.person.clone());
        if !self.groups.is_empty() {
            value["groups"] = json!(self.groups);
        }
        value
    }
}

impl Policy {
    /// The JSON structure.
    pub fn value(&self) -> Value {
        let mut webauthn = json!({"rpIds": self.rp_ids, "origins": self.origins});
        set(
            &mut webauthn,
            "userVerification",
            self.user_verification.clone(),
        );
        set(&mut webauthn, "crossOrigin", self.cross_origin);
        set(&mut webauthn, "topOrigins", self.top_origins.clone());
        let approvers: Vec<Value> = self.approvers.iter().map(Approver::value).collect();
        let log = self.log.as_ref().map_or_else(
            || json!("none"),
            |text| {
                let mut log = json!({"policy": text});
                set(&mut log, "maxAppendDelay", self.max_append_delay.clone());
                log
            },
        );
        let mut policy = json!({
            "name": self.name, "webauthn": webauthn, "approvers": approvers, "log": log,
        });
        set(&mut policy, "payload", self.payload.clone());
        set(&mut policy, "anchor", self.anchor.clone());
        set(&mut policy, "decision", self.decision.clone());
        if let Some(roster) = &self.roster {
            policy["roster"] = roster.clone();
            policy.as_object_mut().unwrap().remove("approvers");
        }
        policy.sort_all_objects();
        policy
    }

    /// The same as TOML, for people.
    pub fn toml(&self) -> String {
        let Value::Object(policy) = self.value() else {
            unreachable!("a policy is an object")
        };
        let mut out = String::new();
        // Values before tables: TOML has no way back to the root.
        for (key, value) in policy.iter().filter(|(_, v)| v.is_string()) {
            out.push_str(&format!("{key} = {}\n", toml_value(value)));
        }
        for (key, value) in &policy {
            match value {
                Value::Object(_) => out.push_str(&format!("\n[{key}]\n{}", toml_members(value))),
                Value::Array(items) => {
                    for item in items {
                        out.push_str(&format!("\n[[{key}]]\n{}", toml_members(item)));
                    }
                }
                _ => {}
            }
        }
        out
    }
}

/// A `require`: group and number of each clause.
pub fn clauses(list: &[(String, u64)]) -> Vec<Value> {
    list.iter()
        .map(|(group, count)| json!({"atLeast": count, "group": group}))
        .collect()
}

fn set(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

fn toml_members(object: &Value) -> String {
    let members = object.as_object().unwrap();
    members
        .iter()
        .map(|(key, value)| format!("{key} = {}\n", toml_value(value)))
        .collect()
}

/// Strings, booleans, numbers and arrays are spelled in TOML as in JSON, apart from U+007F, which
/// does not occur here; tables inside arrays are inline tables.
fn toml_value(value: &Value) -> String {
    match value {
        Value::String(text) if text.ends_with('\n') && !text.contains(['\\', '"']) => {
            format!("\"\"\"\n{text}\"\"\"")
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{key} = {}", toml_value(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}
