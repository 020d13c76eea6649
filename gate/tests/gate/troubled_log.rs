//! A log that hangs, that is full, and whose answers are lost: nothing is approved before it has the
//! signature, nothing is lost, and nothing is in it twice.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Gate, Log, RULES};

/// What becomes of a connection.
const PASS: u8 = 0;
/// It is taken, and nothing happens.
const HANG: u8 = 1;
/// It is answered as by a log without room.
const FULL: u8 = 2;
/// The log gets it, and its answer is lost.
const LOSE: u8 = 3;

const NO_ROOM: &str = "HTTP/1.1 503 Service Unavailable\r\n\
    Content-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\n\
    Content-Length: 70\r\n\r\n\
    {\"status\":503,\"title\":\"No room\",\"code\":\"storage.full\",\"detail\":\"full\"}";

/// A way to a log.
struct Way {
    port: u16,
    mode: Arc<AtomicU8>,
    seen: Arc<AtomicUsize>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Way {
    fn to(log: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Self {
            port: listener.local_addr().unwrap().port(),
            mode: Arc::new(AtomicU8::new(PASS)),
            seen: Arc::new(AtomicUsize::new(0)),
            open: Arc::default(),
        };
        let (mode, seen) = (Arc::clone(&way.mode), Arc::clone(&way.seen));
        let open = Arc::clone(&way.open);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                open.lock().unwrap().extend(connection.try_clone());
                let (mode, seen) = (Arc::clone(&mode), Arc::clone(&seen));
                std::thread::spawn(move || {
                    seen.fetch_add(1, Ordering::SeqCst);
                    // Whoever is on the other side may have gone: that is no failure of the test.
                    let _gone = carry(connection, log, &mode);
                });
            }
        });
        way
    }

    /// What becomes of the connections from now on.
    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
        if mode != PASS {
            // Those that are kept alive would go on as they were.
            for connection in self.open.lock().unwrap().drain(..) {
                let _gone = connection.shutdown(Shutdown::Both);
            }
        }
    }

    /// Waits until somebody has met what was set.
    fn met(&self, before: usize) {
        until("nobody comes to the log", || {
            self.seen.load(Ordering::SeqCst) > before
        });
    }

    fn count(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

fn carry(mut from: TcpStream, log: u16, mode: &AtomicU8) -> std::io::Result<()> {
    while mode.load(Ordering::SeqCst) == HANG {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mode = mode.load(Ordering::SeqCst);
    if mode == FULL {
        // A request that nobody has read would end the connection before its answer is there.
        from.set_read_timeout(Some(Duration::from_millis(300)))?;
        let mut lost = [0; 1 << 16];
        while matches!(from.read(&mut lost), Ok(1..)) {}
        return from.write_all(NO_ROOM.as_bytes());
    }
    let mut to = TcpStream::connect(("127.0.0.1", log))?;
    let (mut asks, mut log_asked) = (from.try_clone()?, to.try_clone()?);
    std::thread::spawn(move || {
        let _gone = std::io::copy(&mut asks, &mut log_asked);
        let _gone = log_asked.shutdown(Shutdown::Write);
    });
    if mode == LOSE {
        let _answer = to.read(&mut [0; 1 << 16])?;
        return from.shutdown(Shutdown::Both);
    }
    std::io::copy(&mut to, &mut from)?;
    from.shutdown(Shutdown::Both)
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !is() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_log_in_trouble_delays_approvals_and_loses_none() {
    let mut log = Log::new();
    let way = Way::to(log.port);
    let gate = Gate::on_the_way(&log, way.port, RULES);
    log.serve(&gate.origin());
    let ann = gate.person("ann", "finance");
    let agent = gate.key("agent", "create", None);
    let mut ids = Vec::new();
    for (number, mode) in [HANG, FULL, LOSE].into_iter().enumerate() {
        let before = way.count();
        way.set(mode);
        let id = gate.ask(
            &agent,
            "payment.send",
            &json!({ "amount": number.to_string() }),
        );
        let begin = Instant::now();
        let signed = ann.decide(&gate, &id, "approve");
        assert_eq!(signed.status, 200, "{signed:?}");
        assert_eq!(signed.json()["waitingForLog"], true, "{mode}");
        way.met(before);
        let path = format!("/api/confirmations/{id}");
        let standing = gate.get(&path, &agent).json();
        assert_eq!(standing["status"], "pending", "{mode}: {standing}");
        // Nobody else waits because of it.
        let other = gate.ask(&agent, "quick", &json!({ "number": number }));
        assert_eq!(
            gate.get(&format!("/api/confirmations/{other}"), &agent)
                .status,
            200
        );
        assert!(begin.elapsed() < Duration::from_secs(15), "{mode}");
        if mode != HANG {
            until("the gate says nothing of the trouble", || {
                let ready = gate.get("/readyz", &agent);
                ready.status == 503 && ready.text.contains("log")
            });
        }
        way.set(PASS);
        let decided = gate.wait(&agent, &id);
        assert_eq!(decided["status"], "approved", "{mode}: {decided}");
        until("the gate is not ready again", || {
            gate.get("/readyz", &agent).status == 200
        });
        ids.push(id);
    }
    // Each signature is in the log once, that whose answer was lost too.
    let url = format!("http://127.0.0.1:{}/checkpoint", log.port);
    let checkpoint = ureq::get(&url)
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    assert_eq!(checkpoint.lines().nth(1), Some("3"), "{checkpoint}");
    for id in &ids {
        let decision = gate.get(&format!("/api/confirmations/{id}/decision"), &agent);
        assert_eq!(decision.status, 200, "{decision:?}");
    }
}
