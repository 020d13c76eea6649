//! The place of a log's public files, if it is not the data directory.
//!
//! ```text
//! s3://BUCKET[/PREFIX]     a bucket, with the feature `s3`
//! DIR                      a folder of its own, such as one that is mounted
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use durable::Lock;

use crate::disk;
use crate::error::{LogError, Result};
#[cfg(feature = "s3")]
use crate::store::{Address, Bucket, Endpoint};
use crate::store::{Directory, Objects};

/// Where public files are kept: a bucket, or a folder.
#[derive(Clone, Debug)]
pub struct ObjectPlace(Kind);

#[derive(Clone, Debug)]
enum Kind {
    #[cfg(feature = "s3")]
    Bucket(Address, Endpoint),
    Folder(PathBuf),
}

impl ObjectPlace {
    /// The place that `text` names: `s3://BUCKET/PREFIX`, or a path. Of a bucket, `endpoint` is the
    /// server and `region` its region; without them the variables of AWS say both.
    ///
    /// # Errors
    ///
    /// If it is neither, or this program was built without S3.
    pub fn parse(text: &str, endpoint: Option<&str>, region: Option<&str>) -> Result<Self> {
        if text.starts_with("s3:") {
            return bucket(text, endpoint, region);
        }
        if text.is_empty() || text.contains("://") {
            return Err(LogError::Usage(format!(
                "{} is no place for public files: it has to be s3://BUCKET/PREFIX or a folder",
                verifier_core::quote(text)
            )));
        }
        match endpoint.or(region) {
            None => Ok(Self(Kind::Folder(text.into()))),
            Some(_) => Err(LogError::Usage(format!(
                "{} is a folder, and --objects-endpoint and --objects-region are about buckets",
                verifier_core::quote(text)
            ))),
        }
    }

    /// Makes this process the one that writes there, until the lock is dropped. Of a bucket, nobody
    /// can be.
    pub(crate) fn lock(&self, name: &str) -> Result<Option<Lock>> {
        match &self.0 {
            #[cfg(feature = "s3")]
            Kind::Bucket(..) => Ok(None),
            Kind::Folder(folder) => lock(folder, name).map(Some),
        }
    }

    /// The objects there. Asks nothing yet.
    pub(crate) fn open(&self) -> Result<Arc<dyn Objects>> {
        Ok(match &self.0 {
            #[cfg(feature = "s3")]
            Kind::Bucket(address, endpoint) => Arc::new(Bucket::open(address, endpoint)?),
            Kind::Folder(path) => Arc::new(Directory::new(path.clone())),
        })
    }
}

fn lock(folder: &Path, name: &str) -> Result<Lock> {
    disk::create_folder(folder)?;
    let path = folder.join(name);
    Lock::take(&path).map_err(|error| match error {
        durable::Error::Held => {
            LogError::System(format!("another run is under way in {}", folder.display()))
        }
        error => LogError::file(&path)(error.into()),
    })
}

#[cfg(feature = "s3")]
fn bucket(text: &str, endpoint: Option<&str>, region: Option<&str>) -> Result<ObjectPlace> {
    let endpoint = Endpoint {
        url: endpoint.map(Into::into),
        region: region.map(Into::into),
    };
    Ok(ObjectPlace(Kind::Bucket(text.parse()?, endpoint)))
}

#[cfg(not(feature = "s3"))]
fn bucket(_: &str, _: Option<&str>, _: Option<&str>) -> Result<ObjectPlace> {
    Err(LogError::Usage(
        "this cosignet-log was built without S3: take one of a release, or build it with \
         --features s3"
            .into(),
    ))
}

/// The options of commands that need a log's public files.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ObjectsArgs {
    /// Where the public files are, if not in the data directory: s3://BUCKET/PREFIX or a folder
    #[arg(long, value_name = "PLACE", env = "COSIGNET_LOG_OBJECTS")]
    pub(crate) objects: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// The server of buckets.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServerArgs {
    /// The server of the bucket [default: AWS_ENDPOINT_URL, or that of AWS]
    #[arg(
        long = "objects-endpoint",
        value_name = "URL",
        env = "COSIGNET_LOG_OBJECTS_ENDPOINT"
    )]
    pub(crate) endpoint: Option<String>,
    /// The region of the bucket [default: AWS_REGION]
    #[arg(
        long = "objects-region",
        value_name = "NAME",
        env = "COSIGNET_LOG_OBJECTS_REGION"
    )]
    pub(crate) region: Option<String>,
}

impl ObjectsArgs {
    /// The place, if one is named.
    pub(crate) fn place(&self) -> Result<Option<ObjectPlace>> {
        let text = self.objects.as_deref();
        text.map(|text| self.server.place(text)).transpose()
    }
}

impl ServerArgs {
    /// The place with this name; the server is only asked for buckets.
    pub(crate) fn place(&self, text: &str) -> Result<ObjectPlace> {
        match text.starts_with("s3:") {
            true => ObjectPlace::parse(text, self.endpoint.as_deref(), self.region.as_deref()),
            false => ObjectPlace::parse(text, None, None),
        }
    }
}
