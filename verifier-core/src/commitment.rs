//! The approver commitment: a leaf that names a person only to those who are told.
//!
//! ```text
//! approver  = SHA-256("cosignet.approver/v1" ‖ 00 ‖ blind[32] ‖ emailHash[32])
//! emailHash = PBKDF2-HMAC-SHA256(e-mail, salt[32], 600000 iterations, 32 bytes)
//! ```
//!
//! The approval service makes `emailHash` once per approver; the log draws a new `blind` for each
//! entry, so that two entries of one person do not look alike.

use sha2::{Digest as _, Sha256};

/// The number of iterations is fixed: a verifier does no work that an attacker chooses.
const ITERATIONS: u32 = 600_000;

/// Hashes an e-mail address: UTF-8, ASCII white space trimmed, A–Z lower-cased, nothing else.
/// Deliberately slow, about a tenth of a second.
pub fn email_hash(email: &str, salt: &[u8; 32]) -> [u8; 32] {
    let address = email
        .trim_matches(|c: char| c.is_ascii_whitespace())
        .to_ascii_lowercase();
    let mut out = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(address.as_bytes(), salt, ITERATIONS, &mut out);
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

    #[test]
    fn address_is_folded_and_nothing_else() {
        let salt = [9; 32];
        let hash = email_hash("alice@example.com", &salt);
        assert_eq!(email_hash("\t Alice@EXAMPLE.com\r\n", &salt), hash);
        assert_ne!(email_hash("alice+x@example.com", &salt), hash);
        assert_ne!(email_hash("alice@example.com", &[8; 32]), hash);
    }

    #[test]
    fn matches_an_independent_computation() {
        // Python: hashlib.pbkdf2_hmac and hashlib.sha256 over the same inputs.
        let hash = email_hash("alice@example.com", &[1; 32]);
        assert_eq!(hex(&hash), EMAIL_HASH);
        assert_eq!(hex(&approver_commitment(&[2; 32], &hash)), COMMITMENT);
    }

    const EMAIL_HASH: &str = "69205233d715ab2009624b81d00207fb724e51c61611e40dcb7ee11a8cb5f3d3";
    const COMMITMENT: &str = "49fe30bce0b8d193ee4264c36dca75768f389dfcebdc25e66b2a330d34f8e232";
}
