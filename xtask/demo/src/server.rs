//! The demo's page and the few requests behind it, on this machine only.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use verifier_core::hazmat::encoding::{hex, sha256};

use crate::Result;
use crate::payload::{PAYLOAD, shown};
use crate::service::{Approved, Service};
use crate::software::Software;

const INDEX: &str = include_str!("../web/index.html");
const SCRIPT: &str = include_str!("../web/demo.js");
const STYLE: &str = include_str!("../web/demo.css");

const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                               connect-src 'self'; img-src data:; base-uri 'none'; \
                               form-action 'none'; frame-ancestors 'none'";

/// The longest body: a passkey's answer is a few kilobytes.
const MAX_BODY: usize = 64 * 1024;

/// Where the page is.
pub(crate) struct Page {
    listener: TcpListener,
    pub(crate) origin: String,
}

/// Takes a free port.
pub(crate) async fn bind() -> Result<Page> {
    let failed = |error| format!("cannot listen on this machine: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    // Browsers allow passkeys on this name without TLS, and not on an address.
    let origin = format!("http://localhost:{port}");
    Ok(Page { listener, origin })
}

/// Answers until the process ends.
pub(crate) async fn serve(page: Page, service: Arc<Service>) -> Result<()> {
    let software = Arc::new(Software::new(service.origin())?);
    loop {
        let Ok((stream, _)) = page.listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (service, software) = (Arc::clone(&service), Arc::clone(&software));
        let answer = service_fn(move |request| {
            let (service, software) = (Arc::clone(&service), Arc::clone(&software));
            async move { Ok::<_, Infallible>(answer(service, software, request).await) }
        });
        tokio::spawn(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), answer),
        );
    }
}

type Answer = Response<Full<Bytes>>;

async fn answer(
    service: Arc<Service>,
    software: Arc<Software>,
    request: Request<Incoming>,
) -> Answer {
    let path = request.uri().path().to_owned();
    match *request.method() {
        Method::GET => match path.as_str() {
            "/" => reply(StatusCode::OK, "text/html; charset=utf-8", INDEX.into()),
            "/demo.js" => reply(
                StatusCode::OK,
                "text/javascript; charset=utf-8",
                SCRIPT.into(),
            ),
            "/demo.css" => reply(StatusCode::OK, "text/css; charset=utf-8", STYLE.into()),
            "/payload" => json_reply(Ok(payload(&service))),
            file if file.starts_with("/files/") => {
                match service.file(file.trim_start_matches("/files/")) {
                    Some(bytes) => reply(StatusCode::OK, "application/json", bytes.into()),
                    None => reply(StatusCode::NOT_FOUND, "text/plain", "not found".into()),
                }
            }
            _ => reply(StatusCode::NOT_FOUND, "text/plain", "not found".into()),
        },
        // Pages of other sites have another origin.
        Method::POST if header_is(&request, header::ORIGIN, service.origin()) => {
            json_reply(post(service, software, &path, request).await)
        }
        _ => reply(StatusCode::FORBIDDEN, "text/plain", "not from here".into()),
    }
}

async fn post(
    service: Arc<Service>,
    software: Arc<Software>,
    path: &str,
    request: Request<Incoming>,
) -> Result<Value> {
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| format!("the request did not arrive: {error}"))?;
    let body = body.to_bytes();
    let read = || serde_json::from_slice::<Value>(&body).map_err(|error| error.to_string());
    match path {
        "/register/options" => value(&service.registration_options()?),
        "/register" => Ok(json!({ "fingerprint": service.enrol(&body, false)? })),
        "/register/software" => {
            let made = software.register(&service.registration_options()?).await?;
            Ok(json!({ "fingerprint": service.enrol(made.to_string().as_bytes(), true)? }))
        }
        "/ask" => {
            let (id, options) = service.ask()?;
            Ok(json!({ "approvalId": id, "options": value(&options)? }))
        }
        "/approve" => {
            let sent = read()?;
            let id = sent.get("approvalId").and_then(Value::as_str);
            let id = id.unwrap_or_default().to_owned();
            let assertion = sent.get("assertion").cloned().unwrap_or_default();
            append(service, id, assertion).await
        }
        "/approve/software" => {
            let (id, options) = service.ask()?;
            let assertion = software.approve(&options).await?;
            append(service, id, assertion).await
        }
        _ => Err("there is nothing at this address".into()),
    }
}

/// The log is asked beside the threads that answer.
async fn append(service: Arc<Service>, id: String, assertion: Value) -> Result<Value> {
    let work =
        move || Ok::<_, String>((service.approve(&id, &assertion)?, service.policy_sha256()?));
    let done = tokio::task::spawn_blocking(work).await;
    let (approved, policy) = done.map_err(|error| error.to_string())??;
    let (command, files) = (approved.command().join(" "), approved.names());
    let Approved { id, verify_url, .. } = approved;
    println!("\nApproved: {id}\n  {verify_url}\n  {command}\n  SHA-256 of the policy {policy}");
    Ok(json!({
        "approvalId": id,
        "verifyUrl": verify_url,
        "command": command,
        "files": files,
        "policySha256": policy,
    }))
}

fn payload(service: &Service) -> Value {
    let fields = shown();
    let fields = fields.iter();
    json!({
        "fields": fields.map(|(name, text)| json!({ "name": name, "text": text })).collect::<Value>(),
        "sha256": hex(&sha256(PAYLOAD.as_bytes())),
        "passkey": service.passkey().map(|(fingerprint, in_software)| json!({
            "fingerprint": fingerprint, "inSoftware": in_software,
        })),
        "address": service.origin(),
    })
}

fn value(options: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(options).map_err(|error| error.to_string())
}

fn header_is(request: &Request<Incoming>, name: header::HeaderName, value: &str) -> bool {
    let found = request.headers().get(name);
    found.is_some_and(|found| found.as_bytes() == value.as_bytes())
}

fn json_reply(result: Result<Value>) -> Answer {
    let (status, value) = match result {
        Ok(value) => (StatusCode::OK, value),
        Err(message) => (StatusCode::BAD_REQUEST, json!({ "message": message })),
    };
    reply(status, "application/json", value.to_string().into())
}

fn reply(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
