//! Origins as browsers and apps send them. A policy's origins are compared letter by letter, so a
//! spelling that nobody sends is never matched.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};
use verifier_core::hazmat::encoding::{base64url, from_base64url, from_hex};
use verifier_core::quote;

/// Why nobody sends this origin; `None` for one that a browser or a known kind of app sends.
pub(crate) fn fault(origin: &str) -> Option<String> {
    if origin.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some("it has blanks in it".into());
    }
    if origin.contains('*') {
        return Some("origins are compared letter by letter, and none has a * in it".into());
    }
    if origin == "null" {
        return Some("pages from files and in sandboxes have it, and no passkeys".into());
    }
    let (scheme, rest) = origin.split_once(':').unwrap_or(("", origin));
    let is_host = scheme.contains('.') || scheme.eq_ignore_ascii_case("localhost");
    if scheme.is_empty() || is_host {
        return Some(format!(
            "it has no scheme{}",
            as_written(&format!("https://{origin}"))
        ));
    }
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => web(origin),
        "android" => android(origin),
        "ios" => match rest.strip_prefix("bundle-id:") {
            Some(bundle) if !bundle.is_empty() => None,
            _ => Some("apps on iOS send https://, or ios:bundle-id: and their bundle id".into()),
        },
        "chrome-extension" | "moz-extension" | "safari-web-extension" => {
            let id = rest.strip_prefix("//").unwrap_or_default();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            match !id.is_empty() && id.bytes().all(plain) {
                true => None,
                false => Some("an extension's origin is its scheme, :// and its id".into()),
            }
        }
        "file" => Some("pages from files have the origin null, and no passkeys".into()),
        _ => Some(
            "browsers send https:// and a host, apps android:apk-key-hash: or ios:bundle-id:"
                .into(),
        ),
    }
}

/// The host of an origin that a browser sends; `None` for apps and for what nobody sends.
pub(crate) fn host(origin: &str) -> Option<String> {
    let web = origin.starts_with("https://") || origin.starts_with("http://");
    let url = Url::parse(origin).ok().filter(|_| web)?;
    url.domain().map(Into::into)
}

/// Whether browsers have passkeys on a page of this origin, which is served without TLS.
pub(crate) fn is_insecure(origin: &str) -> bool {
    let local = |host: &str| host == "localhost" || host.ends_with(".localhost");
    origin.starts_with("http://") && host(origin).is_some_and(|host| !local(&host))
}

/// Whether `text` is an address and no name.
pub(crate) fn is_address(text: &str) -> bool {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    text.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok()
}

fn web(origin: &str) -> Option<String> {
    let (scheme, rest) = origin.split_once("://").unwrap_or_default();
    let (default, lower) = match scheme {
        "https" => (":443", true),
        "http" => (":80", true),
        _ => ("", false),
    };
    let port = rest.rsplit_once(':').map(|(_, port)| port);
    let port = port.filter(|port| !port.contains(']'));
    let host = rest.split([':', '/']).next().unwrap_or_default();
    let why = if !lower {
        "it is not written as browsers do"
    } else if rest.ends_with('/') && !rest.trim_end_matches('/').contains('/') {
        "it ends in a slash"
    } else if rest.contains(['/', '?', '#', '@', '\\']) {
        "it has more than scheme, host and port"
    } else if rest.bytes().any(|b| b.is_ascii_uppercase()) {
        "it has upper-case letters"
    } else if !rest.is_ascii() {
        "hosts are written in ASCII (xn--)"
    } else if !default.is_empty() && rest.ends_with(default) {
        "it names the port that goes without saying"
    } else if port == Some("") {
        "its port is missing behind the colon"
    } else if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        "its port is no number from 1 to 65535"
    } else if host.ends_with('.') {
        "its host ends in a dot"
    } else {
        return match Url::parse(origin) {
            Err(error) => Some(format!("it is no URL: {error}")),
            Ok(url) => match url.host() {
                Some(Host::Ipv4(_) | Host::Ipv6(_)) => {
                    Some("browsers sign for domains, never for addresses".into())
                }
                _ if url.origin().ascii_serialization() == origin => None,
                _ => Some(format!(
                    "it is not written as browsers do{}",
                    as_written(origin)
                )),
            },
        };
    };
    Some(format!("{why}{}", as_written(origin)))
}

/// How browsers would write what is meant.
fn as_written(meant: &str) -> String {
    let meant = meant.trim_end_matches(['/', '.', ':']);
    let written = Url::parse(meant).ok().filter(|url| url.domain().is_some());
    written.map_or_else(String::new, |url| {
        let origin = url.origin().ascii_serialization();
        format!("; browsers write {}", quote(&origin))
    })
}

/// `android:apk-key-hash:` and the SHA-256 of the certificate that signs the app.
fn android(origin: &str) -> Option<String> {
    const SCHEMES: [&str; 2] = ["android:apk-key-hash:", "android:apk-key-hash-sha256:"];
    let Some((scheme, hash)) = SCHEMES
        .iter()
        .find_map(|scheme| Some((scheme, origin.strip_prefix(scheme)?)))
    else {
        return Some("apps on Android send android:apk-key-hash: and a hash".into());
    };
    if from_base64url(hash).is_ok_and(|hash| hash.len() == 32) {
        return None;
    }
    // As keytool prints it, or in the other alphabet.
    let hex = from_hex(&hash.replace(':', "").to_ascii_lowercase()).ok();
    let url = hash
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    let meant = hex.or_else(|| from_base64url(&url).ok());
    let meant = meant.filter(|hash| hash.len() == 32);
    let meant = meant.map(|hash| format!(": {}", quote(&format!("{scheme}{}", base64url(&hash)))));
    Some(format!(
        "Android sends the SHA-256 of the app's certificate in base64url, without colons and \
         padding{}",
        meant.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_that_browsers_and_apps_send() {
        for origin in [
            "https://acme.com",
            "https://acme.com:8443",
            "https://xn--bcher-kva.example",
            "http://localhost:8080",
            "http://app.localhost",
            "https://acme",
            "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
            "android:apk-key-hash-sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
            "ios:bundle-id:com.acme.app",
            "chrome-extension://kbfdbeadlpdlikiedhgcaocceiehkgif",
            "moz-extension://2f9f5c5e-3c68-4a38-8d05-d5e4e8b7a3b1",
        ] {
            assert_eq!(fault(origin), None, "{origin}");
        }
    }

    #[test]
    fn origins_that_nobody_sends() {
        for (origin, expected) in [
            (
                "acme.com",
                "it has no scheme; browsers write \"https://acme.com\"",
            ),
            (
                "acme.com/",
                "it has no scheme; browsers write \"https://acme.com\"",
            ),
            (
                "acme.com:8443",
                "it has no scheme; browsers write \"https://acme.com:8443\"",
            ),
            ("localhost:8080", "it has no scheme"),
            ("//acme.com", "it has no scheme"),
            (" https://acme.com", "it has blanks in it"),
            ("https://acme.com\n", "it has blanks in it"),
            (
                "HTTPS://acme.com",
                "not written as browsers do; browsers write \"https://acme.com\"",
            ),
            (
                "https:/acme.com",
                "not written as browsers do; browsers write \"https://acme.com\"",
            ),
            (
                "https:acme.com",
                "not written as browsers do; browsers write \"https://acme.com\"",
            ),
            ("null", "sandboxes"),
            ("*", "letter by letter"),
            ("https://*.acme.com", "letter by letter"),
            ("file://", "the origin null"),
            ("https://", "no URL"),
            ("https://acme.com:", "its port is missing"),
            ("https://acme.com:99999", "no number from 1 to 65535"),
            ("https://acme.com:0", "no number from 1 to 65535"),
            ("https://acme.com:https", "no number from 1 to 65535"),
            (
                "https://acme.com:443",
                "goes without saying; browsers write \"https://acme.com\"",
            ),
            ("http://acme.com:80", "goes without saying"),
            (
                "https://acme.com/",
                "it ends in a slash; browsers write \"https://acme.com\"",
            ),
            (
                "https://acme.com/approve",
                "more than scheme, host and port",
            ),
            ("https://acme.com?x", "more than scheme, host and port"),
            ("https://user@acme.com", "more than scheme, host and port"),
            (
                "https://Acme.com",
                "upper-case letters; browsers write \"https://acme.com\"",
            ),
            (
                "https://acme.com.",
                "ends in a dot; browsers write \"https://acme.com\"",
            ),
            (
                "https://bücher.example",
                "xn--); browsers write \"https://xn--bcher-kva.example\"",
            ),
            ("https://127.0.0.1:8080", "never for addresses"),
            ("http://[::1]:8080", "never for addresses"),
            ("https://0x7f.1", "never for addresses"),
            (
                "https://acme.com:08443",
                "browsers write \"https://acme.com:8443\"",
            ),
            ("ftp://acme.com", "browsers send https://"),
            ("tauri://localhost", "browsers send https://"),
            (
                "android:apk-key-hash:14:6D:E9:83",
                "base64url, without colons and padding",
            ),
            (
                "android:apk-key-hash:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                "padding: \"android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"",
            ),
            (
                "android:apk-key-hash:E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55",
                "padding: \"android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"",
            ),
            ("android:com.acme.app", "android:apk-key-hash: and a hash"),
            ("ios:com.acme.app", "bundle id"),
            ("chrome-extension://", "its scheme, :// and its id"),
        ] {
            let found = fault(origin).unwrap_or_else(|| panic!("{origin}"));
            assert!(found.contains(expected), "{origin}: {found}");
        }
    }

    #[test]
    fn pages_without_tls_have_passkeys_on_localhost_only() {
        for (origin, insecure) in [
            ("http://acme.com", true),
            ("http://localhost.acme.com", true),
            ("http://localhost", false),
            ("http://app.localhost:3000", false),
            ("https://acme.com", false),
        ] {
            assert_eq!(is_insecure(origin), insecure, "{origin}");
        }
    }
}
