//! Signatures of [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0, in their symmetric
//! form.
//!
//! ```text
//! webhook-id: msg_…                       the same whenever it is tried
//! webhook-timestamp: 1674087231           of this try, in seconds since 1970
//! webhook-signature: v1,base64 v1,base64  one for each secret that is in use
//!
//! HMAC-SHA256(secret, id "." timestamp "." body)
//! whsec_base64                            a secret, as people are given it
//! ```

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use verifier_core::Time;
use verifier_core::hazmat::encoding::base64;

use crate::refusal::Refusal;

/// The length of a secret, in bytes: what the specification admits.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that deliveries are signed with. Their receiver has the same.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// A secret that nobody can guess.
    pub(crate) fn generate() -> Result<Self, Refusal> {
        Ok(Self(crate::random::<32>()?.to_vec()))
    }

    /// `None` if no secret has this length.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        LENGTHS.contains(&bytes.len()).then_some(Self(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As its receiver is given it.
    pub(crate) fn to_text(&self) -> String {
        format!("whsec_{}", base64(&self.0))
    }

    fn sign(&self, id: &str, seconds: &str, body: &str) -> Option<String> {
        // HMAC takes keys of every length; its type does not know.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [id, ".", seconds, ".", body] {
            mac.update(part.as_bytes());
        }
        Some(format!("v1,{}", base64(&mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The headers of one try to deliver a body.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
}

impl Signed {
    /// Signs with each of these secrets.
    pub(crate) fn new<'s>(
        id: &str,
        now: Time,
        body: &str,
        secrets: impl IntoIterator<Item = &'s Secret>,
    ) -> Self {
        let timestamp = (now.as_millis() / 1000).to_string();
        let signatures: Vec<String> = secrets
            .into_iter()
            .filter_map(|secret| secret.sign(id, &timestamp, body))
            .collect();
        Self {
            id: id.to_owned(),
            timestamp,
            signature: signatures.join(" "),
        }
    }

    pub(crate) fn headers(&self) -> [(&str, &str); 3] {
        [
            ("webhook-id", &self.id),
            ("webhook-timestamp", &self.timestamp),
            ("webhook-signature", &self.signature),
        ]
    }
}

#[cfg(test)]
mod tests {
    use verifier_core::hazmat::encoding::from_base64;

    use super::*;

    fn secret(text: &str) -> Secret {
        let text = text.strip_prefix("whsec_").unwrap();
        Secret::from_bytes(from_base64(text).unwrap()).unwrap()
    }

    /// The vector that the libraries of the specification's authors are tested with.
    #[test]
    fn signs_as_the_libraries_of_the_specification_do() {
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let now = Time::from_seconds(1_614_265_330).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = Signed::new(id, now, "{\"test\": 2432232314}", [&secret]);
        assert_eq!(
            signed.headers(),
            [
                ("webhook-id", id),
                ("webhook-timestamp", "1614265330"),
                (
                    "webhook-signature",
                    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
                ),
            ]
        );
    }

    /// The message of the specification's text, which is signed there with a secret that it does not
    /// tell: another implementation has signed it with this one.
    #[test]
    fn signs_the_message_of_the_specification() {
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let now = Time::from_millis(1_674_087_231_999).unwrap();
        let body = "{\"type\":\"contact.created\",\"timestamp\":\"2022-11-03T20:26:10.344522Z\",\
                    \"data\":{\"id\":\"1f81eb52-5198-4599-803e-771906343485\"}}";
        let signed = Signed::new("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", now, body, [&secret]);
        assert_eq!(signed.timestamp, "1674087231");
        assert_eq!(
            signed.signature,
            "v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ="
        );
    }

    #[test]
    fn every_secret_in_use_signs() {
        let (old, new) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(old, new);
        let sign = |secrets: &[&Secret]| {
            Signed::new("msg_1", Time::EPOCH, "{}", secrets.iter().copied()).signature
        };
        let both = sign(&[&new, &old]);
        assert_eq!(both, format!("{} {}", sign(&[&new]), sign(&[&old])));
    }

    #[test]
    fn a_secret_has_a_length_and_is_in_no_message() {
        assert!(Secret::from_bytes(vec![1; 23]).is_none());
        assert!(Secret::from_bytes(vec![1; 65]).is_none());
        let secret = Secret::from_bytes(vec![1; 24]).unwrap();
        assert_eq!(secret.to_text(), "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB");
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
