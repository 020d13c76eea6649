//! The facts that are shown of a chain: from where to where, and its last block.

use verifier_core::hazmat::bitcoin::chain::{Checker, HeaderChain};
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::network::Network;
use verifier_core::hazmat::bitcoin::uint::U256;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::time::{Time, for_people};

pub(super) struct Facts {
    network: Network,
    start: u32,
    tip: u32,
    last: Option<Header>,
    work: U256,
}

impl Facts {
    pub(super) fn of_chain(chain: &HeaderChain<'_>) -> Self {
        Self {
            network: chain.network(),
            start: chain.start(),
            tip: chain.tip(),
            last: chain.header(chain.tip()),
            work: chain.work(),
        }
    }

    /// Of a chain that has a header.
    pub(super) fn of_checker(checker: &Checker) -> Self {
        Self {
            network: checker.network(),
            start: checker.start(),
            tip: checker.next_height().saturating_sub(1),
            last: checker.tip().copied(),
            work: checker.work(),
        }
    }

    pub(super) fn in_words(&self) -> String {
        let time = self.last.as_ref();
        let time = time.and_then(|last| Time::from_seconds(u64::from(last.time())));
        let (hash, time) = (
            self.hash().unwrap_or_default(),
            time.map(for_people).unwrap_or_default(),
        );
        let (network, start, tip) = (self.network, self.start, self.tip);
        format!("{network}, blocks {start} to {tip}, the last one {hash} of {time}")
    }

    pub(super) fn to_json(&self) -> String {
        Value::from([
            ("network", self.network.as_str().into()),
            ("start", u64::from(self.start).into()),
            ("tip", u64::from(self.tip).into()),
            ("tipHash", self.hash().into()),
            ("work", self.work.to_string().into()),
        ])
        .to_text()
    }

    fn hash(&self) -> Option<String> {
        self.last.as_ref().map(|last| last.hash().to_string())
    }
}
