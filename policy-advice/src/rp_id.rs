//! Relying party ids: domains that browsers let a page claim.

use url::Url;
use verifier_core::quote;

use crate::origin::is_address;

/// Why no browser signs for this relying party id, whatever the origin.
pub(crate) fn fault(rp_id: &str) -> Option<String> {
    let why = if rp_id.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "it has blanks in it"
    } else if rp_id.contains("://") {
        "it has a scheme, and an id is a domain alone"
    } else if is_address(rp_id) {
        return Some("browsers sign for domains, never for addresses".into());
    } else if rp_id.contains('*') {
        return Some("an id is one domain; it covers the domains below it by itself".into());
    } else if rp_id.contains(':') {
        "it has a port, and an id is a domain alone"
    } else if rp_id.contains(['/', '?', '#', '@', '\\']) {
        "it is more than a domain"
    } else if !rp_id.is_ascii() {
        "domains are written in ASCII (xn--)"
    } else if rp_id.bytes().any(|b| b.is_ascii_uppercase()) {
        "it has upper-case letters"
    } else if rp_id.starts_with('.') || rp_id.ends_with('.') || rp_id.contains("..") {
        "it has a dot too many"
    } else if rp_id.len() > 253 || rp_id.split('.').any(|label| label.len() > 63) {
        return Some("it is longer than a domain can be".into());
    } else {
        let fits = domain(&format!("https://{rp_id}")).as_deref() == Some(rp_id);
        return (!fits).then(|| "it is no domain".into());
    };
    let meant = match rp_id.contains("://") {
        true => rp_id.to_owned(),
        false => format!("https://{}", rp_id.trim().trim_matches('.')),
    };
    let meant = domain(&meant).filter(|meant| meant != rp_id);
    let meant = meant.map(|meant| format!("; write {}", quote(&meant)));
    Some(format!("{why}{}", meant.unwrap_or_default()))
}

/// Whether everybody can have a name below it: `com`, `co.uk`, `github.io`.
pub(crate) fn is_public_suffix(rp_id: &str) -> bool {
    let suffix = psl::suffix(rp_id.as_bytes());
    suffix.is_some_and(|suffix| suffix.is_known() && suffix.as_bytes() == rp_id.as_bytes())
}

/// The part of a domain that one owner has: `acme.co.uk` of `a.b.acme.co.uk`.
pub(crate) fn registrable(host: &str) -> &str {
    psl::domain_str(host).unwrap_or(host)
}

/// Whether a page of `host` may claim `rp_id`.
pub(crate) fn covers(rp_id: &str, host: &str) -> bool {
    let parent = host.strip_suffix(rp_id);
    parent.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn domain(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(url.domain()?.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_what_is_none() {
        for rp_id in [
            "acme.com",
            "a.b-c.acme.com",
            "localhost",
            "acme",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(fault(rp_id), None, "{rp_id}");
        }
        for (rp_id, expected) in [
            (
                "https://acme.com",
                "it has a scheme, and an id is a domain alone; write \"acme.com\"",
            ),
            (
                "https://acme.com:8443/x",
                "a scheme, and an id is a domain alone; write \"acme.com\"",
            ),
            (
                "acme.com:443",
                "it has a port, and an id is a domain alone; write \"acme.com\"",
            ),
            ("localhost:8080", "it has a port"),
            ("acme.com/", "more than a domain; write \"acme.com\""),
            ("bob@acme.com", "more than a domain; write \"acme.com\""),
            ("Acme.com", "upper-case letters; write \"acme.com\""),
            (".acme.com", "a dot too many; write \"acme.com\""),
            ("acme.com.", "a dot too many; write \"acme.com\""),
            ("acme..com", "a dot too many"),
            (" acme.com", "blanks in it; write \"acme.com\""),
            ("*.acme.com", "an id is one domain"),
            ("bücher.example", "xn--); write \"xn--bcher-kva.example\""),
            ("127.0.0.1", "never for addresses"),
            ("::1", "never for addresses"),
            ("[::1]", "never for addresses"),
            ("0x7f.1", "it is no domain"),
            ("acme,com", "it is"),
        ] {
            match fault(rp_id) {
                Some(found) => assert!(found.contains(expected), "{rp_id}: {found}"),
                // What the URL standard allows in a host that no registry has.
                None => assert_eq!(rp_id, "acme,com"),
            }
        }
        assert!(fault(&"a".repeat(64)).is_some());
        assert!(fault(&["a"; 128].join(".")).is_some());
    }

    #[test]
    fn public_suffixes_are_those_of_the_list() {
        for (rp_id, expected) in [
            ("com", true),
            ("co.uk", true),
            ("github.io", true),
            ("acme.com", false),
            ("acme.github.io", false),
            ("localhost", false),
            ("example", false),
        ] {
            assert_eq!(is_public_suffix(rp_id), expected, "{rp_id}");
        }
        assert_eq!(registrable("a.b.acme.co.uk"), "acme.co.uk");
        assert_eq!(registrable("witness.example"), "witness.example");
    }

    #[test]
    fn an_id_covers_its_own_domain_and_those_below() {
        assert!(covers("acme.com", "acme.com") && covers("acme.com", "www.acme.com"));
        assert!(!covers("acme.com", "evilacme.com") && !covers("www.acme.com", "acme.com"));
    }
}
