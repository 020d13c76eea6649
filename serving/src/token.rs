//! Tokens: who asks.
//!
//! ```text
//! <prefix>_<id: 8 bytes in hex>_<secret: 32 bytes in hex>
//! ```
//!
//! A server keeps the id and the SHA-256 of the secret, which is enough of a hash for 256 random
//! bits. A token comes as `Authorization: Bearer …` or as `X-Api-Key: …`.

use std::fmt;

use hyper::header::{self, HeaderMap, HeaderValue};
use subtle::ConstantTimeEq as _;
use verifier_core::hazmat::encoding::{hex, sha256};

use crate::problem::Problem;

/// The length of an id and of a secret, in hex digits.
const LENGTHS: (usize, usize) = (16, 64);

/// A token that was just made. Its `Debug` form shows the id.
#[derive(Clone)]
pub struct NewToken {
    text: String,
    id: String,
    hash: [u8; 32],
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewToken({})", self.id)
    }
}

impl NewToken {
    /// A token that nobody can guess. `prefix` says what it is for, and to programs that look for
    /// secrets, that it is one.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub fn generate(prefix: &str) -> Result<Self, getrandom::Error> {
        let (mut id, mut secret) = ([0; 8], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        let (id, secret) = (hex(&id), hex(&secret));
        Ok(Self {
            text: format!("{prefix}_{id}_{secret}"),
            hash: sha256(secret.as_bytes()),
            id,
        })
    }

    /// The token itself, to be shown once.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The id that it is looked up by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The part of its secret that is kept.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

/// A token that somebody sent, and that nobody has compared with anything yet.
#[derive(Clone)]
pub struct Presented {
    id: String,
    hash: [u8; 32],
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({})", self.id)
    }
}

/// The holder of a token: made by a comparison alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    id: String,
}

impl Presented {
    /// Reads a token with this prefix; `None` if it is none.
    pub fn parse(prefix: &str, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(prefix)?.strip_prefix('_')?;
        let (id, secret) = rest.split_once('_')?;
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let hex = |part: &str, length| part.len() == length && part.bytes().all(digit);
        (hex(id, LENGTHS.0) && hex(secret, LENGTHS.1)).then(|| Self {
            id: id.into(),
            hash: sha256(secret.as_bytes()),
        })
    }

    /// The id that it is looked up by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Compares it, in constant time, with the hash that is kept under its id.
    pub fn verify(self, kept: &[u8; 32]) -> Option<Holder> {
        bool::from(self.hash.ct_eq(kept)).then_some(Holder { id: self.id })
    }
}

impl Holder {
    /// The id of the token.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The token in `Authorization: Bearer …` (RFC 6750 §2.1; RFC 9110 §11.1: the scheme in any case).
/// `None` if there is none, or more than one such header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = only(headers, header::AUTHORIZATION.as_str())?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

/// The token in `X-Api-Key`. `None` if there is none, or more than one such header.
pub fn api_key(headers: &HeaderMap) -> Option<&str> {
    only(headers, "x-api-key")
}

fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    match values.next() {
        None => value.to_str().ok(),
        Some(_) => None,
    }
}

/// 401 `request.unauthorized`, with the scheme to come back with.
pub fn unauthorized(detail: &str) -> Problem {
    let problem = Problem::new(401, "request.unauthorized", detail);
    problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// 403 `request.forbidden`: the token is right, and does not allow this.
pub fn forbidden() -> Problem {
    let problem = Problem::new(403, "request.forbidden", "The token does not allow this.");
    problem.header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer error=\"insufficient_scope\""),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_what_it_was_made_for_and_nothing_else() {
        let (token, other) = (
            NewToken::generate("x").unwrap(),
            NewToken::generate("x").unwrap(),
        );
        let sent = Presented::parse("x", token.text()).unwrap();
        assert_eq!(sent.id(), token.id());
        assert!(sent.clone().verify(other.hash()).is_none());
        assert_eq!(sent.verify(token.hash()).unwrap().id(), token.id());
        let shown = format!("{token:?}");
        assert!(!shown.contains(token.text().rsplit('_').next().unwrap()));
        let upper = token.text().to_uppercase();
        for wrong in [
            "",
            "x_",
            "x__",
            &token.text()[1..],
            &token.text()[..token.text().len() - 1],
            &format!("{}0", token.text()),
            &upper,
        ] {
            assert!(Presented::parse("x", wrong).is_none(), "{wrong}");
        }
        assert!(Presented::parse("y", token.text()).is_none());
    }

    #[test]
    fn the_scheme_is_the_same_in_any_case() {
        for (values, found) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer abc"], Some("abc")),
            (&["BEARER  abc"], Some("abc")),
            (&["Bearer"], None),
            (&["Basic abc"], None),
            (&["Bearerabc"], None),
            (&["Bearer a", "Bearer b"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(bearer(&headers), found, "{values:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append("x-api-key", HeaderValue::from_static("abc"));
        assert_eq!(api_key(&headers), Some("abc"));
        headers.append("x-api-key", HeaderValue::from_static("abc"));
        assert_eq!(api_key(&headers), None);
    }
}
