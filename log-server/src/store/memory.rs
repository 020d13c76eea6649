//! A back end in memory, for tests: it shows that the traits ask for nothing that is SQLite's or a
//! file's alone.
//!
//! It is built as a back end of many machines would be, not as the embedded one is. Anybody can come
//! to lead at any time, by an epoch that every commit and every publication names; the published
//! checkpoint is a row; and public objects are a flat map, whose folders are but beginnings of names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use verifier_core::Time;
use verifier_core::hazmat::tlog::merkle::Hash;

use super::objects::not_back;
use super::sqlite::Sqlite;
use super::*;
use crate::error::LogError;

/// One log, and whatever else is kept of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    epoch: u64,
    head: Option<Head>,
    entries: Vec<Addition>,
    approvals: BTreeMap<Hash, u64>,
    assertions: BTreeMap<Hash, u64>,
    staged: BTreeMap<u64, String>,
    erasing: BTreeSet<u64>,
    tokens: Vec<TokenRow>,
    /// The public checkpoint and its size.
    published: (u64, String),
    closed: Option<Closing>,
    objects: BTreeMap<String, (Vec<u8>, Time)>,
}

/// The writer of one epoch.
#[derive(Debug)]
struct Leader {
    memory: Memory,
    epoch: u64,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Has another text where a leaf waits for its publication.
    pub(crate) fn damage(&self, leaf: u64, text: &str) {
        self.state().staged.insert(leaf, text.into());
    }
}

impl State {
    fn head(&self) -> Result<Head> {
        let none = || LogError::Usage("there is no log".into());
        self.head.clone().ok_or_else(none)
    }

    fn holders(&self, claim: &Claim) -> Holders {
        Holders {
            approval: self.approvals.get(&claim.approval).copied(),
            assertion: self.assertions.get(&claim.assertion).copied(),
        }
    }

    fn staged(&self, first: u64) -> Result<Vec<String>> {
        let end = self.head()?.size;
        (first..end).map(|leaf| self.staged_leaf(leaf)).collect()
    }

    fn staged_leaf(&self, leaf: u64) -> Result<String> {
        let lost = || LogError::damage(format!("the database has lost entry {leaf}"));
        self.staged.get(&leaf).cloned().ok_or_else(lost)
    }

    fn entry(&mut self, leaf: u64) -> Option<&mut Addition> {
        self.entries.get_mut(usize::try_from(leaf).ok()?)
    }
}

impl Leader {
    /// The state, if nobody else leads by now.
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.memory.state();
        match state.epoch == self.epoch {
            true => Ok(state),
            false => Err(LogError::Deposed("another process leads this log".into())),
        }
    }
}

impl Store for Leader {
    fn head(&mut self) -> Result<Head> {
        self.memory.state().head()
    }

    fn settle(&mut self) -> Result<Head> {
        let mut state = self.state()?;
        state.epoch += 1;
        let head = state.head();
        let epoch = state.epoch;
        drop(state);
        self.epoch = epoch;
        head
    }

    fn claimed(&mut self, claims: &[Claim]) -> Result<Vec<Holders>> {
        let state = self.memory.state();
        Ok(claims.iter().map(|claim| state.holders(claim)).collect())
    }

    fn commit(
        &mut self,
        old: &Head,
        new: &Head,
        additions: &[Addition],
        published: u64,
    ) -> Result<Outcome> {
        let mut state = self.state()?;
        let found = state.head()?;
        if let Some(closing) = &state.closed {
            return Ok(Outcome::Closed(closing.clone()));
        }
        if (found.size, found.root) != (old.size, old.root) {
            return Ok(Outcome::Moved);
        }
        let (mut approvals, mut assertions) = (state.approvals.clone(), state.assertions.clone());
        for (leaf, addition) in (old.size..).zip(additions) {
            let taken = approvals.insert(addition.claim.approval, leaf);
            let other = assertions.insert(addition.claim.assertion, leaf);
            if taken.or(other).is_some() {
                return Err(LogError::damage("a claim is taken"));
            }
        }
        (state.approvals, state.assertions) = (approvals, assertions);
        for (leaf, addition) in (old.size..).zip(additions) {
            state.staged.insert(leaf, addition.leaf.clone());
        }
        state.entries.extend_from_slice(additions);
        state.staged.retain(|leaf, _| *leaf >= published);
        state.head = Some(new.clone());
        Ok(Outcome::Committed)
    }

    fn is_taken(&mut self) -> Result<bool> {
        Ok(false)
    }

    fn staged_leaf(&mut self, index: u64) -> Result<String> {
        self.memory.state().staged_leaf(index)
    }

    fn staged(&mut self, first: u64) -> Result<Vec<String>> {
        self.memory.state().staged(first)
    }
}

impl Publish for Leader {
    fn publish(&mut self, checkpoint: &str, size: u64) -> Result<()> {
        let mut state = self.state()?;
        not_back(state.published.0, size)?;
        state.published = (size, checkpoint.to_owned());
        Ok(())
    }
}

impl Tenure for Leader {
    fn renew(&mut self) -> Result<()> {
        self.state().map(|_| ())
    }
}

impl Records for Memory {
    fn find(&self, approval: &Hash) -> Result<Option<u64>> {
        Ok(self.state().approvals.get(approval).copied())
    }

    fn holders(&self, claim: &Claim) -> Result<Holders> {
        Ok(self.state().holders(claim))
    }

    fn closing(&self) -> Result<Option<Closing>> {
        Ok(self.state().closed.clone())
    }

    fn evidence(&self, leaf: u64) -> Result<Option<Evidence>> {
        Ok(self.state().entry(leaf).map(|entry| entry.evidence.clone()))
    }

    fn replace_evidence(&self, leaf: u64, old: &Evidence, new: &Evidence) -> Result<Replaced> {
        let mut state = self.state();
        match state.entry(leaf) {
            Some(entry) if entry.evidence == *old => entry.evidence = new.clone(),
            _ => return Ok(Replaced::Other),
        }
        if !old.is_within(new) {
            state.erasing.insert(leaf);
        }
        Ok(Replaced::Done)
    }

    fn is_erasing(&self, leaf: u64) -> Result<bool> {
        Ok(self.state().erasing.contains(&leaf))
    }
}

impl Tokens for Memory {
    fn add(&self, token: &TokenRow) -> Result<bool> {
        let mut state = self.state();
        let same = |known: &TokenRow| known.name == token.name || known.id == token.id;
        let is_new = !state.tokens.iter().any(same);
        if is_new {
            state.tokens.push(token.clone());
        }
        Ok(is_new)
    }

    fn all(&self) -> Result<Vec<TokenRow>> {
        let mut all = self.state().tokens.clone();
        all.sort_by(|one, other| (&one.created, &one.name).cmp(&(&other.created, &other.name)));
        Ok(all)
    }

    fn find(&self, id: &str) -> Result<Option<TokenRow>> {
        let state = self.state();
        let valid = |token: &&TokenRow| token.id == id && token.revoked.is_none();
        Ok(state.tokens.iter().find(valid).cloned())
    }

    fn revoke(&self, name: &str, at: &str) -> Result<bool> {
        let mut state = self.state();
        let valid = |token: &&mut TokenRow| token.name == name && token.revoked.is_none();
        let found = state.tokens.iter_mut().find(valid);
        Ok(found
            .map(|token| token.revoked = Some(at.to_owned()))
            .is_some())
    }
}

impl Eraser for Memory {
    fn pending(&self) -> Result<u64> {
        Ok(crate::count(self.state().erasing.len()))
    }

    fn finish(&self) -> Result<bool> {
        self.state().erasing.clear();
        Ok(true)
    }

    fn journal(&self) -> u64 {
        0
    }
}

impl Audit for Memory {
    fn complaints(&self) -> Vec<Result<String>> {
        Vec::new()
    }

    fn damaged_tokens(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn head(&self) -> Result<Head> {
        self.state().head()
    }

    fn holders(&self, claim: &Claim) -> Result<Holders> {
        Ok(self.state().holders(claim))
    }

    fn evidence(&self, leaf: u64) -> Result<Option<Found>> {
        let kept = Records::evidence(self, leaf)?;
        Ok(kept.map(|kept| Found {
            kept: Some(kept),
            written: true,
        }))
    }

    fn count_claims(&self, kind: Claims, size: u64) -> Result<(u64, Vec<Stray>)> {
        let state = self.state();
        let table = match kind {
            Claims::Approvals => &state.approvals,
            Claims::Assertions => &state.assertions,
        };
        let count = table.values().filter(|leaf| **leaf < size).count();
        Ok((crate::count(count), Vec::new()))
    }

    fn strays(&self) -> Result<Vec<Stray>> {
        Ok(Vec::new())
    }

    fn staged(&self, first: u64) -> Result<Vec<String>> {
        self.state().staged(first)
    }

    fn staged_before(&self, end: u64) -> Result<Vec<(u64, String)>> {
        let state = self.state();
        let before = state.staged.range(..end);
        Ok(before.map(|(leaf, text)| (*leaf, text.clone())).collect())
    }
}

impl Objects for Memory {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let state = self.state();
        Ok(state.objects.get(name).map(|(bytes, _)| bytes.clone()))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let object = (bytes.to_vec(), crate::now());
        self.state().objects.insert(name.to_owned(), object);
        Ok(())
    }

    fn has(&self, name: &str) -> Result<bool> {
        Ok(self.state().objects.contains_key(name))
    }

    fn written(&self, name: &str) -> Result<Option<Time>> {
        Ok(self.state().objects.get(name).map(|(_, time)| *time))
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let state = self.state();
        let inner = |name: &String| Some(name.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
        let listed = state.objects.keys().filter_map(inner);
        let listed = listed.map(|inner| match inner.split_once('/') {
            Some((below, _)) => Listed::Folder(format!("{folder}/{below}")),
            None => Listed::Object(format!("{folder}/{inner}")),
        });
        Ok(listed.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.state().objects.remove(name);
        Ok(())
    }

    fn delete_folder(&self, folder: &str) -> Result<()> {
        let within = |name: &str| {
            let inner = name.strip_prefix(folder);
            inner.is_some_and(|inner| inner.starts_with('/'))
        };
        self.state().objects.retain(|name, _| !within(name));
        Ok(())
    }

    fn place(&self, name: &str) -> String {
        format!("memory:{name}")
    }
}

impl Backend for Memory {
    fn name(&self) -> String {
        "memory".into()
    }

    fn exists(&self) -> Result<bool> {
        Ok(self.state().head.is_some())
    }

    fn require_vacant(&self) -> Result<()> {
        match self.exists()? {
            true => Err(LogError::Usage("there is a log".into())),
            false => Ok(()),
        }
    }

    fn create(&self, head: &Head) -> Result<()> {
        self.require_vacant()?;
        let mut state = self.state();
        state.published = (head.size, head.checkpoint.clone());
        state.head = Some(head.clone());
        Ok(())
    }

    fn lead(&self) -> Result<Lead> {
        let mut state = self.state();
        state.head()?;
        state.epoch += 1;
        let leader = || Leader {
            memory: self.clone(),
            epoch: state.epoch,
        };
        Ok(Lead {
            store: Box::new(leader()),
            publish: Box::new(leader()),
            tenure: Some(Box::new(leader())),
            brake: None,
            guard: Box::new(()),
        })
    }

    fn head(&self) -> Result<Head> {
        self.state().head()
    }

    fn close(&self, closing: &Closing) -> Result<()> {
        let mut state = self.state();
        let closed = state.closed.get_or_insert_with(|| closing.clone());
        if closing.successor.is_some() {
            closed.successor.clone_from(&closing.successor);
        }
        Ok(())
    }

    fn published(&self) -> Result<String> {
        Ok(self.state().published.1.clone())
    }

    fn records(&self) -> Result<Arc<dyn Records>> {
        Ok(Arc::new(self.clone()))
    }

    fn tokens(&self) -> Result<Arc<dyn Tokens>> {
        Ok(Arc::new(self.clone()))
    }

    fn eraser(&self) -> Result<Arc<dyn Eraser>> {
        Ok(Arc::new(self.clone()))
    }

    fn audit(&self) -> Result<Box<dyn Audit>> {
        Ok(Box::new(self.clone()))
    }

    fn objects(&self) -> Arc<dyn Objects> {
        Arc::new(self.clone())
    }

    fn copy_to(&self, file: &Path) -> Result<()> {
        let state = self.state();
        let head = state.head()?;
        let empty = Head {
            size: 0,
            ..head.clone()
        };
        std::fs::remove_file(file).map_err(LogError::file(file))?;
        Sqlite::create(file, &empty)?;
        let mut copy = Sqlite::open(file)?;
        let published = state.staged.keys().next().copied().unwrap_or(head.size);
        copy.commit(&empty, &head, &state.entries, published)?;
        if let Some(closing) = &state.closed {
            copy.close(closing)?;
        }
        for token in &state.tokens {
            copy.add_token(token)?;
            if let Some(at) = &token.revoked {
                copy.revoke_token(&token.name, at)?;
            }
        }
        Ok(())
    }
}
