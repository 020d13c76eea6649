//! What the log is told of a use: each signature of the file, as a leaf that is no approval
//! (docs/spec/entry.md).

use serving::openapi::schema::object;
use verifier_core::break_glass::{Entry, File, Signature};
use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::leaf::Leaf;
use verifier_core::hazmat::webauthn::CoseKey;

use crate::log::read_bundle;
use crate::person::{Credential, Person};

/// A signature on its way to the log. A grant that is used again has the same ones, and they are
/// logged once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ToLog {
    /// Under which the log has it.
    pub(crate) id: String,
    /// The body of `POST /v1/entries`, the same whenever it is tried.
    pub(crate) body: String,
}

impl ToLog {
    /// Whether a bundle is of this signature: the gate keeps nothing else under it.
    pub(crate) fn is_in(&self, bundle: &str) -> bool {
        let bundle = read_bundle(bundle);
        let leaf = bundle.and_then(|bundle| Leaf::parse(&bundle.entry).ok());
        matches!(leaf, Some(Leaf::BreakGlass(entry)) if entry.id() == self.id)
    }
}

/// What the log is told of a file whose signatures hold.
pub(super) fn of(file: &File, people: &[Person], rp_id: &str) -> Vec<ToLog> {
    let credentials = || people.iter().flat_map(|person| &person.credentials);
    let one = |signature: &Signature| {
        let credential = credentials().find(|one| one.id == signature.credential_id)?;
        to_log(file, signature, credential, rp_id)
    };
    let mut all: Vec<ToLog> = Vec::new();
    for leaf in file.signatures().iter().filter_map(one) {
        // Somebody may have signed twice.
        if all.iter().all(|other| other.id != leaf.id) {
            all.push(leaf);
        }
    }
    all
}

fn to_log(
    file: &File,
    signature: &Signature,
    credential: &Credential,
    rp_id: &str,
) -> Option<ToLog> {
    let key = CoseKey::parse(&credential.public_key).ok()?;
    let entry = Entry::new(file.grant(), signature, rp_id, &key)?;
    let id = base64url(&signature.credential_id);
    let data = base64url(&signature.authenticator_data);
    let response = object([
        ("authenticatorData", data.into()),
        (
            "clientDataJSON",
            base64url(&signature.client_data_json).into(),
        ),
        ("signature", base64url(&signature.signature).into()),
    ]);
    let assertion = object([
        ("id", Value::from(id.clone())),
        ("rawId", id.into()),
        ("response", response),
        ("type", "public-key".into()),
    ]);
    let body = object([
        ("assertion", assertion),
        ("breakGlass", file.grant_text().into()),
        ("credentialPublicKey", base64url(key.as_bytes()).into()),
        ("rpId", rp_id.into()),
    ]);
    Some(ToLog {
        id: entry.id(),
        body: body.to_text(),
    })
}
