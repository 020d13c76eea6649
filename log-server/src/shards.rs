//! Several logs in one process, one after the other, as the settings name them.
//!
//! ```toml
//! [[shards]]
//! path = "2026"                            # https://log.example/2026/…
//! data = "/var/lib/cosignet-log/2026"      # made by `init`
//! objects = "s3://acme-log/2026"           # if its public files are elsewhere
//! ```
//!
//! Each has those above it as logs before it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;
use verifier_core::hazmat::tlog::vkey::VerifierKey;

use crate::backend;
use crate::error::{LogError, Result};
use crate::key::LogKey;
use crate::place::ServerArgs;
use crate::predecessor::PredecessorPlace;
use crate::settings::Settings;

/// One of them, as it stands in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ShardSetting {
    path: String,
    data: PathBuf,
    objects: Option<String>,
    witness_policy: Option<PathBuf>,
}

/// One of them, ready to be started.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The first segment of its addresses.
    pub(crate) path: String,
    pub(crate) data: PathBuf,
    pub(crate) key: VerifierKey,
    pub(crate) settings: Settings,
}

impl Plan {
    /// The plans for all shards, with the settings that they have in common.
    pub(crate) fn all(
        shards: &[ShardSetting],
        common: &Settings,
        server: &ServerArgs,
    ) -> Result<Vec<Self>> {
        if !shards.is_empty() && common.objects.is_some() {
            let detail = "two logs never share a place for public files: `objects` belongs into \
                          each of the tables [[shards]]";
            return Err(LogError::Usage(detail.into()));
        }
        let mut plans: Vec<Self> = Vec::new();
        let mut before = common.predecessors.clone();
        let mut taken = BTreeSet::new();
        for shard in shards {
            if !is_path(&shard.path) || !taken.insert(shard.path.clone()) {
                return Err(LogError::Usage(format!(
                    "shards: path {}: it has to be a name of its own, of a to z, digits and -, such \
                     as 2026",
                    verifier_core::quote(&shard.path)
                )));
            }
            let plan = shard.plan(common, server, &before)?;
            if before.iter().any(|one| one.key.name() == plan.key.name()) {
                return Err(LogError::Usage(format!(
                    "shards: {} is named twice: each has a name and a key of its own",
                    verifier_core::plain(plan.key.name())
                )));
            }
            before.push(PredecessorPlace {
                key: plan.key.clone(),
                place: plan.settings.place(&plan.data),
            });
            plans.push(plan);
        }
        Ok(plans)
    }
}

impl ShardSetting {
    fn plan(
        &self,
        common: &Settings,
        server: &ServerArgs,
        before: &[PredecessorPlace],
    ) -> Result<Plan> {
        let mut settings = common.clone();
        let objects = self.objects.as_deref();
        settings.objects = objects.map(|text| server.place(text)).transpose()?;
        if self.witness_policy.is_some() {
            settings.witness_policy.clone_from(&self.witness_policy);
        }
        settings.predecessors = before.to_vec();
        let place = backend::beside(&self.data, common.store.as_ref(), &common.erasure_keys);
        settings.store = place.store;
        settings.erasure_keys = place.erasure_keys;
        let layout = place.layout;
        if !layout.key().is_file() {
            let root = layout.root().display();
            return Err(LogError::Usage(format!(
                "shards: there is no log in {root}: create one with `cosignet-log init --data {root} \
                 --origin NAME`"
            )));
        }
        Ok(Plan {
            path: self.path.clone(),
            data: self.data.clone(),
            key: LogKey::read(&layout.key())?.public().clone(),
            settings,
        })
    }
}

/// Whether a text can be the first segment of addresses, and is none that has another meaning.
fn is_path(text: &str) -> bool {
    const OTHERS: [&str; 10] = [
        "anchors",
        "checkpoint",
        "healthz",
        "log",
        "metrics",
        "public",
        "readyz",
        "tile",
        "v1",
        "verify",
    ];
    log_client::is_shard_path(text) && !OTHERS.contains(&text)
}
