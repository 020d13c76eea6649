//! `anchor.path`, `anchor.header`, `anchor.chain`: from the stamped checkpoint to a block, and
//! from the block to a chain that the policy knows.
//!
//! Three verdicts that stay apart: a path may be in order and lead to no block, a block may carry
//! its own work and be in no chain, and only a chain that the policy knows proves a time.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Run;
use crate::bitcoin::chain::HeaderChain;
use crate::bitcoin::header::Header;
use crate::bitcoin::ots::Timestamp;
use crate::bitcoin::trust::{Error as Distrust, Known, TrustedBlock, TrustedChain};
use crate::bundle::{Anchor, Header as ClaimedHeader};
use crate::check::{Check, CheckId, Status};
use crate::code::Code;
use crate::encoding::{hex, sha256};
use crate::policy::{AnchorRule, Policy};
use crate::report::{AnchorFacts, Strength, Verdict};
use crate::time::{Time, for_people};
use crate::{Failure as _, quote};

/// A height, and the Merkle root that the block there should have.
type Place = (u32, [u8; 32]);

/// The block that a timestamp leads to, as well as it is known.
enum Found {
    /// In the chain that the policy knows.
    Trusted(TrustedBlock),
    /// The bundle's own header.
    Claimed(u32, Header),
}

/// The result of a timestamp of a checkpoint, without a log and without an approval.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StampReport {
    /// `anchor.path`, `anchor.header` and `anchor.chain`.
    pub checks: Vec<Check>,
    /// The block that the timestamp leads to; `None` unless its path is in order.
    pub anchor: Option<AnchorFacts>,
}

impl StampReport {
    /// VERIFIED if all three checks passed.
    pub fn verdict(&self) -> Verdict {
        let any = |status| self.checks.iter().any(|check| check.status == status);
        let passed = |check: &Check| check.status == Status::Pass;
        if any(Status::Fail) {
            Verdict::Rejected
        } else if self.checks.len() == 3 && self.checks.iter().all(passed) {
            Verdict::Verified
        } else {
            Verdict::Incomplete
        }
    }
}

/// Verifies an OpenTimestamps proof over all bytes of a checkpoint file, as if an anchor were
/// required.
pub fn verify_stamp(
    stamped: &[u8],
    ots: &[u8],
    headers: Option<&HeaderChain<'_>>,
    rule: &AnchorRule,
) -> StampReport {
    let mut steps = Steps {
        headers,
        rule,
        required: true,
        checks: Vec::new(),
    };
    let anchor = steps.block(Some(ots), None, stamped);
    let checks = steps.checks;
    StampReport { checks, anchor }
}

impl Run<'_> {
    pub(super) fn block(&mut self, anchor: &Anchor, stamped: &str) -> Option<AnchorFacts> {
        let rule = self.request.policy.map(Policy::anchor)?;
        let mut steps = Steps {
            headers: self.request.headers,
            rule,
            required: rule.required,
            checks: Vec::new(),
        };
        let (ots, header) = (anchor.ots.as_deref(), anchor.header.as_ref());
        let facts = steps.block(ots, header, stamped.as_bytes());
        steps.checks.into_iter().for_each(|check| self.push(check));
        facts
    }
}

/// The three checks, and what they need.
struct Steps<'a> {
    headers: Option<&'a HeaderChain<'a>>,
    rule: &'a AnchorRule,
    required: bool,
    checks: Vec<Check>,
}

impl Steps<'_> {
    fn block(
        &mut self,
        ots: Option<&[u8]>,
        claimed: Option<&ClaimedHeader>,
        stamped: &[u8],
    ) -> Option<AnchorFacts> {
        const REST: [CheckId; 2] = [CheckId::AnchorHeader, CheckId::AnchorChain];
        let rule = self.rule;
        let Some(places) = self.path(ots, stamped) else {
            self.skip_anchor(&REST, CheckId::AnchorPath);
            return None;
        };
        let lowest = places.first().map(|(height, _)| *height)?;
        let mut facts = AnchorFacts {
            confirmations: 0,
            hash: None,
            height: lowest,
            network: rule.network,
            not_later_than: None,
            strength: Strength::Path,
            time: None,
        };
        let chain = trusted_chain(self.headers, rule);
        let found = self.header(claimed, &places, &chain, rule);
        let Some(found) = found else {
            self.skip_anchor(&REST[1..], CheckId::AnchorHeader);
            return Some(facts);
        };
        facts.strength = Strength::Header;
        let (height, header) = match &found {
            Found::Trusted(block) => (block.height(), *block.header()),
            Found::Claimed(height, header) => (*height, *header),
        };
        facts.height = height;
        facts.hash = Some(header.hash().to_string());
        facts.time = Time::from_seconds(u64::from(header.time()));
        if let Some(block) = self.chain(claimed, &found, &chain, rule) {
            facts.confirmations = block.confirmations();
            facts.time = block.time();
            facts.not_later_than = block.not_later_than();
            facts.strength = Strength::Chain;
        }
        Some(facts)
    }

    /// `anchor.path`
    fn path(&mut self, ots: Option<&[u8]>, stamped: &[u8]) -> Option<Vec<Place>> {
        const ID: CheckId = CheckId::AnchorPath;
        let Some(ots) = ots else {
            self.open(ID, Code::AnchorMissing, "The bundle has no timestamp.");
            return None;
        };
        let timestamp = match Timestamp::parse(ots) {
            Ok(timestamp) => timestamp,
            Err(error) => {
                self.push(Check::failed(ID, &error));
                return None;
            }
        };
        let digest = sha256(stamped);
        if *timestamp.digest() != digest {
            let check = Check::coded(ID, Code::AnchorBadProof);
            let check =
                check.message("The timestamp is of other bytes than the stamped checkpoint.");
            let found = format!("sha256 {}", hex(timestamp.digest()));
            self.push(
                check
                    .expected(format!("sha256 {}", hex(&digest)))
                    .found(found),
            );
            return None;
        }
        let places = timestamp.blocks();
        if places.is_empty() {
            let calendars: Vec<String> = timestamp.calendars().map(quote).take(4).collect();
            let message = match calendars.as_slice() {
                [] => "The timestamp leads to no Bitcoin block.".into(),
                list => format!(
                    "The timestamp leads to no Bitcoin block yet; promised by {}.",
                    list.join(", ")
                ),
            };
            self.open(ID, Code::AnchorPending, &message);
            return None;
        }
        let heights: Vec<String> = places.iter().take(8).map(|(h, _)| h.to_string()).collect();
        self.push(
            Check::pass(
                ID,
                "The timestamp leads from the stamped checkpoint to a block.",
            )
            .found(format!("block {}", heights.join(", block "))),
        );
        Some(places)
    }

    /// `anchor.header`
    fn header(
        &mut self,
        claimed: Option<&ClaimedHeader>,
        places: &[Place],
        chain: &Result<TrustedChain<'_>, Option<Distrust>>,
        rule: &AnchorRule,
    ) -> Option<Found> {
        const ID: CheckId = CheckId::AnchorHeader;
        let claimed = match claimed.map(|claimed| own_work(claimed, places, rule)) {
            Some(Err(check)) => {
                self.push(check);
                return None;
            }
            Some(Ok(found)) => Some(found),
            None => None,
        };
        let mut contradiction = None;
        for (height, root) in places {
            let Some(block) = chain.as_ref().ok().and_then(|chain| chain.block(*height)) else {
                continue;
            };
            if block.header().merkle_root() == root {
                let hash = block.header().hash();
                let message = format!("Block {height} of your headers has the Merkle root.");
                self.push(Check::pass(ID, message).found(hash.to_string()));
                return Some(Found::Trusted(block));
            }
            contradiction = contradiction.or(Some(*height));
        }
        match (claimed, contradiction) {
            // Whether that block is in the chain is for the next check to say.
            (Some((height, header)), _) => {
                let message =
                    format!("Block {height} has the Merkle root and carries its own work.");
                self.push(Check::pass(ID, message).found(header.hash().to_string()));
                Some(Found::Claimed(height, header))
            }
            (None, Some(height)) => {
                let message = format!(
                    "Block {height} of your headers has another Merkle root than the timestamp leads to."
                );
                self.push(Check::coded(ID, Code::AnchorHeader).message(message));
                None
            }
            (None, None) => {
                let there = |(height, _): &Place| {
                    let header = self.headers.and_then(|chain| chain.header(*height));
                    header.is_some()
                };
                match chain {
                    Err(Some(error)) => self.distrusted(ID, error, None),
                    Ok(_) if places.iter().any(there) => self.open(
                        ID,
                        Code::AnchorNotPinned,
                        "Your headers have the block, and no pinned block above it.",
                    ),
                    _ => self.open(
                        ID,
                        Code::AnchorHeaderMissing,
                        "The header of the block that the timestamp leads to is not known.",
                    ),
                }
                None
            }
        }
    }

    /// `anchor.chain`
    fn chain(
        &mut self,
        claimed: Option<&ClaimedHeader>,
        found: &Found,
        chain: &Result<TrustedChain<'_>, Option<Distrust>>,
        rule: &AnchorRule,
    ) -> Option<TrustedBlock> {
        const ID: CheckId = CheckId::AnchorChain;
        if let (Ok(chain), Some(claimed)) = (chain, claimed)
            && let Some(block) = height(claimed).and_then(|height| chain.block(height))
        {
            let shown = Header::new(&claimed.bytes).hash();
            let known = block.header().hash();
            if known != shown {
                let check = Check::coded(ID, Code::AnchorChain);
                self.push(check.expected(known.to_string()).found(shown.to_string()));
                return None;
            }
        }
        let block = match found {
            Found::Trusted(block) => *block,
            Found::Claimed(_, header) => {
                self.not_pinned(header, chain.as_ref().err().and_then(Option::as_ref));
                return None;
            }
        };
        let confirmations = block.confirmations();
        if confirmations < rule.min_confirmations {
            let message = "The block does not have enough confirmations in your headers.";
            let expected = format!("{} confirmations", rule.min_confirmations);
            let found = format!("{confirmations}");
            self.open_with(ID, Code::AnchorTooShallow, message, |check| {
                check.expected(expected).found(found)
            });
            return None;
        }
        let time = block.time().map(for_people).unwrap_or_default();
        self.push(
            Check::pass(
                ID,
                format!(
                    "The block is in the {} chain that the policy knows.",
                    rule.network
                ),
            )
            .found(format!(
                "block {}, {time} give or take two hours, {confirmations} confirmations",
                block.height()
            )),
        );
        Some(block)
    }

    fn not_pinned(&mut self, header: &Header, why: Option<&Distrust>) {
        const ID: CheckId = CheckId::AnchorChain;
        let Some(error) = why else {
            let message = "Nothing shows that the block is in the chain; compare its hash with a \
                           source that you trust.";
            let found = header.hash().to_string();
            return self.open_with(ID, Code::AnchorNotPinned, message, |check| {
                check.found(found)
            });
        };
        self.distrusted(ID, error, Some(header));
    }

    /// There are headers, and the policy does not know their chain.
    fn distrusted(&mut self, id: CheckId, error: &Distrust, header: Option<&Header>) {
        let message = format!("Nothing shows that the block is in the chain: {error}.");
        let found = error.found();
        let found = found.or_else(|| header.map(|header| header.hash().to_string()));
        self.open_with(id, error.code(), &message, |mut check| {
            check.expected = error.expected();
            check.found = found;
            check
        });
    }

    /// Something is missing: the check is incomplete if the policy requires an anchor.
    fn open(&mut self, id: CheckId, code: Code, message: &str) {
        self.open_with(id, code, message, |check| check);
    }

    fn open_with(
        &mut self,
        id: CheckId,
        code: Code,
        message: &str,
        details: impl FnOnce(Check) -> Check,
    ) {
        let check = match self.required {
            true => Check::coded(id, code).message(message),
            false => Check::not_checked(id, message),
        };
        self.push(details(check));
    }

    /// Checks that wait for `cause`: skipped, or left out if that was left out.
    fn skip_anchor(&mut self, ids: &[CheckId], cause: CheckId) {
        let open = |check: &Check| check.id == cause && check.status == Status::NotChecked;
        let left_out = self.checks.iter().any(open);
        let message = format!("It depends on {cause}, which could not be made.");
        let checks = ids.iter().map(|id| match left_out {
            true => Check::not_checked(*id, &message),
            false => Check::skipped(*id, cause),
        });
        self.checks.extend(checks);
    }

    fn push(&mut self, check: Check) {
        self.checks.push(check);
    }
}

/// The caller's headers, if the policy knows their chain; `Err(None)` if there are none.
fn trusted_chain<'c>(
    headers: Option<&'c HeaderChain<'c>>,
    rule: &AnchorRule,
) -> Result<TrustedChain<'c>, Option<Distrust>> {
    let chain = headers.ok_or(None)?;
    let pinned = rule.known_blocks();
    let mut known = Known::new(rule.network, &pinned);
    known.min_work = rule.min_chain_work;
    TrustedChain::new(chain, known).map_err(Some)
}

/// A header that the bundle brings: it stands where the timestamp leads, has the root, and
/// carries its own work.
fn own_work(
    claimed: &ClaimedHeader,
    places: &[Place],
    rule: &AnchorRule,
) -> Result<(u32, Header), Check> {
    const ID: CheckId = CheckId::AnchorHeader;
    let wrong = |message| Check::coded(ID, Code::AnchorHeader).message(message);
    let header = Header::new(&claimed.bytes);
    let height = height(claimed);
    let roots = places.iter().filter(|(place, _)| Some(*place) == height);
    let roots: Vec<_> = roots.map(|(_, root)| root).collect();
    let Some(height) = height.filter(|_| !roots.is_empty()) else {
        let message = "The bundle's block header is for a height that the timestamp does not name.";
        return Err(wrong(message).found(format!("height {}", claimed.height)));
    };
    if !roots.contains(&header.merkle_root()) {
        let message =
            "The bundle's block header has another Merkle root than the timestamp leads to.";
        return Err(wrong(message).found(header.hash().to_string()));
    }
    match header.check_work(rule.network) {
        Ok(_) => Ok((height, header)),
        Err(error) => Err(Check::failed(ID, &error).found(header.hash().to_string())),
    }
}

fn height(claimed: &ClaimedHeader) -> Option<u32> {
    claimed.height.try_into().ok()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_stamp_is_good_if_all_three_checks_passed() {
        let check = |status| {
            let mut check = Check::pass(CheckId::AnchorPath, "");
            check.status = status;
            check
        };
        let (pass, fail, open) = (Status::Pass, Status::Fail, Status::Incomplete);
        for (statuses, verdict) in [
            (vec![pass, pass, pass], Verdict::Verified),
            (vec![pass, pass], Verdict::Incomplete),
            (vec![], Verdict::Incomplete),
            (vec![pass, pass, open], Verdict::Incomplete),
            (vec![pass, fail, open], Verdict::Rejected),
            (vec![fail], Verdict::Rejected),
            (vec![pass, pass, pass, pass], Verdict::Incomplete),
        ] {
            let checks = statuses.iter().map(|status| check(*status)).collect();
            let report = StampReport {
                checks,
                anchor: None,
            };
            assert_eq!(report.verdict(), verdict, "{statuses:?}");
        }
    }
}
