//! The passkeys of a running gate's people, for those who print them.

use command_line::CliError;
use verifier_core::hazmat::json::{Object, Value};

use crate::admin;
use crate::layout::Layout;

/// A passkey, in the words of the gate.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The person's name, and the passkey's number among several.
    pub(crate) name: String,
    pub(crate) person: String,
    pub(crate) groups: Vec<String>,
    pub(crate) fingerprint: String,
    /// The COSE key, in base64url.
    pub(crate) public_key: String,
    /// The credential id, in base64url.
    pub(crate) id: String,
    pub(crate) added: String,
    /// The time at which it, or its person, was retired.
    pub(crate) retired: Option<String>,
}

/// Asks the gate on this directory for all of them, in the order of its people.
pub(crate) fn ask(layout: &Layout) -> Result<Vec<Listed>, CliError> {
    let people = admin::ask(layout, &Value::from([("call", Value::from("people"))]))?;
    let mut all = Vec::new();
    if let Value::Array(people) = &people {
        for person in people.iter().filter_map(Value::as_object) {
            of(person, &mut all);
        }
    }
    Ok(all)
}

fn of(members: &Object<'_>, all: &mut Vec<Listed>) {
    let person = text(members.get("name")).unwrap_or_default();
    let groups: Vec<String> = match members.get("groups") {
        Some(Value::Array(groups)) => groups.iter().filter_map(|one| text(Some(one))).collect(),
        _ => Vec::new(),
    };
    let gone = text(members.get("retired"));
    let Some(Value::Array(passkeys)) = members.get("passkeys") else {
        return;
    };
    for (number, passkey) in (1_usize..).zip(passkeys) {
        let Some(passkey) = passkey.as_object() else {
            continue;
        };
        let own = |key: &str| text(passkey.get(key)).unwrap_or_default();
        all.push(Listed {
            name: match number {
                1 => person.clone(),
                _ => format!("{person} ({number})"),
            },
            person: person.clone(),
            groups: groups.clone(),
            fingerprint: own("fingerprint"),
            public_key: own("publicKey"),
            id: own("id"),
            added: own("added"),
            retired: text(passkey.get("retired")).or_else(|| gone.clone()),
        });
    }
}

fn text(value: Option<&Value<'_>>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}
