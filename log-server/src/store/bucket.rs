//! Public objects in a bucket: S3, as AWS and others offer it.
//!
//! A store may say that it has taken what it has not, accept a condition and ignore it, and carry
//! out a request long after whoever sent it was told that it failed. So every upload is read back
//! and compared; nothing here sets a condition; and a request is sent again only at once, twice at
//! most, since every one that is still on its way may arrive last. Nothing that is written by its
//! size alone is harmed by that: the same name gets the same bytes. The copy of the checkpoint is,
//! and [`super::Detached`] looks after it.

mod address;
#[cfg(test)]
pub(super) mod faulty;
#[cfg(test)]
pub(super) mod tests;

use std::fmt::Display;
use std::future::ready;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use log_client::Waiter;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutOptions,
};
use verifier_core::Time;

use super::{CHECKPOINT, Listed, Objects};
use crate::error::{LogError, Result};
use crate::failpoint;

pub(crate) use address::{Address, Endpoint};

/// How many objects are written at a time.
const ABREAST: usize = 32;

/// How long one object may take, with everything that is tried again. The client that asks gives up
/// earlier; this holds whatever the client does.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest object that is read, in bytes: the longest index of anchors.
const MOST: u64 = 256 * 1024 * 1024;

/// A bucket, or what is below a prefix in one.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    /// For people, without a slash at its end.
    name: String,
    patience: Duration,
    waiter: Waiter,
}

impl Bucket {
    /// The bucket at an address. Asks nothing yet.
    pub(crate) fn open(address: &Address, endpoint: &Endpoint) -> Result<Self> {
        let store = address::client(AmazonS3Builder::from_env(), address, endpoint)?;
        Self::new(Arc::new(store), address, PATIENCE)
    }

    fn new(store: Arc<dyn ObjectStore>, address: &Address, patience: Duration) -> Result<Self> {
        let waiter = Waiter::new("objects").map_err(|error| LogError::System(error.to_string()))?;
        Ok(Self {
            store,
            prefix: address.prefix().to_owned(),
            name: address.to_string(),
            patience,
            waiter,
        })
    }

    /// The key of an object or folder.
    fn key(&self, name: &str) -> Result<Path> {
        let key = match self.prefix.is_empty() {
            true => name.to_owned(),
            false => format!("{}/{name}", self.prefix),
        };
        Path::parse(key).map_err(|error| self.failed(name, &error.into()))
    }

    /// The name of an object or folder with this key.
    fn named(&self, key: &Path) -> Option<String> {
        let key: &str = key.as_ref();
        if self.prefix.is_empty() {
            return Some(key.to_owned());
        }
        let below = key.strip_prefix(&*self.prefix)?.strip_prefix('/')?;
        Some(below.to_owned())
    }

    /// Waits for an answer about one name.
    fn wait<T>(
        &self,
        name: &str,
        answer: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        let within = async { tokio::time::timeout(self.patience, answer).await };
        let closed = || LogError::System("the bucket is closed".into());
        match self.waiter.wait(within).ok_or_else(closed)? {
            Ok(answered) => answered.map_err(|error| self.failed(name, &error)),
            Err(_) => Err(self.wrong(
                name,
                ErrorKind::TimedOut,
                &format!("no answer within {} s", self.patience.as_secs_f64()),
            )),
        }
    }

    /// [`Bucket::wait`] for something that may not be there.
    fn wait_for_some<T>(
        &self,
        name: &str,
        answer: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>> {
        self.wait(name, async {
            match answer.await {
                Ok(found) => Ok(Some(found)),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn meta(&self, name: &str) -> Result<Option<ObjectMeta>> {
        let key = self.key(name)?;
        self.wait_for_some(name, self.store.head(&key))
    }

    /// Puts one object, and looks whether it is there.
    async fn upload(&self, name: &str, key: &Path, bytes: &[u8]) -> object_store::Result<()> {
        let options = PutOptions::from(attributes(name));
        let payload = bytes.to_vec().into();
        self.store.put_opts(key, payload, options).await?;
        match read(&*self.store, key).await {
            Ok(found) if found == bytes => Ok(()),
            Ok(found) => Err(lost(format!(
                "it was taken, {} bytes, and reads back as {} other ones: the store loses what it \
                 has acknowledged, or somebody else writes here",
                bytes.len(),
                found.len()
            ))),
            Err(object_store::Error::NotFound { .. }) => Err(lost(
                "it was taken and is not there: the store loses what it has acknowledged".into(),
            )),
            Err(error) => Err(error),
        }
    }

    fn failed(&self, name: &str, error: &object_store::Error) -> LogError {
        LogError::File {
            path: PathBuf::from(self.place(name)),
            error: explained(error),
        }
    }
}

impl Objects for Bucket {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let key = self.key(name)?;
        self.wait_for_some(name, read(&*self.store, &key))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let key = self.key(name)?;
        self.wait(name, self.upload(name, &key, bytes))
    }

    fn put_all(&self, objects: &[(String, &[u8])]) -> Result<()> {
        for some in objects.chunks(ABREAST) {
            let mut keys = Vec::new();
            for (name, bytes) in some {
                keys.push((name, self.key(name)?, bytes));
            }
            let uploads = keys.iter().map(|(name, key, bytes)| async move {
                let done = self.upload(name, key, bytes).await;
                done.map_err(|error| (name.as_str(), error))
            });
            let all = async {
                let mut uploads = stream::iter(uploads).buffer_unordered(ABREAST);
                let mut done = Ok(());
                // To the end of all of them: what is given up in the middle may still arrive.
                while let Some(one) = uploads.next().await {
                    done = done.and(one);
                }
                Ok(done)
            };
            let (first, _) = some
                .split_first()
                .map_or(("", &[][..]), |(first, rest)| (first.0.as_str(), rest));
            let done = self.wait(first, all)?;
            done.map_err(|(name, error)| self.failed(name, &error))?;
            some.iter().for_each(|_| failpoint::pass("after-tile"));
        }
        Ok(())
    }

    fn has(&self, name: &str) -> Result<bool> {
        Ok(self.meta(name)?.is_some())
    }

    fn written(&self, name: &str) -> Result<Option<Time>> {
        let time = self.meta(name)?.map(|meta| {
            let millis = u64::try_from(meta.last_modified.timestamp_millis()).ok();
            millis.and_then(Time::from_millis).unwrap_or(Time::EPOCH)
        });
        Ok(time)
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let key = self.key(folder)?;
        let listed = self.wait(folder, self.store.list_with_delimiter(Some(&key)))?;
        let folders = listed.common_prefixes.iter();
        let folders = folders.filter_map(|key| Some(Listed::Folder(self.named(key)?)));
        let objects = listed.objects.iter();
        let objects = objects.filter_map(|meta| Some(Listed::Object(self.named(&meta.location)?)));
        Ok(folders.chain(objects).collect())
    }

    fn delete(&self, name: &str) -> Result<()> {
        let key = self.key(name)?;
        let deleted = self.wait_for_some(name, self.store.delete(&key));
        deleted.map(|_| ())
    }

    fn delete_folder(&self, folder: &str) -> Result<()> {
        let key = self.key(folder)?;
        let within = self.store.list(Some(&key)).map_ok(|meta| meta.location);
        let deleted = self.store.delete_stream(within.boxed());
        let deleted = deleted.try_for_each(|_| ready(Ok(())));
        let deleted = self.wait_for_some(folder, deleted);
        deleted.map(|_| ())
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }
}

async fn read(store: &dyn ObjectStore, key: &Path) -> object_store::Result<Vec<u8>> {
    let found = store.get(key).await?;
    if found.meta.size > MOST {
        return Err(lost(format!(
            "it has {} bytes, and no object of a log has more than {MOST}",
            found.meta.size
        )));
    }
    Ok(found.bytes().await?.into())
}

/// An error that the store itself does not know of.
fn lost(why: String) -> object_store::Error {
    object_store::Error::Generic {
        store: "S3",
        source: why.into(),
    }
}

/// An error in the words of the operator, with the next step where there is one.
fn explained(error: &object_store::Error) -> Error {
    let next = |kind, text: &dyn Display, next| Error::new(kind, format!("{text}. {next}"));
    let no_bucket = "Create the bucket, or correct its name or the endpoint";
    match error {
        object_store::Error::Generic { source, .. } => {
            let text = source.to_string();
            match text.contains("NoSuchBucket") {
                true => next(ErrorKind::NotFound, &text, no_bucket),
                false => Error::other(text),
            }
        }
        object_store::Error::NotFound { source, .. } => {
            next(ErrorKind::NotFound, source, no_bucket)
        }
        object_store::Error::PermissionDenied { source, .. } => next(
            ErrorKind::PermissionDenied,
            source,
            "The credentials in AWS_… need GetObject, PutObject, DeleteObject and ListBucket here",
        ),
        object_store::Error::Unauthenticated { source, .. } => next(
            ErrorKind::PermissionDenied,
            source,
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run with the role of this machine",
        ),
        other => Error::other(other.to_string()),
    }
}

/// The headers under which a bucket or a cache in front of it serves an object: those of the log
/// itself.
fn attributes(name: &str) -> Attributes {
    const FOREVER: &str = "public, max-age=604800, immutable";
    let (kind, cache) = match name.rsplit('/').next() {
        _ if name == CHECKPOINT => ("text/plain; charset=utf-8", "public, max-age=1"),
        _ if name.starts_with("heads/") => ("text/plain; charset=utf-8", FOREVER),
        _ if name.starts_with("tile/") => ("application/octet-stream", FOREVER),
        Some("checkpoint") => ("text/plain; charset=utf-8", FOREVER),
        Some("index.json") => ("application/json", "public, max-age=60"),
        _ => ("application/octet-stream", "public, max-age=60"),
    };
    Attributes::from_iter([
        (Attribute::ContentType, kind),
        (Attribute::CacheControl, cache),
    ])
}
