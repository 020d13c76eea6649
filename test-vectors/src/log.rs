//! A log with its witnesses, and the policies that trust them.

use crate::note::{COSIGNATURE, Checkpoint, LogProof, NOTE, NoteKey};
use crate::tree::{Tree, leaf_hash};

/// A log that holds leaves.
#[derive(Clone, Debug)]
pub struct Log {
    /// The key, whose name is the origin.
    pub key: NoteKey,
    tree: Tree,
}

impl Log {
    /// A log over these leaves.
    pub fn new<L: AsRef<[u8]>>(origin: &str, seed: [u8; 32], leaves: &[L]) -> Self {
        let hashes = leaves.iter().map(|leaf| leaf_hash(leaf.as_ref())).collect();
        Self {
            key: NoteKey::new(origin, NOTE, seed),
            tree: Tree::new(hashes),
        }
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The head over the first `size` leaves.
    pub fn checkpoint(&self, size: usize) -> Checkpoint {
        Checkpoint {
            origin: self.key.name.clone(),
            size: size.try_into().unwrap(),
            root: self.tree.root(size),
            extensions: Vec::new(),
        }
    }

    /// The proof of leaf `index` under the head over `size` leaves, cosigned by these witnesses
    /// at these times.
    pub fn prove(&self, index: usize, size: usize, cosigners: &[(&Witness, u64)]) -> LogProof {
        let text = self.checkpoint(size).text();
        let lines = self.sign(&text, cosigners);
        self.prove_with(index, size, text, lines)
    }

    /// The signature lines of a head.
    pub fn sign(&self, text: &str, cosigners: &[(&Witness, u64)]) -> Vec<String> {
        let mut lines = vec![self.key.line(text, 0)];
        lines.extend(
            cosigners
                .iter()
                .map(|(witness, time)| witness.key.line(text, *time)),
        );
        lines
    }

    /// As [`prove`](Self::prove), under a head that has been signed already.
    pub fn prove_with(
        &self,
        index: usize,
        size: usize,
        checkpoint: String,
        lines: Vec<String>,
    ) -> LogProof {
        LogProof {
            header: "c2sp.org/tlog-proof@v1".into(),
            extra: None,
            index: index.try_into().unwrap(),
            path: self.tree.inclusion(index, size),
            checkpoint,
            lines,
        }
    }

    /// The `log` line of a tlog-policy.
    pub fn policy_line(&self) -> String {
        format!("log {}\n", self.key.vkey())
    }
}

/// A witness.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Its name inside a tlog-policy.
    pub name: String,
    /// Its key.
    pub key: NoteKey,
}

impl Witness {
    /// A witness that is called `name` in policies and `key_name` in notes.
    pub fn new(name: &str, key_name: &str, seed: [u8; 32]) -> Self {
        Self {
            name: name.into(),
            key: NoteKey::new(key_name, COSIGNATURE, seed),
        }
    }

    /// The `witness` line of a tlog-policy.
    pub fn policy_line(&self) -> String {
        format!("witness {} {}\n", self.name, self.key.vkey())
    }
}

/// A tlog-policy for this log that wants `k` of these witnesses; `quorum none` for 0.
pub fn tlog_policy(log: &Log, k: usize, witnesses: &[Witness]) -> String {
    let mut text = log.policy_line();
    for witness in witnesses {
        text.push_str(&witness.policy_line());
    }
    if k == 0 {
        return text + "quorum none\n";
    }
    let names: Vec<&str> = witnesses.iter().map(|w| w.name.as_str()).collect();
    text + &format!(
        "group all-witnesses {k} {}\nquorum all-witnesses\n",
        names.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::b64;

    /// A proof that was made with another implementation, from the same seeds.
    #[test]
    fn a_proof_comes_out_byte_for_byte() {
        let leaves = ["approval-0", "approval-1", "approval-2"];
        let log = Log::new("log.example/approvals", [0; 32], &leaves);
        let witness = Witness::new("w1", "witness.example/w1", [1; 32]);
        assert_eq!(
            log.key.vkey(),
            "log.example/approvals+df32bb53+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
        );
        assert_eq!(
            witness.key.vkey(),
            "witness.example/w1+0ad7d35e+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
        );
        assert_eq!(
            b64(&log.tree().leaf(1)),
            "HplGvavCwR8Ed6P1TOXAwN9TnLLTXpElSKKb0lLJugU="
        );
        let expected = "\
c2sp.org/tlog-proof@v1
index 1
RrftREWfNpxPXIU0UpsFNMwE6z2vMOtN0SVZAzGOoLU=
RmnfELi7BfXZA9oxFskPBDRvYm3CYHEM+2E8EBBW4tk=

log.example/approvals
3
R5y09q0/iwFAFyl7p2IbBXiS0maZ64aL6jcebhvhS0E=

\u{2014} log.example/approvals 3zK7UyrRGX8TPzdJo54Bq0akp2oOJhuPi8rR4X1TLSfGhShkjeg0ziRn0XhhUhottviBKU76goYaP0qXYO4K2FFdtgU=
\u{2014} witness.example/w1 CtfTXgAAAABlU/EArEdl8GKXzmJfeLDb+R3GKCWTfMe+SgNi8SlsK/8KL/5hs4DOiHzxlhAuveXIkXwTJWQFJ4OY3bLTQWyOSj15DA==
";
        let proof = log.prove(1, 3, &[(&witness, 1_700_000_000)]);
        assert_eq!(proof.text(), expected);
    }
}
