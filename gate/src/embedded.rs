//! The log of this process: the one of `cosignet-log`, in the gate's own directory.

use std::path::{Path, PathBuf};
use std::pin::Pin;

use command_line::{CliCode, CliError};
use log_server::{LogError, Rules, Running, Settings};
use serving::{Answer, Request};
use verifier_core::Code;
use verifier_core::hazmat::tlog::policy::TlogPolicy;

use crate::log::{Log, NotLogged};
use crate::site::Site;

/// A log in this process. Clones are the same log.
#[derive(Clone, Debug)]
pub(crate) struct Embedded {
    log: log_server::Log,
    /// What an auditor trusts: the log's key, its witnesses, and their quorum.
    policy: String,
}

impl Embedded {
    /// Opens the log, before there is a runtime. The other half ends it.
    pub(crate) fn open(
        folder: &Path,
        site: &Site,
        witness_policy: Option<PathBuf>,
    ) -> Result<(Self, Running), CliError> {
        let rules = Rules::new(vec![site.rp_id.clone()], vec![site.origin.clone()]);
        let mut settings = Settings::new(rules);
        settings.program = "cosignet-gate";
        settings.witness_policy.clone_from(&witness_policy);
        let (log, running) = log_server::Log::open(folder, settings).map_err(failed)?;
        let policy = match &witness_policy {
            // Its `log` line is this log's, or the log would not have started.
            Some(path) => {
                command_line::file::read_text(path, TlogPolicy::MAX_BYTES, Code::PolicyLog)?
            }
            None => format!("log {}\nquorum none\n", log.vkey()),
        };
        Ok((Self { log, policy }, running))
    }

    /// Whether a path is one of the public log, or of the verify page.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.log.has(path)
    }

    pub(crate) async fn answer(&self, request: Request) -> Answer {
        self.log.answer(request).await
    }

    /// Why the log does not do its work, if it does not.
    pub(crate) async fn trouble(&self) -> Option<String> {
        let ready = self.log.readiness().await;
        ready.err().map(|problem| problem.detail().to_owned())
    }

    pub(crate) fn metrics(&self) -> String {
        self.log.metrics()
    }

    pub(crate) fn policy(&self) -> &str {
        &self.policy
    }
}

impl Log for Embedded {
    fn append(
        &self,
        entry: String,
    ) -> Pin<Box<dyn Future<Output = Result<String, NotLogged>> + Send + '_>> {
        Box::pin(async move {
            self.log.append(entry.as_bytes()).await.map_err(|problem| {
                let why = format!("{} [{}]", problem.detail(), problem.code());
                match problem.status().as_u16() {
                    // What it says of this entry stays; everything else may be mended.
                    400 | 409 | 413 | 422 => NotLogged::Never(why),
                    _ => NotLogged::Later(why),
                }
            })
        })
    }
}

/// Makes a log; returns its verifier key.
pub(crate) fn create(folder: &Path, origin: &str) -> Result<String, CliError> {
    let vkey = log_server::create(folder, origin).map_err(failed)?;
    Ok(vkey.to_string())
}

/// The log's own words, with the exit code that they have in `cosignet-log`.
pub(crate) fn failed(failure: LogError) -> CliError {
    let code = match failure {
        LogError::Usage(_) => return CliError::usage(format!("The log: {failure}.")),
        LogError::Claimed(_) | LogError::Damage(_) | LogError::Rollback(_) => CliCode::GateDamaged,
        _ => CliCode::GateUnreachable,
    };
    CliError::new(code, format!("The log: {failure}."))
}
