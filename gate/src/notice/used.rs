//! News of a use of break-glass, as the gate has recorded it.
//!
//! ```text
//! {"action":…,"audience":…|null,"code":…|null,"grantSha256":hex|null,"signers":[name,…],
//!  "useId":uuid,"usedAt":time,"valid":bool}
//! ```
//!
//! Neither the payload nor its hash is in it, and the reason, which people wrote for each other, is
//! not: whoever reviews the use finds all of it in the gate's events.

use serving::openapi::schema::object;
use verifier_core::Time;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::{self, Members};
use verifier_core::hazmat::time::for_people;

use super::{label, nullable};
use crate::site::Site;

/// A use, as it may be shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Glass {
    /// As the executor says.
    pub(crate) action: String,
    /// The program that the grant names, if there is a grant.
    pub(crate) audience: Option<String>,
    /// Why the use does not count as permitted; nothing if it does.
    pub(crate) code: Option<String>,
    pub(crate) grant_sha256: Option<[u8; 32]>,
    /// Those who signed, if it is permitted.
    pub(crate) signers: Vec<String>,
    pub(crate) use_id: String,
    /// As the executor says.
    pub(crate) used_at: Time,
}

impl Glass {
    pub(super) fn to_text(&self) -> String {
        self.data().to_text()
    }

    pub(super) fn read(members: &Members<'_, '_>) -> Result<Self, schema::Error> {
        let text = |key: &str| members.text(key).map(str::to_owned);
        let optional = |key: &str| nullable(members, key, || text(key));
        let signers = members.texts("signers")?.into_iter();
        Ok(Self {
            action: text("action")?,
            audience: optional("audience")?,
            code: optional("code")?,
            grant_sha256: nullable(members, "grantSha256", || members.hash("grantSha256"))?,
            signers: signers.map(str::to_owned).collect(),
            use_id: text("useId")?,
            used_at: members.time("usedAt")?,
        })
    }

    /// The member `data` of a webhook's body.
    pub(super) fn data(&self) -> Value<'_> {
        let signers = self.signers.iter();
        object([
            ("action", self.action.as_str().into()),
            ("audience", self.audience.as_deref().into()),
            ("code", self.code.as_deref().into()),
            (
                "grantSha256",
                self.grant_sha256.map(|hash| hex(&hash)).into(),
            ),
            (
                "signers",
                signers.map(|name| Value::from(name.as_str())).collect(),
            ),
            ("useId", self.use_id.as_str().into()),
            ("usedAt", self.used_at.to_string().into()),
            ("valid", self.code.is_none().into()),
        ])
    }

    /// The text for a chat.
    pub(super) fn chat(&self) -> String {
        let (said, id) = (self.sentence(), &self.use_id);
        format!("BREAK-GLASS: {said} Use {id}, review it.")
    }

    /// The subject and the text of a mail to everybody whose address the gate knows.
    pub(super) fn mail(&self, site: &Site) -> (String, String) {
        let action = label(&self.action);
        let subject = format!("{}: BREAK-GLASS, {action} without an approval", site.name);
        let audience = self.audience.as_deref();
        let text = format!(
            "{}\n\n\
             Program: {}\n\
             At: {}\n\
             Use: {}\n\n\
             You are asked for nothing. Why it was done is in the events of the\n\
             gate and in the journal of the program: people who did not sign it\n\
             should read it there.\n",
            self.sentence(),
            audience.map_or_else(|| "not known".into(), label),
            for_people(self.used_at),
            self.use_id,
        );
        (subject, text)
    }

    fn sentence(&self) -> String {
        let action = label(&self.action);
        match &self.code {
            None => {
                let signers: Vec<String> = self.signers.iter().map(|one| label(one)).collect();
                let signers = signers.join(", ");
                format!("`{action}` was done without an approval, signed for by {signers}.")
            }
            Some(code) => format!(
                "`{action}` was done without an approval, says a program, and its file does not \
                 permit it: {code}."
            ),
        }
    }
}

/// A use that is permitted.
#[cfg(test)]
pub(crate) fn sample() -> Glass {
    Glass {
        action: "payment.send".into(),
        audience: Some("payments.example".into()),
        code: None,
        grant_sha256: Some([7; 32]),
        signers: vec!["ann".into(), "bob".into()],
        use_id: "5534d6f2-c643-4355-8548-73af4b8540f2".into(),
        used_at: Time::from_seconds(1_800_000_000).unwrap(),
    }
}

#[cfg(test)]
mod tests {
    use verifier_core::hazmat::json::Limits;

    use super::*;

    fn refused() -> Glass {
        Glass {
            audience: None,
            code: Some("break_glass.form".into()),
            grant_sha256: None,
            signers: Vec::new(),
            ..sample()
        }
    }

    #[test]
    fn what_is_kept_is_read_back() {
        for used in [sample(), refused()] {
            let text = used.to_text();
            let value = Value::parse(text.as_bytes(), Limits::bytes(4096)).unwrap();
            let members = Members::of(&value).unwrap();
            assert_eq!(Glass::read(&members).unwrap(), used);
        }
    }

    #[test]
    fn it_says_who_signed_or_that_it_does_not_hold() {
        let id = "5534d6f2-c643-4355-8548-73af4b8540f2";
        let begin = "BREAK-GLASS: `payment.send` was done without an approval,";
        assert_eq!(
            sample().chat(),
            format!("{begin} signed for by ann, bob. Use {id}, review it.")
        );
        assert_eq!(
            refused().chat(),
            format!(
                "{begin} says a program, and its file does not permit it: break_glass.form. Use \
                 {id}, review it."
            )
        );
    }

    #[test]
    fn names_are_no_links_and_no_formats() {
        let mut used = sample();
        used.action = "<!channel>`".into();
        used.signers = vec!["[ann](https://evil.example)".into()];
        let said = used.chat().replacen("BREAK-GLASS:", "", 1).replace('`', "");
        assert!(!said.contains(|c| "<>[]()/!@:".contains(c)), "{said}");
    }
}
