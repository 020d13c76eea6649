//! Somebody with a passkey, and what the gate's pages do with it.

use serde_json::{Value, json};
use test_vectors::encoding::{b64url, from_b64url, sha256};
use test_vectors::{Algorithm, Ceremony, Passkey, Registration};

pub(crate) struct Person {
    passkey: Passkey,
}

impl Person {
    /// Opens an invitation, and makes a passkey.
    ///
    /// Returns the fingerprint, too, which the page shows.
    pub(crate) fn enrol(link: &str) -> (Self, String) {
        let (page, token) = link.split_once('#').unwrap();
        let origin = page.strip_suffix("/enrol").unwrap();
        let options = post(&format!("{page}/options"), "", &json!({ "token": token }));
        let challenge = bytes(&options["publicKey"], "challenge");
        let passkey = Passkey::new(Algorithm::Es256, "reader");
        let made = Registration::new("localhost", origin, &challenge, &passkey);
        let body = json!({ "token": token, "credential": made.json() });
        let enrolled = post(&format!("{page}/finish"), "", &body);
        let fingerprint = enrolled["fingerprint"].as_str().unwrap().to_owned();
        (Self { passkey }, fingerprint)
    }

    /// Signs in on the page of a request, and decides it.
    pub(crate) fn decide(&self, page: &str, refuse: bool) {
        let (origin, _) = page.split_once("/a/").unwrap();
        let options = post(&format!("{origin}/session/options"), "", &json!({}));
        let assertion = self.sign(origin, &bytes(&options, "challenge"));
        let session = ureq::post(format!("{origin}/session/finish"))
            .header("content-type", "application/json")
            .send(json!({ "assertion": assertion }).to_string().as_bytes())
            .unwrap();
        let cookie = session.headers()["set-cookie"].to_str().unwrap();
        let shown = ureq::get(format!("{page}/request"))
            .header("cookie", cookie.split(';').next().unwrap())
            .call();
        let shown = shown.unwrap().body_mut().read_to_string().unwrap();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let signed = [
            bytes(&shown, "random"),
            sha256(shown["context"].as_str().unwrap().as_bytes()).to_vec(),
            sha256(&bytes(&shown, "payload")).to_vec(),
        ];
        let (kind, challenge) = match refuse {
            false => ("approve", signed.concat()),
            true => {
                let tagged = [b"cosignet.refusal/v1\0".to_vec(), signed.concat()];
                ("refuse", sha256(&tagged.concat()).to_vec())
            }
        };
        let assertion = self.sign(origin, &challenge);
        let body = json!({ "kind": kind, "assertion": assertion });
        post(&format!("{page}/decision"), "", &body);
    }

    fn sign(&self, origin: &str, challenge: &[u8]) -> Value {
        let mut ceremony = Ceremony::new("localhost", origin, &[], b"");
        ceremony.challenge = b64url(challenge);
        ceremony.sign(&self.passkey).credential_json()
    }
}

/// Posts JSON; pages have no key.
pub(crate) fn post(url: &str, key: &str, body: &Value) -> Value {
    let sent = ureq::post(url)
        .header("content-type", "application/json")
        .header("x-api-key", key)
        .send(body.to_string().as_bytes());
    let text = sent.unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    from_b64url(value[name].as_str().unwrap())
}
