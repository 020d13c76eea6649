//! The file of a roster, by its own words.

use alloc::borrow::ToOwned as _;
use alloc::string::String;

use verifier_core::Code;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::roster::{Version, newest_payload};

use crate::usage::Usage;

/// The newest version in the file. Whether its admins approved it, a report says.
pub(crate) fn describe(file: &[u8]) -> Result<String, Usage> {
    let none = || Usage::new(Code::RosterForm.as_str(), "it is no file of a roster");
    let payload = newest_payload(file).ok_or_else(none)?;
    let version = Version::parse(&payload).map_err(|error| Usage::of(&error))?;
    let value = Value::from([
        ("name", version.name().to_owned().into()),
        ("sha256", hex(&version.sha256()).into()),
        ("version", version.number().into()),
    ]);
    Ok(value.to_text())
}

#[cfg(test)]
pub(crate) mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use test_vectors::{Algorithm, Approver, Decision, Draft, Passkey, roster};

    /// Two versions.
    pub(crate) fn file() -> String {
        let admin = Approver::new("ann", &Passkey::new(Algorithm::EdDsa, "ann"));
        let first = roster::Roster::first("acme", 1, core::slice::from_ref(&admin), &[]);
        let second = first.next(&[admin]);
        let made = |version: &roster::Roster| {
            Decision::of(&[Draft::by("ann").approving(&version.payload()).mint()])
        };
        roster::chain(&[made(&first), made(&second)]).to_string()
    }

    #[test]
    fn names_the_newest_version_and_refuses_other_files() {
        let text = describe(file().as_bytes()).unwrap();
        let info: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(info["name"], "acme");
        assert_eq!(info["version"], 2);
        assert_eq!(info["sha256"].as_str().map(str::len), Some(64));

        let bundle = Draft::numbered(Algorithm::Es256, 1).mint().bundle.text();
        for bad in [bundle.as_bytes(), b"{}", &[b'['; 100]] {
            assert!(describe(bad).is_err());
        }
    }
}
