//! Bytes to a server, and whole answers back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::cases::{Case, Pace, Verdict};

/// Sends a case, and reads answers until the connection ends. The statuses of the answers; an
/// error if one is not whole, or the connection does not end.
pub(crate) fn exchange(address: &str, case: &Case, patience: Duration) -> Result<Vec<u16>, String> {
    let failed = |error: std::io::Error| error.to_string();
    let stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let patience = Some(patience);
    stream.set_read_timeout(patience).map_err(failed)?;
    stream.set_write_timeout(patience).map_err(failed)?;
    let sender = stream.try_clone().map_err(failed)?;
    let heard = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if send(&sender, case) {
                until_quiet(&heard, case);
                let _ = sender.shutdown(Shutdown::Write);
            }
        });
        answers(stream, &heard)
    })
}

/// Waits until the answers that are expected have come, and for a moment no more. A server may
/// take the end of what it is sent for the end of the conversation.
fn until_quiet(heard: &AtomicUsize, case: &Case) {
    const MOMENT: Duration = Duration::from_millis(20);
    let wanted = match case.verdict {
        Verdict::Statuses(statuses) => statuses.len(),
        _ => 0,
    };
    let (begun, mut last, mut quiet) = (Instant::now(), 0, 0);
    while quiet < 5 && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(MOMENT);
        let now = heard.load(Relaxed);
        quiet = match now == last && now >= wanted {
            true => quiet + 1,
            false => 0,
        };
        last = now;
    }
}

/// A server that closes early is within its rights, so errors are no matter. `false` if the sending
/// side stays open.
fn send(mut stream: &TcpStream, case: &Case) -> bool {
    match case.pace {
        Pace::AtOnce => {
            let _ = stream.write_all(&case.bytes);
        }
        Pace::Pieces(size) => {
            for piece in case.bytes.chunks(size.max(1)) {
                if stream.write_all(piece).is_err() {
                    return true;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Pace::Drip(every) => {
            // Until the server has had enough: the last byte again and again.
            let begun = Instant::now();
            let last = case.bytes.last().copied().into_iter().cycle();
            for byte in case.bytes.iter().copied().chain(last) {
                if stream.write_all(&[byte]).is_err() || begun.elapsed() > Duration::from_secs(120)
                {
                    return true;
                }
                std::thread::sleep(every);
            }
        }
        Pace::Stall => {
            let _ = stream.write_all(&case.bytes);
            return false;
        }
    }
    true
}

fn answers(stream: TcpStream, heard: &AtomicUsize) -> Result<Vec<u16>, String> {
    let mut statuses = Vec::new();
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match reader.read_line(&mut head) {
                Ok(0) if head.is_empty() => return Ok(statuses),
                Ok(0) => return Err(format!("half an answer: {head:?}")),
                Ok(_) => {}
                // A reset after the last answer is a close, too.
                Err(error) if is_reset(&error) && head.is_empty() => return Ok(statuses),
                Err(error) => return Err(format!("{error} after {statuses:?} {head:?}")),
            }
        }
        let lower = head.to_ascii_lowercase();
        let status = head
            .strip_prefix("HTTP/1.1 ")
            .or(head.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
        let status: u16 = status.ok_or_else(|| format!("no answer: {head:?}"))?;
        if status == 100 {
            continue;
        }
        let length = lower.split("\r\ncontent-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let length: usize = length.ok_or_else(|| format!("an answer without length: {head:?}"))?;
        let mut body = vec![0; length];
        reader
            .read_exact(&mut body)
            .map_err(|error| format!("{error} in the body of {head:?}"))?;
        statuses.push(status);
        heard.fetch_add(1, Relaxed);
    }
}

fn is_reset(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset
    )
}
