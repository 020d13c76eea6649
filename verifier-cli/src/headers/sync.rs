//! `cosignet headers sync`: a file of headers, made longer.

use std::path::Path;

use verifier_core::bitcoin::chain::{HeaderChain, first_line, read_first_line};
use verifier_core::bitcoin::header::Header;
use verifier_core::bitcoin::network::Network;
use verifier_core::code::Code;
use verifier_core::encoding::from_hex;

use super::{MAX_BYTES, check};
use crate::args::{Format, SyncArgs};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::{file, output};

/// Headers, not verified yet.
struct Segment {
    network: Network,
    start: u32,
    headers: Vec<u8>,
}

pub(super) fn run(args: &SyncArgs) -> Result<Exit, CliError> {
    let source = read_source(args)?;
    let (joined, changed) = match args.file.exists() {
        true => join(read_own(&args.file)?, source, &args.from)?,
        false => (source, true),
    };
    let line = first_line(joined.network, joined.start);
    let chain = verify(&joined, &args.from)?;
    let bytes = [line.as_bytes(), &joined.headers].concat();
    if !args.file.exists() {
        file::create(&args.file, &bytes)?;
    } else if changed {
        file::replace(&args.file, &bytes)?;
    }
    let text = match args.format {
        Format::Json => check::to_json(&chain) + "\n",
        Format::Human => {
            let path = show_path(&args.file);
            let what = if changed { "written" } else { "nothing new" };
            format!("{path}: {what}; {}\n", check::in_words(&chain))
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

fn read_source(args: &SyncArgs) -> Result<Segment, CliError> {
    let bytes = file::read_whole(&args.from, MAX_BYTES)?;
    if let Ok((network, start, headers)) = read_first_line(&bytes) {
        let headers = headers.to_vec();
        return Ok(Segment {
            network,
            start,
            headers,
        });
    }
    let plain: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let text = String::from_utf8(plain).ok();
    let headers = text.and_then(|text| from_hex(&text).ok()).unwrap_or(bytes);
    Ok(Segment {
        network: args.network,
        start: args.start,
        headers,
    })
}

fn read_own(path: &Path) -> Result<Segment, CliError> {
    let bytes = file::read_whole(path, MAX_BYTES)?;
    let (network, start, headers) =
        read_first_line(&bytes).map_err(|error| CliError::of(&error).about(path))?;
    let headers = headers.to_vec();
    Ok(Segment {
        network,
        start,
        headers,
    })
}

/// The file with what the source has more, and whether that changes anything. Of two branches the
/// one with more work stays, and the file's own if they are equal.
fn join(own: Segment, source: Segment, from: &Path) -> Result<(Segment, bool), CliError> {
    let refused = |message: &str| Err(CliError::policy(Code::HeadersChain, message).about(from));
    if own.network != source.network {
        return refused("the headers are of another network than the file.");
    }
    let own_headers = own.headers.as_chunks::<{ Header::BYTES }>().0;
    let new_headers = source.headers.as_chunks::<{ Header::BYTES }>().0;
    let Some(skipped) = source.start.checked_sub(own.start) else {
        return refused("the headers begin before the file does; make a new file of them.");
    };
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let Some(overlap) = own_headers.get(skipped..) else {
        return refused("between the file and the headers there are others missing.");
    };
    let same = overlap
        .iter()
        .zip(new_headers)
        .take_while(|(old, new)| old == new)
        .count();
    if same == new_headers.len() {
        return Ok((own, false));
    }
    let kept = own_headers.iter().take(skipped + same);
    let added = new_headers.iter().skip(same);
    let joined = Segment {
        headers: kept.chain(added).flatten().copied().collect(),
        ..own
    };
    if same < overlap.len() {
        let own = Segment {
            headers: own.headers.clone(),
            ..joined
        };
        if verify(&joined, from)?.work() <= verify(&own, from)?.work() {
            return Ok((own, false));
        }
    }
    Ok((joined, true))
}

fn verify<'s>(segment: &'s Segment, from: &Path) -> Result<HeaderChain<'s>, CliError> {
    HeaderChain::verify(segment.network, segment.start, &segment.headers)
        .map_err(|error| CliError::of(&error).about(from))
}
