//! Compares the log with what others have seen of it.

use log_client::{Kind, RemoteLog};
use verifier_core::alarm::Evidence;
use verifier_core::hazmat::encoding::{hex, sha256};
use verifier_core::hazmat::tlog::merkle::verify_prefix;
use verifier_core::hazmat::tlog::prove;

use super::Monitor;
use super::advance::SignedHead;
use super::event::{Event, counted};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::CliError;

/// How many heads are kept that are larger than what is checked, each of another size. A log that
/// signs more of them than it shows is reported for that in every round.
const MOST_AHEAD: usize = 256;

impl Monitor<'_> {
    /// The heads that others show. Fetched before the log's own, so that an honest log is never
    /// behind them.
    pub(super) fn look_around(&mut self) -> Vec<(RemoteLog, SignedHead)> {
        let mut heads = Vec::new();
        for other in self.others.clone() {
            match self.head_of(&other) {
                Ok(head) => heads.push((other, head)),
                Err(error) => self.note(&error),
            }
        }
        heads
    }

    fn head_of(&self, other: &RemoteLog) -> Result<SignedHead, CliError> {
        // A witness has the heads of many logs, each under the hash of its origin.
        let text = match other.checkpoint()? {
            Some(text) => Some(text),
            None => {
                let mut found = None;
                for log in self.rule.tlog.logs() {
                    let origin = hex(&sha256(log.origin().as_bytes()));
                    let path = format!("{origin}/checkpoint");
                    if let Some(bytes) = other.get(&path, 64 * 1024)? {
                        found = String::from_utf8(bytes).ok();
                        break;
                    }
                }
                found
            }
        };
        let text = text.ok_or_else(|| other.missing("checkpoint"))?;
        let head = self.read_head(other.url(), &text)?;
        if self.state.log.as_ref().is_some_and(|log| *log != head.key) {
            let message = format!("{} shows the head of another log.", other.url());
            return Err(CliError::new(CliCode::MonitorHead, message).found(&*head.key));
        }
        Ok(head)
    }

    /// Compares heads with the tree that is checked.
    pub(super) fn compare(&mut self, heads: Vec<(RemoteLog, SignedHead)>) -> Result<(), CliError> {
        if self.state.head.is_none() || (heads.is_empty() && self.state.ahead.is_empty()) {
            return self.unresolved();
        }
        let checked = self.state.checked.size();
        // Heads that were too large before.
        for text in std::mem::take(&mut self.state.ahead) {
            let Ok(head) = self.read_head("the state", &text) else {
                // The policy knows its log no more.
                continue;
            };
            if head.size > checked {
                self.state.ahead.push(text);
            } else {
                self.contradicts(&head, "a head that was seen before")?;
            }
        }
        for (other, head) in heads {
            if head.size <= checked {
                if !self.contradicts(&head, other.url())? {
                    self.remember(&head)?;
                    let text = format!("{} shows the same log", other.url());
                    self.say(&Event::new("agrees", text).with("size", head.size));
                }
                continue;
            }
            self.keep_ahead(&head, other.url())?;
            if let Err(error) = self.larger(&other, &head) {
                self.note(&error);
            }
        }
        self.save()?;
        self.unresolved()
    }

    /// Says that the log has signed more than it shows.
    fn unresolved(&mut self) -> Result<(), CliError> {
        let count = self.state.ahead.len();
        if count >= MOST_AHEAD {
            let message = format!(
                "The log has signed {count} heads that it does not show, and no more can be kept."
            );
            return Err(CliError::new(CliCode::MonitorHeads, message));
        }
        let sizes = self.state.ahead.iter().filter_map(|text| {
            let head = self.read_head("the state", text).ok()?;
            Some(head.size)
        });
        // Where something else is wrong already, that is the reason.
        match sizes.max().filter(|_| self.worst == Exit::Ok) {
            None => Ok(()),
            Some(size) => {
                let checked = self.state.checked.size();
                let message = format!(
                    "The log has signed a head of {size} entries, and {} shows us {checked}.",
                    self.log.url()
                );
                Err(CliError::new(CliCode::MonitorBehind, message))
            }
        }
    }

    /// Keeps a head that is signed and could not be read to its end, to be compared with what the
    /// log shows later. Two of one size that differ are evidence at once.
    pub(super) fn keep_ahead(&mut self, head: &SignedHead, from: &str) -> Result<(), CliError> {
        if head.size <= self.state.checked.size() {
            return Ok(());
        }
        for text in self.state.ahead.clone() {
            let Ok(other) = self.read_head("the state", &text) else {
                continue;
            };
            if other.size != head.size || other.key != head.key {
                continue;
            }
            if other.root == head.root {
                return Ok(());
            }
            let evidence = Evidence::Fork {
                first: text,
                second: head.text.clone(),
                prefix: Vec::new(),
            };
            return self.raise(evidence, &[from.to_owned()]);
        }
        // A full list is said by `unresolved`.
        if self.state.ahead.len() < MOST_AHEAD {
            self.state.ahead.push(head.text.clone());
            self.save()?;
        }
        Ok(())
    }

    /// Compares the heads that were kept with a larger one of the log, as far as its tiles show.
    /// Those that it extends say nothing that it does not say.
    pub(super) fn reconcile(&mut self, head: &SignedHead) -> Result<(), CliError> {
        let checked = self.state.checked.size();
        let log = self.log.clone();
        let mut nodes = log.nodes(head.size);
        for text in self.state.ahead.clone() {
            let Ok(other) = self.read_head("the state", &text) else {
                continue;
            };
            if other.size <= checked || other.size >= head.size || self.is_late() {
                continue;
            }
            let proof = prove::prefix(other.size, head.size, &mut |height, number| {
                nodes.node(height, number)
            });
            let Ok(Some(proof)) = proof else {
                continue;
            };
            match verify_prefix(other.size, head.size, &head.root, &proof) {
                Ok(root) if root == other.root => self.state.ahead.retain(|kept| *kept != text),
                Ok(_) => {
                    let evidence = Evidence::Fork {
                        first: text,
                        second: head.text.clone(),
                        prefix: proof,
                    };
                    self.raise(evidence, &[self.log.url().to_owned()])?;
                }
                // Not the tree of the head, so it proves nothing.
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Somebody shows a larger tree than the log does.
    fn larger(&mut self, other: &RemoteLog, head: &SignedHead) -> Result<(), CliError> {
        let checked = self.state.checked.size();
        let behind = format!(
            "{} shows a head of {}, and {} shows us {checked}.",
            other.url(),
            counted(head.size, "entry", "entries"),
            self.log.url()
        );
        let behind = CliError::new(CliCode::MonitorBehind, behind);
        if checked == 0 {
            return Err(behind);
        }
        let mut nodes = other.nodes(head.size);
        let proof = prove::prefix(checked, head.size, &mut |height, number| {
            nodes.node(height, number)
        });
        // A witness has no tiles. The head is compared when the log has grown.
        let proof = match proof {
            Ok(proof) => proof.unwrap_or_default(),
            Err(error) if error.kind() == Kind::Missing => return Err(behind),
            Err(error) => return Err(error.into()),
        };
        let root = verify_prefix(checked, head.size, &head.root, &proof)
            .map_err(|_| other.mismatch("tile", "the tiles do not lead to its root"))?;
        if root == self.state.checked.root() {
            return Err(behind);
        }
        let evidence = Evidence::Fork {
            first: self.state.head.clone().unwrap_or_default(),
            second: head.text.clone(),
            prefix: proof,
        };
        self.raise(evidence, &[self.log.url().into(), other.url().into()])
    }
}
