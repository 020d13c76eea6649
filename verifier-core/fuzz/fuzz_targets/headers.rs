//! A file of block headers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use verifier_core::hazmat::bitcoin::chain::{HeaderChain, first_line};

fuzz_target!(|file: &[u8]| {
    if let Ok(chain) = HeaderChain::parse(file) {
        let line = first_line(chain.network(), chain.start());
        let count = usize::try_from(chain.tip() - chain.start()).unwrap() + 1;
        assert_eq!(file.len(), line.len() + 80 * count);
        for height in chain.start() + 1..=chain.tip() {
            let (header, before) = (chain.header(height).unwrap(), chain.header(height - 1).unwrap());
            assert_eq!(header.previous(), before.hash());
            assert!(header.check_work(chain.network()).is_ok());
        }
    }
});
