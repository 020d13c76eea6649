//! The policy's requirements for a Bitcoin anchor.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::Error;
use crate::bitcoin::network::{Network, PinnedBlock};
use crate::bitcoin::uint::U256;
use crate::encoding::{from_hex, hex};
use crate::json::Value;
use crate::schema::{self, Members, Wrong};

/// The policy's requirements for a Bitcoin anchor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnchorRule {
    /// Whether an approval needs one.
    pub required: bool,
    /// The chain.
    pub network: Network,
    /// Blocks on top of the anchored one, that one included.
    pub min_confirmations: u64,
    /// Blocks that the owner of the policy knows to be in the chain, besides those of the release,
    /// see [`Network::pinned_blocks`].
    pub pinned_blocks: Vec<PinnedBlock>,
    /// The work that a chain from the first block on has at least.
    pub min_chain_work: Option<U256>,
}

impl Default for AnchorRule {
    fn default() -> Self {
        Self {
            required: false,
            network: Network::Mainnet,
            min_confirmations: 6,
            pinned_blocks: Vec::new(),
            min_chain_work: None,
        }
    }
}

impl AnchorRule {
    /// The defaults, on this network.
    pub fn of(network: Network) -> Self {
        Self {
            network,
            ..Self::default()
        }
    }

    /// The pinned blocks of the policy and those of the release. The release's count as well: a
    /// policy that pins an old block would else let every chain in that leaves the real one there.
    pub fn known_blocks(&self) -> Vec<PinnedBlock> {
        let mut known = self.network.pinned_blocks();
        known.extend(&self.pinned_blocks);
        known
    }

    pub(super) fn read(members: Members<'_, '_>) -> Result<Self, Error> {
        let members = members.only(&[
            "minChainWork",
            "minConfirmations",
            "network",
            "pinnedBlocks",
            "required",
        ])?;
        let default = Self::default();
        let network = members.optional_text("network")?.unwrap_or("mainnet");
        let confirmations = members
            .optional_u64("minConfirmations")?
            .unwrap_or(default.min_confirmations);
        if !(1..=1_000_000).contains(&confirmations) {
            let found = confirmations.to_string();
            return Err(members
                .wrong("minConfirmations", "1 to 1000000", &found)
                .into());
        }
        let pinned = members
            .objects("pinnedBlocks")?
            .into_iter()
            .map(pinned_block);
        Ok(Self {
            required: members
                .optional_bool("required")?
                .unwrap_or(default.required),
            network: Network::parse(network).ok_or_else(|| {
                members.wrong("network", "mainnet, testnet4, signet or regtest", network)
            })?,
            min_confirmations: confirmations,
            pinned_blocks: pinned.collect::<Result<_, _>>()?,
            min_chain_work: min_chain_work(&members)?,
        })
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        let pin = |block: &PinnedBlock| {
            Value::from([
                ("hash", hex(&block.hash).into()),
                ("height", block.height.into()),
            ])
        };
        let members = [
            ("minConfirmations", self.min_confirmations.into()),
            ("network", self.network.as_str().into()),
            ("pinnedBlocks", self.pinned_blocks.iter().map(pin).collect()),
            ("required", self.required.into()),
        ];
        let work = self.min_chain_work.map(|work| work.to_string().into());
        let work = work.map(|work| ("minChainWork", work));
        let members = work.into_iter().chain(members);
        Value::Object(members.map(|(key, value)| (key.into(), value)).collect())
    }
}

fn pinned_block(members: Members<'_, '_>) -> Result<PinnedBlock, Error> {
    let members = members.only(&["hash", "height"])?;
    let hash = members.hash("hash")?;
    let height = members
        .optional_u64("height")?
        .filter(|height| *height < 1 << 32);
    let expected = "a height below 2^32";
    let wrong = || {
        members.error(
            "height",
            Wrong::Value {
                expected,
                found: "none".into(),
            },
        )
    };
    Ok(PinnedBlock::new(height.ok_or_else(wrong)?, hash))
}

fn min_chain_work(members: &Members<'_, '_>) -> Result<Option<U256>, schema::Error> {
    const KEY: &str = "minChainWork";
    let read = |text| {
        let bytes = from_hex(text).ok().and_then(|bytes| bytes.try_into().ok());
        let work = bytes.map(U256::from_be_bytes);
        // No work at all would let every chain in.
        work.filter(|work| *work != U256::ZERO)
            .ok_or_else(|| members.wrong(KEY, "64 lower-case hex digits, not all 0", text))
    };
    members.optional_text(KEY)?.map(read).transpose()
}
