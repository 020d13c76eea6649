//! Notes, checkpoints, proofs, and who has signed (docs/spec/log.md).

use super::encodings::{base64, decimal};
use super::keys;
use crate::encoding::sha256;
use crate::tree::{Hash, node_hash, root_of_path};

/// The last millisecond that a time can name, in seconds.
const LAST_SECOND: u64 = 253_402_300_799;

/// A signed checkpoint.
pub(super) struct Signed {
    text: String,
    lines: Vec<Line>,
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: Hash,
}

struct Line {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Signed {
    pub(super) fn read(note: &str) -> Option<Self> {
        let control = note.chars().any(|c| c < ' ' && c != '\n');
        (note.len() <= 1 << 20 && !control).then_some(())?;
        let blank = note.rfind("\n\n")?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines.strip_suffix('\n')?;
        let lines: Option<Vec<Line>> = lines.split('\n').map(Line::read).collect();
        let lines = lines.filter(|lines| lines.len() <= 64)?;

        let mut rows = text.strip_suffix('\n')?.split('\n');
        let origin = rows.next().filter(|o| (1..=255).contains(&o.len()))?;
        let size = decimal(rows.next()?)?;
        let root: Hash = base64(rows.next()?)?.try_into().ok()?;
        let extensions = rows.all(|row| !row.is_empty());
        (extensions && (size > 0 || root == sha256(b""))).then_some(())?;
        Some(Self {
            text: text.into(),
            lines,
            origin: origin.into(),
            size,
            root,
        })
    }

    fn lines_by<'s>(&'s self, key: &'s Key) -> impl Iterator<Item = &'s Line> {
        self.lines
            .iter()
            .filter(|line| line.name == key.name && line.id == key.id)
    }
}

impl Line {
    fn read(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let plain = !name.is_empty() && !name.contains('+') && !name.contains(char::is_whitespace);
        plain.then_some(())?;
        let bytes = base64(signature)?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        (!signature.is_empty()).then_some(())?;
        Some(Self {
            name: name.into(),
            id: *id,
            signature: signature.into(),
        })
    }
}

/// A tlog-proof.
pub(super) struct Proof {
    pub(super) index: u64,
    path: Vec<Hash>,
    pub(super) signed: Signed,
}

impl Proof {
    /// The code is of `log.proof` or `log.checkpoint`.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "log.proof_form";
        if text.len() > 1 << 20 {
            return Err(FORM);
        }
        let (head, note) = text.split_once("\n\n").ok_or(FORM)?;
        let mut rows = head.split('\n').peekable();
        if rows.next() != Some("c2sp.org/tlog-proof@v1") {
            return Err(FORM);
        }
        let extra = rows.next_if(|row| row.starts_with("extra "));
        let extra = extra.map(|row| base64(&row[6..]).ok_or(FORM)).transpose()?;
        let index = rows.next().and_then(|row| row.strip_prefix("index "));
        let index = index.and_then(decimal).ok_or(FORM)?;
        let hash = |row| base64(row)?.try_into().ok();
        let path: Option<Vec<Hash>> = rows.map(hash).collect();
        let path = path.filter(|path| path.len() <= 64).ok_or(FORM)?;
        let signed = Signed::read(note).ok_or("log.checkpoint_form")?;
        if extra.is_some_and(|extra| extra.is_empty()) {
            return Err(FORM);
        }
        Ok(Self {
            index,
            path,
            signed,
        })
    }

    pub(super) fn includes(&self, leaf: Hash) -> bool {
        let size = self.signed.size;
        self.index < size
            && root_of_path(self.index, size, leaf, &self.path) == Some(self.signed.root)
    }
}

/// RFC 6962 §2.1.2, by the recursion of `SUBPROOF`, from the end of the proof.
pub(super) fn is_consistent(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) -> bool {
    let ((m, old_root), (n, new_root)) = (old, new);
    if m == 0 || m > n || proof.len() > 64 {
        return false;
    }
    if m == n {
        return old_root == new_root && proof.is_empty();
    }
    roots(m, n, true, old_root, proof) == Some((old_root, new_root))
}

/// The roots over the first `m` and over all `n` leaves of a subtree.
fn roots(m: u64, n: u64, whole: bool, old: Hash, proof: &[Hash]) -> Option<(Hash, Hash)> {
    if m == n {
        return match (whole, proof) {
            (true, []) => Some((old, old)),
            (false, [hash]) => Some((*hash, *hash)),
            _ => None,
        };
    }
    let (last, rest) = proof.split_last()?;
    let k = 1 << (n - 1).ilog2();
    if m <= k {
        let (before, after) = roots(m, k, whole, old, rest)?;
        Some((before, node_hash(&after, last)))
    } else {
        let (before, after) = roots(m - k, n - k, false, old, rest)?;
        Some((node_hash(last, &before), node_hash(last, &after)))
    }
}

/// A tlog-policy; one that is refused is not read here.
pub(super) struct Policy {
    logs: Vec<Key>,
    witnesses: Vec<(String, Key)>,
    groups: Vec<(String, usize, Vec<String>)>,
    quorum: String,
}

#[derive(Clone)]
pub(super) struct Key {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

impl Key {
    fn read(vkey: &str) -> Self {
        let mut parts = vkey.splitn(3, '+');
        let name = parts.next().unwrap().to_owned();
        let id = super::encodings::hex(parts.next().unwrap()).unwrap();
        let typed = base64(parts.next().unwrap()).unwrap();
        Self {
            name,
            id: id.try_into().unwrap(),
            key: keys::ed25519(typed[1..].try_into().unwrap()).unwrap(),
        }
    }
}

impl Policy {
    pub(super) fn read(text: &str) -> Self {
        let mut policy = Self {
            logs: Vec::new(),
            witnesses: Vec::new(),
            groups: Vec::new(),
            quorum: String::new(),
        };
        // As editors leave it: see the canonical form in docs/spec/policy.md.
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        for line in text.split('\n') {
            let items: Vec<&str> = line
                .split([' ', '\t'])
                .filter(|item| !item.is_empty())
                .collect();
            match items.as_slice() {
                ["log", vkey, ..] => policy.logs.push(Key::read(vkey)),
                ["witness", name, vkey, ..] => {
                    policy.witnesses.push(((*name).into(), Key::read(vkey)));
                }
                ["group", name, k, members @ ..] => {
                    let k = match *k {
                        "all" => members.len(),
                        "any" => 1,
                        k => k.parse().unwrap(),
                    };
                    let members = members.iter().map(|name| (*name).to_owned()).collect();
                    policy.groups.push(((*name).into(), k, members));
                }
                ["quorum", name] => policy.quorum = (*name).into(),
                _ => {}
            }
        }
        policy
    }

    pub(super) fn wants_witnesses(&self) -> bool {
        self.quorum != "none"
    }

    /// Steps 1 to 3 of *Who signed*.
    pub(super) fn who_signed(&self, signed: &Signed) -> Result<Heads, &'static str> {
        const FORM: &str = "log.checkpoint_form";
        let by_log: Vec<(&Line, &Key)> = signed
            .lines
            .iter()
            .filter_map(|line| {
                let made = |key: &&Key| key.name == line.name && key.id == line.id;
                Some((line, self.logs.iter().find(made)?))
            })
            .collect();
        let count = |key| signed.lines_by(key).count();
        let counts: Vec<usize> = self.witnesses.iter().map(|(_, key)| count(key)).collect();
        let all: usize = counts.iter().sum();
        let too_many = all > self.witnesses.len().max(16) || counts.iter().any(|n| *n > 16);
        if by_log.len() > 16 || too_many {
            return Err(FORM);
        }
        let good = |(line, key): &(&Line, &Key)| {
            keys::verify_ed25519(&key.key, signed.text.as_bytes(), &line.signature)
        };
        if !by_log.iter().all(good) {
            return Err("log.bad_signature");
        }
        let log = by_log.iter().find(|(_, key)| key.name == signed.origin);
        let (_, log) = log.ok_or("log.unknown_key")?;
        let times = self.witnesses.iter().map(|(_, key)| {
            let times = signed.lines_by(key).map(|line| cosigned(signed, key, line));
            times.collect::<Option<Vec<u64>>>()
        });
        let times: Vec<Option<Vec<u64>>> = times.collect();
        Ok(Heads {
            log: (*log).clone(),
            bad: times.iter().any(Option::is_none),
            times: times
                .into_iter()
                .map(|times| times.unwrap_or_default().into_iter().min())
                .collect(),
        })
    }

    /// Step 4, and the quorum time in seconds, if there is one.
    pub(super) fn quorum(&self, heads: &Heads) -> Result<Option<u64>, &'static str> {
        if heads.bad {
            return Err("log.bad_cosignature");
        }
        if !self.wants_witnesses() {
            return Ok(None);
        }
        let met = self.met_at(&self.quorum, heads);
        met.map(Some).ok_or("log.quorum_short")
    }

    fn met_at(&self, name: &str, heads: &Heads) -> Option<u64> {
        if let Some(at) = self.witnesses.iter().position(|(n, _)| n == name) {
            return heads.times[at];
        }
        let (_, k, members) = self.groups.iter().find(|(n, ..)| n == name)?;
        let times = members.iter().filter_map(|name| self.met_at(name, heads));
        let mut times: Vec<u64> = times.collect();
        times.sort_unstable();
        times.get(k - 1).copied()
    }
}

/// The findings from the signatures of a checkpoint.
pub(super) struct Heads {
    log: Key,
    bad: bool,
    /// Of each witness of the policy the earliest time, in seconds.
    pub(super) times: Vec<Option<u64>>,
}

impl Heads {
    pub(super) fn same_log(&self, other: &Self) -> bool {
        self.log.name == other.log.name && self.log.key == other.log.key
    }
}

/// When the line was made, if it is a good cosignature.
fn cosigned(signed: &Signed, key: &Key, line: &Line) -> Option<u64> {
    let (time, signature) = line.signature.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    let message = format!("cosignature/v1\ntime {time}\n{}", signed.text);
    let good = (1..=LAST_SECOND).contains(&time)
        && keys::verify_ed25519(&key.key, message.as_bytes(), signature);
    good.then_some(time)
}
