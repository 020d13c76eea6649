//! Relying party ids and origins, each and together.

use verifier_core::quote;

use crate::{origin, rp_id};

/// Warnings about hopeless relying party ids and origins: values that no browser and no app
/// uses, and pairs that do not belong together. With a hopeless value nothing is ever VERIFIED, and
/// a log admits nothing.
pub fn site(rp_ids: &[String], origins: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for (i, rp_id) in rp_ids.iter().enumerate() {
        let quoted = quote(rp_id);
        if rp_ids.iter().take(i).any(|other| other == rp_id) {
            out.push(format!("The relying party id {quoted} is listed twice."));
        } else if let Some(why) = rp_id::fault(rp_id) {
            out.push(format!(
                "No browser signs for the relying party id {quoted}: {why}."
            ));
        } else if rp_id::is_public_suffix(rp_id) {
            out.push(format!(
                "The relying party id {quoted} is a public suffix: everybody can own names below \
                 it, so browsers sign for it on none of them."
            ));
        }
    }
    out.extend(each_origin("origin", origins));
    out.extend(together(rp_ids, origins));
    out
}

/// Warnings about hopeless origins of pages that may embed the approval page.
pub(crate) fn top_origins(origins: &[String]) -> Vec<String> {
    each_origin("top origin", origins)
}

fn each_origin(kind: &str, origins: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for (i, origin) in origins.iter().enumerate() {
        let quoted = quote(origin);
        if origins.iter().take(i).any(|other| other == origin) {
            out.push(format!("The {kind} {quoted} is listed twice."));
        } else if let Some(why) = origin::fault(origin) {
            out.push(format!("No browser sends the {kind} {quoted}: {why}."));
        } else if origin::is_insecure(origin) {
            out.push(format!(
                "The {kind} {quoted} is not protected by TLS; browsers sign there only on localhost."
            ));
        }
    }
    out
}

/// Pairs that do not belong together, among the values that can be used at all.
fn together(rp_ids: &[String], origins: &[String]) -> Vec<String> {
    let ids: Vec<&String> = rp_ids
        .iter()
        .filter(|id| rp_id::fault(id).is_none())
        .collect();
    let fine = |origin: &&String| origin::fault(origin).is_none();
    let hosts: Vec<(&String, Option<String>)> = origins
        .iter()
        .filter(fine)
        .map(|origin| (origin, origin::host(origin)))
        .collect();
    let mut out = Vec::new();
    for id in &ids {
        // Native apps have origins that name no host.
        let belongs = |host: &Option<String>| host.as_ref().is_none_or(|h| rp_id::covers(id, h));
        if !hosts.is_empty() && !hosts.iter().any(|(_, host)| belongs(host)) {
            out.push(format!(
                "No origin belongs to the relying party id {}: browsers refuse to sign for it, \
                 unless it names them in its /.well-known/webauthn.",
                quote(id)
            ));
        }
    }
    for (origin, host) in &hosts {
        let Some(host) = host else { continue };
        if !ids.is_empty() && !ids.iter().any(|id| rp_id::covers(id, host)) {
            out.push(format!(
                "The origin {} belongs to no relying party id: browsers refuse to sign there, \
                 unless one names it in its /.well-known/webauthn.",
                quote(origin)
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(rp_ids: &[&str], origins: &[&str]) -> Vec<String> {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        site(&owned(rp_ids), &owned(origins))
    }

    #[test]
    fn nothing_to_say_of_a_site_that_works() {
        for (rp_ids, origins) in [
            (&["acme.com"][..], &["https://acme.com"][..]),
            (&["acme.com"], &["https://approve.acme.com:8443"]),
            (&["localhost"], &["http://localhost:8080"]),
            (
                &["acme.com", "acme.org"],
                &["https://acme.com", "https://acme.org"],
            ),
            (
                &["acme.com"],
                &["android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
            ),
            (&["acme.github.io"], &["https://acme.github.io"]),
        ] {
            assert_eq!(warnings(rp_ids, origins), [""; 0], "{rp_ids:?} {origins:?}");
        }
    }

    #[test]
    fn what_does_not_work_is_named() {
        for (rp_ids, origins, expected) in [
            (
                &["https://acme.com"][..],
                &["acme.com"][..],
                &["it has a scheme", "no scheme"][..],
            ),
            (&["com"], &["https://acme.com"], &["is a public suffix"]),
            (&["co.uk"], &["https://acme.co.uk"], &["is a public suffix"]),
            (
                &["github.io"],
                &["https://github.io"],
                &["is a public suffix"],
            ),
            (
                &["127.0.0.1"],
                &["http://127.0.0.1:8080"],
                &["addresses", "addresses"],
            ),
            (
                &["acme.com"],
                &["https://evilacme.com"],
                &["No origin belongs to", "belongs to no relying party id"],
            ),
            (
                &["acme.com"],
                &["https://acme.com", "https://other.example"],
                &["The origin \"https://other.example\" belongs to no relying party id"],
            ),
            (
                &["acme.com"],
                &["http://acme.com"],
                &["not protected by TLS"],
            ),
            (
                &["acme.com", "acme.com"],
                &["https://acme.com", "https://acme.com"],
                &[
                    "id \"acme.com\" is listed twice",
                    "origin \"https://acme.com\" is listed twice",
                ],
            ),
        ] {
            let found = warnings(rp_ids, origins);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{found}");
            }
        }
    }
}
