//! `cosignet headers`: Bitcoin's block headers in a file.

mod check;
mod facts;
mod kept;
mod source;
mod sync;

use std::path::{Path, PathBuf};

use verifier_core::HeaderChain;
use verifier_core::Kind;
use verifier_core::hazmat::bitcoin::trust::Known;
use verifier_core::policy::AnchorRule;

use crate::args::HeadersCommand;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::{file, role};

/// The longest file of headers, in bytes: more than Bitcoin will have in this century.
const MAX_BYTES: usize = 512 * 1024 * 1024;

pub(crate) fn run(command: &HeadersCommand) -> Result<Exit, CliError> {
    match command {
        HeadersCommand::Check(args) => check::run(args),
        HeadersCommand::Sync(args) => sync::run(args),
    }
}

/// A file of headers, as it is.
pub(crate) struct HeaderFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

pub(crate) fn read(path: &Path) -> Result<HeaderFile, CliError> {
    Ok(HeaderFile {
        path: path.to_owned(),
        bytes: file::read_whole(path, MAX_BYTES)?,
    })
}

impl HeaderFile {
    /// The chain in it.
    pub(crate) fn verify(&self) -> Result<HeaderChain<'_>, CliError> {
        HeaderChain::parse(&self.bytes).map_err(|error| {
            let wanted = "a file of block headers";
            role::named(CliError::of(&error), &self.bytes, wanted, &[Kind::Headers])
                .about(&self.path)
        })
    }
}

/// The policy's knowledge of the chain, its pinned blocks given.
fn known<'p>(rule: &AnchorRule, pinned: &'p [verifier_core::policy::PinnedBlock]) -> Known<'p> {
    let mut known = Known::new(rule.network, pinned);
    known.min_work = rule.min_chain_work;
    known
}
