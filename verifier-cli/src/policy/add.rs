//! `cosignet policy add-approver`: one more key in a policy, comments kept.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use verifier_core::code::Code;
use verifier_core::encoding::{base64url, from_base64url, sha256};
use verifier_core::json::Value;
use verifier_core::policy::Policy;
use verifier_core::webauthn::CoseKey;

use crate::args::{AddArgs, Format};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::text::wrap;
use crate::{file, key, output, policy_file};

pub(super) fn run(args: &AddArgs) -> Result<Exit, CliError> {
    if file::is_stdin(&args.policy) {
        return Err(CliError::usage(
            "the policy to change has to be a file, not stdin.",
        ));
    }
    let new = New::read(args)?;
    let edit = file::edit(&args.policy, Policy::MAX_BYTES)?;
    let about = |error: CliError| error.about(&args.policy);
    let text = file::text(edit.bytes(), Code::PolicySyntax).map_err(about)?;
    if policy_file::is_json(&text, &args.policy) {
        let message = "only a policy in TOML can be changed; this one is JSON.";
        return Err(CliError::usage(message).about(&args.policy));
    }
    let policy = policy_file::from_toml(&text).map_err(about)?;
    new.check(args, &policy)?;

    let mut document = policy_file::document(&text).map_err(about)?;
    new.append(args, &mut document)?;
    let text = document.to_string();
    // What was there has to be there still, and one approver more.
    let changed = policy_file::from_toml(&text).map_err(about)?;
    let added = changed
        .approvers()
        .last()
        .is_some_and(|last| last.key == new.key);
    if !added || changed.approvers().len() != policy.approvers().len() + 1 {
        return Err(
            CliError::usage("the approver cannot be appended; add it by hand.").about(&args.policy),
        );
    }
    let bytes = policy_file::written_like(edit.bytes(), &text);
    file::replace(&args.policy, edit, bytes)?;
    let text = new.report(args, &policy);
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

struct New {
    key: CoseKey,
    credential_id: Option<Vec<u8>>,
    rp_id_hash: Option<[u8; 32]>,
}

impl New {
    fn read(args: &AddArgs) -> Result<Self, CliError> {
        if let Some(path) = &args.registration {
            let registration = key::registration(path)?;
            return Ok(Self {
                key: registration.key().clone(),
                credential_id: Some(registration.credential_id().to_vec()),
                rp_id_hash: Some(*registration.rp_id_hash()),
            });
        }
        let decode = |id: &String| {
            from_base64url(id)
                .map_err(|error| CliError::usage(format!("--credential-id: {error}.")))
        };
        Ok(Self {
            key: key::read(args.key.as_deref().unwrap_or_default())?,
            credential_id: args.credential_id.as_ref().map(decode).transpose()?,
            rp_id_hash: None,
        })
    }

    /// What the policy itself cannot say, or not as plainly.
    fn check(&self, args: &AddArgs, policy: &Policy) -> Result<(), CliError> {
        let found = self.key.public_key().algorithm();
        if let Some(expected) = args.alg.as_deref().filter(|alg| *alg != found) {
            return Err(CliError::new(
                CliCode::KeyForm,
                "the key is of another algorithm than you said.",
            )
            .expected(expected)
            .found(found));
        }
        let same_id = |id: &Option<Vec<u8>>| id.is_some() && *id == self.credential_id;
        let mut known = policy.approvers().iter();
        if let Some(known) = known.find(|a| a.key == self.key || same_id(&a.credential_id)) {
            let message = format!(
                "the policy has this key or credential id already, as {}.",
                known.name
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
        let list = document
            .entry("approvers")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        if let Some(list) = list.as_array_of_tables_mut() {
            list.push(table);
            return Ok(());
        }
        let Some(list) = list.as_array_mut() else {
            return Err(CliError::usage("approvers is no list.").about(&args.policy));
        };
        list.push(table.into_inline_table());
        Ok(())
    }

    fn warning(&self, policy: &Policy) -> Option<String> {
        let hash = self.rp_id_hash?;
        let rp_ids = &policy.webauthn().rp_ids;
        if rp_ids.iter().any(|id| sha256(id.as_bytes()) == hash) {
            return None;
        }
        Some(format!(
            "this passkey was made for another relying party than {}. Nothing it signs will be \
             VERIFIED under this policy.",
            rp_ids.join(", ")
        ))
    }

    fn report(&self, args: &AddArgs, policy: &Policy) -> String {
        let fingerprint = self.key.fingerprint();
        let algorithm = self.key.public_key().algorithm();
        let warning = self.warning(policy);
        if args.format == Format::Json {
            let value = Value::from([
                ("algorithm", algorithm.into()),
                ("fingerprint", fingerprint.into()),
                ("name", args.name.as_str().into()),
                ("warning", warning.into()),
            ]);
            return value.to_text() + "\n";
        }
        let path = show_path(&args.policy);
        // The policy has taken the name, so it is printable.
        let mut out = format!(
            "Added {} to {path}.\n\n  {algorithm}  {fingerprint}\n\n",
            args.name
        );
        if let Some(warning) = warning {
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
