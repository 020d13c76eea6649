//! The floor that every server here stands on: HTTP/1.1 with limits on size and time, shares of
//! what is scarce for each client, tokens, errors of RFC 9457, readiness, figures for Prometheus,
//! a description in OpenAPI, and pages for people. TLS is the reverse proxy's.
//!
//! ```text
//! Listen ─► Server::serve ─► Request ─► allow ─► token ─► read_body, with Room ─► answer | Problem
//! ```

#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a library for programs with std"
)]

pub mod answer;
mod body;
mod connections;
mod exchange;
pub mod gzip;
pub mod html;
mod linger;
mod listen;
mod messages;
mod method;
pub mod openapi;
mod pace;
mod party;
mod problem;
pub mod prometheus;
mod readiness;
mod room;
pub mod secret;
pub mod token;

pub use answer::Answer;
pub use body::{Body, BodyError, BodyLimits, read_body};
pub use connections::{Server, asked_to_end};
pub use exchange::Request;
pub use ipnet::IpNet;
pub use listen::{Listen, ListenError};
pub use messages::messages;
pub use method::allow;
pub use pace::{Pace, Paces};
pub use party::{Party, Proxies, party};
pub use problem::{PROBLEM_TYPE, Problem};
pub use readiness::Readiness;
pub use room::{Held, Refused, Room};
