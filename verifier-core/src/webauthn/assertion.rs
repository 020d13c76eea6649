//! The rules for a stored assertion (Level 3 §7.2), for somebody who was not there.
//!
//! Steps of §7.2 that need the live ceremony, a session or a user account are left out. The
//! signature counter needs an order of assertions, so it decides nothing. The `appid` extension is
//! not honoured: it is switched on by an output that nobody signs.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{AuthenticatorData, ClientData, CoseKey, authenticator_data, client_data};
use crate::code::Code;
use crate::encoding::{base64url, hex, sha256};
use crate::failure::Failure;
use crate::shown::quote;
use crate::signature::Crypto;

/// The ceremony that an assertion is made in.
pub const CEREMONY: &str = "webauthn.get";

/// Whether the passkey must claim that it recognised its user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum UserVerification {
    /// It need not.
    Preferred,
    /// It must.
    #[default]
    Required,
}

/// The expectations that an assertion has to meet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Expected {
    /// The relying party id.
    pub rp_id: String,
    /// The origins that may have asked. Exact strings: nothing is normalised.
    pub origins: Vec<String>,
    /// The whole challenge.
    pub challenge: Vec<u8>,
    /// By default required.
    pub user_verification: UserVerification,
    /// Whether the page may have been in a frame of another origin. By default not.
    pub allow_cross_origin: bool,
    /// The origins of pages that may have had it in a frame, where the browser names them.
    pub top_origins: Vec<String>,
}

impl Expected {
    /// The strictest expectation: user verification required, no frames.
    pub fn new(rp_id: String, origins: Vec<String>, challenge: Vec<u8>) -> Self {
        Self {
            rp_id,
            origins,
            challenge,
            user_verification: UserVerification::Required,
            allow_cross_origin: false,
            top_origins: Vec::new(),
        }
    }
}

/// An assertion as it was received. Nothing in it has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    authenticator_data: &'a [u8],
    client_data_json: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Assertion<'a> {
    /// The three byte strings that a browser returns.
    pub const fn new(
        authenticator_data: &'a [u8],
        client_data_json: &'a [u8],
        signature: &'a [u8],
    ) -> Self {
        Self {
            authenticator_data,
            client_data_json,
            signature,
        }
    }

    /// Applies every rule, in the order in which reports list them; the first that is broken is
    /// the error.
    pub fn verify(
        &self,
        key: &CoseKey,
        expected: &Expected,
        crypto: &dyn Crypto,
    ) -> Result<VerifiedAssertion, Error> {
        let hash = sha256(self.client_data_json);
        verify_signature(key, self.authenticator_data, &hash, self.signature, crypto)?;
        let client_data = ClientData::parse(self.client_data_json).map_err(Error::ClientData)?;
        check_type(&client_data, CEREMONY)?;
        check_challenge(&client_data, &expected.challenge)?;
        check_origin(&client_data, &expected.origins)?;
        check_cross_origin(
            &client_data,
            expected.allow_cross_origin,
            &expected.top_origins,
        )?;
        let authenticator_data =
            AuthenticatorData::parse(self.authenticator_data).map_err(Error::AuthenticatorData)?;
        check_rp_id(&authenticator_data, &expected.rp_id)?;
        check_user_presence(&authenticator_data)?;
        check_user_verification(&authenticator_data, expected.user_verification)?;
        Ok(VerifiedAssertion {
            client_data,
            authenticator_data,
        })
    }
}

/// An assertion that [`Assertion::verify`] found to be in order.
#[derive(Clone, Debug)]
pub struct VerifiedAssertion {
    client_data: ClientData,
    authenticator_data: AuthenticatorData,
}

impl VerifiedAssertion {
    /// The browser's statement.
    pub fn client_data(&self) -> &ClientData {
        &self.client_data
    }

    /// The passkey's statement.
    pub fn authenticator_data(&self) -> &AuthenticatorData {
        &self.authenticator_data
    }
}

/// The signature holds over the authenticator data and the hash of the clientDataJSON (steps 20
/// and 21). It says nothing about what either of them means.
pub fn verify_signature(
    key: &CoseKey,
    authenticator_data: &[u8],
    client_data_hash: &[u8; 32],
    signature: &[u8],
    crypto: &dyn Crypto,
) -> Result<(), Error> {
    let message = [authenticator_data, client_data_hash].concat();
    key.public_key()
        .verify(crypto, &message, signature)
        .map_err(|_| Error::Signature)
}

/// The ceremony was the expected one: [`CEREMONY`], or that of a registration (step 10). A
/// self-attested registration carries a signature of the same form by the same key.
pub fn check_type(client_data: &ClientData, expected: &'static str) -> Result<(), Error> {
    let found = client_data.ceremony();
    if found == expected {
        return Ok(());
    }
    Err(Error::Type {
        expected,
        found: found.into(),
    })
}

/// The challenge is `expected`, in its one encoding (step 11).
pub fn check_challenge(client_data: &ClientData, expected: &[u8]) -> Result<(), Error> {
    let found = client_data.challenge();
    let expected = base64url(expected);
    if found == expected {
        return Ok(());
    }
    Err(Error::Challenge {
        expected,
        found: found.into(),
    })
}

/// The origin is, letter by letter, one of `expected` (step 12).
pub fn check_origin(client_data: &ClientData, expected: &[String]) -> Result<(), Error> {
    let found = client_data.origin();
    if expected.iter().any(|origin| origin == found) {
        return Ok(());
    }
    Err(Error::Origin {
        expected: expected.to_vec(),
        found: found.into(),
    })
}

/// The page was in no frame of another origin, or may have been (steps 13 and 14). Where the
/// browser names the page around the frame, that one must be listed.
pub fn check_cross_origin(
    client_data: &ClientData,
    allowed: bool,
    top_origins: &[String],
) -> Result<(), Error> {
    let cross_origin = client_data.cross_origin() == Some(true);
    if cross_origin && !allowed {
        return Err(Error::CrossOrigin);
    }
    let Some(found) = client_data.top_origin() else {
        return Ok(());
    };
    if !cross_origin {
        return Err(Error::TopOriginWithoutCrossOrigin {
            found: found.into(),
        });
    }
    if top_origins.iter().any(|origin| origin == found) {
        return Ok(());
    }
    Err(Error::TopOrigin {
        expected: top_origins.to_vec(),
        found: found.into(),
    })
}

/// The passkey signed for this RP id (step 15).
pub fn check_rp_id(authenticator_data: &AuthenticatorData, rp_id: &str) -> Result<(), Error> {
    let found = authenticator_data.rp_id_hash();
    let expected = sha256(rp_id.as_bytes());
    if *found == expected {
        return Ok(());
    }
    Err(Error::RpId {
        rp_id: rp_id.into(),
        expected,
        found: *found,
    })
}

/// The passkey claims that somebody was there (step 16).
pub fn check_user_presence(authenticator_data: &AuthenticatorData) -> Result<(), Error> {
    if authenticator_data.flags().user_present() {
        return Ok(());
    }
    Err(Error::UserPresence)
}

/// The passkey claims that it recognised its user, where that is required (step 17).
pub fn check_user_verification(
    authenticator_data: &AuthenticatorData,
    required: UserVerification,
) -> Result<(), Error> {
    match required {
        UserVerification::Preferred => Ok(()),
        UserVerification::Required if authenticator_data.flags().user_verified() => Ok(()),
        UserVerification::Required => Err(Error::UserVerification),
    }
}

/// Which rule an assertion breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The authenticator data are malformed.
    #[error(transparent)]
    AuthenticatorData(authenticator_data::Error),
    /// Another challenge.
    #[error("the challenge is {}, not {}", quote(found), quote(expected))]
    Challenge {
        /// The challenge that should have been signed, in base64url.
        expected: String,
        /// The challenge that was signed, as the browser wrote it.
        found: String,
    },
    /// The clientDataJSON is malformed.
    #[error(transparent)]
    ClientData(client_data::Error),
    /// Signed in a frame of another origin.
    #[error("the client data say that the page was in a frame of another origin")]
    CrossOrigin,
    /// Another origin.
    #[error("the client data name the origin {}", quote(found))]
    Origin {
        /// The origins that are fine.
        expected: Vec<String>,
        /// The origin that it was.
        found: String,
    },
    /// Another RP id.
    #[error(
        "the authenticator data are not for the relying party id {}",
        quote(rp_id)
    )]
    RpId {
        /// The RP id that is fine.
        rp_id: String,
        /// Its SHA-256.
        expected: [u8; 32],
        /// The hash in the authenticator data.
        found: [u8; 32],
    },
    /// The signature does not hold.
    #[error("the signature does not verify over the authenticator data and the client data")]
    Signature,
    /// The page around the frame is not listed.
    #[error("the client data say that the page was in a frame on {}", quote(found))]
    TopOrigin {
        /// The origins that are fine.
        expected: Vec<String>,
        /// The origin that it was.
        found: String,
    },
    /// A page around the frame, and yet no frame of another origin.
    #[error(
        "the client data name a top origin, {}, without being cross-origin",
        quote(found)
    )]
    TopOriginWithoutCrossOrigin {
        /// The top origin.
        found: String,
    },
    /// Another ceremony.
    #[error("the client data are those of {}", quote(found))]
    Type {
        /// The ceremony that it should have been.
        expected: &'static str,
        /// The ceremony that it was.
        found: String,
    },
    /// Nobody was there.
    #[error("the authenticator data do not say that a user was present")]
    UserPresence,
    /// The user was not recognised.
    #[error("the authenticator data do not say that the user was verified")]
    UserVerification,
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::AuthenticatorData(error) => error.code(),
            Self::Challenge { .. } => Code::WebauthnChallenge,
            Self::ClientData(error) => error.code(),
            Self::CrossOrigin
            | Self::TopOrigin { .. }
            | Self::TopOriginWithoutCrossOrigin { .. } => Code::WebauthnCrossOrigin,
            Self::Origin { .. } => Code::WebauthnOrigin,
            Self::RpId { .. } => Code::WebauthnRpId,
            Self::Signature => Code::WebauthnBadSignature,
            Self::Type { .. } => Code::WebauthnType,
            Self::UserPresence => Code::WebauthnUserPresence,
            Self::UserVerification => Code::WebauthnUserVerification,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::AuthenticatorData(error) => error.expected(),
            Self::Challenge { expected, .. } => Some(quote(expected)),
            Self::ClientData(error) => error.expected(),
            Self::CrossOrigin => Some("crossOrigin false".into()),
            Self::Origin { expected, .. } | Self::TopOrigin { expected, .. } => {
                Some(list(expected))
            }
            Self::RpId { expected, .. } => Some(hex(expected)),
            Self::Signature => None,
            Self::TopOriginWithoutCrossOrigin { .. } => Some("no topOrigin".into()),
            Self::Type { expected, .. } => Some(quote(expected)),
            Self::UserPresence | Self::UserVerification => Some("1".into()),
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::AuthenticatorData(error) => error.found(),
            Self::ClientData(error) => error.found(),
            Self::CrossOrigin => Some("crossOrigin true".into()),
            Self::Challenge { found, .. }
            | Self::Origin { found, .. }
            | Self::TopOrigin { found, .. }
            | Self::TopOriginWithoutCrossOrigin { found }
            | Self::Type { found, .. } => Some(quote(found)),
            Self::RpId { found, .. } => Some(hex(found)),
            Self::Signature => None,
            Self::UserPresence | Self::UserVerification => Some(0.to_string()),
        }
    }
}

fn list(origins: &[String]) -> String {
    let quoted: Vec<_> = origins.iter().map(|origin| quote(origin)).collect();
    if quoted.is_empty() {
        return "none".into();
    }
    quoted.join(" or ")
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::*;
    use crate::signature::RustCrypto;
    use crate::webauthn::test_signer::{Draft, ORIGIN, RP_ID, TestSigner};

    const CHALLENGE: &[u8] = &[0xfb; 64];

    fn expected() -> Expected {
        Expected::new(RP_ID.into(), vec![ORIGIN.into()], CHALLENGE.to_vec())
    }

    fn verify(draft: &Draft, expected: &Expected) -> Result<VerifiedAssertion, Error> {
        let signer = TestSigner::new();
        let signature = signer.sign(draft);
        let client_data = draft.client_data.as_bytes();
        Assertion::new(&draft.authenticator_data, client_data, &signature).verify(
            signer.key(),
            expected,
            &RustCrypto,
        )
    }

    fn code(draft: &Draft) -> Code {
        verify(draft, &expected()).map_or_else(|error| error.code(), |_| Code::Ok)
    }

    /// `draft` with one text of its clientDataJSON replaced.
    fn with(from: &str, to: &str) -> Draft {
        let mut draft = Draft::new(CHALLENGE);
        assert!(draft.client_data.contains(from));
        draft.client_data = draft.client_data.replacen(from, to, 1);
        draft
    }

    fn with_flags(flags: u8) -> Draft {
        let mut draft = Draft::new(CHALLENGE);
        draft.authenticator_data[32] = flags;
        draft
    }

    #[test]
    fn accepts_an_assertion_in_order() {
        let verified = verify(&Draft::new(CHALLENGE), &expected()).unwrap();
        assert_eq!(verified.client_data().origin(), ORIGIN);
        assert!(verified.authenticator_data().flags().user_verified());
        // Extra members are the browser's business.
        assert_eq!(code(&with("{", r#"{"x":{"origin":"y"},"#)), Code::Ok);
    }

    #[test]
    fn refuses_another_ceremony() {
        for found in [
            "webauthn.create",
            "payment.get",
            "webauthn.get ",
            "Webauthn.get",
            "webauthn.get\\u0000",
            "",
        ] {
            assert_eq!(code(&with(CEREMONY, found)), Code::WebauthnType, "{found}");
        }
    }

    #[test]
    fn refuses_another_challenge_and_another_spelling_of_the_same() {
        let text = base64url(CHALLENGE);
        for found in [
            base64url(&CHALLENGE[1..]),
            format!("{text}=="),
            format!(" {text}"),
            text.replace('-', "+").replace('_', "/"),
            // The last of 64 bytes leaves four bits over, which must be zero.
            format!("{}{}", &text[..text.len() - 1], 'x'),
            String::new(),
        ] {
            assert_ne!(found, text);
            assert_eq!(code(&with(&text, &found)), Code::WebauthnChallenge);
        }
    }

    #[test]
    fn refuses_every_origin_that_is_not_the_listed_string() {
        for found in [
            "https://example.org:8443",
            "https://example.org:443",
            "http://example.org",
            "https://example.org.evil.com",
            "https://evilexample.org",
            "https://www.example.org",
            "https://example.org/",
            "https://example.org.",
            "https://EXAMPLE.org",
            "HTTPS://example.org",
            "https://example.org@evil.com",
            "https://user@example.org",
            "https://example.org\\u0000",
            " https://example.org",
            "example.org",
            "null",
            "",
        ] {
            let draft = with(ORIGIN, found);
            assert_eq!(code(&draft), Code::WebauthnOrigin, "{found}");
        }
        let mut none = expected();
        none.origins.clear();
        let error = verify(&Draft::new(CHALLENGE), &none).unwrap_err();
        assert_eq!(error.code(), Code::WebauthnOrigin);
        assert_eq!(error.expected().as_deref(), Some("none"));
        // Origins of native apps are opaque strings.
        let app = "android:apk-key-hash:-sYXRdwJA3hvue3mKpYrOZ9zSPC7b4mbgzJmdZEDO5w";
        let mut native = expected();
        native.origins.push(app.into());
        assert!(verify(&with(ORIGIN, app), &native).is_ok());
    }

    #[test]
    fn frames_of_other_origins_need_permission() {
        let cross = |value: &str| with("\"crossOrigin\":false", value);
        let framed = cross(r#""crossOrigin":true"#);
        let named = cross(r#""crossOrigin":true,"topOrigin":"https://example.com""#);
        let odd = cross(r#""crossOrigin":false,"topOrigin":"https://example.com""#);
        let unsaid = cross(r#""topOrigin":"https://example.com""#);
        let silent = cross(r#""other":1"#);

        let default = expected();
        let mut allowed = expected();
        allowed.allow_cross_origin = true;
        let mut listed = allowed.clone();
        listed.top_origins = vec!["https://example.com".into()];
        let mut only_listed = listed.clone();
        only_listed.allow_cross_origin = false;

        let cases = [
            (&framed, [false, true, true, false]),
            (&named, [false, false, true, false]),
            (&odd, [false; 4]),
            (&unsaid, [false; 4]),
            (&silent, [true; 4]),
        ];
        for (draft, outcomes) in cases {
            let policies = [&default, &allowed, &listed, &only_listed];
            for (policy, fine) in policies.into_iter().zip(outcomes) {
                match verify(draft, policy) {
                    Ok(_) => assert!(fine, "{}", draft.client_data),
                    Err(error) => {
                        assert!(!fine, "{}", draft.client_data);
                        assert_eq!(error.code(), Code::WebauthnCrossOrigin);
                    }
                }
            }
        }
        for look_alike in ["https://example.com/", "https://EXAMPLE.com", "example.com"] {
            let mut other = listed.clone();
            other.top_origins = vec![look_alike.into()];
            let error = verify(&named, &other).unwrap_err();
            assert!(matches!(error, Error::TopOrigin { .. }), "{look_alike}");
        }
    }

    #[test]
    fn refuses_another_rp_id() {
        for rp_id in ["example.com", "www.example.org", "org", "", "Example.org"] {
            let mut draft = Draft::new(CHALLENGE);
            draft.authenticator_data[..32].copy_from_slice(&sha256(rp_id.as_bytes()));
            assert_eq!(code(&draft), Code::WebauthnRpId, "{rp_id}");
        }
        // The appid extension would allow the hash of an origin.
        let mut draft = Draft::new(CHALLENGE);
        draft.authenticator_data[..32].copy_from_slice(&sha256(ORIGIN.as_bytes()));
        assert_eq!(code(&draft), Code::WebauthnRpId);
    }

    #[test]
    fn flags_decide_presence_verification_and_form() {
        for (flags, code_if_required, code_if_preferred) in [
            (0x05, Code::Ok, Code::Ok),
            (0x1d, Code::Ok, Code::Ok),
            (0x01, Code::WebauthnUserVerification, Code::Ok),
            (0x04, Code::WebauthnUserPresence, Code::WebauthnUserPresence),
            (0x00, Code::WebauthnUserPresence, Code::WebauthnUserPresence),
            (
                0x15,
                Code::WebauthnAuthenticatorData,
                Code::WebauthnAuthenticatorData,
            ),
            // Reserved flags change nothing.
            (0x27, Code::Ok, Code::Ok),
            (0x23, Code::WebauthnUserVerification, Code::Ok),
            (0x22, Code::WebauthnUserPresence, Code::WebauthnUserPresence),
            (
                0x45,
                Code::WebauthnAuthenticatorData,
                Code::WebauthnAuthenticatorData,
            ),
            (
                0x85,
                Code::WebauthnAuthenticatorData,
                Code::WebauthnAuthenticatorData,
            ),
        ] {
            let draft = with_flags(flags);
            assert_eq!(code(&draft), code_if_required, "{flags:#04x}");
            let mut preferred = expected();
            preferred.user_verification = UserVerification::Preferred;
            let found = verify(&draft, &preferred).map_or_else(|e| e.code(), |_| Code::Ok);
            assert_eq!(found, code_if_preferred, "{flags:#04x}");
        }
    }

    #[test]
    fn the_first_broken_rule_is_reported() {
        // Everything is wrong; mending the first wrong thing brings up the next.
        let mut draft = Draft::new(&[]);
        draft.client_data = r#"{"type":1"#.into();
        draft.authenticator_data = vec![0; 37];
        // Backed up, and not eligible for it.
        draft.authenticator_data[32] = 0x10;
        let signer = TestSigner::new();
        let unsigned = Assertion::new(&draft.authenticator_data, b"{", &[]).verify(
            signer.key(),
            &expected(),
            &RustCrypto,
        );
        assert_eq!(unsigned.unwrap_err(), Error::Signature);

        let challenge = base64url(CHALLENGE);
        let frame = r#""crossOrigin":true"#;
        for (client_data, code_found) in [
            ("{".to_string(), Code::WebauthnClientDataForm),
            (
                format!(r#"{{"type":"t","challenge":"c","origin":"o",{frame}}}"#),
                Code::WebauthnType,
            ),
            (
                format!(r#"{{"type":"webauthn.get","challenge":"c","origin":"o",{frame}}}"#),
                Code::WebauthnChallenge,
            ),
            (
                format!(
                    r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"o",{frame}}}"#
                ),
                Code::WebauthnOrigin,
            ),
            (
                format!(
                    r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{ORIGIN}",{frame}}}"#
                ),
                Code::WebauthnCrossOrigin,
            ),
        ] {
            draft.client_data = client_data;
            assert_eq!(code(&draft), code_found);
        }
        draft.client_data = Draft::new(CHALLENGE).client_data;
        assert_eq!(code(&draft), Code::WebauthnAuthenticatorData);
        draft.authenticator_data[32] = 0;
        assert_eq!(code(&draft), Code::WebauthnRpId);
        draft.authenticator_data[..32].copy_from_slice(&sha256(RP_ID.as_bytes()));
        assert_eq!(code(&draft), Code::WebauthnUserPresence);
        draft.authenticator_data[32] = 1;
        assert_eq!(code(&draft), Code::WebauthnUserVerification);
    }

    #[test]
    fn a_signature_covers_every_byte_and_one_key() {
        let draft = Draft::new(CHALLENGE);
        let signer = TestSigner::new();
        let signature = signer.sign(&draft);
        let client_data = draft.client_data.as_bytes();
        let check = |a: &[u8], c: &[u8], s: &[u8], key: &CoseKey| {
            Assertion::new(a, c, s)
                .verify(key, &expected(), &RustCrypto)
                .err()
        };
        let flip = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        let a = &draft.authenticator_data;
        let bad = Some(Error::Signature);
        assert_eq!(check(a, client_data, &signature, signer.key()), None);
        for at in 0..a.len() {
            assert_eq!(
                check(&flip(a, at), client_data, &signature, signer.key()),
                bad
            );
        }
        for at in (0..client_data.len()).step_by(7) {
            let changed = flip(client_data, at);
            assert_eq!(check(a, &changed, &signature, signer.key()), bad);
        }
        for at in 0..signature.len() {
            let changed = flip(&signature, at);
            assert_eq!(check(a, client_data, &changed, signer.key()), bad, "{at}");
        }
        let other = TestSigner::other();
        assert_eq!(check(a, client_data, &signature, other.key()), bad);
    }

    #[test]
    fn signatures_are_der_and_the_high_s_is_one_too() {
        let draft = Draft::new(CHALLENGE);
        let signer = TestSigner::new();
        let good = signer.sign(&draft);
        let low = p256::ecdsa::Signature::from_der(&good).unwrap();
        let (r, s) = low.split_scalars();
        let high = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
        let verdict = |signature: &[u8]| {
            let client_data = draft.client_data.as_bytes();
            Assertion::new(&draft.authenticator_data, client_data, signature)
                .verify(signer.key(), &expected(), &RustCrypto)
                .is_ok()
        };
        // Both are valid, so the bytes of a signature identify nothing.
        assert!(verdict(low.to_der().as_bytes()));
        assert!(verdict(high.to_der().as_bytes()));

        // 30 length 02 length r 02 length s
        let integer = |value: &[u8]| {
            let length = u8::try_from(value.len()).unwrap();
            [&[2, length], value].concat()
        };
        let sequence = |r: &[u8], s: &[u8]| {
            let body = [integer(r), integer(s)].concat();
            [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
        };
        let order = crate::encoding::from_hex(
            "00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        )
        .unwrap();
        let body = &good[2..];
        for bad in [
            vec![],
            sequence(&[0], &[0]),
            sequence(&[1], &[0]),
            sequence(&order, &[1]),
            sequence(&[1], &order),
            sequence(&[0xff], &[1]),
            sequence(&[1], &[0x80]),
            low.to_bytes().to_vec(),
            [&good[..], &[0]].concat(),
            [&[0x30, 0x81, good[1]], body].concat(),
            [&[0x30, 0x80], body, &[0, 0]].concat(),
            // a zero in front of r
            [&[0x30, good[1] + 1, 0x02, good[3] + 1, 0x00], &good[4..]].concat(),
        ] {
            assert!(!verdict(&bad), "{bad:02x?}");
        }
    }
}
