//! Another reader of the browser's JSON, less strict than ours: whatever ours accepts, it accepts
//! too, and sees the same bytes.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // these are tests

use proptest::prelude::*;
use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json;
use verifier_core::hazmat::webauthn::AssertionJson;
use webauthn_rs_proto::PublicKeyCredential;

/// Compares both readers; says whether ours accepted.
fn compare(text: &str) -> Result<bool, TestCaseError> {
    let Ok(value) = json::Value::parse(text.as_bytes(), json::Limits::bytes(1 << 20)) else {
        return Ok(false);
    };
    let Ok(ours) = AssertionJson::from_value(&value) else {
        return Ok(false);
    };
    // They read userHandle, which we do not use and so do not read.
    let mut used: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| TestCaseError::fail(format!("only we accept {text}: {error}")))?;
    if let Some(response) = used["response"].as_object_mut() {
        response.remove("userHandle");
    }
    let theirs: PublicKeyCredential = serde_json::from_value(used)
        .map_err(|error| TestCaseError::fail(format!("only we accept {text}: {error}")))?;
    prop_assert_eq!(ours.credential_id(), theirs.raw_id.as_slice());
    prop_assert_eq!(base64url(ours.credential_id()), theirs.id);
    prop_assert_eq!("public-key", theirs.type_);
    let response = theirs.response;
    prop_assert_eq!(ours.authenticator_data(), &response.authenticator_data[..]);
    prop_assert_eq!(ours.client_data_json(), &response.client_data_json[..]);
    prop_assert_eq!(ours.signature(), &response.signature[..]);
    Ok(true)
}

/// The JSON of an assertion as browsers write it.
fn browser_json() -> impl Strategy<Value = String> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| base64url(&bytes));
    let handle = prop_oneof![
        Just(String::new()),
        Just(r#","userHandle":null"#.to_owned()),
        bytes().prop_map(|text| format!(r#","userHandle":"{text}""#)),
    ];
    let extra = prop_oneof![
        Just(String::new()),
        Just(r#","clientExtensionResults":{}"#.to_owned()),
        Just(r#","clientExtensionResults":{"appid":false}"#.to_owned()),
        Just(r#","authenticatorAttachment":"platform""#.to_owned()),
        Just(r#","unknown":[1,{"response":null}]"#.to_owned()),
    ];
    (bytes(), bytes(), bytes(), bytes(), handle, extra).prop_map(
        |(id, data, client_data, signature, handle, extra)| {
            format!(
                r#"{{"id":"{id}","rawId":"{id}","type":"public-key"{extra},"response":{{"authenticatorData":"{data}","clientDataJSON":"{client_data}","signature":"{signature}"{handle}}}}}"#
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn both_read_what_browsers_write(text in browser_json()) {
        prop_assert!(compare(&text)?, "we refuse {}", text);
    }

    #[test]
    fn a_changed_character_never_makes_them_see_different_bytes(
        text in browser_json(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0x20_u8..0x7f), 1..4),
    ) {
        let mut bytes = text.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        compare(&String::from_utf8(bytes).unwrap())?;
    }
}

#[test]
fn what_only_the_other_reader_accepts() {
    let good = concat!(
        r#"{"id":"AQ","rawId":"AQ","type":"public-key","#,
        r#""response":{"authenticatorData":"AQ","clientDataJSON":"AQ","signature":"AQ"}}"#,
    );
    assert!(compare(good).unwrap());
    for lax in [
        good.replace(r#""signature":"AQ""#, r#""signature":"AQ==""#),
        good.replace(r#""rawId":"AQ""#, r#""rawId":"Ag""#),
        good.replace("public-key", "password"),
        good.replacen('{', r#"{"x":1,"x":2,"#, 1),
    ] {
        assert!(serde_json::from_str::<PublicKeyCredential>(&lax).is_ok());
        assert!(!compare(&lax).unwrap(), "{lax}");
    }
}
