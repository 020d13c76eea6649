//! The HTTP side.

pub(crate) mod app;
pub(crate) mod compress;
pub(crate) mod openapi;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod rate;
pub(crate) mod routes;
pub(crate) mod server;
