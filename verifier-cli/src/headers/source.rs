//! Where headers come from. Sources are trusted for nothing but bytes.

mod file;
mod web;

use std::path::Path;

use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::network::Network;

use crate::args::SyncArgs;
use crate::failure::CliError;

/// A header.
pub(super) type Bytes = [u8; Header::BYTES];

/// The range that a source has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) network: Network,
    /// The heights of its first and last header.
    pub(super) first: u32,
    pub(super) last: u32,
}

pub(super) trait Source {
    fn offer(&self) -> Offer;

    /// Headers from this height on, as many as are read at once: at least one, none above `last`.
    /// Both heights are among those offered.
    fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>, CliError>;
}

/// A file, or a server.
pub(super) fn open(args: &SyncArgs) -> Result<Box<dyn Source>, CliError> {
    let from = args.from.as_str();
    if !from.starts_with("http://") && !from.starts_with("https://") {
        return Ok(Box::new(file::HeaderFile::open(Path::new(from), args)?));
    }
    Ok(Box::new(web::Web::open(args)?))
}
