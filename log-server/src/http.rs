//! The HTTP side.

pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod routes;
pub(crate) mod server;
