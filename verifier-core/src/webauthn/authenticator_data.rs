//! The bytes that a passkey writes and signs (Level 3 §6.1).
//!
//! ```text
//!  32  SHA-256 of the RP id
//!   1  flags: bit 0 user present, 2 user verified, 3 backup eligible, 4 backed up,
//!      6 attested credential data follow, 7 extensions follow; 1 and 5 are not looked at
//!   4  signature counter, big-endian
//!   …  attested credential data (§6.5.1), at registration only
//!        16 AAGUID ‖ 2 length L, big-endian ‖ L credential id ‖ COSE_Key
//!   …  extensions: one CBOR map with text keys
//! ```
//!
//! Bits 1 and 5 are reserved for future use: authenticators have to leave them 0, and relying
//! parties are not to insist on it, so that a later version of WebAuthn can give them a meaning.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use super::{CoseKey, cbor, cose_key};
use crate::code::Code;
use crate::failure::Failure;

/// The authenticator data of an assertion. Well formed; not compared with anything yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthenticatorData {
    rp_id_hash: [u8; 32],
    flags: Flags,
    sign_count: u32,
    extensions: Vec<String>,
}

impl AuthenticatorData {
    /// Reads the authenticator data of an assertion. Attested credential data are refused: §6.1
    /// keeps them out of assertions, and in a log entry, which has no client data, nothing else
    /// tells an assertion from a registration that the credential has signed itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let fixed = FixedPart::read(bytes)?;
        if fixed.flags.has_attested_data() {
            return Err(Error::AttestedData);
        }
        fixed.finish(cbor::Limits::CTAP2)
    }

    /// SHA-256 of the RP id that the passkey signed for.
    pub fn rp_id_hash(&self) -> &[u8; 32] {
        &self.rp_id_hash
    }

    /// The flags.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// The signature counter. One assertion alone proves nothing by it, and passkeys that are
    /// synchronised always write 0.
    pub fn sign_count(&self) -> u32 {
        self.sign_count
    }

    /// The identifiers of the extensions whose outputs are included, in the order of the bytes.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter().map(String::as_str)
    }
}

/// The authenticator data of a registration: a new credential and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttestedData {
    authenticator_data: AuthenticatorData,
    aaguid: [u8; 16],
    credential_id: Vec<u8>,
    key: CoseKey,
}

impl AttestedData {
    /// The longest credential id, in bytes (§6.5.1).
    pub const MAX_CREDENTIAL_ID: usize = 1023;

    /// Reads the authenticator data of a registration, which must have attested credential data.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut fixed = FixedPart::read(bytes)?;
        if !fixed.flags.has_attested_data() {
            return Err(Error::NoAttestedData);
        }
        let truncated = || Error::TooShort { found: bytes.len() };
        let (aaguid, rest) = fixed.rest.split_first_chunk::<16>().ok_or_else(truncated)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !(1..=Self::MAX_CREDENTIAL_ID).contains(&length) {
            return Err(Error::CredentialIdLength { found: length });
        }
        let (credential_id, rest) = rest.split_at_checked(length).ok_or_else(truncated)?;
        let (key, rest) = CoseKey::parse_prefix(rest).map_err(Error::Key)?;
        fixed.rest = rest;
        Ok(Self {
            authenticator_data: fixed.finish(cbor::Limits::UNVERIFIED)?,
            aaguid: *aaguid,
            credential_id: credential_id.to_vec(),
            key,
        })
    }

    /// RP id hash, flags, counter and extensions.
    pub fn authenticator_data(&self) -> &AuthenticatorData {
        &self.authenticator_data
    }

    /// The model of the authenticator, as it claims; zeros where it does not say.
    pub fn aaguid(&self) -> &[u8; 16] {
        &self.aaguid
    }

    /// The id of the credential, 1 to 1023 bytes.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The credential's public key.
    pub fn key(&self) -> &CoseKey {
        &self.key
    }
}

/// The passkey's claims about its user and itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Flags(u8);

impl Flags {
    const UP: u8 = 0x01;
    const UV: u8 = 0x04;
    const BE: u8 = 0x08;
    const BS: u8 = 0x10;
    const AT: u8 = 0x40;
    const ED: u8 = 0x80;

    /// Somebody was there: a touch, a click.
    pub fn user_present(self) -> bool {
        self.has(Self::UP)
    }

    /// The authenticator recognised its user, by PIN or biometric.
    pub fn user_verified(self) -> bool {
        self.has(Self::UV)
    }

    /// The credential may be copied to other devices.
    pub fn backup_eligible(self) -> bool {
        self.has(Self::BE)
    }

    /// The credential has been copied.
    pub fn backed_up(self) -> bool {
        self.has(Self::BS)
    }

    /// How far the credential may be, and is, copied.
    pub fn backup(self) -> Backup {
        match (self.backup_eligible(), self.backed_up()) {
            (false, _) => Backup::ThisDeviceOnly,
            (true, false) => Backup::Eligible,
            (true, true) => Backup::Synced,
        }
    }

    /// The byte itself.
    pub fn bits(self) -> u8 {
        self.0
    }

    fn has_attested_data(self) -> bool {
        self.has(Self::AT)
    }

    fn has_extensions(self) -> bool {
        self.has(Self::ED)
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Where the private key of a credential may be, as its authenticator claims (§6.1.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Backup {
    /// On one device; it may be copied to others.
    Eligible,
    /// On several devices, or with a provider that gives it to them.
    Synced,
    /// On one device, which it never leaves.
    ThisDeviceOnly,
}

impl Backup {
    /// The words for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eligible => "may be synced",
            Self::Synced => "synced",
            Self::ThisDeviceOnly => "this device only",
        }
    }
}

impl fmt::Display for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why bytes are not the authenticator data of that ceremony.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Attested credential data in an assertion.
    #[error(
        "the authenticator data carry attested credential data, which belong to a registration"
    )]
    AttestedData,
    /// Backed up without being eligible for it.
    #[error("the credential claims to be backed up, but not to be eligible for backup")]
    BackedUpNotEligible,
    /// A credential id that is empty or too long.
    #[error("the credential id has {found} bytes; 1 to 1023 are allowed")]
    CredentialIdLength {
        /// Its length in bytes.
        found: usize,
    },
    /// A key in the extension map that is not a text.
    #[error("an extension identifier is {found} instead of a text string")]
    ExtensionIdentifier {
        /// The value that is there.
        found: &'static str,
    },
    /// Extensions that are not canonical CBOR (in a registration: not CBOR), or that something
    /// follows.
    #[error("the extension outputs are not in the form of CBOR that CTAP2 prescribes: {0}")]
    Extensions(cbor::Error),
    /// Extensions that are no map.
    #[error("the extension outputs are {found} instead of a map")]
    ExtensionsKind {
        /// The values that are there.
        found: &'static str,
    },
    /// The credential public key.
    #[error(transparent)]
    Key(cose_key::Error),
    /// No attested credential data in a registration.
    #[error("the authenticator data carry no attested credential data, so there is no key in them")]
    NoAttestedData,
    /// The bytes end too early.
    #[error("the authenticator data end too early, after {found} bytes")]
    TooShort {
        /// The length in bytes.
        found: usize,
    },
    /// Bytes that no flag announces.
    #[error("{found} bytes follow the authenticator data, and no flag announces them")]
    TrailingBytes {
        /// How many.
        found: usize,
    },
}

impl Failure for Error {
    fn code(&self) -> Code {
        match self {
            Self::Key(error) => error.code(),
            _ => Code::WebauthnAuthenticatorData,
        }
    }

    fn expected(&self) -> Option<String> {
        match self {
            Self::CredentialIdLength { .. } => Some("1 to 1023 bytes".into()),
            Self::ExtensionIdentifier { .. } => Some("a text string".into()),
            Self::ExtensionsKind { .. } => Some("a map".into()),
            Self::Key(error) => error.expected(),
            Self::TrailingBytes { .. } => Some("0".into()),
            _ => None,
        }
    }

    fn found(&self) -> Option<String> {
        match self {
            Self::CredentialIdLength { found } | Self::TooShort { found } => {
                Some(format!("{found} bytes"))
            }
            Self::ExtensionIdentifier { found } | Self::ExtensionsKind { found } => {
                Some((*found).into())
            }
            Self::Key(error) => error.found(),
            Self::TrailingBytes { found } => Some(found.to_string()),
            _ => None,
        }
    }
}

/// The 37 bytes that are always there, and what follows them.
struct FixedPart<'a> {
    rp_id_hash: [u8; 32],
    flags: Flags,
    sign_count: u32,
    rest: &'a [u8],
}

impl<'a> FixedPart<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let too_short = || Error::TooShort { found: bytes.len() };
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or_else(too_short)?;
        let (flags, rest) = rest.split_first().ok_or_else(too_short)?;
        let (sign_count, rest) = rest.split_first_chunk::<4>().ok_or_else(too_short)?;
        let flags = Flags(*flags);
        if flags.backed_up() && !flags.backup_eligible() {
            return Err(Error::BackedUpNotEligible);
        }
        Ok(Self {
            rp_id_hash: *rp_id_hash,
            flags,
            sign_count: u32::from_be_bytes(*sign_count),
            rest,
        })
    }

    /// Reads the extensions, which must be there exactly if the flags say so, and nothing else.
    fn finish(self, limits: cbor::Limits) -> Result<AuthenticatorData, Error> {
        let extensions = if self.flags.has_extensions() {
            identifiers(self.rest, limits)?
        } else if self.rest.is_empty() {
            Vec::new()
        } else {
            return Err(Error::TrailingBytes {
                found: self.rest.len(),
            });
        };
        Ok(AuthenticatorData {
            rp_id_hash: self.rp_id_hash,
            flags: self.flags,
            sign_count: self.sign_count,
            extensions,
        })
    }
}

fn identifiers(bytes: &[u8], limits: cbor::Limits) -> Result<Vec<String>, Error> {
    let value = cbor::Value::parse(bytes, limits).map_err(Error::Extensions)?;
    let cbor::Value::Map(map) = value else {
        let found = value.kind();
        return Err(Error::ExtensionsKind { found });
    };
    map.iter()
        .map(|(key, _)| match key {
            cbor::Value::Text(text) => Ok((*text).into()),
            other => {
                let found = other.kind();
                Err(Error::ExtensionIdentifier { found })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::encoding::from_hex;
    use crate::webauthn::cbor::ErrorKind;

    const KEY: &str = concat!(
        "a4010103272006215820",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );

    fn data(flags: u8, tail: &str) -> Vec<u8> {
        let mut bytes = vec![0xaa; 32];
        bytes.push(flags);
        bytes.extend([1, 2, 3, 4]);
        bytes.extend(from_hex(tail).unwrap());
        bytes
    }

    fn refused(flags: u8, tail: &str) -> Error {
        AuthenticatorData::parse(&data(flags, tail)).expect_err(tail)
    }

    /// Attested credential data with a credential id of `length` bytes.
    fn attested(length: u16, rest: &str) -> String {
        let id = "cc".repeat(length.into());
        format!("{}{length:04x}{id}{rest}", "bb".repeat(16))
    }

    #[test]
    fn reads_an_assertions_authenticator_data() {
        let parsed = AuthenticatorData::parse(&data(0x1d, "")).unwrap();
        assert_eq!(parsed.rp_id_hash(), &[0xaa; 32]);
        assert_eq!(parsed.sign_count(), 0x0102_0304);
        assert_eq!(parsed.flags().bits(), 0x1d);
        assert_eq!(parsed.extensions().count(), 0);
        for (flags, [up, uv, be, bs]) in [
            (0x00, [false; 4]),
            (0x01, [true, false, false, false]),
            (0x04, [false, true, false, false]),
            (0x08, [false, false, true, false]),
            (0x18, [false, false, true, true]),
            (0x1d, [true; 4]),
        ] {
            let flags = AuthenticatorData::parse(&data(flags, "")).unwrap().flags();
            let found = [
                flags.user_present(),
                flags.user_verified(),
                flags.backup_eligible(),
                flags.backed_up(),
            ];
            assert_eq!(found, [up, uv, be, bs]);
        }
    }

    #[test]
    fn lists_extensions_it_has_never_heard_of() {
        // {"uvm": [[2, 4, 2]], "appid": false}, and an empty map
        let tail = "a26375766d8183020402656170706964f4";
        let parsed = AuthenticatorData::parse(&data(0x81, tail)).unwrap();
        assert_eq!(parsed.extensions().collect::<Vec<_>>(), ["uvm", "appid"]);
        assert!(AuthenticatorData::parse(&data(0x81, "a0")).is_ok());
    }

    #[test]
    fn refuses_what_the_flags_do_not_announce() {
        let full = data(0x01, "");
        for end in 0..full.len() {
            let error = Error::TooShort { found: end };
            assert_eq!(AuthenticatorData::parse(&full[..end]), Err(error));
        }
        assert_eq!(refused(0x01, "00"), Error::TrailingBytes { found: 1 });
        assert_eq!(refused(0x01, "a0"), Error::TrailingBytes { found: 1 });
        for (tail, kind) in [
            ("", ErrorKind::Incomplete),
            ("a1", ErrorKind::Incomplete),
            ("a000", ErrorKind::TrailingBytes(1)),
            ("a0a0", ErrorKind::TrailingBytes(1)),
            ("bfff", ErrorKind::IndefiniteLength),
            ("a2616200616100", ErrorKind::UnsortedKeys),
            ("a2616100616100", ErrorKind::DuplicateKey),
            ("a161618181818100", ErrorKind::TooDeep(4)),
            ("a16161fb3ff0000000000000", ErrorKind::SimpleValue),
            ("a16161c000", ErrorKind::Tag),
        ] {
            match refused(0x81, tail) {
                Error::Extensions(error) => assert_eq!(error.kind, kind, "{tail}"),
                other => panic!("{tail}: {other}"),
            }
        }
        let deep = "81".repeat(60_000);
        assert!(matches!(refused(0x81, &deep), Error::Extensions(_)));
        assert_eq!(
            refused(0x81, "80"),
            Error::ExtensionsKind { found: "an array" }
        );
        assert_eq!(
            refused(0x81, "a10100"),
            Error::ExtensionIdentifier {
                found: "an integer"
            }
        );
    }

    #[test]
    fn refuses_flags_that_contradict_themselves() {
        assert_eq!(refused(0x11, ""), Error::BackedUpNotEligible);
        assert_eq!(refused(0x15, ""), Error::BackedUpNotEligible);
    }

    #[test]
    fn reserved_flags_change_nothing() {
        for reserved in [0x02, 0x20, 0x22] {
            let flags = AuthenticatorData::parse(&data(0x05 | reserved, "")).unwrap();
            assert_eq!(flags.flags().bits(), 0x05 | reserved);
            assert!(flags.flags().user_present() && flags.flags().user_verified());
            // They announce nothing, and excuse nothing.
            assert_eq!(
                refused(0x05 | reserved, "00"),
                Error::TrailingBytes { found: 1 }
            );
            assert_eq!(refused(0x11 | reserved, ""), Error::BackedUpNotEligible);
        }
        let attested = data(0x47, &attested(16, KEY));
        assert!(AttestedData::parse(&attested).is_ok());
    }

    #[test]
    fn a_registration_is_not_an_assertion_and_the_other_way_round() {
        let tail = attested(16, KEY);
        assert_eq!(refused(0x41, &tail), Error::AttestedData);
        assert_eq!(refused(0x41, ""), Error::AttestedData);
        assert_eq!(
            AttestedData::parse(&data(0x01, "")),
            Err(Error::NoAttestedData)
        );
        assert_eq!(
            AttestedData::parse(&data(0x01, &tail)),
            Err(Error::NoAttestedData)
        );
    }

    #[test]
    fn reads_a_registrations_authenticator_data() {
        for (flags, tail) in [
            (0x45, attested(1, KEY)),
            (0x45, attested(1023, KEY)),
            (
                0xc5,
                attested(16, &format!("{KEY}a16b6372656450726f7465637402")),
            ),
        ] {
            let parsed = AttestedData::parse(&data(flags, &tail)).unwrap();
            assert_eq!(parsed.aaguid(), &[0xbb; 16]);
            assert!(parsed.credential_id().iter().all(|byte| *byte == 0xcc));
            assert_eq!(parsed.key().as_bytes(), from_hex(KEY).unwrap());
            assert!(parsed.authenticator_data().flags().user_verified());
        }
    }

    #[test]
    fn extension_outputs_beside_a_new_key_need_not_be_canonical() {
        // hmac-secret before credProtect; a length in more bytes than it needs; four levels more
        for outputs in [
            "a26b686d61632d736563726574f56b6372656450726f7465637401",
            "b8016b6372656450726f7465637401",
            "a1616181818181818100",
        ] {
            let tail = attested(16, &format!("{KEY}{outputs}"));
            assert!(AttestedData::parse(&data(0xc5, &tail)).is_ok(), "{outputs}");
            assert!(
                matches!(refused(0x85, outputs), Error::Extensions(_)),
                "{outputs}"
            );
        }
        for (outputs, extension) in [("80", false), ("a10100", false), ("a2616100616100", true)] {
            let tail = attested(16, &format!("{KEY}{outputs}"));
            let error = AttestedData::parse(&data(0xc5, &tail)).unwrap_err();
            assert_eq!(
                matches!(error, Error::Extensions(_)),
                extension,
                "{outputs}"
            );
        }
    }

    #[test]
    fn refuses_malformed_attested_data() {
        let refused = |flags, tail: &str| AttestedData::parse(&data(flags, tail)).unwrap_err();
        let length = |found| Error::CredentialIdLength { found };
        assert_eq!(refused(0x41, &attested(0, KEY)), length(0));
        assert_eq!(refused(0x41, &attested(1024, KEY)), length(1024));
        let overrun = format!("{}03ff{KEY}", "bb".repeat(16));
        assert!(matches!(refused(0x41, &overrun), Error::TooShort { .. }));
        let whole = attested(16, KEY);
        for end in (0..whole.len()).step_by(2) {
            let error = refused(0x41, &whole[..end]);
            assert!(matches!(error, Error::TooShort { .. } | Error::Key(_)));
        }
        let after = attested(16, &format!("{KEY}00"));
        assert_eq!(refused(0x41, &after), Error::TrailingBytes { found: 1 });
        // Extensions announced and missing, present and not announced
        assert!(matches!(refused(0xc1, &whole), Error::Extensions(_)));
        let extended = attested(16, &format!("{KEY}a0"));
        assert_eq!(refused(0x41, &extended), Error::TrailingBytes { found: 1 });
        let bad_key = refused(0x41, &attested(16, &KEY.replacen("2006", "2007", 1)));
        assert_eq!(bad_key.code(), Code::WebauthnBadKey);
    }
}
