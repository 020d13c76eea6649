//! `--store`

use std::path::PathBuf;

use clap::Args;
use log_server::StoreAddress;

/// Where what must not be lost is kept, if that is not the data directory.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StoreArgs {
    /// A database instead of DIR/gate.db: postgres://USER@HOST:PORT/DATABASE
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "COSIGNET_GATE_STORE",
        hide_env_values = true
    )]
    pub(crate) store: Option<StoreAddress>,
    /// The file with the password for that database
    #[arg(long, value_name = "FILE", env = "COSIGNET_GATE_STORE_PASSWORD")]
    pub(crate) store_password: Option<PathBuf>,
    /// The schema of the gate's tables: of several gates in one database, each has its own
    /// [default: cosignet_gate]
    #[arg(long, value_name = "NAME", env = "COSIGNET_GATE_STORE_SCHEMA")]
    pub(crate) store_schema: Option<String>,
}

impl StoreArgs {
    /// These, and where they say nothing, those.
    pub(crate) fn over(self, file: Self) -> Self {
        Self {
            store: self.store.or(file.store),
            store_password: self.store_password.or(file.store_password),
            store_schema: self.store_schema.or(file.store_schema),
        }
    }
}
