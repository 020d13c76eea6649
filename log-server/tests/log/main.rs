//! The log as its users and operators meet it: the real program over real directories.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "tests"
)]

mod anchors;
mod audience;
mod batches;
mod campaign;
mod chaos;
mod cosigning;
mod crash;
mod damage;
mod disclosure;
mod duties;
mod embedded;
mod erasure;
mod erasure_keys;
mod export;
mod failover;
mod flips;
mod foreign;
mod glass;
mod groups;
mod harness;
mod http;
mod invariants;
mod limits;
mod members;
mod mirrors;
mod moving;
mod newcomer;
mod openapi;
mod places;
mod refusals;
mod settings;
mod shards;
mod show;
mod stage;
mod wire;
mod witness;
