//! The budget of one round. Only an honest log ends at some time, so a round ends by itself.

use std::time::Duration;

use super::Monitor;
use super::event::counted;
use crate::code::CliCode;
use crate::failure::CliError;

/// The size of an entry in `leaves` and `seen`, in bytes.
const KEPT: u64 = 40 + 2 * 24;

impl Monitor<'_> {
    /// Whether the time of this round is over.
    pub(super) fn is_late(&self) -> bool {
        self.begun.elapsed() >= Duration::from_secs(self.args.round_seconds)
    }

    /// An error when a scan that began at entry `from` has used up what it may. What was read is
    /// judged, and the next round goes on there.
    pub(super) fn within_budget(&self, from: u64, size: u64) -> Result<(), CliError> {
        let scanned = self.state.scanned.size();
        let entries = scanned.saturating_sub(from);
        let (_, bytes) = self.spool.place();
        let mib = bytes.saturating_add(entries.saturating_mul(KEPT)) / (1024 * 1024);
        let args = self.args;
        let used = if self.is_late() {
            format!(
                "{} (--round-seconds)",
                counted(args.round_seconds, "second", "seconds")
            )
        } else if entries >= args.round_entries {
            format!("{} (--round-entries)", counted(entries, "entry", "entries"))
        } else if mib >= args.round_mib {
            format!("{} MiB (--round-mib)", args.round_mib)
        } else {
            return Ok(());
        };
        let message = format!(
            "The round ends after {used}: {scanned} of {size} entries are read, and those are \
             judged. The next round goes on there."
        );
        Err(CliError::new(CliCode::MonitorBudget, message))
    }
}
