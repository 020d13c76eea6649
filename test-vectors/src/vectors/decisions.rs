//! `decision`: what is enough and what is not, and what a decision may hold.

mod anchors;
mod bundles;
mod endings;
mod expectations;
mod forms;
mod quorum;
mod splices;

pub(super) use anchors::anchors;
pub(super) use bundles::bundles;
pub(super) use expectations::expectations;
pub(super) use forms::{alone_as_decision, malformed};
pub(super) use quorum::quorum;
pub(super) use splices::splices;
