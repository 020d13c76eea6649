//! Bitcoin, as far as an anchor needs it: from a digest to a block, from a block to a chain.
//!
//! [`ots`] computes from a digest the Merkle root of a block, [`header`] reads the block's header
//! and its proof of work, [`chain`] links headers under the rules of a [`network`], and [`trust`]
//! says which of them a policy believes. Each of them says one thing and no more: a proof whose
//! path is in order may lead to a block that does not exist, and a header that carries its own
//! work may be in no chain.

pub mod chain;
pub mod header;
pub mod network;
pub mod ots;
pub mod trust;
pub mod uint;

use crate::encoding::sha256;

/// SHA-256 of the SHA-256 of `bytes`.
fn sha256d(bytes: &[u8]) -> [u8; 32] {
    sha256(&sha256(bytes))
}
