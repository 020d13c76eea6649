//! One request and its answer: what holds for all of them, whatever they are about.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Response, Version};

use crate::body::Body;
use crate::party::{KnownParty, Proxies};
use crate::problem::Problem;

/// A request whose body has not been read.
pub type Request = hyper::Request<Body>;

/// The body of an answer: the server's own, or the one that the application has made.
pub(crate) type Outgoing<B> = Either<Full<Bytes>, B>;

/// Has a request answered. The answer says that the connection ends, and `unread` is set, if
/// something of the body is left, or if another reader could have sent the request elsewhere: then
/// nothing that stands behind it can be trusted. With `unread`, bytes that come after the end are
/// no reason to reset the connection.
pub(crate) async fn exchange<A, B>(
    request: hyper::Request<Incoming>,
    peer: IpAddr,
    proxies: &Proxies,
    unread: &Arc<AtomicBool>,
    answer: impl FnOnce(Request) -> A,
) -> Response<Outgoing<B>>
where
    A: Future<Output = Response<B>>,
{
    let waits = request.headers().contains_key(header::EXPECT);
    let right = has_one_host(request.version(), request.headers());
    let party = proxies.request(peer, request.headers());
    let (mut parts, incoming) = request.into_parts();
    parts.extensions.insert(KnownParty(party));
    let (body, rest) = Body::new(incoming);
    let (mut answered, clear) = match right {
        Ok(()) => {
            let answered = answer(Request::from_parts(parts, body)).await;
            (answered.map(Either::Right), true)
        }
        Err(problem) => {
            drop(body);
            (problem.answer().map(Either::Left), false)
        }
    };
    if !rest.finish(waits).await || !clear {
        unread.store(true, Ordering::Relaxed);
        let close = HeaderValue::from_static("close");
        answered.headers_mut().insert(header::CONNECTION, close);
    }
    answered
}

/// RFC 9112 §3.2: a request of HTTP/1.1 has one `Host`, and no request has two.
fn has_one_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let wrong = |detail: &str| Problem::new(400, "request.host", detail);
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => {
            return Err(wrong("A request of HTTP/1.1 needs the header `Host`."));
        }
        (None, _) => return Ok(()),
        (Some(_), Some(_)) => return Err(wrong("The request has more than one `Host`.")),
        (Some(host), None) => host.as_bytes(),
    };
    // It may be empty, if the address of the request has no host.
    let authority = Authority::try_from(host).ok();
    let plain = authority.is_some_and(|found| !found.as_str().contains('@'));
    match plain || host.is_empty() {
        true => Ok(()),
        false => Err(wrong("The header `Host` is not a host and a port.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_and_no_more() {
        for (version, hosts, right) in [
            (Version::HTTP_11, &["log.example"][..], true),
            (Version::HTTP_11, &["log.example:8080"], true),
            (Version::HTTP_11, &["[::1]:8080"], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a", "a"], false),
            (Version::HTTP_11, &["a b"], false),
            (Version::HTTP_11, &["a, b"], false),
            (Version::HTTP_11, &["a/b"], false),
            (Version::HTTP_11, &["user@a"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a", "b"], false),
        ] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            let found = has_one_host(version, &headers);
            assert_eq!(found.is_ok(), right, "{version:?} {hosts:?}");
        }
    }
}
