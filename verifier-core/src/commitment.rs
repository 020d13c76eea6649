//! The approver commitment: a leaf that names a person only to those who are told.
//!
//! ```text
//! approver  = SHA-256("cosignet.approver/v1" ‖ 00 ‖ blind[32] ‖ emailHash[32])
//! emailHash = PBKDF2-HMAC-SHA256(e-mail, salt[32], 600000 iterations, 32 bytes)
//! ```
//!
//! The approval service makes `emailHash` once per approver; the log draws a new `blind` for each
//! entry, so that two entries of one person do not look alike.

use alloc::string::String;

use sha2::{Digest as _, Sha256};

use crate::code::Code;
use crate::{Failure, quote};

/// The number of iterations is fixed: a verifier does no work that an attacker chooses.
const ITERATIONS: u32 = 600_000;

/// An e-mail address as it is hashed: ASCII white space trimmed, A–Z lower-cased, nothing else.
///
/// HMAC pads its key with zeros, so an address with NULs behind it would have the hash of the one
/// without: an address has no control characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads what a person typed or a service sent.
    ///
    /// # Errors
    ///
    /// Nothing but white space, or a control character (U+0000 to U+001F, U+007F to U+009F).
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let address = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if address.is_empty() {
            return Err(EmailError::Empty);
        }
        if address.chars().any(char::is_control) {
            let found = quote(address);
            return Err(EmailError::ControlCharacter { found });
        }
        Ok(Self(address.to_ascii_lowercase()))
    }
}

/// Why a text is no e-mail address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailError {
    /// A character that no address has.
    #[error("the e-mail address has a control character")]
    ControlCharacter {
        /// The address, quoted.
        found: String,
    },
    /// Nothing at all.
    #[error("the e-mail address is empty")]
    Empty,
}

impl Failure for EmailError {
    fn code(&self) -> Code {
        Code::EvidenceApproverMismatch
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::ControlCharacter { found } => Some(found.clone()),
            Self::Empty => None,
        }
    }
}

/// Hashes an e-mail address. Deliberately slow, about a tenth of a second.
pub fn email_hash(address: &EmailAddress, salt: &[u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(address.0.as_bytes(), salt, ITERATIONS, &mut out);
    out
}

/// The commitment that stands in the leaf.
pub fn approver_commitment(blind: &[u8; 32], email_hash: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"cosignet.approver/v1\0")
        .chain_update(blind)
        .chain_update(email_hash)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::hex;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn address_is_folded_and_nothing_else() {
        let alice = address("alice@example.com");
        assert_eq!(address("\t Alice@EXAMPLE.com\r\n"), alice);
        for other in [
            "alice+x@example.com",
            "alice@example.com\u{a0}",
            "alice @example.com",
        ] {
            assert_ne!(address(other), alice);
        }
        let salt = [9; 32];
        let hash = email_hash(&alice, &salt);
        assert_ne!(email_hash(&alice, &[8; 32]), hash);
        assert_ne!(email_hash(&address("bob@example.com"), &salt), hash);
    }

    #[test]
    fn what_hmac_would_pad_away_is_no_address() {
        // Zeros behind a key are those that HMAC puts there.
        let hash = |key: &[u8]| {
            let mut out = [0_u8; 32];
            pbkdf2::pbkdf2_hmac::<Sha256>(key, &[9; 32], 1, &mut out);
            out
        };
        assert_eq!(hash(b"alice@example.com"), hash(b"alice@example.com\0\0"));
        for hostile in [
            "alice@example.com\0",
            "alice@example.com\0\0 ",
            "\0",
            "al\0ice@example.com",
            "alice@example.com\u{b}",
            "\u{1b}[2Jalice@example.com",
            "alice@example.com\u{7f}",
            "alice@example.com\u{9b}",
        ] {
            let error = EmailAddress::parse(hostile).unwrap_err();
            assert!(
                matches!(error, EmailError::ControlCharacter { .. }),
                "{hostile:?}"
            );
        }
        assert_eq!(EmailAddress::parse(" \r\n"), Err(EmailError::Empty));
        assert_eq!(EmailAddress::parse(""), Err(EmailError::Empty));
    }

    #[test]
    fn matches_an_independent_computation() {
        // Python: hashlib.pbkdf2_hmac and hashlib.sha256 over the same inputs.
        let hash = email_hash(&address("alice@example.com"), &[1; 32]);
        assert_eq!(hex(&hash), EMAIL_HASH);
        assert_eq!(hex(&approver_commitment(&[2; 32], &hash)), COMMITMENT);
    }

    const EMAIL_HASH: &str = "69205233d715ab2009624b81d00207fb724e51c61611e40dcb7ee11a8cb5f3d3";
    const COMMITMENT: &str = "49fe30bce0b8d193ee4264c36dca75768f389dfcebdc25e66b2a330d34f8e232";
}
