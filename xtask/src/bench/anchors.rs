//! Headers and anchors.

use std::hint::black_box;
use std::time::Instant;

use serde_json::json;
use test_vectors::Draft;
use test_vectors::bitcoin::{Chain, display_hash, follow, in_block, path, proof, timestamp};
use verifier_core::AwsLc;
use verifier_core::Policy;
use verifier_core::hazmat::bitcoin::chain::{Checker, HeaderChain, retarget};
use verifier_core::hazmat::bitcoin::header::{CompactTarget, Header};
use verifier_core::hazmat::bitcoin::network::Network;
use verifier_core::hazmat::encoding::sha256;
use verifier_core::{Request, Verdict, verify};

use super::{median, micros, time};

const HEADERS: usize = 1_000_000;

/// Fewer than elsewhere: each takes a second.
const ROUNDS: usize = 7;

/// A million headers with real work, a block of theirs with an anchor in it, and the bundle.
pub(super) fn run() -> Result<(), String> {
    eprintln!("mining {HEADERS} blocks …");
    let draft = Draft::apart();
    let mut anchor = draft.anchor(5);
    let digest = sha256(anchor.checkpoint.as_bytes());
    // After the first block of regtest, which is of 2011.
    let start = 1_300_000_000;
    let count = u32::try_from(HEADERS).map_err(|error| error.to_string())?;
    let end = start + 600 * count;
    let chain = Chain::default()
        .extended(HEADERS - 11, start, "below")
        .with(follow(&path(), &digest), end)
        .extended(9, end + 600, "above");
    let height = chain.tip() - 9;
    let bytes = chain.bytes();
    headers(&bytes)?;

    let place = u64::try_from(height).map_err(|error| error.to_string())?;
    anchor.ots = Some(proof(&digest, &timestamp(&path(), &in_block(place))));
    let mut approval = draft.mint();
    let without = approval.bundle.text();
    approval.bundle.anchor = Some(anchor);
    let pin = chain.headers.last().map(display_hash);
    approval.policy.anchor = Some(json!({
        "network": "regtest", "pinnedBlocks": [{"height": chain.tip(), "hash": pin}],
    }));
    let policy = Policy::from_json(approval.policy.value().to_string().as_bytes());
    let policy = policy.map_err(|error| error.to_string())?;
    let with = approval.bundle.text();
    let chain = HeaderChain::verify(Network::Regtest, 0, &bytes);
    let chain = chain.map_err(|error| error.to_string())?;
    let report = |bundle: &str| {
        let mut request = Request::default();
        request.policy = Some(&policy);
        request.headers = Some(&chain);
        request.crypto = &AwsLc;
        verify(bundle.as_bytes(), &request)
    };
    let anchored = report(&with);
    if anchored.verdict() != Verdict::Verified || anchored.not_later_than().is_none() {
        return Err("the anchored sample does not verify".into());
    }
    let mut costs = Vec::new();
    for _ in 0..200 {
        let (base, subject) = (
            time(&|| pass(&report(&without))),
            time(&|| pass(&report(&with))),
        );
        costs.push(micros(subject) - micros(base));
    }
    println!(
        "anchor: what it adds to a report, in a chain of {HEADERS} headers: {:.0} µs",
        median(&mut costs)
    );
    Ok(())
}

fn pass(report: &verifier_core::Report) -> bool {
    report.verdict() == Verdict::Verified
}

/// Links, work, times and targets, against the bare hashes.
fn headers(bytes: &[u8]) -> Result<(), String> {
    let (headers, _) = bytes.as_chunks::<{ Header::BYTES }>();
    let bare = || {
        let hashed = headers.iter().map(|header| sha256(&sha256(header))[0]);
        hashed.fold(0, |all: u8, one| all ^ one) < 2
    };
    let checked = || {
        let Ok(mut checker) = Checker::new(Network::Regtest, 0) else {
            return false;
        };
        headers.iter().all(|header| checker.push(header).is_ok())
    };
    if !checked() {
        return Err("the headers do not verify".into());
    }
    let (mut bares, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (base, subject) = (time(&bare), time(&checked));
        bares.push(base);
        ratios.push(subject.as_secs_f64() / base.as_secs_f64());
    }
    // Regtest has no retargets: what those of as many blocks of mainnet would add.
    let epochs = u32::try_from(headers.len()).map_err(|error| error.to_string())? / 2016;
    let begin = Instant::now();
    for epoch in 0..epochs {
        black_box(retarget(
            Network::Mainnet,
            black_box(CompactTarget::new(0x1702_3ad4)),
            0,
            1_200_000 + epoch,
        ));
    }
    println!(
        "headers: {} cost {:.2} × their double SHA-256 ({:.0} ms), in {} bytes of state; \
         {epochs} retargets: {:.3} ms",
        headers.len(),
        median(&mut ratios),
        micros(median(&mut bares)) / 1000.0,
        size_of::<Checker>(),
        micros(begin.elapsed()) / 1000.0,
    );
    Ok(())
}
