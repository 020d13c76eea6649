//! `cosignet policy add-approver`: one more key in a policy, comments kept.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use verifier_core::Policy;
use verifier_core::hazmat::encoding::{base64url, sha256};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::webauthn::{ClientData, CoseKey};
use verifier_core::quote;

use super::check::list;
use super::edit::PolicyEdit;
use crate::args::{AddArgs, Format};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::text::{plain, wrap};
use crate::{key, output};

pub(super) fn run(args: &AddArgs) -> Result<Exit, CliError> {
    let new = New::read(args)?;
    let mut edit = PolicyEdit::open(&args.policy)?;
    new.check(args, edit.policy())?;
    let count = edit.policy().approvers().len();
    new.append(args, edit.document())?;
    // What was there has to be there still, and one approver more.
    let policy = edit.write(|changed| {
        let added = changed
            .approvers()
            .last()
            .is_some_and(|last| last.key == new.key);
        added && changed.approvers().len() == count + 1
    })?;
    let text = new.report(args, &policy);
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

struct New {
    key: CoseKey,
    credential_id: Option<Vec<u8>>,
    /// The registration's word on the place where the passkey was made.
    made: Option<Made>,
}

struct Made {
    rp_id_hash: [u8; 32],
    client_data: Option<ClientData>,
}

impl New {
    fn read(args: &AddArgs) -> Result<Self, CliError> {
        if let Some(path) = &args.registration {
            let registration = key::registration(path)?;
            return Ok(Self {
                key: registration.key().clone(),
                credential_id: Some(registration.credential_id().to_vec()),
                made: Some(Made {
                    rp_id_hash: *registration.rp_id_hash(),
                    client_data: registration.client_data().cloned(),
                }),
            });
        }
        let id = args.credential_id.as_deref();
        Ok(Self {
            key: key::read(args.key.as_deref().unwrap_or_default())?,
            credential_id: id.map(key::credential_id).transpose()?,
            made: None,
        })
    }

    /// Checks that the policy itself cannot make, or not as plainly.
    fn check(&self, args: &AddArgs, policy: &Policy) -> Result<(), CliError> {
        let found = self.key.public_key().algorithm();
        if let Some(expected) = args.alg.as_deref().filter(|alg| *alg != found) {
            return Err(CliError::new(
                CliCode::KeyForm,
                "the key is of another algorithm than you said.",
            )
            .expected(expected)
            .found(found)
            .next("Check that it is the right key; if it is, leave `--alg` out."));
        }
        let same_id = |id: &Option<Vec<u8>>| id.is_some() && *id == self.credential_id;
        let mut known = policy.approvers().iter();
        if let Some(known) = known.find(|a| a.key == self.key || same_id(&a.credential_id)) {
            let message = format!(
                "the policy has this key or credential id already, as {}.",
                plain(&known.name)
            );
            return Err(CliError::new(CliCode::KeyTwice, message)
                .found(known.key.fingerprint())
                .next(format!(
                    "Look at it: `cosignet policy show {}`.",
                    show_path(&args.policy)
                )));
        }
        Ok(())
    }

    fn append(&self, args: &AddArgs, document: &mut DocumentMut) -> Result<(), CliError> {
        let mut table = Table::new();
        table.insert("name", value(&args.name));
        table.insert("publicKey", value(base64url(self.key.as_bytes())));
        let optional = [
            (
                "credentialId",
                self.credential_id.as_ref().map(|id| base64url(id)),
            ),
            ("notBefore", args.not_before.map(|time| time.to_string())),
            ("notAfter", args.not_after.map(|time| time.to_string())),
        ];
        for (name, text) in optional {
            if let Some(text) = text {
                table.insert(name, value(text));
            }
        }
        // A comment at the end of the file stays in front of what is added behind it.
        let end = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing("");
        table.decor_mut().set_prefix(end + "\n");
        let approvers = document
            .entry("approvers")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        if let Some(tables) = approvers.as_array_of_tables_mut() {
            tables.push(table);
            return Ok(());
        }
        let Some(array) = approvers.as_array_mut() else {
            return Err(CliError::usage("approvers is no list.").about(&args.policy));
        };
        array.push(table.into_inline_table());
        Ok(())
    }

    /// Where the passkey was made, if the policy does not accept what is signed there.
    fn warnings(&self, policy: &Policy) -> Vec<String> {
        let mut out = Vec::new();
        let Some(made) = &self.made else {
            return out;
        };
        let rules = policy.webauthn();
        let quoted = |texts: &[String]| {
            let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
            texts.join(", ")
        };
        let known = |id: &String| sha256(id.as_bytes()) == made.rp_id_hash;
        if !rules.rp_ids.iter().any(known) {
            out.push(format!(
                "This passkey was made for another relying party than {}. Nothing it signs will be \
                 VERIFIED under this policy.",
                quoted(&rules.rp_ids)
            ));
        }
        let Some(client_data) = &made.client_data else {
            return out;
        };
        if !rules
            .origins
            .iter()
            .any(|origin| origin == client_data.origin())
        {
            out.push(format!(
                "This passkey was made on {}, and the policy lists {}. What it signs there will \
                 not be VERIFIED; compare the two letter by letter.",
                quote(client_data.origin()),
                quoted(&rules.origins)
            ));
        }
        if client_data.cross_origin() == Some(true) && !rules.cross_origin {
            out.push(
                "This passkey was made in a frame of another site. What it signs in one will not be \
                 VERIFIED: the policy says crossOrigin = false."
                    .into(),
            );
        }
        out
    }

    fn report(&self, args: &AddArgs, policy: &Policy) -> String {
        let fingerprint = self.key.fingerprint();
        let algorithm = self.key.public_key().algorithm();
        let warnings = self.warnings(policy);
        let id = self.credential_id.as_ref().map(|id| base64url(id));
        if args.format == Format::Json {
            let joined = (!warnings.is_empty()).then(|| warnings.join(" "));
            let value = Value::from([
                ("algorithm", algorithm.into()),
                ("credentialId", id.into()),
                ("fingerprint", fingerprint.into()),
                ("name", args.name.as_str().into()),
                ("warning", joined.into()),
                ("warnings", list(&warnings)),
            ]);
            return value.to_text() + "\n";
        }
        let path = show_path(&args.policy);
        let mut out = format!(
            "Added {} to {path}.\n\n  {algorithm}  {fingerprint}\n\n",
            plain(&args.name)
        );
        for warning in warnings {
            out.push_str(&wrap("WARNING: ", &warning));
            out.push('\n');
        }
        out.push_str(&wrap(
            "",
            "Compare this fingerprint with the approver over another channel than the one that \
             brought the key.",
        ));
        out.push_str(&format!("Next: cosignet policy check {path}\n"));
        out
    }
}
