//! `webauthn.assertion`: each check fails by itself, with everything else properly signed.

use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

use super::File;
use crate::ceremony::{AT, BE, BS, ED, UP, UV};
use crate::encoding::{b64url, flip, from_b64url, sha256, stray_bits};
use crate::passkey::cose;
use crate::{Algorithm, Assertion, Ceremony, Passkey};

const RP_ID: &str = "approvals.example";
const ORIGIN: &str = "https://approvals.example";

/// A ceremony, who signs it, and what the verifier expects.
struct Scene {
    passkey: Passkey,
    ceremony: Ceremony,
    challenge: Vec<u8>,
    origins: Vec<&'static str>,
    user_verification: &'static str,
    allow_cross_origin: bool,
    top_origins: Vec<&'static str>,
}

impl Scene {
    fn new(algorithm: Algorithm) -> Self {
        let nonce = crate::encoding::pseudo_random("assertion nonce");
        let ceremony = Ceremony::new(RP_ID, ORIGIN, &nonce, b"payload");
        Self {
            passkey: Passkey::new(algorithm, "assertion"),
            challenge: from_b64url(&ceremony.challenge),
            ceremony,
            origins: vec![ORIGIN],
            user_verification: "required",
            allow_cross_origin: false,
            top_origins: Vec::new(),
        }
    }

    fn assertion(&self) -> Assertion {
        self.ceremony.sign(&self.passkey)
    }

    fn input(&self) -> Value {
        self.input_of(&self.assertion())
    }

    fn input_of(&self, assertion: &Assertion) -> Value {
        json!({
            "publicKey": b64url(&assertion.public_key),
            "authenticatorData": b64url(&assertion.authenticator_data),
            "clientDataJSON": b64url(&assertion.client_data_json),
            "signature": b64url(&assertion.signature),
            "challenge": b64url(&self.challenge),
            "rpId": RP_ID,
            "origins": self.origins,
            "userVerification": self.user_verification,
            "allowCrossOrigin": self.allow_cross_origin,
            "topOrigins": self.top_origins,
        })
    }
}

fn scene(edit: impl FnOnce(&mut Scene)) -> Value {
    let mut scene = Scene::new(Algorithm::Es256);
    edit(&mut scene);
    scene.input()
}

pub(super) fn generated() -> File {
    let mut file = File::new(
        "webauthn.assertion",
        "generated",
        "one good assertion for each algorithm, and for each check of WebAuthn L3 §7.2 assertions \
         that are signed properly and fail that check alone",
    );
    for algorithm in Algorithm::ALL {
        file.valid(
            format!("a good assertion, {}", algorithm.name()),
            Scene::new(algorithm).input(),
        );
    }
    keys(&mut file);
    signatures(&mut file);
    client_data(&mut file);
    members(&mut file);
    cross_origin(&mut file);
    authenticator_data(&mut file);
    file
}

/// Keys that nobody should verify with. The signature is by the real key wherever there is one.
fn keys(file: &mut File) {
    use Algorithm::{EdDsa, Es256, Rs256};

    let es256 = Passkey::new(Es256, "assertion").public_key;
    let (x, y) = (&es256[10..42], &es256[45..77]);
    let ed25519 = Passkey::new(EdDsa, "assertion").public_key[10..].to_vec();
    let rsa = Passkey::new(Rs256, "assertion").public_key;
    let n = &rsa[11..267];
    let mut identity = vec![0; 32];
    identity[0] = 1;
    // y = p + 3: another encoding of y = 3.
    let mut non_canonical = vec![0xff; 32];
    non_canonical[0] = 0xf0;
    non_canonical[31] = 0x7f;
    let (int, bytes, map) = (cose::int, cose::bytes, cose::map);
    let ec2 = |alg: Vec<u8>, crv: Vec<u8>| {
        map(&[
            (1, int(2)),
            (3, alg),
            (-1, crv),
            (-2, bytes(x)),
            (-3, bytes(y)),
        ])
    };

    let bad = "webauthn.bad_key";
    let unsupported = "webauthn.unsupported_algorithm";
    let rows: Vec<(&str, Algorithm, Vec<u8>, &str)> = vec![
        ("empty", Es256, vec![], bad),
        ("no CBOR", Es256, b"not a key".to_vec(), bad),
        ("an empty map", Es256, map(&[]), bad),
        ("a byte too short", Es256, es256[..76].to_vec(), bad),
        ("a byte too long", Es256, [&es256[..], &[0]].concat(), bad),
        (
            "y of another point",
            Es256,
            cose::ec2(-7, 1, x, &flip(y.to_vec())),
            bad,
        ),
        (
            "x = y = 0",
            Es256,
            cose::ec2(-7, 1, &[0; 32], &[0; 32]),
            bad,
        ),
        (
            "x larger than the field",
            Es256,
            cose::ec2(-7, 1, &[0xff; 32], y),
            bad,
        ),
        (
            "x with a leading zero",
            Es256,
            cose::ec2(-7, 1, &[&[0], x].concat(), y),
            bad,
        ),
        ("x a byte short", Es256, cose::ec2(-7, 1, &x[..31], y), bad),
        (
            "a compressed point",
            Es256,
            map(&[
                (1, int(2)),
                (3, int(-7)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-3, vec![0xf5]),
            ]),
            bad,
        ),
        (
            "no y",
            Es256,
            map(&[(1, int(2)), (3, int(-7)), (-1, int(1)), (-2, bytes(x))]),
            bad,
        ),
        (
            "no algorithm",
            Es256,
            map(&[(1, int(2)), (-1, int(1)), (-2, bytes(x)), (-3, bytes(y))]),
            bad,
        ),
        (
            "no key type",
            Es256,
            map(&[(3, int(-7)), (-1, int(1)), (-2, bytes(x)), (-3, bytes(y))]),
            bad,
        ),
        (
            "the algorithm as text",
            Es256,
            ec2(cose::text("ES256"), int(1)),
            bad,
        ),
        (
            "ES256 on the curve of ES384",
            Es256,
            ec2(int(-7), int(2)),
            bad,
        ),
        ("ES256 on secp256k1", Es256, ec2(int(-7), int(8)), bad),
        (
            "RS256 with a key on a curve",
            Es256,
            ec2(int(-257), int(1)),
            bad,
        ),
        (
            "EdDSA with a key on P-256",
            Es256,
            ec2(int(-8), int(1)),
            bad,
        ),
        (
            "members in the wrong order",
            Es256,
            map(&[
                (3, int(-7)),
                (1, int(2)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-3, bytes(y)),
            ]),
            bad,
        ),
        (
            "a member twice",
            Es256,
            map(&[
                (1, int(2)),
                (3, int(-7)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-2, bytes(x)),
                (-3, bytes(y)),
            ]),
            bad,
        ),
        (
            "a member too many",
            Es256,
            map(&[
                (1, int(2)),
                (3, int(-7)),
                (-1, int(1)),
                (-2, bytes(x)),
                (-3, bytes(y)),
                (-4, bytes(&[7; 32])),
            ]),
            bad,
        ),
        (
            "an integer longer than it needs",
            Es256,
            ec2(vec![0x38, 0x06], int(1)),
            bad,
        ),
        (
            "a map of indefinite length",
            Es256,
            [&[0xbf], &es256[1..], &[0xff]].concat(),
            bad,
        ),
        (
            "a tag around the map",
            Es256,
            [&[0xd8, 0x98], &es256[..]].concat(),
            bad,
        ),
        (
            "Ed25519, the point that is the identity",
            EdDsa,
            cose::okp(-8, 6, &identity),
            bad,
        ),
        (
            "Ed25519, the point of order two",
            EdDsa,
            {
                let mut y = [0xff; 32];
                y[0] = 0xec;
                y[31] = 0x7f;
                cose::okp(-8, 6, &y)
            },
            bad,
        ),
        (
            "Ed25519, y not reduced",
            EdDsa,
            cose::okp(-8, 6, &non_canonical),
            bad,
        ),
        (
            "Ed25519, 31 bytes",
            EdDsa,
            cose::okp(-8, 6, &ed25519[..31]),
            bad,
        ),
        (
            "X25519 instead of Ed25519",
            EdDsa,
            cose::okp(-8, 4, &ed25519),
            bad,
        ),
        ("RSA with exponent 1", Rs256, cose::rsa(-257, n, &[1]), bad),
        ("RSA with exponent 3", Rs256, cose::rsa(-257, n, &[3]), bad),
        (
            "RSA with an even exponent",
            Rs256,
            cose::rsa(-257, n, &[1, 0, 0]),
            bad,
        ),
        (
            "RSA with 1024 bits",
            Rs256,
            cose::rsa(-257, &[&n[..127], &n[255..]].concat(), &[1, 0, 1]),
            bad,
        ),
        (
            "RSA with 2047 bits",
            Rs256,
            {
                let mut n = n.to_vec();
                n[0] = 0x7f;
                cose::rsa(-257, &n, &[1, 0, 1])
            },
            bad,
        ),
        (
            "RSA with an even modulus",
            Rs256,
            cose::rsa(-257, &flip(n.to_vec()), &[1, 0, 1]),
            bad,
        ),
        (
            "RSA with a modulus of 16,384 bits",
            Rs256,
            cose::rsa(-257, &[0xff; 2048], &[1, 0, 1]),
            bad,
        ),
        (
            "RSA with a leading zero",
            Rs256,
            cose::rsa(-257, &[&[0], n].concat(), &[1, 0, 1]),
            bad,
        ),
        (
            "ESP256, the fully specified name of ES256",
            Es256,
            cose::ec2(-9, 1, x, y),
            unsupported,
        ),
        ("ES256K", Es256, cose::ec2(-47, 8, x, y), unsupported),
        ("PS256", Rs256, cose::rsa(-37, n, &[1, 0, 1]), unsupported),
        ("RS1", Rs256, cose::rsa(-65535, n, &[1, 0, 1]), unsupported),
        ("Ed448", EdDsa, cose::okp(-53, 7, &[7; 57]), unsupported),
        (
            "ML-DSA-44",
            EdDsa,
            map(&[(1, int(7)), (3, int(-48)), (-1, bytes(&[7; 1312]))]),
            unsupported,
        ),
    ];
    for (name, algorithm, key, code) in rows {
        let scene = Scene::new(algorithm);
        let mut assertion = scene.assertion();
        assertion.public_key = key;
        file.invalid(format!("key: {name}"), scene.input_of(&assertion), code);
    }
    let scene = Scene::new(EdDsa);
    let mut forged = scene.assertion();
    forged.public_key = cose::okp(-8, 6, &identity);
    forged.signature = [&identity[..], &[0; 32]].concat();
    file.invalid(
        "key: the identity, and a signature that any message has under it",
        scene.input_of(&forged),
        bad,
    );
}

fn signatures(file: &mut File) {
    for algorithm in Algorithm::ALL {
        let scene = Scene::new(algorithm);
        let name = algorithm.name();
        let good = scene.assertion();
        let mut rows: Vec<(&str, Vec<u8>)> = vec![
            ("empty", vec![]),
            ("a bit flipped", flip(good.signature.clone())),
            ("a byte at the end", [&good.signature[..], &[0]].concat()),
            (
                "the last byte missing",
                good.signature[..good.signature.len() - 1].to_vec(),
            ),
            ("over other bytes", scene.passkey.sign(b"other bytes")),
            (
                "over the hash of the client data alone",
                scene.passkey.sign(&sha256(&good.client_data_json)),
            ),
            (
                "over the authenticator data alone",
                scene.passkey.sign(&good.authenticator_data),
            ),
        ];
        if algorithm == Algorithm::EdDsa {
            let (r, s) = good.signature.split_at(32);
            rows.push(("S not reduced", [r, &plus_group_order(s)].concat()));
        }
        if algorithm == Algorithm::Rs256 {
            let key = rsa_public_key(&good.public_key);
            rows.push(("the modulus itself", key.n_bytes().to_vec()));
            rows.push(("one", [vec![0; 255], vec![1]].concat()));
        }
        for (what, signature) in rows {
            let assertion = Assertion {
                signature,
                ..good.clone()
            };
            file.invalid(
                format!("signature, {name}: {what}"),
                scene.input_of(&assertion),
                "webauthn.bad_signature",
            );
        }
        let mut assertion = good.clone();
        assertion.authenticator_data[36] ^= 1;
        file.invalid(
            format!("signature, {name}: the counter was changed"),
            scene.input_of(&assertion),
            "webauthn.bad_signature",
        );
        let mut assertion = good.clone();
        assertion.client_data_json.push(b' ');
        file.invalid(
            format!("signature, {name}: a space was added to the client data"),
            scene.input_of(&assertion),
            "webauthn.bad_signature",
        );
    }
    ecdsa_signatures(file);

    let other = Passkey::new(Algorithm::Es256, "somebody else");
    let scene = Scene::new(Algorithm::Es256);
    let mut assertion = scene.assertion();
    assertion.public_key = other.public_key;
    file.invalid(
        "signature: by another key",
        scene.input_of(&assertion),
        "webauthn.bad_signature",
    );
}

fn ecdsa_signatures(file: &mut File) {
    let scene = Scene::new(Algorithm::Es256);
    let good = scene.assertion();
    let signature = p256::ecdsa::Signature::from_der(&good.signature).unwrap();
    let (r, s) = signature.split_scalars();
    let other = p256::ecdsa::Signature::from_scalars(r, -s).unwrap();
    let with = |signature: &[u8]| {
        scene.input_of(&Assertion {
            signature: signature.to_vec(),
            ..good.clone()
        })
    };
    file.valid(
        "signature: n - s instead of s, which is as good",
        with(other.to_der().as_bytes()),
    );
    let raw = signature.to_bytes();
    let (r, s) = raw.split_at(32);
    // The order of P-256.
    let n = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (r, s) = (unsigned(r), unsigned(s));
    let long_form = {
        let mut der = sequence(&[integer(&r), integer(&s)].concat());
        let length = der[1];
        der.splice(1..2, [0x81, length]);
        der
    };
    let rows: Vec<(&str, Vec<u8>)> = vec![
        (
            "r = s = 0",
            sequence(&[integer(&[0]), integer(&[0])].concat()),
        ),
        ("r = 0", sequence(&[integer(&[0]), integer(&s)].concat())),
        ("s = 0", sequence(&[integer(&r), integer(&[0])].concat())),
        (
            "r = n",
            sequence(&[integer(&unsigned(&n)), integer(&s)].concat()),
        ),
        (
            "s = n",
            sequence(&[integer(&r), integer(&unsigned(&n))].concat()),
        ),
        (
            "r negative",
            sequence(&[integer(&[0xff]), integer(&s)].concat()),
        ),
        (
            "a leading zero",
            sequence(&[integer(&[&[0, 0], &r[..]].concat()), integer(&s)].concat()),
        ),
        (
            "r of 33 bytes",
            sequence(&[integer(&[1; 33]), integer(&s)].concat()),
        ),
        ("length in the long form", long_form),
        ("r and s without DER", raw.to_vec()),
        (
            "three numbers",
            sequence(&[integer(&r), integer(&s), integer(&[1])].concat()),
        ),
        ("a set instead of a sequence", {
            let mut der = good.signature.clone();
            der[0] = 0x31;
            der
        }),
    ];
    for (name, signature) in rows {
        file.invalid(
            format!("signature, DER: {name}"),
            with(&signature),
            "webauthn.bad_signature",
        );
    }
}

/// Client data that are signed as they are, and not what a browser writes.
fn client_data(file: &mut File) {
    let good = Scene::new(Algorithm::Es256).ceremony.client_data_json();
    let good = String::from_utf8(good).unwrap();
    let challenge = Scene::new(Algorithm::Es256).ceremony.challenge;
    let raw = |bytes: Vec<u8>| scene(|s| s.ceremony.client_data_json = Some(bytes));
    let text = |text: String| raw(text.into_bytes());
    let and = |extra: &str| text(good.replacen('}', &format!(",{extra}}}"), 1));
    let deep = |n: usize| format!("\"deep\":{}{}", "[".repeat(n), "]".repeat(n));

    for (name, input) in [
        (
            "unknown members",
            and(r#""other_keys_can_be_added_here":"do not compare","n":[1,{}]"#),
        ),
        (
            "crossOrigin left out",
            scene(|s| s.ceremony.cross_origin = None),
        ),
        (
            "tokenBinding, which is obsolete",
            and(r#""tokenBinding":{"status":"supported"}"#),
        ),
        (
            "white space between the tokens",
            text(good.replace(',', ",\n  ")),
        ),
        (
            "members in another order",
            text(format!(
                r#"{{"origin":"{ORIGIN}","challenge":"{challenge}","type":"webauthn.get"}}"#
            )),
        ),
        (
            "escapes that mean the same",
            text(good.replace("https://", "https:\\/\\u002f")),
        ),
        (
            "the name of a member inside a string",
            and(r#""x":"\"challenge\":\"AAAA\"""#),
        ),
        (
            "a member of the same name further down",
            and(r#""x":{"origin":"https://evil.example"}"#),
        ),
    ] {
        file.valid(format!("client data: {name}"), input);
    }
    let rows = vec![
        ("empty", raw(vec![])),
        ("no JSON", text("client data".into())),
        ("an array", text(format!("[{good}]"))),
        ("a byte order mark", text(format!("\u{feff}{good}"))),
        ("a brace missing", text(good.trim_end_matches('}').into())),
        ("something behind it", text(format!("{good}{{}}"))),
        ("a byte of zero behind it", text(format!("{good}\0"))),
        ("single quotes", text(good.replace('"', "'"))),
        ("a comment", text(format!("{good}// that is all"))),
        ("a trailing comma", text(good.replace('}', ",}"))),
        (
            "not UTF-8",
            raw([good.replacen('}', ",\"x\":\"", 1).as_bytes(), b"\xff\"}"].concat()),
        ),
        (
            "an overlong encoding",
            raw([
                good.replacen('}', ",\"x\":\"", 1).as_bytes(),
                b"\xc0\xaf\"}",
            ]
            .concat()),
        ),
        (
            "UTF-16",
            raw(good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ),
        ("a lone surrogate", and(r#""x":"\ud800""#)),
        ("a control character in a string", and("\"x\":\"\u{1}\"")),
        (
            "the challenge twice, the same",
            and(&format!(r#""challenge":"{challenge}""#)),
        ),
        (
            "the challenge twice, the wrong one first",
            text(good.replacen("\"challenge\"", "\"challenge\":\"AAAA\",\"challenge\"", 1)),
        ),
        (
            "the challenge twice, the wrong one last",
            and(r#""challenge":"AAAA""#),
        ),
        (
            "the challenge twice, once behind an escape",
            and(r#""\u0063hallenge":"AAAA""#),
        ),
        (
            "the origin twice",
            and(r#""origin":"https://evil.example""#),
        ),
        ("the type twice", and(r#""type":"webauthn.create""#)),
        ("crossOrigin twice", and(r#""crossOrigin":true"#)),
        ("an unknown member twice", and(r#""x":1,"x":2"#)),
        ("a member twice further down", and(r#""x":{"y":1,"y":2}"#)),
        (
            "without the type",
            text(good.replace("\"type\":\"webauthn.get\",", "")),
        ),
        (
            "without the challenge",
            text(good.replace(&format!("\"challenge\":\"{challenge}\","), "")),
        ),
        (
            "without the origin",
            text(good.replace(&format!("\"origin\":\"{ORIGIN}\","), "")),
        ),
        (
            "the type is a number",
            text(good.replace("\"webauthn.get\"", "1")),
        ),
        (
            "the type in an array",
            text(good.replace("\"webauthn.get\"", "[\"webauthn.get\"]")),
        ),
        (
            "the challenge is null",
            text(good.replace(&format!("\"{challenge}\""), "null")),
        ),
        (
            "the origin in an array",
            text(good.replace(&format!("\"{ORIGIN}\""), &format!("[\"{ORIGIN}\"]"))),
        ),
        (
            "crossOrigin is text",
            text(good.replace("false", "\"false\"")),
        ),
        ("crossOrigin is null", text(good.replace("false", "null"))),
        ("crossOrigin is a number", text(good.replace("false", "0"))),
        ("topOrigin is a boolean", and(r#""topOrigin":false"#)),
        ("a hundred thousand brackets", and(&deep(100_000))),
    ];
    for (name, input) in rows {
        file.invalid(
            format!("client data: {name}"),
            input,
            "webauthn.client_data_form",
        );
    }
}

fn members(file: &mut File) {
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

fn authenticator_data(file: &mut File) {
    let flags = |flags: u8| scene(|s| s.ceremony.flags = flags);
    let extended = |flags: u8, tail: &[u8]| {
        scene(|s| {
            s.ceremony.flags = UP | UV | flags;
            s.ceremony.tail = tail.to_vec();
        })
    };
    let output = [&[0xa1][..], &cose::text("example"), &[0xf5]].concat();
    let deep = [&[0xa1][..], &cose::text("deep"), &[0x81; 2000], &[0x80]].concat();
    let credential = [
        &[0; 16][..],
        &[0, 4],
        b"cred",
        &Passkey::new(Algorithm::Es256, "x").public_key,
    ]
    .concat();

    file.valid("flags: eligible for backup", flags(UP | UV | BE));
    file.valid("flags: backed up", flags(UP | UV | BE | BS));
    file.valid(
        "authenticator data: with an extension output",
        extended(ED, &output),
    );
    file.valid(
        "authenticator data: the largest counter",
        scene(|s| s.ceremony.sign_count = u32::MAX),
    );
    file.valid(
        "user verification: preferred and not done",
        scene(|s| {
            s.ceremony.flags = UP;
            s.user_verification = "preferred";
        }),
    );
    let raw = |bytes: Vec<u8>| scene(|s| s.ceremony.authenticator_data = Some(bytes));
    let good = Scene::new(Algorithm::Es256).ceremony.authenticator_data();
    for (name, input) in [
        ("empty", raw(vec![])),
        ("36 bytes", raw(good[..36].to_vec())),
        ("a byte too many", raw([&good[..], &[0]].concat())),
        ("extensions announced and missing", flags(UP | UV | ED)),
        ("extensions not announced", extended(0, &output)),
        (
            "extensions cut short",
            extended(ED, &output[..output.len() - 1]),
        ),
        (
            "something behind the extensions",
            extended(ED, &[&output[..], &[0]].concat()),
        ),
        (
            "two maps of extensions",
            extended(ED, &[&output[..], &output].concat()),
        ),
        ("extensions in an array", extended(ED, &[0x81, 0x01])),
        (
            "extensions of indefinite length",
            extended(ED, &[&[0xbf][..], &output[1..], &[0xff]].concat()),
        ),
        ("extensions two thousand levels deep", extended(ED, &deep)),
        (
            "a map that claims 2^64 - 1 members",
            extended(ED, &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ),
        ("attested credential data", extended(AT, &credential)),
        (
            "attested credential data announced and missing",
            flags(UP | UV | AT),
        ),
        ("reserved bit 1", flags(UP | UV | 0x02)),
        ("reserved bit 5", flags(UP | UV | 0x20)),
        ("backed up but not eligible", flags(UP | UV | BS)),
    ] {
        file.invalid(
            format!("authenticator data: {name}"),
            input,
            "webauthn.authenticator_data",
        );
    }
    for rp_id in [
        "other.example",
        "example",
        "www.approvals.example",
        "APPROVALS.example",
        "approvals.example.",
        "https://approvals.example",
        "",
    ] {
        file.invalid(
            format!("RP id {rp_id:?}"),
            scene(|s| s.ceremony.rp_id = rp_id.into()),
            "webauthn.rp_id",
        );
    }
    file.invalid(
        "user presence: missing",
        flags(UV),
        "webauthn.user_presence",
    );
    file.invalid(
        "user presence: missing, and user verification is only preferred",
        scene(|s| {
            s.ceremony.flags = 0;
            s.user_verification = "preferred";
        }),
        "webauthn.user_presence",
    );
    file.invalid(
        "user verification: missing",
        flags(UP),
        "webauthn.user_verification",
    );
}

fn rsa_public_key(cose: &[u8]) -> rsa::RsaPublicKey {
    let n = rsa::BoxedUint::from_be_slice(&cose[11..267], 2048).unwrap();
    rsa::RsaPublicKey::new(n, rsa::BoxedUint::from(65537_u64)).unwrap()
}

/// `s + L`, where L is the order of the group of Ed25519, both little-endian.
fn plus_group_order(s: &[u8]) -> Vec<u8> {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    s.iter()
        .zip(L)
        .map(|(a, b)| {
            let sum = u16::from(*a) + u16::from(b) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect()
}

fn sequence(content: &[u8]) -> Vec<u8> {
    [&[0x30, content.len().try_into().unwrap()], content].concat()
}

fn integer(content: &[u8]) -> Vec<u8> {
    [&[0x02, content.len().try_into().unwrap()], content].concat()
}

/// The content of a DER INTEGER for a big-endian number.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|b| *b != 0).unwrap_or(0);
    let digits = &number[start..];
    match digits[0] {
        0x80.. => [&[0], digits].concat(),
        _ => digits.to_vec(),
    }
}
