//! Signed notes, cosignatures, and the keys of logs and witnesses (C2SP signed-note,
//! tlog-checkpoint, tlog-cosignature).

use ed25519_dalek::{Signer as _, SigningKey};

use crate::encoding::{b64, hex, sha256};
use crate::tree::Hash;

/// Signature type of an Ed25519 note signature.
pub const NOTE: u8 = 0x01;
/// Signature type of a timestamped Ed25519 cosignature.
pub const COSIGNATURE: u8 = 0x04;

/// An Ed25519 key that signs notes under a name.
#[derive(Clone, Debug)]
pub struct NoteKey {
    /// The key name.
    pub name: String,
    /// The signature type.
    pub kind: u8,
    secret: SigningKey,
}

impl NoteKey {
    /// A key from its 32-byte seed.
    pub fn new(name: &str, kind: u8, seed: [u8; 32]) -> Self {
        Self {
            name: name.into(),
            kind,
            secret: SigningKey::from_bytes(&seed),
        }
    }

    /// The same key under another name.
    pub fn renamed(&self, name: &str) -> Self {
        Self {
            name: name.into(),
            ..self.clone()
        }
    }

    /// The same key, used for another type of signature.
    pub fn with_kind(&self, kind: u8) -> Self {
        Self {
            kind,
            ..self.clone()
        }
    }

    /// ```text
    /// SHA-256(name ‖ 0a ‖ type ‖ key)[:4]
    /// ```
    pub fn id(&self) -> [u8; 4] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &self.typed_key()].concat());
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// ```text
    /// name+hex(id)+base64(type ‖ key)
    /// ```
    pub fn vkey(&self) -> String {
        format!(
            "{}+{}+{}",
            self.name,
            hex(&self.id()),
            b64(&self.typed_key())
        )
    }

    /// The signature over a note text; `time` in seconds counts for cosignatures only.
    pub fn sign(&self, text: &str, time: u64) -> Vec<u8> {
        if self.kind == COSIGNATURE {
            let message = format!("cosignature/v1\ntime {time}\n{text}");
            let signature = self.secret.sign(message.as_bytes()).to_bytes();
            [&time.to_be_bytes()[..], &signature].concat()
        } else {
            self.secret.sign(text.as_bytes()).to_bytes().to_vec()
        }
    }

    /// A signature line for a note text.
    pub fn line(&self, text: &str, time: u64) -> String {
        self.line_with(&self.sign(text, time))
    }

    /// The signature line that carries `signature`.
    ///
    /// ```text
    /// — name base64(id ‖ signature)
    /// ```
    pub fn line_with(&self, signature: &[u8]) -> String {
        let payload = b64(&[&self.id()[..], signature].concat());
        format!("\u{2014} {} {payload}\n", self.name)
    }

    fn typed_key(&self) -> Vec<u8> {
        [&[self.kind], &self.secret.verifying_key().as_bytes()[..]].concat()
    }
}

/// The text of a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The identity of the log.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The root hash.
    pub root: Hash,
    /// Further lines.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// ```text
    /// origin
    /// size
    /// base64(root)
    /// ```
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, b64(&self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// A note: text, blank line, signature lines.
pub fn note(text: &str, lines: &[String]) -> String {
    format!("{text}\n{}", lines.concat())
}

/// A proof that a log holds a leaf (C2SP tlog-proof), with parts of any form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogProof {
    /// The first line.
    pub header: String,
    /// The payload of the `extra` line.
    pub extra: Option<Vec<u8>>,
    /// The index of the leaf.
    pub index: u64,
    /// The audit path.
    pub path: Vec<Hash>,
    /// The text of the checkpoint.
    pub checkpoint: String,
    /// The signature lines of the checkpoint.
    pub lines: Vec<String>,
}

impl LogProof {
    /// The signed checkpoint.
    pub fn note(&self) -> String {
        note(&self.checkpoint, &self.lines)
    }

    /// ```text
    /// c2sp.org/tlog-proof@v1
    /// extra <base64>            (optional)
    /// index <decimal>
    /// <base64 hash>             (any number)
    ///                           (empty line)
    /// <signed checkpoint>
    /// ```
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.header);
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", b64(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.path {
            text.push_str(&format!("{}\n", b64(hash)));
        }
        text.push('\n');
        text.push_str(&self.note());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_has_this_key_id() {
        use crate::encoding::from_b64;

        let key = from_b64("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
        let id = sha256(&[b"example.com/foo\n", &key[..]].concat());
        assert_eq!(hex(&id[..4]), "530d903a");
    }
}
