//! Which methods an address knows.

use hyper::Method;
use hyper::header::{self, HeaderValue};

use crate::problem::Problem;

/// Lets a method pass that an address knows. `GET` brings `HEAD` along.
///
/// # Errors
///
/// 405 `request.method`, with the methods that it knows. An address that there is not is 404
/// before that.
pub fn allow(method: &Method, known: &[Method]) -> Result<(), Problem> {
    let read = known.contains(&Method::GET);
    if known.contains(method) || (read && *method == Method::HEAD) {
        return Ok(());
    }
    let head = read.then_some(&Method::HEAD);
    let names: Vec<&str> = known.iter().chain(head).map(Method::as_str).collect();
    let names = names.join(", ");
    let detail = format!("This address knows other methods: {names}.");
    let problem = Problem::new(405, "request.method", detail);
    Err(match HeaderValue::try_from(names) {
        Ok(names) => problem.header(header::ALLOW, names),
        Err(_) => problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_with_the_wrong_method_is_told_the_right_ones() {
        assert!(allow(&Method::HEAD, &[Method::GET]).is_ok());
        assert!(allow(&Method::POST, &[Method::POST]).is_ok());
        for (method, known, told) in [
            (Method::DELETE, &[Method::GET][..], "GET, HEAD"),
            (Method::GET, &[Method::POST], "POST"),
            (Method::HEAD, &[Method::POST, Method::PUT], "POST, PUT"),
        ] {
            let refused = allow(&method, known).unwrap_err().answer();
            assert_eq!(refused.status(), 405);
            assert_eq!(refused.headers()[header::ALLOW], told);
        }
    }
}
