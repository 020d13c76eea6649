//! The members of the client data: type, challenge, origin, crossOrigin, topOrigin.

use super::{File, ORIGIN, Scene, scene};
use crate::Algorithm;
use crate::encoding::{b64url, flip, from_b64url, stray_bits};

pub(super) fn rows(file: &mut File) {
    for kind in [
        "webauthn.create",
        "payment.get",
        "webauthn.get ",
        " webauthn.get",
        "Webauthn.get",
        "webauthn.get\0",
        "webauthn",
        "",
    ] {
        file.invalid(
            format!("type {kind:?}"),
            scene(|s| s.ceremony.kind = kind.into()),
            "webauthn.type",
        );
    }

    let good = Scene::new(Algorithm::Es256).ceremony.challenge;
    let bytes = from_b64url(&good);
    for (name, challenge) in [
        ("empty", String::new()),
        ("with padding", format!("{good}==")),
        ("in the other alphabet", crate::encoding::b64(&bytes)),
        ("with a space at the end", format!("{good} ")),
        ("with stray bits at the end", stray_bits(&good)),
        ("of another ceremony", b64url(&flip(bytes.clone()))),
        ("without its last byte", b64url(&bytes[..bytes.len() - 1])),
        (
            "with a byte more in front",
            b64url(&[&[0], &bytes[..]].concat()),
        ),
        (
            "with a byte more behind",
            b64url(&[&bytes[..], &[0]].concat()),
        ),
        ("only the hash of the payload", b64url(&bytes[32..])),
        ("in hex", crate::encoding::hex(&bytes)),
        ("encoded twice", b64url(good.as_bytes())),
    ] {
        file.invalid(
            format!("challenge {name}"),
            scene(|s| s.ceremony.challenge = challenge),
            "webauthn.challenge",
        );
    }
    file.invalid(
        "challenge right further down only",
        scene(|s| {
            s.ceremony.challenge = b64url(&flip(bytes.clone()));
            s.ceremony.extra = vec![format!(r#""x":{{"challenge":"{good}"}}"#)];
        }),
        "webauthn.challenge",
    );

    file.valid(
        "origin: the second of two that are allowed",
        scene(|s| s.origins = vec!["https://other.example", ORIGIN]),
    );
    file.valid(
        "origin: an app's, which is no URL",
        scene(|s| {
            s.ceremony.origin = "android:apk-key-hash:AAAA".into();
            s.origins = vec!["android:apk-key-hash:AAAA"];
        }),
    );
    for origin in [
        "",
        "null",
        "approvals.example",
        "http://approvals.example",
        "https://approvals.example/",
        "https://approvals.example:443",
        "https://approvals.example:8443",
        "https://APPROVALS.example",
        "HTTPS://approvals.example",
        "https://approvals.example.",
        "https://approvals.example.evil.example",
        "https://evilapprovals.example",
        "https://www.approvals.example",
        "https://approvals.example@evil.example",
        "https://approvals.example\0",
        " https://approvals.example",
        "https://\u{430}pprovals.example",
    ] {
        file.invalid(
            format!("origin {origin:?}"),
            scene(|s| s.ceremony.origin = origin.into()),
            "webauthn.origin",
        );
    }
    file.invalid(
        "origin: allowed are only others",
        scene(|s| s.origins = vec!["https://a.example", "https://b.example"]),
        "webauthn.origin",
    );
    file.invalid(
        "origin: none is allowed",
        scene(|s| s.origins = vec![]),
        "webauthn.origin",
    );
    cross_origin(file);
}

fn cross_origin(file: &mut File) {
    let framed = |allow: bool, cross: Option<bool>, top: Option<&str>, tops: &[&'static str]| {
        scene(|s| {
            s.allow_cross_origin = allow;
            s.ceremony.cross_origin = cross;
            s.ceremony.top_origin = top.map(Into::into);
            s.top_origins = tops.to_vec();
        })
    };
    let top = "https://top.example";
    file.valid(
        "cross-origin: allowed, in a frame of a listed origin",
        framed(true, Some(true), Some(top), &[top]),
    );
    file.valid(
        "cross-origin: allowed, and the browser does not name the top origin",
        framed(true, Some(true), None, &[top]),
    );
    file.valid(
        "cross-origin: allowed and not used",
        framed(true, Some(false), None, &[top]),
    );
    for (name, input) in [
        ("not allowed", framed(false, Some(true), None, &[])),
        (
            "not allowed, though the top origin is listed",
            framed(false, Some(true), Some(top), &[top]),
        ),
        (
            "allowed in a frame of another origin",
            framed(true, Some(true), Some("https://evil.example"), &[top]),
        ),
        (
            "allowed, and no top origin is listed",
            framed(true, Some(true), Some(top), &[]),
        ),
        (
            "the top origin with a slash",
            framed(true, Some(true), Some("https://top.example/"), &[top]),
        ),
        (
            "a top origin without crossOrigin",
            framed(true, None, Some(top), &[top]),
        ),
        (
            "a top origin with crossOrigin false",
            framed(true, Some(false), Some(top), &[top]),
        ),
        (
            "not allowed, a listed top origin without crossOrigin",
            framed(false, None, Some(top), &[top]),
        ),
        (
            "a top origin that is the origin",
            framed(false, Some(false), Some(ORIGIN), &[]),
        ),
    ] {
        file.invalid(
            format!("cross-origin: {name}"),
            input,
            "webauthn.cross_origin",
        );
    }
}
