//! Keys and registrations as the field writes them, and advice that leads somewhere.

use test_vectors::encoding::{b64url, hex, sha256};
use test_vectors::passkey::cose;
use test_vectors::{Algorithm, Passkey};

use crate::fixtures::{Folder, Run};

const INIT: &str = "policy init -o mine.toml --name mine --rp-id approvals.example \
                    --origin https://approvals.example --no-log";
const ADD: &str = "policy add-approver mine.toml --name alice";
const CREATED: &str = r#"{"type":"webauthn.create","challenge":"AAAA","origin":"https://approvals.example","crossOrigin":false}"#;

fn passkey() -> Passkey {
    Passkey::new(Algorithm::Es256, "alice")
}

fn fingerprint(passkey: &Passkey) -> String {
    format!("SHA256:{}", b64url(&sha256(&passkey.public_key)))
}

/// A folder with a policy that has no approvers.
fn folder() -> Folder {
    let folder = Folder::empty();
    assert_eq!(folder.run(INIT).code, 0);
    folder
}

/// The authenticator data of a registration of this key.
fn attested(passkey: &Passkey, key: &[u8], flags: u8, tail: &[u8]) -> Vec<u8> {
    let id = &passkey.credential_id;
    let length = u16::try_from(id.len()).unwrap().to_be_bytes();
    [
        &sha256(b"approvals.example")[..],
        &[flags],
        &[0; 4],
        &[0; 16],
        &length,
        id,
        key,
        tail,
    ]
    .concat()
}

/// An attestation object: these members, in this order.
fn object(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0xa0 | u8::try_from(members.len()).unwrap()];
    for (name, value) in members {
        out.extend(cose::text(name));
        out.extend(value);
    }
    out
}

fn none(data: &[u8]) -> Vec<u8> {
    object(&[
        ("fmt", cose::text("none")),
        ("attStmt", vec![0xa0]),
        ("authData", cose::bytes(data)),
    ])
}

/// A registration JSON with these texts for its bytes.
fn registration(id: &str, raw_id: &str, object: &str, client_data: &str) -> String {
    format!(
        r#"{{"id":{id},"rawId":{raw_id},"type":"public-key","clientExtensionResults":{{}},"response":{{"attestationObject":{object},"clientDataJSON":{client_data},"transports":["usb"]}}}}"#
    )
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// As a browser writes it.
fn browser(passkey: &Passkey, object: &[u8]) -> String {
    let id = quoted(&b64url(&passkey.credential_id));
    let client_data = quoted(&b64url(CREATED.as_bytes()));
    registration(&id, &id, &quoted(&b64url(object)), &client_data)
}

fn padded(bytes: &[u8]) -> String {
    let text = b64url(bytes);
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    text + &padding
}

fn standard(bytes: &[u8]) -> String {
    padded(bytes).replace('-', "+").replace('_', "/")
}

fn numbers(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    format!("[{}]", numbers.join(","))
}

fn typed_array(bytes: &[u8]) -> String {
    let numbers = bytes.iter().enumerate();
    let members: Vec<String> = numbers.map(|(i, b)| format!("\"{i}\":{b}")).collect();
    format!("{{{}}}", members.join(","))
}

fn pem(passkey: &Passkey) -> String {
    let point = [&[4], &passkey.public_key[10..42], &passkey.public_key[45..]].concat();
    let prefix = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let prefix: Vec<u8> = (0..prefix.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap())
        .collect();
    let der = [prefix, point].concat();
    let body = standard(&der);
    let (first, second) = body.split_at(64);
    format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n")
}

fn jwk(passkey: &Passkey, more: &str) -> String {
    let (x, y) = (&passkey.public_key[10..42], &passkey.public_key[45..]);
    let (x, y) = (b64url(x), b64url(y));
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#)
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error as programs read it: nothing in it is wrapped.
fn error(run: &Run) -> serde_json::Value {
    assert_eq!(run.code, 2, "{}", run.transcript());
    serde_json::from_str(&run.stderr).unwrap()
}

/// The commands and options that an error advises, between backquotes.
fn advised(run: &Run) -> Vec<String> {
    let error = error(run);
    let pieces = error["next"].as_str().unwrap().split('`');
    pieces.skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn registrations_are_taken_however_their_envelope_is_written() {
    let passkey = passkey();
    let data = attested(&passkey, &passkey.public_key, 0x45, &[]);
    let (fmt, packed) = (cose::text("none"), cose::text("packed"));
    let bytes = cose::bytes(&data);
    let statement = |order: &[&str]| {
        let value = |name: &str| match name {
            "alg" => cose::int(-7),
            "x5c" => [&[0x81][..], &cose::bytes(&[0x79; 900])].concat(),
            _ => cose::bytes(&[0x78; 70]),
        };
        let members: Vec<(&str, Vec<u8>)> = order.iter().map(|n| (*n, value(n))).collect();
        object(&members)
    };
    let compound = [
        &[0x82][..],
        &object(&[
            ("fmt", packed.clone()),
            ("attStmt", statement(&["alg", "sig"])),
        ]),
        &object(&[
            ("fmt", packed.clone()),
            ("attStmt", statement(&["x5c", "alg", "sig"])),
        ]),
    ]
    .concat();
    // {"hmac-secret": true, "credProtect": 1}: the other order than CTAP2 wants.
    let outputs = [
        &[0xa2][..],
        &cose::text("hmac-secret"),
        &[0xf5],
        &cose::text("credProtect"),
        &[1],
    ]
    .concat();
    let extended = attested(&passkey, &passkey.public_key, 0xc5, &outputs);
    let reserved = attested(&passkey, &passkey.public_key, 0x67, &[]);
    for object in [
        none(&data),
        none(&extended),
        none(&reserved),
        object(&[
            ("authData", bytes.clone()),
            ("fmt", fmt.clone()),
            ("attStmt", vec![0xa0]),
        ]),
        object(&[
            ("fmt", packed.clone()),
            ("attStmt", statement(&["alg", "x5c", "sig"])),
            ("authData", bytes.clone()),
        ]),
        object(&[
            ("fmt", cose::text("compound")),
            ("attStmt", compound),
            ("authData", bytes),
        ]),
    ] {
        let folder = folder();
        folder.write("alice.json", browser(&passkey, &object));
        let run = folder.run(&format!("{ADD} --registration alice.json"));
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert!(
            run.stdout.contains(&fingerprint(&passkey)),
            "{}",
            run.stdout
        );
        assert!(!run.stdout.contains("WARNING"), "{}", run.stdout);
        let id = format!("credentialId = \"{}\"", b64url(&passkey.credential_id));
        assert!(folder.read("mine.toml").contains(&id));
        let run = folder.run("inspect alice.json");
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert!(
            run.stdout.contains("https://approvals.example"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn registrations_are_taken_in_the_encodings_in_which_servers_keep_them() {
    let passkey = passkey();
    let id = &passkey.credential_id;
    let object = none(&attested(&passkey, &passkey.public_key, 0x45, &[]));
    let client_data = CREATED.as_bytes();
    type Writer = dyn Fn(&[u8]) -> String;
    let writers: [&Writer; 8] = [
        &|bytes| quoted(&b64url(bytes)),
        &|bytes| quoted(&padded(bytes)),
        &|bytes| quoted(&standard(bytes)),
        &|bytes| quoted(&hex(bytes)),
        &|bytes| quoted(&hex(bytes).to_ascii_uppercase()),
        &|bytes| numbers(bytes),
        &|bytes| typed_array(bytes),
        &|bytes| format!("{{\"type\":\"Buffer\",\"data\":{}}}", numbers(bytes)),
    ];
    for write in writers {
        let mark = "\u{feff}";
        let text = registration(
            &quoted(&b64url(id)),
            &write(id),
            &write(&object),
            &write(client_data),
        );
        for text in [format!("{mark}{text}"), text] {
            let folder = folder();
            folder.edit(
                "mine.toml",
                "https://approvals.example",
                "https://other.example",
            );
            folder.write("alice.json", &text);
            let run = folder.run(&format!("{ADD} --registration alice.json"));
            assert_eq!(run.code, 0, "{text}\n{}", run.transcript());
            assert!(run.stdout.contains(&fingerprint(&passkey)));
            // The client data were read as well: their origin is another one.
            assert!(flat(&run.stdout).contains("was made on \"https://approvals.example\""));
        }
    }
}

#[test]
fn keys_are_taken_in_every_form_that_has_one_reading() {
    let passkey = passkey();
    let key = &passkey.public_key;
    let fixed = cose::fix_curve(key).unwrap();
    let pem = pem(&passkey);
    for text in [
        b64url(key),
        padded(key),
        standard(key),
        hex(key),
        hex(key).to_ascii_uppercase(),
        format!("0x{}", hex(key)),
        format!("\\x{}", hex(key)),
        quoted(&b64url(key)),
        numbers(key),
        typed_array(key),
        format!("{{\"type\":\"Buffer\",\"data\":{}}}", numbers(key)),
        b64url(&fixed),
        hex(&fixed),
        pem.clone(),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', "\\n"),
        pem.replace('\n', "\\r\\n"),
        pem.replace('\n', " "),
        pem.replace('\n', ""),
        quoted(&pem.replace('\n', "\\n")),
        format!("some words before\n{pem}"),
        jwk(&passkey, ""),
        jwk(&passkey, r#","alg":"ES256","use":"sig","kid":"x""#),
        jwk(&passkey, r#","alg":"ESP256""#),
        format!(r#"{{"keys":[{}]}}"#, jwk(&passkey, "")),
    ] {
        let folder = folder();
        folder.write("key.txt", format!("{text}\n"));
        for argument in ["key.txt", text.as_str()] {
            let before = folder.read("mine.toml");
            let args = ADD.split(' ').chain(["--key", argument]);
            let run = folder.run_args(args);
            assert_eq!(run.code, 0, "{argument}\n{}", run.transcript());
            assert!(run.stdout.contains(&fingerprint(&passkey)), "{argument}");
            folder.write("mine.toml", before);
        }
    }
}

#[test]
fn a_credential_id_is_never_taken_for_another_one() {
    let folder = folder();
    let key = b64url(&passkey().public_key);
    let add = |id: &str| folder.run(&format!("{ADD} --key {key} --credential-id {id}"));
    for id in ["abcd", "0123456789abcdef"] {
        let run = add(id);
        assert_eq!(run.code, 2, "{}", run.transcript());
        assert!(
            flat(&run.stderr).contains("hex or base64url"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(add("a%b").code, 2);
    for (id, kept) in [
        ("abcdefgh", "abcdefgh"),
        ("-_8=", "-_8"),
        ("+/8", "-_8"),
        ("000102030405060708090a0b0c0d0e0f", "AAECAwQFBgcICQoLDA0ODw"),
    ] {
        let before = folder.read("mine.toml");
        let run = add(id);
        assert_eq!(run.code, 0, "{}", run.transcript());
        let kept = format!("credentialId = \"{kept}\"");
        assert!(folder.read("mine.toml").contains(&kept), "{id}");
        folder.write("mine.toml", before);
    }
}

#[test]
fn records_of_server_libraries_are_named_and_their_advice_works() {
    let passkey = passkey();
    let (id, key) = (b64url(&passkey.credential_id), b64url(&passkey.public_key));
    let (x, y) = (&passkey.public_key[10..42], &passkey.public_key[45..]);
    for record in [
        // SimpleWebAuthn, now and before
        format!(r#"{{"id":"{id}","publicKey":"{key}","counter":0,"transports":["internal"]}}"#),
        format!(
            r#"{{"id":"{id}","publicKey":{},"counter":0}}"#,
            typed_array(&passkey.public_key)
        ),
        format!(r#"{{"credentialID":"{id}","credentialPublicKey":"{key}","counter":0}}"#),
        // py_webauthn
        format!(r#"{{"credential_id":"{id}","credential_public_key":"{key}","sign_count":0}}"#),
        // go-webauthn
        format!(
            r#"{{"id":"{}","publicKey":"{}","attestationType":"none","authenticator":{{"AAGUID":"AAAAAAAAAAAAAAAAAAAAAA==","signCount":0}}}}"#,
            standard(&passkey.credential_id),
            standard(&passkey.public_key)
        ),
        // webauthn-rs
        format!(
            r#"{{"cred":{{"cred_id":"{id}","cred":{{"type_":"ES256","key":{{"EC_EC2":{{"curve":"SECP256R1","x":"{}","y":"{}"}}}}}},"counter":0}}}}"#,
            b64url(x),
            b64url(y)
        ),
        // Fido2NetLib
        format!(
            r#"{{"Id":1,"CredentialId":"{}","PublicKey":"{}","SignCount":0}}"#,
            standard(&passkey.credential_id),
            standard(&passkey.public_key)
        ),
        // a database, with a PEM block; with a JWK
        format!(
            r#"{{"credential":{{"id":"{id}","public_key":"{}"}}}}"#,
            pem(&passkey).replace('\n', "\\n")
        ),
        format!(r#"{{"id":"{id}","publicKey":{}}}"#, jwk(&passkey, "")),
    ] {
        for option in ["--registration", "--key"] {
            let folder = folder();
            folder.write("record.json", &record);
            let run = folder.run(&format!("{ADD} {option} record.json --format json"));
            let said = error(&run)["message"].to_string();
            assert!(
                said.contains("the record of a credential"),
                "{record}\n{said}"
            );
            let advised = advised(&run);
            assert_eq!(advised, [format!("--key {key} --credential-id {id}")]);
            let run = folder.run(&format!("{ADD} {}", advised[0]));
            assert_eq!(run.code, 0, "{}", run.transcript());
            assert!(run.stdout.contains(&fingerprint(&passkey)));
        }
    }
}

/// Files that are no public key and no registration, or cannot be taken, and the words about them.
#[test]
fn everything_else_is_named_for_what_it_is() {
    let passkey = passkey();
    let data = attested(&passkey, &passkey.public_key, 0x45, &[]);
    let point = [&[4], &passkey.public_key[10..42], &passkey.public_key[45..]].concat();
    let ml_dsa = cose::map(&[
        (1, cose::int(7)),
        (3, cose::int(-48)),
        (-1, cose::bytes(&[1; 1312])),
    ]);
    let ml_dsa_data = attested(&passkey, &ml_dsa, 0x45, &[]);
    let label = |label: &str| {
        let body = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA";
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    let assertion = registration("\"AQ\"", "\"AQ\"", "\"AQ\"", "\"AQ\"")
        .replace("attestationObject", "authenticatorData")
        .replace("\"transports\":[\"usb\"]", "\"signature\":\"AQ\"");
    let lost = registration("\"AQ\"", "{}", "{}", "{}");
    let other_id = {
        let id = quoted(&b64url(b"another credential"));
        registration(&id, &id, &quoted(&b64url(&none(&data))), "\"e30\"")
    };
    for (option, text, message, next) in [
        (
            "--key",
            jwk(&passkey, r#","d":"AQ""#),
            "private key",
            "Keep it to yourself",
        ),
        (
            "--key",
            label("PRIVATE KEY"),
            "private key",
            "Keep it to yourself",
        ),
        (
            "--key",
            label("EC PRIVATE KEY"),
            "private key",
            "Keep it to yourself",
        ),
        (
            "--key",
            label("CERTIFICATE"),
            "a certificate",
            "--registration FILE",
        ),
        (
            "--key",
            label("PGP PUBLIC KEY BLOCK"),
            "not a PUBLIC KEY",
            "toJSON()",
        ),
        (
            "--key",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA x@y".into(),
            "SSH key",
            "--registration FILE",
        ),
        ("--key", hex(&point), "a bare point", "with its algorithm"),
        ("--key", hex(&[7; 32]), "bare bytes", "with its algorithm"),
        (
            "--key",
            hex(&ml_dsa),
            "(ML-DSA-44) is not supported yet",
            "Register a passkey of another kind",
        ),
        (
            "--key",
            jwk(&passkey, r#","alg":"ES512""#),
            "for another algorithm",
            "contradict each other",
        ),
        (
            "--key",
            jwk(&passkey, "").replace("P-256", "secp256k1"),
            "of a kind that we do not",
            "another kind",
        ),
        (
            "--key",
            r#"{"keys":[]}"#.into(),
            "a JWK Set",
            "Leave the JWK",
        ),
        ("--key", "{\"a\":1}".into(), "no Uint8Array", "toJSON()"),
        ("--key", "{".into(), "not strict JSON", "toJSON()"),
        (
            "--key",
            b64url(&passkey.public_key[..70]),
            "ends inside an item",
            "toJSON()",
        ),
        (
            "--key",
            format!("{}+", b64url(&passkey.public_key)),
            "two alphabets",
            "toJSON()",
        ),
        (
            "--registration",
            assertion,
            "an assertion",
            "navigator.credentials.create()",
        ),
        ("--registration", lost, "ArrayBuffer", "credential.toJSON()"),
        (
            "--registration",
            browser(&passkey, &none(&ml_dsa_data)),
            "not supported yet",
            "another kind",
        ),
        (
            "--registration",
            other_id,
            "its JSON says",
            "Do not add this key",
        ),
        (
            "--registration",
            browser(&passkey, &[0xa0]),
            "not a map with fmt",
            "Register the passkey again",
        ),
        ("--registration", "{}".into(), "has no response", "toJSON()"),
        (
            "--registration",
            "[]".into(),
            "an array instead of an object",
            "toJSON()",
        ),
        (
            "--registration",
            "hello".into(),
            "not strict JSON",
            "toJSON()",
        ),
    ] {
        let folder = folder();
        folder.write("input", &text);
        let run = folder.run(&format!("{ADD} {option} input --format json"));
        let error = error(&run);
        assert_eq!(error["code"], "key.form", "{error}");
        for (member, expected) in [("message", message), ("next", next)] {
            let said = error[member].as_str().unwrap();
            assert!(said.contains(expected), "{expected}: {error}");
        }
    }
}

/// Each piece of advice that names an option or a command is followed, and leads to the key.
#[test]
fn advice_that_is_followed_leads_to_the_key() {
    let passkey = passkey();
    let data = attested(&passkey, &passkey.public_key, 0x45, &[]);
    let registration = browser(&passkey, &none(&data));
    for (option, text) in [
        ("--key", registration.clone()),
        ("--registration", b64url(&passkey.public_key)),
        ("--registration", pem(&passkey)),
        ("--registration", jwk(&passkey, "")),
        ("--registration", typed_array(&passkey.public_key)),
    ] {
        let folder = folder();
        folder.write("input", &text);
        let run = folder.run(&format!("{ADD} {option} input --format json"));
        let advised = advised(&run);
        assert_ne!(advised[0], option, "{}", run.stderr);
        let run = folder.run(&format!("{ADD} {} input", advised[0]));
        assert_eq!(run.code, 0, "{text}\n{}", run.transcript());
        assert!(run.stdout.contains(&fingerprint(&passkey)));
    }
    for bytes in [none(&data), data] {
        let folder = folder();
        folder.write("input", &bytes);
        let run = folder.run(&format!("{ADD} --key input --format json"));
        let advised = advised(&run);
        let last = advised.last().unwrap();
        let run = folder.run(&format!("{ADD} {last}"));
        assert_eq!(run.code, 0, "{}", run.transcript());
        assert!(run.stdout.contains(&fingerprint(&passkey)));
    }
    // A key that is there already: the advice shows it.
    let folder = folder();
    folder.write("alice.json", &registration);
    assert_eq!(
        folder.run(&format!("{ADD} --registration alice.json")).code,
        0
    );
    let run = folder.run(&format!("{ADD} --registration alice.json --format json"));
    let command = advised(&run)[0].replace("cosignet ", "");
    let run = folder.run(&command);
    assert_eq!(run.code, 0, "{}", run.transcript());
    assert!(run.stdout.contains(&fingerprint(&passkey)));
}

#[test]
fn a_registration_of_another_place_is_warned_of() {
    let passkey = passkey();
    let data = attested(&passkey, &passkey.public_key, 0x45, &[]);
    for (edit, warnings) in [
        (("", ""), &[][..]),
        (
            (
                "https://approvals.example",
                "https://approvals.example:8443",
            ),
            &["was made on \"https://approvals.example\""][..],
        ),
        (
            (
                "rpIds = [\"approvals.example\"]",
                "rpIds = [\"other.example\"]",
            ),
            &["for another relying party than \"other.example\""],
        ),
        (
            ("approvals.example", "other.example"),
            &["for another relying party than \"other.example\""],
        ),
    ] {
        let folder = folder();
        folder.edit("mine.toml", edit.0, edit.1);
        folder.write("alice.json", browser(&passkey, &none(&data)));
        let run = folder.run(&format!("{ADD} --registration alice.json --format json"));
        assert_eq!(run.code, 0, "{}", run.transcript());
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let found = report["warnings"].as_array().unwrap();
        assert_eq!(found.len(), warnings.len(), "{}", run.stdout);
        for (found, expected) in found.iter().zip(warnings) {
            assert!(found.as_str().unwrap().contains(expected), "{found}");
        }
    }
}

/// Files that were given out like this are not called edited, and nobody is told to throw them
/// away.
#[test]
fn evidence_stays_strict_and_its_advice_fits() {
    let folder = Folder::empty();
    let passkey = passkey();
    folder.write("policy.toml", "name = \"x\"\nlog = \"none\"\n[webauthn]\nrpIds = [\"approvals.example\"]\norigins = [\"https://approvals.example\"]\n");
    let id = &passkey.credential_id;
    let assertion = format!(
        r#"{{"id":"{}","rawId":"{}","type":"public-key","response":{{"authenticatorData":"AA","clientDataJSON":"e30","signature":"MA"}}}}"#,
        b64url(id),
        padded(id)
    );
    let answer = format!(
        r#"{{"status":"approved","payloadHash":"{}","credentialId":"{}","rawAssertion":{assertion}}}"#,
        "00".repeat(32),
        b64url(id)
    );
    folder.write("approval.json", answer);
    let run = folder.run("verify approval.json --policy policy.toml");
    assert_eq!(run.code, 3, "{}", run.transcript());
    let said = flat(&run.transcript());
    for part in [
        "rawId",
        "padded",
        "bundle.base64",
        "nothing has to be approved again",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
