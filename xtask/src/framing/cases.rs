//! The requests.

use std::time::Duration;

/// The bytes that are sent on one connection, how, and the answers that may come back.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) pace: Pace,
    pub(crate) verdict: Verdict,
}

/// How bytes are sent. At the end the sending side of the connection is closed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    AtOnce,
    /// In pieces of so many bytes.
    Pieces(usize),
    /// One by one, the last one for ever.
    Drip(Duration),
    /// At once, and then nothing: not even the end.
    Stall,
}

/// The answers that may come back, beside no 5xx, whole answers, and the end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// Anything.
    Clean,
    /// One 4xx, or no answer.
    Refused,
    /// At most one answer: what stands behind is never read as a request.
    Last,
    /// These.
    Statuses(&'static [u16]),
}

impl Case {
    pub(crate) fn new(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.as_ref().to_vec(),
            pace: Pace::AtOnce,
            verdict: Verdict::Clean,
        }
    }

    pub(crate) fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }
}

const GET: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n";

/// A request that would be answered if somebody took it for one.
const BEHIND: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// Requests that are wrong in one way each. `post` begins a request with a body.
pub(crate) fn by_hand(post: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, text: String, verdict| {
        // A thousand pieces at most: what takes long is another matter.
        let piece = 7.max(text.len() / 1000);
        for pace in [Pace::AtOnce, Pace::Pieces(piece)] {
            cases.push(Case::new(name, &text).verdict(verdict).pace(pace));
        }
    };
    // Two ways to tell where a body ends.
    for (name, framing) in [
        (
            "length and chunked",
            "content-length: 5\r\ntransfer-encoding: chunked",
        ),
        (
            "chunked and length",
            "transfer-encoding: chunked\r\ncontent-length: 5",
        ),
        (
            "chunked twice, length",
            "transfer-encoding: chunked, chunked\r\ncontent-length: 5",
        ),
        (
            "chunked with a tab, length",
            "transfer-encoding:\tchunked\r\ncontent-length: 5",
        ),
        (
            "Chunked, length",
            "Transfer-Encoding: Chunked\r\nContent-Length: 5",
        ),
    ] {
        let text = format!("{post}{framing}\r\n\r\n0\r\n\r\n{BEHIND}");
        add(name, text, Verdict::Last);
    }
    for (name, framing) in [
        ("two lengths", "content-length: 2\r\ncontent-length: 3"),
        ("a list of lengths", "content-length: 2, 3"),
        ("a length with a sign", "content-length: +2"),
        ("a negative length", "content-length: -2"),
        ("a length in hex", "content-length: 0x2"),
        ("a length in words", "content-length: two"),
        ("an empty length", "content-length: "),
        ("a length of 2^64", "content-length: 18446744073709551616"),
        (
            "a length beyond every limit",
            "content-length: 18446744073709551614",
        ),
        (
            "not chunked at last",
            "transfer-encoding: chunked, identity",
        ),
        ("an unknown coding", "transfer-encoding: xchunked"),
        (
            "chunked in quotation marks",
            "transfer-encoding: \"chunked\"",
        ),
        ("a folded header", "x-a: b\r\n c: d\r\ncontent-length: 2"),
        ("a folded length", "content-length:\r\n 2"),
        ("a folded coding", "transfer-encoding:\r\n chunked"),
        ("a blank before the colon", "content-length : 2"),
        ("a header without a name", ": 2\r\ncontent-length: 2"),
        ("a header without a colon", "nonsense\r\ncontent-length: 2"),
        ("a zero byte in a header", "x-a: a\0b\r\ncontent-length: 2"),
        (
            "a carriage return in a header",
            "x-a: a\rb\r\ncontent-length: 2",
        ),
        ("two hosts", "host: y\r\ncontent-length: 2"),
    ] {
        let text = format!("{post}{framing}\r\n\r\n{{}}{BEHIND}");
        add(name, text, Verdict::Refused);
    }
    for (name, body) in [
        ("a chunk of 2^68 bytes", "fffffffffffffffff\r\nx".to_owned()),
        ("a negative chunk", "-1\r\nx\r\n0\r\n\r\n".into()),
        ("a chunk with 0x", "0x2\r\n{}\r\n0\r\n\r\n".into()),
        (
            "a chunk that is longer than it says",
            "1\r\n{}\r\n0\r\n\r\n".into(),
        ),
        ("a chunk without a line end", "2\r\n{}0\r\n\r\n".into()),
        ("line feeds alone between chunks", "2\n{}\n0\n\n".into()),
        (
            "a line feed in an extension",
            "2;a\nb\r\n{}\r\n0\r\n\r\n".into(),
        ),
        (
            "an endless extension",
            format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(100_000)),
        ),
        (
            "endless trailers",
            format!("0\r\n{}\r\n", "a: b\r\n".repeat(50_000)),
        ),
        ("no end", "2\r\n{}\r\n".into()),
    ] {
        let text = format!("{post}transfer-encoding: chunked\r\n\r\n{body}{BEHIND}");
        add(name, text, Verdict::Last);
    }
    let extension = "2;a=b;c=\"d\"\r\n{}\r\n0;e\r\n\r\n";
    let text = format!("{post}transfer-encoding: chunked\r\n\r\n{extension}");
    add("a small extension", text, Verdict::Refused);
    for (name, text, verdict) in [
        (
            "no host",
            "GET /healthz HTTP/1.1\r\n\r\n".to_owned(),
            Verdict::Statuses(&[400]),
        ),
        (
            "line feeds alone",
            GET.replace('\r', "") + "\n",
            Verdict::Clean,
        ),
        (
            "carriage returns alone",
            GET.replace('\n', "") + "\r",
            Verdict::Refused,
        ),
        ("HTTP/0.9", "GET /healthz\r\n\r\n".into(), Verdict::Refused),
        (
            "HTTP/2 by its preface",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
            Verdict::Refused,
        ),
        (
            "HTTP/3.0",
            "GET /healthz HTTP/3.0\r\nhost: x\r\n\r\n".into(),
            Verdict::Refused,
        ),
        (
            "TLS",
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".into(),
            Verdict::Refused,
        ),
        (
            "CONNECT",
            format!("CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n{BEHIND}"),
            Verdict::Clean,
        ),
        (
            "an asterisk",
            "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Verdict::Refused,
        ),
        (
            "TRACE",
            "TRACE /healthz HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Verdict::Statuses(&[405]),
        ),
        (
            "an upgrade",
            format!("{GET}connection: upgrade\r\nupgrade: h2c\r\n\r\n"),
            Verdict::Clean,
        ),
        (
            "a long head",
            // The limit is 64 KiB, and what one more read has brought.
            format!("{GET}x-a: {}\r\n\r\n", "a".repeat(200_000)),
            Verdict::Refused,
        ),
        (
            "many headers",
            format!("{GET}{}\r\n", "x-a: b\r\n".repeat(5000)),
            Verdict::Refused,
        ),
        (
            "a long address",
            format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(66_000)),
            Verdict::Refused,
        ),
        (
            "blanks in an address",
            "GET /a b HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Verdict::Refused,
        ),
        (
            "two methods",
            "GET GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Verdict::Refused,
        ),
        (
            "empty lines first",
            format!("\r\n\r\n{GET}\r\n"),
            Verdict::Clean,
        ),
        (
            "three at once",
            BEHIND.repeat(3),
            Verdict::Statuses(&[200; 3]),
        ),
        (
            "a body that nobody asked for",
            format!("{GET}content-length: 3\r\n\r\nabc{BEHIND}"),
            Verdict::Statuses(&[200; 2]),
        ),
        (
            "another one after close",
            format!("{GET}connection: close\r\n\r\n{BEHIND}"),
            Verdict::Statuses(&[200]),
        ),
    ] {
        add(name, text, verdict);
    }
    cases
}

/// Requests that do not come to their end by themselves.
pub(crate) fn slow(post: &str) -> Vec<Case> {
    let every = Duration::from_millis(300);
    let body = |text: &str| format!("{post}{text}");
    vec![
        Case::new("a head that drips", GET.trim_end()).pace(Pace::Drip(every)),
        Case::new("headers that drip", format!("{GET}x-a: ")).pace(Pace::Drip(every)),
        Case::new("a body that drips", body("content-length: 100000\r\n\r\n "))
            .pace(Pace::Drip(every)),
        Case::new(
            "chunks that drip",
            body("transfer-encoding: chunked\r\n\r\nffff\r\n "),
        )
        .pace(Pace::Drip(every)),
        Case::new("nothing at all", "").pace(Pace::Stall),
        Case::new("half a head", GET.trim_end()).pace(Pace::Stall),
        Case::new("half a body", body("content-length: 10\r\n\r\n{")).pace(Pace::Stall),
        Case::new(
            "half a chunk",
            body("transfer-encoding: chunked\r\n\r\nf\r\n{"),
        )
        .pace(Pace::Stall),
        Case::new(
            "a body that is refused and never comes",
            "POST /nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n",
        )
        .pace(Pace::Stall)
        .verdict(Verdict::Statuses(&[404])),
    ]
}

/// A request with some bytes changed, dropped, doubled or put in.
pub(crate) fn mutated(post: &str, random: &mut Random) -> Case {
    const TOKENS: [&str; 12] = [
        "\r\n",
        "\n",
        "\r",
        "\0",
        ":",
        " ",
        "\t",
        "content-length: 1\r\n",
        "transfer-encoding: chunked\r\n",
        "connection: close\r\n",
        "0\r\n\r\n",
        "expect: 100-continue\r\n",
    ];
    let origin = match random.below(3) {
        0 => format!("{GET}\r\n{BEHIND}"),
        1 => format!("{post}content-length: 2\r\n\r\n{{}}{BEHIND}"),
        _ => format!("{post}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{BEHIND}"),
    };
    let mut bytes = origin.into_bytes();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len().max(1)).min(bytes.len());
        match random.below(5) {
            0 => {
                let token = TOKENS.get(random.below(TOKENS.len())).copied();
                bytes.splice(at..at, token.unwrap_or_default().bytes());
            }
            1 if at < bytes.len() => {
                bytes.remove(at);
            }
            2 => {
                let end = (at + random.below(40)).min(bytes.len());
                let part: Vec<u8> = bytes.drain(at..end).collect();
                bytes.splice(at..at, part.repeat(2));
            }
            3 => {
                let end = (at + random.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(random.below(256)).unwrap_or_default();
                }
            }
        }
    }
    let pace = match random.below(4) {
        0 => Pace::Pieces(1 + random.below(60)),
        _ => Pace::AtOnce,
    };
    Case::new("mutated", bytes).pace(pace)
}

/// Numbers that are the same for the same seed: xorshift64*.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(number).unwrap_or_default() % limit.max(1)
    }
}
