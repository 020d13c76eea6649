//! The policy's requirements for a Bitcoin anchor.

use verifier_core::hazmat::bitcoin::uint::U256;
use verifier_core::policy::{LogRule, Network, PinnedBlock, Policy};

/// 2^92 hashes, which mainnet passed in 2020.
fn little_work() -> U256 {
    let mut bytes = [0; 32];
    if let Some(byte) = bytes.get_mut(32 - 1 - 92 / 8) {
        *byte = 1 << (92 % 8);
    }
    U256::from_be_bytes(bytes)
}

pub(crate) fn warnings(policy: &Policy) -> Vec<String> {
    let anchor = policy.anchor();
    let mut out = Vec::new();
    if matches!(policy.log(), LogRule::None) {
        // There is no head that could be anchored.
        return out;
    }
    let of_release = anchor.network.pinned_blocks();
    let counts = !anchor.pinned_blocks.is_empty() || anchor.min_chain_work.is_some();
    match anchor.network {
        Network::Mainnet => {}
        network => {
            let why = match network {
                Network::Regtest => "anybody makes such blocks in a moment, with any time in them",
                Network::Signet => "a few people sign its blocks, and no work protects them",
                _ => "its blocks cost next to nothing",
            };
            out.push(format!(
                "Anchors are of the network {network}: {why}, so they prove no time to anybody who \
                 was not there."
            ));
            if !counts && of_release.is_empty() {
                out.push(format!(
                    "No anchor will count: this release pins no block of {network}, and the policy \
                     names neither pinnedBlocks nor minChainWork."
                ));
            }
        }
    }
    if anchor.network == Network::Mainnet
        && anchor
            .min_chain_work
            .is_some_and(|work| work < little_work())
    {
        out.push(
            "minChainWork is a small part of the work in Bitcoin's chain: a chain of so little work \
             can be made to order, with any time in it."
                .into(),
        );
    }
    out.extend(pins(&anchor.pinned_blocks, &of_release));
    if anchor.min_confirmations == 1 {
        out.push(
            "minConfirmations = 1: the newest block is abandoned now and then, and a time with it."
                .into(),
        );
    }
    out
}

/// Pins of the policy beside those of the release.
fn pins(own: &[PinnedBlock], release: &[PinnedBlock]) -> Vec<String> {
    let contradicts = |pin: &&PinnedBlock| {
        let mut same = release.iter().filter(|known| known.height == pin.height);
        same.any(|known| known.hash != pin.hash)
    };
    let mut out: Vec<String> = own
        .iter()
        .filter(contradicts)
        .map(|pin| {
            format!(
                "The pinned block {} is another one than this release knows at that height: no \
                 chain has both, so no anchor will count.",
                pin.height
            )
        })
        .collect();
    let newest = release.iter().map(|pin| pin.height).max();
    if let (Some(newest), false, true) = (newest, own.is_empty(), out.is_empty()) {
        out.push(format!(
            "pinnedBlocks: beside the blocks that this release pins, up to {newest}, yours count by \
             your word alone. Ask somebody whom you trust whether they are in Bitcoin's chain."
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_work_is_what_it_says() {
        let bytes = little_work().to_be_bytes();
        assert_eq!(bytes.iter().filter(|byte| **byte != 0).count(), 1);
        assert_eq!(bytes[32 - 12], 1 << 4);
    }
}
