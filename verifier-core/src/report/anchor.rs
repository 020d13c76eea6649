//! The findings about the Bitcoin anchor.

use alloc::format;
use alloc::string::{String, ToString as _};

use crate::bitcoin::network::Network;
use crate::bitcoin::trust::TOLERANCE_SECONDS;
use crate::json::Value;
use crate::time::Time;

/// The block that a timestamp leads to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnchorFacts {
    /// Blocks that count at this height and above it; 0 unless the strength is `Chain`.
    pub confirmations: u64,
    /// The hash of the block, as block explorers print it; `None` if its header is not known.
    pub hash: Option<String>,
    /// The height, as the proof names it.
    pub height: u32,
    /// The network, as the policy names it.
    pub network: Network,
    /// The moment after which the block was not made: `time` and two hours. Only if the strength
    /// is `Chain`.
    pub not_later_than: Option<Time>,
    /// How strongly the block was checked.
    pub strength: Strength,
    /// When the block was made, give or take two hours; `None` if its header is not known. As
    /// good as the strength.
    pub time: Option<Time>,
}

/// How strongly a block was checked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Strength {
    /// Only the proof names it.
    Path,
    /// There is a header that carries its own work. Anybody can make one.
    Header,
    /// It is in a chain that the policy knows, with the confirmations that the policy wants.
    Chain,
}

impl Strength {
    /// The text in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Header => "header",
            Self::Chain => "chain",
        }
    }
}

impl AnchorFacts {
    /// The moment before which a block of the chain was not made: `time` less two hours.
    pub(crate) fn not_before(&self) -> Option<Time> {
        let tolerance = TOLERANCE_SECONDS * 1000;
        let time = self.time.filter(|_| self.strength == Strength::Chain)?;
        Time::from_millis(time.as_millis().saturating_sub(tolerance))
    }

    /// `Bitcoin block 830592`, and for any other network than mainnet its name:
    /// `Bitcoin regtest block 3`.
    pub fn block_for_people(&self) -> String {
        match self.network {
            Network::Mainnet => format!("Bitcoin block {}", self.height),
            other => format!("Bitcoin {other} block {}", self.height),
        }
    }

    /// The `anchor` of a report.
    pub fn to_value(&self) -> Value<'_> {
        let time = |time: Option<Time>| Value::from(time.map(|time| time.to_string()));
        Value::from([
            ("confirmations", self.confirmations.into()),
            ("hash", self.hash.as_deref().into()),
            ("height", u64::from(self.height).into()),
            ("network", self.network.as_str().into()),
            ("notLaterThan", time(self.not_later_than)),
            ("strength", self.strength.as_str().into()),
            ("time", time(self.time)),
        ])
    }
}
