//! A way to a server on which everything goes wrong that can: what is sent is held, lost, late, or cut
//! off, in either direction, at a COMMIT, after so many bytes, and at an upload.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};

/// A moment of a conversation with PostgreSQL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// The connection ends, and the server never sees the COMMIT.
    BeforeCommit,
    /// The server has answered the COMMIT, the connection ends, and nobody hears of it.
    AfterCommit,
    /// The server has answered the COMMIT. The connection stays, and nothing comes.
    Unanswered,
}

/// A direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// To the server.
    There,
    /// To the client.
    Back,
}

/// What becomes of the bytes in one direction.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Flow {
    /// They arrive.
    #[default]
    Pass,
    /// So much later.
    Late(Duration),
    /// They arrive when there is another flow, also if the sender is gone by then.
    Held,
    /// Never.
    Lost,
}

/// What becomes of uploads to an S3 server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Upload {
    /// They arrive.
    #[default]
    Pass,
    /// A server error, and nothing is written.
    Refused,
    /// It is acknowledged, and nothing is written.
    Lost,
    /// No answer. It arrives when this is over, the client having given up long ago.
    Late,
    /// Uploads and downloads, so much later.
    Slow {
        /// Of an upload.
        put: Duration,
        /// Of a download.
        get: Duration,
    },
}

/// Passes on what it gets, for as long as the tests run.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The port that it listens on, on 127.0.0.1.
    pub port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: AtomicU16,
    there: watch::Sender<Flow>,
    back: watch::Sender<Flow>,
    uploads: watch::Sender<Upload>,
    /// The next cuts, the last of them first.
    next: Mutex<Vec<Cut>>,
    /// A direction, and how many bytes are left until the connection is cut.
    left: Mutex<Option<(Way, usize)>>,
    closed: AtomicBool,
    /// Ends what is open.
    sever: watch::Sender<()>,
    hits: AtomicU32,
}

/// COMMIT as a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// The one that all proxies of the process run in.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2).enable_all().build().unwrap()
    })
}

impl Proxy {
    /// To a server on this machine.
    pub fn start(server: u16) -> Self {
        let state = Arc::new(State {
            server: AtomicU16::new(server),
            there: watch::Sender::default(),
            back: watch::Sender::default(),
            uploads: watch::Sender::default(),
            next: Mutex::default(),
            left: Mutex::default(),
            closed: AtomicBool::new(false),
            sever: watch::Sender::default(),
            hits: AtomicU32::new(0),
        });
        let listener = runtime()
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&state);
        runtime().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.closed.load(SeqCst) {
                    shared.hit();
                    continue;
                }
                tokio::spawn(join(client, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    /// To another server from now on: connections to the one before end.
    pub fn lead_to(&self, server: u16) {
        self.state.server.store(server, SeqCst);
        self.state.sever.send_replace(());
    }

    /// Has the next so many COMMITs cut.
    pub fn cut(&self, cut: Cut, times: usize) {
        *self.state.next.lock().unwrap() = vec![cut; times];
    }

    /// Cuts the connection on which the last of so many bytes go this way from now on.
    pub fn cut_after(&self, way: Way, bytes: usize) {
        *self.state.left.lock().unwrap() = Some((way, bytes));
    }

    /// From now on, on all connections.
    pub fn flow(&self, way: Way, flow: Flow) {
        self.state.flow(way).send_replace(flow);
    }

    /// From now on, on all connections.
    pub fn uploads(&self, upload: Upload) {
        self.state.uploads.send_replace(upload);
    }

    /// Ends all connections, and lets none in.
    pub fn close(&self) {
        self.state.closed.store(true, SeqCst);
        self.state.sever.send_replace(());
    }

    /// Lets everything pass again. What was held arrives.
    pub fn heal(&self) {
        self.state.closed.store(false, SeqCst);
        self.state.next.lock().unwrap().clear();
        *self.state.left.lock().unwrap() = None;
        self.flow(Way::There, Flow::Pass);
        self.flow(Way::Back, Flow::Pass);
        self.uploads(Upload::Pass);
    }

    /// How often something did not pass as it should have.
    pub fn hits(&self) -> u32 {
        self.state.hits.load(SeqCst)
    }
}

impl State {
    fn hit(&self) {
        self.hits.fetch_add(1, SeqCst);
    }

    fn flow(&self, way: Way) -> &watch::Sender<Flow> {
        match way {
            Way::There => &self.there,
            Way::Back => &self.back,
        }
    }

    /// How many of these bytes go through before the connection is cut, if it is.
    fn cut_at(&self, way: Way, bytes: usize) -> Option<usize> {
        let mut left = self.left.lock().unwrap();
        let (_, rest) = left.as_mut().filter(|(wanted, _)| *wanted == way)?;
        if *rest > bytes {
            *rest -= bytes;
            return None;
        }
        let at = *rest;
        *left = None;
        self.hit();
        Some(at)
    }
}

/// One connection.
struct Connection {
    state: Arc<State>,
    /// What becomes of the next answer.
    cut: Mutex<Option<Cut>>,
    ended: Notify,
    client: tokio::sync::Mutex<OwnedWriteHalf>,
}

async fn join(client: TcpStream, state: Arc<State>) {
    let mut severed = state.sever.subscribe();
    let port = state.server.load(SeqCst);
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, client) = client.into_split();
    let (from_server, server) = server.into_split();
    let connection = Connection {
        state,
        cut: Mutex::default(),
        ended: Notify::new(),
        client: client.into(),
    };
    tokio::select! {
        _ = severed.changed() => {}
        () = connection.ended.notified() => {}
        // An end of one direction is none of the other.
        _ = async { tokio::join!(connection.there(from_client, server), connection.back(from_server)) } => {}
    }
}

impl Connection {
    async fn there(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut bytes).await?;
            if length == 0 {
                return to.shutdown().await;
            }
            let mut some = bytes.get(..length).unwrap().to_vec();
            if some.windows(COMMIT.len()).any(|window| window == COMMIT) {
                let cut = self.state.next.lock().unwrap().pop();
                if cut.is_some() {
                    self.state.hit();
                }
                if cut == Some(Cut::BeforeCommit) {
                    self.ended.notify_one();
                    return Ok(());
                }
                *self.cut.lock().unwrap() = cut;
            }
            if !self.upload(&mut some, &mut from).await? {
                continue;
            }
            if !self.pass(Way::There).await {
                continue;
            }
            if let Some(at) = self.state.cut_at(Way::There, some.len()) {
                to.write_all(some.get(..at).unwrap()).await?;
                self.ended.notify_one();
                return Ok(());
            }
            to.write_all(&some).await?;
        }
    }

    async fn back(&self, mut from: OwnedReadHalf) -> io::Result<()> {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let length = from.read(&mut bytes).await?;
            if length == 0 {
                return self.client.lock().await.shutdown().await;
            }
            let some = bytes.get(..length).unwrap();
            let cut = *self.cut.lock().unwrap();
            match cut {
                Some(Cut::Unanswered) => std::future::pending().await,
                Some(_) => {
                    self.ended.notify_one();
                    return Ok(());
                }
                None => {}
            }
            if !self.pass(Way::Back).await {
                continue;
            }
            let mut client = self.client.lock().await;
            if let Some(at) = self.state.cut_at(Way::Back, some.len()) {
                client.write_all(some.get(..at).unwrap()).await?;
                self.ended.notify_one();
                return Ok(());
            }
            client.write_all(some).await?;
        }
    }

    /// Waits as the flow says. `false` if these bytes go nowhere.
    async fn pass(&self, way: Way) -> bool {
        let mut flow = self.state.flow(way).subscribe();
        let mut counted = false;
        loop {
            let now = *flow.borrow_and_update();
            if now != Flow::Pass && !counted {
                self.state.hit();
                counted = true;
            }
            match now {
                Flow::Pass => return true,
                Flow::Late(pause) => {
                    tokio::time::sleep(pause).await;
                    return true;
                }
                Flow::Lost => return false,
                Flow::Held => {
                    let _ = flow.changed().await;
                }
            }
        }
    }

    /// What becomes of a request to an S3 server that begins with `some`, which is all of it
    /// afterwards. `false` if it goes no further.
    async fn upload(&self, some: &mut Vec<u8>, from: &mut OwnedReadHalf) -> io::Result<bool> {
        let mut uploads = self.state.uploads.subscribe();
        let now = *uploads.borrow_and_update();
        let is_put = some.starts_with(b"PUT ");
        match now {
            Upload::Pass => return Ok(true),
            Upload::Slow { put, get } => {
                if is_put {
                    tokio::time::sleep(put).await;
                } else if some.starts_with(b"GET ") {
                    tokio::time::sleep(get).await;
                }
                return Ok(true);
            }
            _ if !is_put => return Ok(true),
            Upload::Refused | Upload::Lost | Upload::Late => {}
        }
        self.state.hit();
        let mut piece = vec![0; 64 * 1024];
        while some.len() < whole(some).unwrap_or(usize::MAX) {
            match from.read(&mut piece).await? {
                0 => return Ok(false),
                length => some.extend(piece.get(..length).unwrap()),
            }
        }
        let answer = match now {
            Upload::Refused => "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
            Upload::Lost => "HTTP/1.1 200 OK\r\netag: \"lost\"\r\ncontent-length: 0\r\n\r\n",
            _ => {
                let _ = uploads.wait_for(|upload| *upload != Upload::Late).await;
                return Ok(true);
            }
        };
        self.client
            .lock()
            .await
            .write_all(answer.as_bytes())
            .await?;
        Ok(false)
    }
}

/// The length of a request of HTTP/1.1, once its head is there.
fn whole(request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(request.get(..end)?).to_ascii_lowercase();
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Some(end + length.unwrap_or(0_usize))
}
