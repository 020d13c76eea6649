//! The page on which people make their passkeys: `/enrol#token`.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use serving::answer::private;
use serving::{Answer, Problem, Request, party};
use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::Members;

use super::routes::App;
use super::{assets, read, view};
use crate::ceremony::read_json;
use crate::enrolment::MAX_REGISTRATION;
use crate::refusal::Refusal;

#[derive(Debug)]
pub(super) enum Call {
    Page,
    Options,
    Finish,
}

impl Call {
    pub(super) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/enrol" => Self::Page,
            "/enrol/options" => Self::Options,
            "/enrol/finish" => Self::Finish,
            _ => return None,
        })
    }

    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Page => &[Method::GET],
            _ => &[Method::POST],
        }
    }
}

pub(super) async fn answer(
    app: &Arc<App>,
    call: Call,
    request: Request,
) -> Result<Answer, Problem> {
    let _place = app.rooms.pages.take(party(&request), 1)?;
    // Links are opened by machines as well: to look changes nothing.
    if matches!(call, Call::Page) {
        return assets::page("enrol.html", request.headers());
    }
    let (body, _held) = read::page_body(app, request, MAX_REGISTRATION).await?;
    let value = read_json(&body, MAX_REGISTRATION)?;
    let members = Members::of(&value).map_err(Refusal::from)?;
    let token = members.text("token").map_err(Refusal::from)?;
    let answer = match call {
        Call::Page | Call::Options => {
            members.only(&["token"]).map_err(Refusal::from)?;
            let enrolment = app.gate.begin_enrolment(token).await?;
            let person = &enrolment.person;
            let groups = person
                .groups
                .iter()
                .map(|group| Value::from(group.as_str()));
            Value::from([
                ("expiresAt", enrolment.expires.to_string().into()),
                ("keys", view::count(person.active().count())),
                (
                    "person",
                    Value::from([
                        ("groups", groups.collect()),
                        ("name", person.name.as_str().into()),
                    ]),
                ),
                ("publicKey", app.gate.creation_options(&enrolment)),
            ])
            .to_text()
        }
        Call::Finish => {
            let members = members
                .only(&["credential", "token"])
                .map_err(Refusal::from)?;
            let registration = members.value("credential").map_err(Refusal::from)?;
            let (credential, verified) = app.gate.enrol(token, registration).await?;
            Value::from([
                ("credentialId", base64url(&credential.id).into()),
                ("fingerprint", verified.key().fingerprint().into()),
                ("person", credential.person.as_str().into()),
                ("synced", credential.backup_eligible.into()),
                ("userVerified", verified.flags().user_verified().into()),
            ])
            .to_text()
        }
    };
    Ok(private(StatusCode::OK, answer))
}
