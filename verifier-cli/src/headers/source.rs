//! Where headers come from. Sources are trusted for nothing but bytes.

mod esplora;
mod file;
mod node;

use std::path::Path;

use reqwest::Url;
use verifier_core::bitcoin::header::Header;
use verifier_core::bitcoin::network::Network;

use crate::args::SyncArgs;
use crate::code::CliCode;
use crate::failure::CliError;

/// A header.
pub(super) type Bytes = [u8; Header::BYTES];

/// What a source has.
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

/// A file; or a node, if the address has a name and password, or ends in `/rest`; or an esplora.
pub(super) fn open(args: &SyncArgs) -> Result<Box<dyn Source>, CliError> {
    let from = args.from.as_str();
    if !from.starts_with("http://") && !from.starts_with("https://") {
        return Ok(Box::new(file::HeaderFile::open(Path::new(from), args)?));
    }
    let not_an_address = || CliError::usage("--from is neither a file nor an address.");
    let mut url = Url::parse(from).map_err(|_| not_an_address())?;
    if let Some(path) = &args.cookie {
        let cookie = crate::file::read_whole(path, 1024)?;
        let cookie = String::from_utf8(cookie).ok();
        let cookie = cookie.as_deref().map(str::trim);
        let (user, password) = cookie
            .and_then(|text| text.split_once(':'))
            .ok_or_else(|| {
                CliError::usage("a node's cookie is a name and a password with a colon between.")
                    .about(path)
            })?;
        let set = url.set_username(user);
        set.and_then(|()| url.set_password(Some(password)))
            .map_err(|()| not_an_address())?;
    }
    let base = url.as_str().trim_end_matches('/').to_owned();
    Ok(if !url.username().is_empty() {
        Box::new(node::Rpc::open(base, args.network)?)
    } else if base.ends_with("/rest") {
        Box::new(node::Rest::open(base, args.network)?)
    } else {
        Box::new(esplora::Esplora::open(base, args.network)?)
    })
}

/// An answer that is not what was asked for.
fn nonsense(url: &str, expected: &str) -> CliError {
    let url = crate::http::shown(url);
    let message = format!("{url} did not answer as a source of headers does.");
    CliError::new(CliCode::IoUnreachable, message).expected(expected)
}
