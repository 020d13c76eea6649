//! A store that fails as real ones do: on purpose, and in a fixed order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::{Address, Bucket};

/// What happens to an upload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// A server error, and nothing is written.
    Refused,
    /// A server error, and it is written all the same.
    RefusedAndDone,
    /// It is acknowledged, and nothing is written.
    Lost,
    /// It is acknowledged, and half of it is written.
    Cut,
    /// No answer at all. It arrives when [`Faulty::release`] is called.
    Late,
}

/// A store in memory, whose next uploads of names that end in something go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faulty {
    memory: InMemory,
    faults: Mutex<VecDeque<(String, Fault)>>,
    late: Mutex<Vec<(Path, PutPayload)>>,
    hits: AtomicUsize,
}

impl Faulty {
    /// The bucket `s3://logs/a` in this store, for clients with little patience.
    pub(crate) fn bucket(self: &Arc<Self>) -> Bucket {
        let store: Arc<dyn ObjectStore> = self.clone();
        let address: Address = "s3://logs/a".parse().unwrap();
        Bucket::new(store, &address, Duration::from_millis(300)).unwrap()
    }

    /// Lets the next upload of a name with this end go wrong.
    pub(crate) fn plan(&self, end: &str, fault: Fault) {
        self.faults.lock().unwrap().push_back((end.into(), fault));
    }

    /// How many uploads went wrong.
    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Lets what was late arrive.
    pub(crate) fn release(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for (key, bytes) in late {
            runtime.block_on(self.memory.put(&key, bytes)).unwrap();
        }
    }

    fn fault(&self, key: &Path) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults
            .iter()
            .position(|(end, _)| key.as_ref().ends_with(&**end))?;
        self.hits.fetch_add(1, Ordering::SeqCst);
        faults.remove(at).map(|(_, fault)| fault)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a faulty store")
    }
}

fn refused() -> object_store::Error {
    object_store::Error::Generic {
        store: "S3",
        source: "500 Internal Server Error".into(),
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, key: &Path, bytes: PutPayload, o: PutOptions) -> Result<PutResult> {
        assert!(matches!(o.mode, object_store::PutMode::Overwrite));
        let whole: Vec<u8> = bytes.iter().flat_map(|part| part.to_vec()).collect();
        match self.fault(key) {
            None => self.memory.put_opts(key, bytes, o).await,
            Some(Fault::Refused) => Err(refused()),
            Some(Fault::RefusedAndDone) => {
                self.memory.put_opts(key, bytes, o).await?;
                Err(refused())
            }
            Some(Fault::Lost) => {
                let elsewhere = Path::from("lost");
                self.memory.put(&elsewhere, bytes).await
            }
            Some(Fault::Cut) => {
                let half = whole[..whole.len() / 2].to_vec();
                self.memory.put(key, half.into()).await
            }
            Some(Fault::Late) => {
                self.late.lock().unwrap().push((key.clone(), bytes));
                std::future::pending().await
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.memory.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.memory.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.memory.copy_opts(from, to, options).await
    }
}
