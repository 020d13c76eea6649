//! gzip (RFC 1952), for clients that ask for it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{self, HeaderMap};

/// Whether a client takes gzip: RFC 9110 §12.5.3, without the finer points of `q`.
pub fn accepted(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT_ENCODING).iter();
    values.any(|value| {
        let value = value.to_str().unwrap_or_default();
        value.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let weight: String = weight.split_whitespace().collect();
            let refused = weight
                .strip_prefix("q=")
                .is_some_and(|q| q.parse() == Ok(0.0_f32));
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        })
    })
}

/// The bytes, compressed with little effort; `None` if that fails, and they are better sent as they
/// are.
pub fn fast(bytes: &[u8]) -> Option<Vec<u8>> {
    gzip(bytes, Compression::fast())
}

/// The bytes, made as small as they get; `None` if that fails, and they are better sent as they are.
pub fn best(bytes: &[u8]) -> Option<Vec<u8>> {
    gzip(bytes, Compression::best())
}

fn gzip(bytes: &[u8], effort: Compression) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), effort);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn who_takes_gzip() {
        for (value, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("identity", false),
            ("gzip;q=0", false),
            ("gzip; q=0.0, br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(accepted(&headers), takes, "{value}");
        }
        assert!(!accepted(&HeaderMap::new()));
    }
}
