//! The key of a witness, and the file that it lives in.
//!
//! ```text
//! PRIVATE+KEY+<name>+<8 hex digits: key id>+<base64(04 ‖ Ed25519 seed)>
//! ```
//!
//! The form in which other implementations of signed notes keep theirs.

use std::path::Path;

use command_line::failure::show_path;
use command_line::{CliCode, CliError, file};
use ed25519_dalek::{Signer as _, SigningKey};
use serving::secret::exposed;
use verifier_core::hazmat::encoding::{base64, from_base64, hex};
use verifier_core::hazmat::tlog::cosignature::{Cosignature, message};
use verifier_core::hazmat::tlog::vkey::{Algorithm, VerifierKey};

const PREFIX: &str = "PRIVATE+KEY+";

/// The longest key file, in bytes.
const MAX_FILE: usize = 1024;

/// A witness's key. Its `Debug` form shows the public half.
pub(crate) struct WitnessKey {
    secret: SigningKey,
    public: VerifierKey,
}

impl std::fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WitnessKey({})", self.public)
    }
}

impl WitnessKey {
    /// A new key of this name.
    pub(crate) fn generate(name: &str) -> Result<Self, CliError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| {
            CliError::new(CliCode::IoOutput, format!("No random numbers: {error}."))
        })?;
        Self::from_seed(name, &seed)
            .map_err(|error| CliError::usage(format!("--name cannot name a key: {error}.")))
    }

    pub(crate) fn from_seed(
        name: &str,
        seed: &[u8; 32],
    ) -> Result<Self, verifier_core::hazmat::tlog::vkey::Error> {
        let secret = SigningKey::from_bytes(seed);
        let public = secret.verifying_key().to_bytes();
        let public = VerifierKey::new(name, Algorithm::Cosignature, &public)?;
        Ok(Self { secret, public })
    }

    /// Reads the key file. Warns if others can read it, too.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        match exposed(path) {
            Ok(Some(exposed)) if exposed.is_writable() => {
                let remedy = exposed.remedy();
                return Err(CliError::usage(format!("{exposed}."))
                    .file(path)
                    .next(format!("If nobody has, run `{remedy}`.")));
            }
            Ok(Some(exposed)) => {
                let remedy = exposed.remedy();
                tracing::warn!("{exposed}; make it its owner's alone: {remedy}");
            }
            // A file that cannot be looked at cannot be read either.
            Ok(None) | Err(_) => {}
        }
        let bytes = file::read_whole(path, MAX_FILE)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        Self::parse(text.trim_end()).ok_or_else(|| {
            let message = format!("{} is not the key of a witness.", show_path(path));
            CliError::new(CliCode::WitnessDamaged, message)
                .file(path)
                .next("Restore it from your backup of the key.")
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '+');
        let (name, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = from_base64(secret).ok()?;
        let kind = Algorithm::Cosignature.as_byte();
        let seed: [u8; 32] = bytes.strip_prefix(&[kind])?.try_into().ok()?;
        let key = Self::from_seed(name, &seed).ok()?;
        (hex(&key.public.id()) == id).then_some(key)
    }

    /// The text of the key file.
    pub(crate) fn to_file(&self) -> String {
        let kind = Algorithm::Cosignature.as_byte();
        let secret = [&[kind][..], self.secret.as_bytes()].concat();
        let (name, id) = (self.public.name(), hex(&self.public.id()));
        format!("{PREFIX}{name}+{id}+{}\n", base64(&secret))
    }

    /// The verifier key, by which logs and verifiers know the witness.
    pub(crate) fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// The signature line over the text of a checkpoint, at so many seconds since 1970. `None` for
    /// a moment that cannot be written.
    pub(crate) fn cosign(&self, text: &str, seconds: u64) -> Option<String> {
        let signature = self.secret.sign(message(text, seconds).as_bytes());
        let cosignature = Cosignature::new(seconds, signature.to_bytes()).ok()?;
        Some(self.public.signature_line(&cosignature.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answer of `verifier-core`, made with another implementation.
    #[test]
    fn cosigns_the_known_answer() {
        let key = WitnessKey::from_seed("witness.example/w1", &[1; 32]).unwrap();
        assert_eq!(
            key.public().to_string(),
            "witness.example/w1+0ad7d35e+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
        );
        let text = "log.example/approvals\n3\nR5y09q0/iwFAFyl7p2IbBXiS0maZ64aL6jcebhvhS0E=\n";
        assert_eq!(
            key.cosign(text, 1_700_000_000).unwrap(),
            "\u{2014} witness.example/w1 CtfTXgAAAABlU/EArEdl8GKXzmJfeLDb+R3GKCWTfMe+SgNi8SlsK/8KL/5hs4DOiHzxlhAuveXIkXwTJWQFJ4OY3bLTQWyOSj15DA==\n"
        );
        assert_eq!(key.cosign(text, 0), None);
    }

    #[test]
    fn the_file_reads_back() {
        let key = WitnessKey::generate("witness.example/w1").unwrap();
        let text = key.to_file();
        let read = WitnessKey::parse(text.trim_end()).unwrap();
        assert_eq!(read.public(), key.public());
        let id = hex(&key.public().id());
        for bad in [
            text.replace(&id, "00000000"),
            text.replace("PRIVATE", "PUBLIC"),
        ] {
            assert!(WitnessKey::parse(bad.trim_end()).is_none(), "{bad}");
        }
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}
