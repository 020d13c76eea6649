//! `cosignet monitor`, `verify-alarm` and `fetch` against logs that tell the truth, lie, or fail.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests, and they have std"
)]

mod damaged;
mod endless;
mod failures;
mod fetch;
mod foreign;
mod glass;
mod honest;
mod liar;
mod lies;
mod real;
mod rosters;
mod shards;
mod told;
mod withheld;
mod world;
