//! Distance: forwards connections, and takes its time.

use std::io::{Read as _, Result, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Listens at an address of its own for `to`, which is `round_trip` away, for as long as this
/// process lives.
pub(super) fn start(to: String, round_trip: Duration) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // A connection that cannot be made is one that is closed at once.
            let _ = relay(near, &to, round_trip / 2);
        }
    });
    Ok(address)
}

fn relay(near: TcpStream, to: &str, delay: Duration) -> Result<()> {
    let far = TcpStream::connect(to)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (back, there) = (far.try_clone()?, near.try_clone()?);
    thread::spawn(move || forward(near, far, delay));
    thread::spawn(move || forward(back, there, delay));
    Ok(())
}

/// Questions and answers come one at a time and in one piece.
fn forward(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        thread::sleep(delay);
        let Some(piece) = piece.get(..length) else {
            break;
        };
        if to.write_all(piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
