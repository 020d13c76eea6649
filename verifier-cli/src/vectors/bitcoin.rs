//! The kinds about Bitcoin.

use verifier_core::Code;
use verifier_core::Failure as _;
use verifier_core::hazmat::bitcoin::chain::{self, HeaderChain};
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::network::Network;
use verifier_core::hazmat::bitcoin::ots::Timestamp;
use verifier_core::hazmat::encoding::{from_hex, hex};
use verifier_core::hazmat::json::{Object, Value};

use super::case::{Outcome, text};
use super::kind::{Broken, Input, bytes, invalid, number, optional, outcome};

/// `ots`
pub(super) fn timestamp(input: Input<'_>) -> Result<Outcome, Broken> {
    let network = network(input)?;
    let nothing = Object::default();
    let headers = match input.get("headers") {
        None => &nothing,
        Some(headers) => headers.as_object().ok_or("headers: expected an object")?,
    };
    let timestamp = match Timestamp::parse(&bytes(input, "ots")?) {
        Ok(timestamp) => timestamp,
        Err(error) => return Ok(invalid(&error)),
    };
    if hex(timestamp.digest()) != text(input, "digest")? {
        return Ok(Outcome::Invalid(Code::AnchorBadProof.as_str()));
    }
    let mut found = Vec::new();
    for (height, root) in timestamp.blocks() {
        let Some(header) = optional(headers, &height.to_string(), header)? else {
            continue;
        };
        if let Err(error) = header.check_work(network) {
            return Ok(Outcome::Invalid(error.code().as_str()));
        }
        if *header.merkle_root() != root {
            return Ok(Outcome::Invalid(Code::AnchorHeader.as_str()));
        }
        found.push(Value::from([
            ("height", u64::from(height).into()),
            ("time", u64::from(header.time()).into()),
        ]));
    }
    let pending = timestamp.calendars().map(Value::from).collect();
    let found = Value::from([
        ("bitcoin", found.into_iter().collect()),
        ("pending", pending),
    ]);
    Ok(Outcome::Timestamp(found.to_text()))
}

/// `bitcoin.headers`
pub(super) fn headers(input: Input<'_>) -> Result<Outcome, Broken> {
    let network = network(input)?;
    let mut all = optional(input, "previous", hex_bytes)?.unwrap_or_default();
    let before = u64::try_from(all.len() / Header::BYTES).unwrap_or(u64::MAX);
    let start = number(input, "startHeight")?.checked_sub(before);
    let start = start.and_then(|start| u32::try_from(start).ok());
    let start = start.ok_or("startHeight: no height that fits")?;
    all.extend(hex_bytes(input, "headers")?);
    Ok(outcome(HeaderChain::verify(network, start, &all)))
}

/// `bitcoin.retarget`
pub(super) fn retarget(input: Input<'_>) -> Result<Outcome, Broken> {
    let network = network(input)?;
    let (first, last) = (header(input, "first")?, header(input, "last")?);
    let next = header(input, "next")?;
    Ok(outcome(chain::check_epoch(network, &first, &last, &next)))
}

fn network(input: Input<'_>) -> Result<Network, Broken> {
    let name = optional(input, "network", text)?.unwrap_or("mainnet");
    Network::parse(name).ok_or_else(|| "network: expected a network".into())
}

fn header(object: Input<'_>, key: &str) -> Result<Header, Broken> {
    let bytes = hex_bytes(object, key)?.try_into();
    let bytes = bytes.map_err(|_| format!("{key}: expected 80 bytes in hex"))?;
    Ok(Header::new(&bytes))
}

fn hex_bytes(object: Input<'_>, key: &str) -> Result<Vec<u8>, Broken> {
    from_hex(text(object, key)?).map_err(|error| format!("{key}: {error}"))
}
