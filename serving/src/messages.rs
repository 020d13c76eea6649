//! The messages of a server about itself: lines on standard error.

/// Sends the messages of this process to standard error, from now on: as text, or as one JSON
/// object a line.
///
/// # Panics
///
/// If it was called before in this process.
pub fn messages(json: bool) {
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr);
    if json {
        builder.json().init();
    } else {
        builder.with_ansi(false).init();
    }
}
