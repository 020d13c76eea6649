//! The next version of a roster, for its admins to approve: the gate's people and their passkeys.
//!
//! It decides nothing. Whoever may approve is what admins have signed, and they compare.

use std::fmt::Display;

use command_line::{CliCode, CliError, file};
use verifier_core::hazmat::encoding::from_base64url;
use verifier_core::hazmat::webauthn::CoseKey;
use verifier_core::plain;
use verifier_core::policy::Approver;
use verifier_core::roster::{self, Draft, Roster, Version};

use crate::args::RosterArgs;
use crate::listed::{self, Listed};

/// `roster`: the payload, in canonical JSON.
pub(crate) fn text(args: &RosterArgs) -> Result<String, CliError> {
    let bytes = file::read_whole(&args.file, Roster::MAX_BYTES)?;
    let of_file = |error: roster::Error| CliError::of(&error).about(&args.file);
    let mut draft = Draft::of(&bytes).map_err(of_file)?;
    let all = listed::ask(&args.data.layout())?;
    let staying = all.iter().filter(|one| one.retired.is_none());
    draft.approvers = staying.map(approver).collect::<Result<_, _>>()?;
    let payload = draft.to_payload();
    // What nobody could use afterwards is not put before its admins.
    Version::parse(payload.as_bytes()).map_err(of_file)?;
    Ok(payload)
}

fn approver(one: &Listed) -> Result<Approver, CliError> {
    let damaged = |error: &dyn Display| {
        let message = format!(
            "The gate has no usable passkey for {}: {error}.",
            plain(&one.name)
        );
        CliError::new(CliCode::GateDamaged, message)
    };
    let bytes = |text| from_base64url(text).map_err(|error| damaged(&error));
    let key = CoseKey::parse(&bytes(&one.public_key)?).map_err(|error| damaged(&error))?;
    let id = bytes(&one.id)?;
    Ok(Approver::new(
        one.name.clone(),
        one.person.clone(),
        one.groups.clone(),
        key,
        Some(id),
    ))
}
