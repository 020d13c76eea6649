//! Places where a test lets the process die, as a power cut would, and other mishaps of machines.

/// Ends the process here, at once, if `COSIGNET_LOG_FAILPOINT` names this place: `name`, or
/// `name:n` for the n-th time that it is passed. Nothing without the feature `failpoints`.
#[cfg(feature = "failpoints")]
pub(crate) fn pass(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    static PASSED: AtomicU64 = AtomicU64::new(0);

    let Ok(wanted) = std::env::var("COSIGNET_LOG_FAILPOINT") else {
        return;
    };
    let (place, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if place == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == count.parse().unwrap_or(1) {
        std::process::abort();
    }
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn pass(_name: &str) {}

/// How far off the clock is, in milliseconds: `COSIGNET_LOG_TEST_CLOCK`.
#[cfg(feature = "failpoints")]
pub(crate) fn clock() -> i64 {
    number("COSIGNET_LOG_TEST_CLOCK").unwrap_or(0)
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn clock() -> i64 {
    0
}

/// How many pages the disk has for the database: `COSIGNET_LOG_TEST_PAGES`.
#[cfg(feature = "failpoints")]
pub(crate) fn pages() -> Option<i64> {
    number("COSIGNET_LOG_TEST_PAGES")
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn pages() -> Option<i64> {
    None
}

/// How long publication may be held back before nothing more is admitted:
/// `COSIGNET_LOG_TEST_PATIENCE`, in milliseconds.
#[cfg(feature = "failpoints")]
pub(crate) fn patience() -> Option<std::time::Duration> {
    let millis = number("COSIGNET_LOG_TEST_PATIENCE")?.unsigned_abs();
    Some(std::time::Duration::from_millis(millis))
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn patience() -> Option<std::time::Duration> {
    None
}

#[cfg(feature = "failpoints")]
fn number(variable: &str) -> Option<i64> {
    std::env::var(variable).ok()?.parse().ok()
}
