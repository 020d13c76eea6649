//! Signing in: `/session/options`, `/session/finish`, `/session/end`.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serving::answer::private;
use serving::{Answer, Problem, Request, party};
use verifier_core::hazmat::encoding::base64url;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::schema::Members;

use super::read::{self, COOKIE};
use super::routes::App;
use crate::ceremony::{MAX_ASSERTION, Sent, read_json};
use crate::enrolment::{TIMEOUT, descriptor};
use crate::refusal::Refusal;
use crate::session::SESSION;

#[derive(Debug)]
pub(super) enum Call {
    Options,
    Finish,
    End,
}

impl Call {
    pub(super) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/session/options" => Self::Options,
            "/session/finish" => Self::Finish,
            "/session/end" => Self::End,
            _ => return None,
        })
    }
}

pub(super) async fn answer(
    app: &Arc<App>,
    call: Call,
    request: Request,
) -> Result<Answer, Problem> {
    let _place = app.rooms.pages.take(party(&request), 1)?;
    let cookie = read::cookie(request.headers()).map(str::to_owned);
    let (body, _held) = read::page_body(app, request, MAX_ASSERTION * 2).await?;
    let value = read_json(&body, MAX_ASSERTION * 2)?;
    let members = Members::of(&value).map_err(Refusal::from)?;
    match call {
        Call::Options => {
            let members = members.only(&["name"]).map_err(Refusal::from)?;
            let name = members.optional_text("name").map_err(Refusal::from)?;
            let (challenge, credentials) = app.gate.sign_in(name).await?;
            let options = Value::from([
                (
                    "allowCredentials",
                    credentials.iter().map(descriptor).collect(),
                ),
                ("challenge", base64url(&challenge).into()),
                ("rpId", app.gate.site.rp_id.as_str().into()),
                ("timeout", TIMEOUT.into()),
            ]);
            Ok(private(StatusCode::OK, options.to_text()))
        }
        Call::Finish => {
            let members = members.only(&["assertion"]).map_err(Refusal::from)?;
            let sent = Sent::read(members.value("assertion").map_err(Refusal::from)?)?;
            let (cookie, person) = app.gate.signed_in(&sent).await?;
            let until = u64::try_from(SESSION.as_millis()).unwrap_or(u64::MAX);
            let until = app.gate.now().saturating_add_millis(until);
            let session = Value::from([
                ("person", person.name.as_str().into()),
                ("until", until.to_string().into()),
            ]);
            let mut answer = private(StatusCode::OK, session.to_text());
            set_cookie(&mut answer, &cookie, SESSION.as_secs());
            Ok(answer)
        }
        Call::End => {
            if let Some(cookie) = cookie {
                app.gate.sessions.end(&cookie).await?;
            }
            let ended = Value::from([("ended", Value::from(true))]);
            let mut answer = private(StatusCode::OK, ended.to_text());
            set_cookie(&mut answer, "", 0);
            Ok(answer)
        }
    }
}

fn set_cookie(answer: &mut Answer, value: &str, seconds: u64) {
    let text =
        format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    if let Ok(value) = HeaderValue::from_str(&text) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
}
