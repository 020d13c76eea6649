//! The HTTP side: the only part that knows statuses, headers and addresses.

pub(crate) mod app;
pub(crate) mod append;
pub(crate) mod disclose;
pub(crate) mod forward;
pub(crate) mod front;
pub(crate) mod latest;
pub(crate) mod openapi;
pub(crate) mod page;
pub(crate) mod problem;
pub(crate) mod routes;
pub(crate) mod said;
