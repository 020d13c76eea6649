//! The verify page, embedded in the binary with the feature `verify-page`.
//!
//! ```text
//! /verify               → verify/ (relative, so that it survives a proxy's prefix)
//! /verify/              index.html
//! /verify/<file>        script, style, module
//! /verify/policy.json   the operator's policy, if `--verify-policy` names one
//! ```

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header;
use serving::answer::{of_type, redirect, set};
use serving::{Answer, Problem};
use verifier_core::Policy;

use crate::refusal::Refusal;

/// Names and contents; nothing without the feature.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The rights of the page, whatever is in it: load its own files, run its own module, ask this log.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
                               style-src 'self'; connect-src 'self'; img-src data:; \
                               base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                               require-trusted-types-for 'script'; trusted-types 'none'";

/// Answers what is below `/verify`; `None` for other paths.
pub(crate) fn answer(path: &str, policy: Option<&Path>) -> Option<Result<Answer, Problem>> {
    let below = path.strip_prefix("/verify")?;
    Some(match below {
        "" | "/" if FILES.is_empty() => Err(Problem::new(
            404,
            "page.not_built",
            "This server was built without the verify page: run `cargo xtask web`, then build \
             `log-server` with `--features verify-page`.",
        )),
        "" => Ok(redirect("verify/")),
        "/" => file("index.html"),
        "/policy.json" => operator_policy(policy),
        _ => file(below.strip_prefix('/')?),
    })
}

/// Whether this binary has the page.
pub(crate) fn is_built() -> bool {
    !FILES.is_empty()
}

fn file(name: &str) -> Result<Answer, Problem> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    let (_, bytes) = found.ok_or_else(Problem::not_found)?;
    Ok(with_type(kind(name), Bytes::from_static(bytes)))
}

/// Read anew for each request: approvers come and go, and the file is small.
fn operator_policy(path: Option<&Path>) -> Result<Answer, Problem> {
    let path = path.ok_or_else(Problem::not_found)?;
    let most = u64::try_from(Policy::MAX_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::error!(%error, path = %path.display(), "the policy of the verify page");
        return Err(Refusal::internal().into());
    }
    Ok(with_type("application/json", bytes.into()))
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "wasm")) => "application/wasm",
        _ => "text/plain; charset=utf-8",
    }
}

/// `no-cache`: a page and a module of different builds do not fit each other.
fn with_type(kind: &'static str, body: Bytes) -> Answer {
    let mut answer = of_type(StatusCode::OK, kind, body);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        set(&mut answer, name, value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_verify_is_the_pages() {
        assert!(answer("/verification", None).is_none());
        assert!(answer("/checkpoint", None).is_none());
        for path in ["/verify/../log.key", "/verify/policy.json", "/verify/x/y"] {
            let refused = answer(path, None).unwrap().unwrap_err();
            assert_eq!(refused.status(), 404, "{path}");
        }
    }

    #[test]
    fn says_how_to_build_what_is_not_there() {
        let front = answer("/verify", None).unwrap();
        if FILES.is_empty() {
            assert!(front.unwrap_err().to_json().contains("cargo xtask web"));
        } else {
            assert_eq!(front.unwrap().headers()[header::LOCATION], "verify/");
        }
    }
}
