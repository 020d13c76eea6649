//! Receivers of news: a server that takes webhooks, and one that takes mail. Both keep what they
//! get, and answer as they are told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An answer that takes everything.
pub(crate) const OK: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

/// A request that was posted.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut all = self.headers.iter();
        all.find(|(other, _)| other == name)
            .map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

/// A receiver of webhooks.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Mutex<String>>,
}

impl Receiver {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(Mutex::new(OK.to_owned()));
        let (keep, say) = (Arc::clone(&got), Arc::clone(&answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (keep, say) = (Arc::clone(&keep), Arc::clone(&say));
                std::thread::spawn(move || converse(&stream.unwrap(), &keep, &say));
            }
        });
        Self { port, got, answer }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    /// Sets the answer from now on; with nothing it reads, and never answers.
    pub(crate) fn answer(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap());
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until it has got so many.
    pub(crate) fn wait(&self, count: usize) -> Vec<Got> {
        wait_for(|| Some(self.got()).filter(|got| got.len() >= count))
    }
}

fn converse(mut stream: &TcpStream, keep: &Mutex<Vec<Got>>, say: &Mutex<String>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut headers = Vec::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    keep.lock().unwrap().push(Got { headers, body });
    let answer = say.lock().unwrap().clone();
    match answer.is_empty() {
        true => std::thread::sleep(Duration::from_secs(60)),
        // The gate may have hung up.
        false => drop(stream.write_all(answer.as_bytes())),
    }
}

/// A server that takes mail, without TLS.
pub(crate) struct Mailbox {
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<(String, String)>>>,
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let keep = Arc::clone(&keep);
                std::thread::spawn(move || take(&stream.unwrap(), &keep));
            }
        });
        Self { port, got }
    }

    /// Addresses and mails.
    pub(crate) fn got(&self) -> Vec<(String, String)> {
        self.got.lock().unwrap().clone()
    }

    pub(crate) fn wait(&self, count: usize) -> Vec<(String, String)> {
        wait_for(|| Some(self.got()).filter(|got| got.len() >= count))
    }
}

/// RFC 5321, as far as a mail needs it.
fn take(stream: &TcpStream, keep: &Mutex<Vec<(String, String)>>) {
    let mut writer = stream;
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes());
    let mut lines = BufReader::new(stream).lines();
    let _gone = say("220 localhost");
    let mut to = String::new();
    while let Some(Ok(line)) = lines.next() {
        let word = line.split([' ', ':']).next().unwrap_or_default();
        let answer = match word.to_uppercase().as_str() {
            "EHLO" => "250-localhost\r\n250 8BITMIME",
            "RCPT" => {
                line.clone_into(&mut to);
                "250 ok"
            }
            "DATA" => {
                let _gone = say("354 go on");
                let text: Vec<String> = lines
                    .by_ref()
                    .map_while(Result::ok)
                    .take_while(|line| line != ".")
                    .collect();
                keep.lock().unwrap().push((to.clone(), text.join("\n")));
                "250 taken"
            }
            "QUIT" => "221 bye",
            "MAIL" | "RSET" | "NOOP" => "250 ok",
            _ => "502 what?",
        };
        if say(answer).is_err() {
            return;
        }
    }
}

/// Waits for something, 30 seconds at most.
pub(crate) fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}
