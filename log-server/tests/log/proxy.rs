//! A way to PostgreSQL that is cut at the worst moments.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

/// The moment at which the connection is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// The server never sees the COMMIT.
    BeforeCommit,
    /// The server has answered the COMMIT, and nobody hears of it.
    AfterCommit,
}

/// Passes on what it gets, for as long as the tests run.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The next cuts, the last of them first.
    next: Mutex<Vec<Cut>>,
    cuts: AtomicU32,
}

/// COMMIT as a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

impl Proxy {
    /// To a server on this machine.
    pub(crate) fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                join(client, server, Arc::clone(&shared));
            }
        });
        Self { port, state }
    }

    /// Has the next so many COMMITs cut.
    pub(crate) fn cut(&self, cut: Cut, times: usize) {
        *self.state.next.lock().unwrap() = vec![cut; times];
    }

    /// How often it has cut.
    pub(crate) fn cuts(&self) -> u32 {
        self.state.cuts.load(SeqCst)
    }
}

fn join(client: TcpStream, server: TcpStream, state: Arc<State>) {
    let mute = Arc::new(AtomicBool::new(false));
    let end = |one: &TcpStream, other: &TcpStream| {
        // Either may be closed already.
        let _ = one.shutdown(Shutdown::Both);
        let _ = other.shutdown(Shutdown::Both);
    };
    let (from, mut to, muted) = (
        client.try_clone().unwrap(),
        server.try_clone().unwrap(),
        Arc::clone(&mute),
    );
    thread::spawn(move || {
        let mut from = from;
        let mut bytes = [0; 65536];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let some = bytes.get(..length).unwrap();
            if some.windows(COMMIT.len()).any(|window| window == COMMIT) {
                let cut = state.next.lock().unwrap().pop();
                if cut.is_some() {
                    state.cuts.fetch_add(1, SeqCst);
                }
                if cut == Some(Cut::BeforeCommit) {
                    break;
                }
                muted.store(cut == Some(Cut::AfterCommit), SeqCst);
            }
            if to.write_all(some).is_err() {
                break;
            }
        }
        end(&from, &to);
    });
    thread::spawn(move || {
        let (mut from, mut to) = (server, client);
        let mut bytes = [0; 65536];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let some = bytes.get(..length).unwrap();
            if mute.load(SeqCst) || to.write_all(some).is_err() {
                break;
            }
        }
        end(&from, &to);
    });
}
