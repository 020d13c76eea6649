//! Places where a test lets the process die, as a power cut would.

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
