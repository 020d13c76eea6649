//! A web server on loopback that serves what it is given, well or badly.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How a path is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200 with these bytes.
    Bytes(Arc<[u8]>),
    /// Fewer bytes than the header promises, then the end.
    CutOff(Vec<u8>),
    /// 200 with these bytes, one after the other, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// 200 and bytes without end.
    Endless,
    /// The connection is closed.
    Nothing,
    /// 200 with these bytes, and 404 ever after.
    Once(Vec<u8>),
    /// Nothing is said until the client goes away.
    Stall,
    /// This status, these lines of headers, and this body.
    Said(u16, &'static str, Vec<u8>),
    /// This status.
    Status(u16),
}

impl From<Vec<u8>> for Answer {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// `GET` and so on.
    pub method: String,
    /// The path without its first slash.
    pub path: String,
    /// The headers in lower case, one a line.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shared {
    answers: HashMap<String, Answer>,
    /// How every other path is answered, instead of 404.
    otherwise: Option<Answer>,
    received: Vec<Received>,
}

/// A server that runs until the process ends. A clone is the same server.
#[derive(Clone, Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    /// A server that has nothing yet.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::default(),
        };
        let shared = Arc::clone(&server.shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        server
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers a path, from now on.
    pub fn set(&self, path: &str, answer: impl Into<Answer>) {
        let mut shared = self.shared.lock().unwrap();
        shared.answers.insert(path.into(), answer.into());
    }

    /// Answers a path with 404, from now on.
    pub fn remove(&self, path: &str) {
        self.shared.lock().unwrap().answers.remove(path);
    }

    /// Answers all these paths, from now on, and no others.
    pub fn replace<A: Into<Answer>>(&self, files: impl IntoIterator<Item = (String, A)>) {
        let mut shared = self.shared.lock().unwrap();
        shared.otherwise = None;
        shared.answers = files
            .into_iter()
            .map(|(path, answer)| (path, answer.into()))
            .collect();
    }

    /// Answers every path that has no answer of its own, from now on.
    pub fn otherwise(&self, answer: Answer) {
        self.shared.lock().unwrap().otherwise = Some(answer);
    }

    /// The requests since the last call.
    pub fn received(&self) -> Vec<Received> {
        core::mem::take(&mut self.shared.lock().unwrap().received)
    }
}

fn serve(stream: &TcpStream, shared: &Mutex<Shared>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(received) = read(&mut reader) {
        let answer = {
            let mut shared = shared.lock().unwrap();
            let answer = shared.answers.get(&received.path);
            let answer = answer.or(shared.otherwise.as_ref()).cloned();
            if matches!(answer, Some(Answer::Once(_))) {
                shared.answers.remove(&received.path);
            }
            shared.received.push(received);
            answer
        };
        let answer = answer.unwrap_or(Answer::Status(404));
        if write(stream, &answer).is_none() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let method = words.next()?.to_owned();
    let path = words.next()?.trim_start_matches('/').to_owned();
    let (mut length, mut headers) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if header.is_empty() {
            break;
        }
        headers.push_str(&header);
        headers.push('\n');
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        method,
        path,
        headers,
        body,
    })
}

/// `None` if the connection is over.
fn write(mut stream: &TcpStream, answer: &Answer) -> Option<()> {
    let head = |status: u16, length: usize| {
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n").into_bytes()
    };
    match answer {
        Answer::Bytes(bytes) => {
            stream.write_all(&head(200, bytes.len())).ok()?;
            stream.write_all(bytes).ok()
        }
        Answer::CutOff(bytes) => {
            let all = [head(200, bytes.len() + 1), bytes.clone()].concat();
            stream.write_all(&all).ok()?;
            None
        }
        Answer::Drip(bytes, pause) => {
            stream.write_all(&head(200, bytes.len())).ok()?;
            for byte in bytes {
                thread::sleep(*pause);
                stream.write_all(&[*byte]).ok()?;
            }
            Some(())
        }
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 X\r\n\r\n").ok()?;
            loop {
                stream.write_all(&[b'x'; 4096]).ok()?;
            }
        }
        Answer::Nothing => None,
        Answer::Once(bytes) => {
            stream.write_all(&head(200, bytes.len())).ok()?;
            stream.write_all(bytes).ok()
        }
        Answer::Stall => {
            let mut sink = [0; 1];
            while matches!(stream.read(&mut sink), Ok(1)) {}
            None
        }
        Answer::Said(status, headers, body) => {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n");
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(body).ok()
        }
        Answer::Status(status) => stream.write_all(&head(*status, 0)).ok(),
    }
}
