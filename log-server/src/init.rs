//! Making a log, and what services without PBKDF2 need.

use std::io::Read as _;
use std::path::Path;

use verifier_core::hazmat::commitment::{EmailAddress, EmailError, email_hash};
use verifier_core::hazmat::encoding::{base64url, from_base64url};
use verifier_core::hazmat::tlog::merkle::EMPTY_ROOT;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::args::{ApproverHashArgs, InitArgs};
use crate::backend::{self, Place};
use crate::error::{LogError, Result};
use crate::key::LogKey;
use crate::layout::Layout;

/// `init`
pub(crate) fn run(args: &InitArgs) -> Result<()> {
    let place = args.store.place(&args.data, args.objects.place()?);
    let place = args.erasure_keys.place(place);
    println!("{}", create_at(&place, &args.origin)?);
    Ok(())
}

/// Makes a log: its key and its empty, signed tree. Nothing else ever does. The key that is
/// returned goes into the policies of verifiers.
///
/// # Errors
///
/// If the directory holds a log or a part of one, or the origin cannot be the name of one.
pub fn create(data: &Path, origin: &str) -> Result<VerifierKey> {
    create_at(&Place::new(data), origin)
}

fn create_at(place: &Place, origin: &str) -> Result<VerifierKey> {
    let layout = &place.layout;
    let key = LogKey::generate(origin)?;
    layout.create()?;
    let _lock = layout.lock()?;
    let backend = backend::of(place, key.public())?;
    backend.require_vacant()?;
    key.create_file(&layout.key())?;
    backend.create(&key.head(0, EMPTY_ROOT)?)?;
    Ok(key.public().clone())
}

/// Whether there is a log in a data directory: its key and its database.
pub fn exists(data: &Path) -> bool {
    backend::exists(&Layout::new(data))
}

/// `approver-hash`
pub(crate) fn approver_hash(args: &ApproverHashArgs) -> Result<()> {
    let salt: [u8; 32] = match &args.salt {
        None => crate::random()?,
        Some(text) => from_base64url(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| LogError::Usage("--salt has to be 32 bytes in base64url".into()))?,
    };
    let mut address = String::new();
    std::io::stdin()
        .take(4096)
        .read_to_string(&mut address)
        .map_err(|error| LogError::System(format!("standard input: {error}")))?;
    let address = EmailAddress::parse(&address).map_err(|error| {
        LogError::Usage(match error {
            EmailError::Empty => "write the e-mail address to standard input".into(),
            other => other.to_string(),
        })
    })?;
    let hash = email_hash(&address, &salt);
    let (hash, salt) = (base64url(&hash), base64url(&salt));
    println!("{{\"emailHash\":\"{hash}\",\"salt\":\"{salt}\"}}");
    Ok(())
}
