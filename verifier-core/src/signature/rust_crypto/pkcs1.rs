//! RSASSA-PKCS1-v1_5 with SHA-256 and e = 65537: RFC 8017 §8.2.2.
//!
//! Verification raises the signature to the public exponent and compares the result with the one
//! encoding that there is for this message:
//!
//! ```text
//! EM = 00 01 ff … ff 00 ‖ DigestInfo ‖ SHA-256(message)       as long as the modulus
//! ```
//!
//! Nothing is parsed, so nothing can be parsed too generously. Numbers are multiplied by doubling
//! and adding: slower than need be (by a factor of ten and more), short, and all arithmetic is the
//! library's. Nothing here is secret.

use alloc::vec::Vec;

use crypto_bigint::{BoxedUint, NonZero};

use crate::encoding::sha256;

/// The bytes before the hash in DER: SEQUENCE { SEQUENCE { sha256, NULL }, OCTET STRING }.
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// Whether `signature` is one of `message`.
pub(super) fn verify(modulus: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    if signature.len() != modulus.len() {
        return None;
    }
    let bits = u32::try_from(modulus.len().checked_mul(8)?).ok()?;
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits).ok();
    let expected = number(&encode(modulus.len(), message)?)?;
    let (modulus, signature) = (number(modulus)?, number(signature)?);
    let modulus = NonZero::new(modulus).into_option()?;
    if signature >= *modulus {
        return None;
    }
    // 65537 = 2^16 + 1
    let mut power = signature.clone();
    for _ in 0..16 {
        power = multiply(&power, &power, &modulus);
    }
    power = multiply(&power, &signature, &modulus);
    (power == expected).then_some(())
}

/// EMSA-PKCS1-v1_5 (§9.2), `length` bytes long.
fn encode(length: usize, message: &[u8]) -> Option<Vec<u8>> {
    const MIN_PADDING: usize = 8;

    let hash = sha256(message);
    let padding = length.checked_sub(3 + DIGEST_INFO.len() + hash.len())?;
    if padding < MIN_PADDING {
        return None;
    }
    let padding = alloc::vec![0xff; padding];
    Some([&[0, 1], &padding[..], &[0], &DIGEST_INFO, &hash].concat())
}

/// `a` × `b` mod `modulus`. Both are smaller than it, and all have the same precision.
fn multiply(a: &BoxedUint, b: &BoxedUint, modulus: &NonZero<BoxedUint>) -> BoxedUint {
    let mut product = BoxedUint::zero_with_precision(modulus.bits_precision());
    for bit in (0..a.bits_vartime()).rev() {
        product = product.double_mod(modulus);
        if a.bit_vartime(bit) {
            product.add_mod_assign(b, modulus);
        }
    }
    product
}
