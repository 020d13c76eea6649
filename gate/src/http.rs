//! The gate over HTTP: routes, and what a refusal of the gate is there.

mod api;
mod approval;
mod assets;
mod break_glass;
mod enrol;
mod events;
mod mcp;
mod problem;
mod read;
mod routes;
mod session;
mod view;

pub(crate) use api::is_operation;
pub(crate) use read::{KEY_PREFIX, single};
pub(crate) use routes::{App, Rooms, answer};
