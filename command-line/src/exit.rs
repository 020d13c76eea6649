//! The exit codes, all of them.

use std::process::ExitCode;

use verifier_core::Verdict;

/// How the process ends. The order is that in which the worst of several wins.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(
    clippy::exhaustive_enums,
    reason = "scripts know these numbers, and no other one comes"
)]
pub enum Exit {
    /// VERIFIED, or a command that did what it was asked.
    Ok,
    /// A file or the network; nothing was checked.
    Io,
    /// INCOMPLETE.
    Incomplete,
    /// MALFORMED.
    Malformed,
    /// REJECTED, or a vector that differs.
    Rejected,
    /// Wrong usage or a bad policy; nothing was checked.
    Usage,
    /// Nothing was done: somebody refused, or it was taken back.
    Refused,
    /// Nothing was done: the time was over.
    Expired,
    /// Nothing was done: the gate could not be reached.
    Unreachable,
    /// Nothing was done, for another reason.
    Denied,
    /// It was done, under a break-glass file and without an approval.
    WithoutApproval,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Rejected => 1,
            Self::Usage => 2,
            Self::Malformed => 3,
            Self::Incomplete => 4,
            Self::Io => 5,
            // Beyond those of verdicts: behind them a command of the caller's has codes of its own.
            Self::Refused => 10,
            Self::Expired => 11,
            Self::Unreachable => 12,
            Self::Denied => 13,
            Self::WithoutApproval => 14,
        }
    }

    /// Anything but a verdict that is known here is not a success.
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Verified => Self::Ok,
            Verdict::Rejected => Self::Rejected,
            Verdict::Malformed => Self::Malformed,
            _ => Self::Incomplete,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_reports() {
        for verdict in [
            Verdict::Incomplete,
            Verdict::Malformed,
            Verdict::Rejected,
            Verdict::Verified,
        ] {
            assert_eq!(Exit::of(verdict).code(), verdict.exit_code(), "{verdict}");
        }
    }

    #[test]
    fn the_worst_wins() {
        use Exit::{Incomplete, Io, Malformed, Ok, Rejected};
        let order = [Rejected, Malformed, Incomplete, Io, Ok];
        for (i, worse) in order.iter().enumerate() {
            for better in &order[i..] {
                assert_eq!(worse.max(better), worse);
            }
        }
    }
}
