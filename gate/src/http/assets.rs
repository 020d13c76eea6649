//! The files of the pages, which are in the binary.

use std::collections::HashMap;
use std::sync::LazyLock;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use serving::answer::{no_store, of_type, set};
use serving::{Answer, Problem, gzip};

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!($folder, $name)))),+]
    };
}

/// The pages' own files, and those that they share with the verify page.
const FILES: [&[(&str, &[u8])]; 2] = [
    files!("../../web/":
        "approve.html", "approve.js", "badge.js", "break-glass.html", "break-glass.js", "challenge.js",
        "diff.js", "digits.js", "enrol.html", "enrol.js", "fields.js", "glass.js", "grouping.js", "icon.svg", "names.js", "passkey.js",
        "reader.js", "receipt.js", "refusal.js", "request.js", "seen.js", "service.js",
        "session.js", "shown.js", "standing.js", "style.css",
    ),
    files!("../../../verifier-wasm/web/": "bytes.js", "dom.js", "problem.js"),
];

/// The rights of the pages: their own files, and this gate.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                               connect-src 'self'; img-src 'self'; base-uri 'none'; \
                               form-action 'none'; frame-ancestors 'none'; \
                               require-trusted-types-for 'script'; trusted-types 'none'";

/// Every file, compressed once.
static COMPRESSED: LazyLock<HashMap<&str, Bytes>> = LazyLock::new(|| {
    let all = FILES.iter().copied().flatten();
    let all = all.filter_map(|(name, bytes)| Some((*name, gzip::best(bytes)?.into())));
    all.collect()
});

/// A file below `/gate/`.
pub(super) fn answer(name: &str, headers: &HeaderMap) -> Result<Answer, Problem> {
    match name.ends_with(".html") {
        // A page has its own address.
        true => Err(Problem::not_found()),
        false => file(name, headers),
    }
}

/// A page. It never stands in a frame, and says nothing to others about where it is.
pub(super) fn page(name: &str, headers: &HeaderMap) -> Result<Answer, Problem> {
    let mut answer = file(name, headers)?;
    set(
        &mut answer,
        header::CONTENT_SECURITY_POLICY,
        SECURITY_POLICY,
    );
    set(&mut answer, header::X_FRAME_OPTIONS, "DENY");
    set(&mut answer, header::REFERRER_POLICY, "no-referrer");
    let rights = "publickey-credentials-get=(self), publickey-credentials-create=(self)";
    let name = header::HeaderName::from_static("permissions-policy");
    set(&mut answer, name, rights);
    no_store(&mut answer);
    Ok(answer)
}

fn file(name: &str, headers: &HeaderMap) -> Result<Answer, Problem> {
    let mut all = FILES.iter().copied().flatten();
    let (_, bytes) = all
        .find(|(known, _)| *known == name)
        .ok_or_else(Problem::not_found)?;
    let compressed = gzip::accepted(headers)
        .then(|| COMPRESSED.get(name))
        .flatten();
    let body = compressed.cloned().unwrap_or(Bytes::from_static(bytes));
    let mut answer = of_type(StatusCode::OK, kind(name), body);
    if compressed.is_some() {
        let gzip = HeaderValue::from_static("gzip");
        answer.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    }
    set(&mut answer, header::VARY, "accept-encoding");
    set(&mut answer, header::CACHE_CONTROL, "no-cache");
    Ok(answer)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    }
}
