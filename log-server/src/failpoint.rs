//! Places where a test lets the process die, as a power cut would, or stand still, as a machine does
//! that is moved, and other mishaps of machines.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("failpoints let anybody who sets a variable break a log: they are for tests alone");

/// Ends the process here, at once, if `COSIGNET_LOG_FAILPOINT` names this place: `name`, or
/// `name:n` for the n-th time that it is passed. Stops it here, as SIGSTOP does, if
/// `COSIGNET_LOG_FREEZE` does. Nothing without the feature `failpoints`.
#[cfg(feature = "failpoints")]
pub(crate) fn pass(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    static PASSED: AtomicU64 = AtomicU64::new(0);

    for variable in ["COSIGNET_LOG_FAILPOINT", "COSIGNET_LOG_FREEZE"] {
        let Ok(wanted) = std::env::var(variable) else {
            continue;
        };
        let (place, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        let count = count.parse().unwrap_or(1);
        if place != name || PASSED.fetch_add(1, Ordering::SeqCst) + 1 != count {
            continue;
        }
        if variable == "COSIGNET_LOG_FAILPOINT" {
            std::process::abort();
        }
        let id = std::process::id().to_string();
        let _ = std::process::Command::new("kill")
            .args(["-STOP", &id])
            .status();
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

/// Whether this process takes it for certain that it leads, as one would that relies on a lock:
/// `COSIGNET_LOG_TEST_UNFENCED`. Its commits and publications then have no condition, and it does not
/// look whether somebody else has signed. For the test that shows that somebody would notice.
#[cfg(feature = "failpoints")]
pub(crate) fn unfenced() -> bool {
    static SET: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *SET.get_or_init(|| std::env::var_os("COSIGNET_LOG_TEST_UNFENCED").is_some())
}

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn unfenced() -> bool {
    false
}

#[cfg(feature = "failpoints")]
fn number(variable: &str) -> Option<i64> {
    std::env::var(variable).ok()?.parse().ok()
}
