//! Does an e-mail address open the approver commitment of an entry?

use alloc::string::ToString as _;

use verifier_core::hazmat::bundle::Bundle;
use verifier_core::hazmat::commitment::{EmailAddress, approver_commitment, email_hash};
use verifier_core::hazmat::entry::Entry;
use verifier_core::hazmat::input::Input;

use crate::usage::Usage;

const CODE: &str = "usage.email";

pub(crate) fn opens(file: &[u8], address: &str) -> Result<bool, Usage> {
    let bundle = bundle(file)?;
    let entry = Entry::parse(&bundle.entry).map_err(|error| Usage::of(&error))?;
    let Some(commitment) = entry.approver else {
        let message = "the log entry commits to no e-mail address";
        return Err(Usage::new(CODE, message));
    };
    let Some(reveal) = bundle.evidence.approver else {
        let message = "the bundle does not hold what opens the commitment (blind and salt); ask \
                       the service to disclose it";
        return Err(Usage::new(CODE, message));
    };
    let address =
        EmailAddress::parse(address).map_err(|error| Usage::new(CODE, error.to_string()))?;
    let found = approver_commitment(&reveal.blind, &email_hash(&address, &reveal.salt));
    Ok(found == commitment)
}

fn bundle(file: &[u8]) -> Result<Bundle, Usage> {
    match Input::parse(file) {
        Ok(Input::Bundle(bundle)) => Ok(bundle),
        Ok(_) => Err(Usage::new(
            CODE,
            "a service's confirmation commits to no e-mail address; a bundle from the log may",
        )),
        Err(error) => Err(Usage::of(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_vectors::{Algorithm, Approval, Draft};

    #[test]
    fn the_right_address_opens_and_no_other() {
        let bundle = Approval::sample(Algorithm::Es256).bundle.text();
        assert_eq!(opens(bundle.as_bytes(), " Alice@example.com"), Ok(true));
        assert_eq!(opens(bundle.as_bytes(), "bob@example.com"), Ok(false));
        // Zeros behind a key are those that HMAC puts there.
        assert!(opens(bundle.as_bytes(), "alice@example.com\0").is_err());
    }

    #[test]
    fn says_why_there_is_nothing_to_open() {
        let without = Draft::numbered(Algorithm::Es256, 1).mint();
        let error = opens(without.bundle.text().as_bytes(), "a@b").unwrap_err();
        assert!(
            error.to_string().contains("commits to no e-mail"),
            "{error}"
        );
        let confirmation = without.confirmation().to_string();
        assert!(opens(confirmation.as_bytes(), "a@b").is_err());
        assert!(opens(b"{}", "a@b").is_err());
    }
}
