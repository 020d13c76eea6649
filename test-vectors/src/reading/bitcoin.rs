//! Timestamps, headers, and how far a policy knows a chain (docs/spec/bitcoin.md). That the
//! headers of a file are a chain is not looked at here: a file that is none never gets this far.

use num_bigint::BigUint;
use ripemd::Ripemd160;
use serde_json::Value;
use sha1::Sha1;
use sha2::Digest as _;
use sha3::Keccak256;

use crate::bitcoin::{MAGIC, block_hash};
use crate::encoding::{hex, sha256};
use crate::tree::Hash;

/// The Bitcoin attestations of a proof, lowest first, and the digest.
pub(super) struct Timestamp {
    pub(super) digest: Hash,
    pub(super) places: Vec<(u32, Hash)>,
}

impl Timestamp {
    pub(super) fn read(proof: &[u8]) -> Option<Self> {
        (proof.len() <= 64 * 1024).then_some(())?;
        let rest = proof.strip_prefix(&MAGIC[..])?.strip_prefix(&[1, 8])?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let mut reader = Reader {
            bytes: rest,
            work: 0,
            attestations: 0,
            places: Vec::new(),
        };
        reader.timestamp(digest, 0)?;
        reader.bytes.is_empty().then_some(())?;
        let mut places = reader.places;
        places.sort_by_key(|(height, _)| *height);
        Some(Self {
            digest: *digest,
            places,
        })
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    work: usize,
    attestations: usize,
    places: Vec<(u32, Hash)>,
}

impl Reader<'_> {
    fn timestamp(&mut self, message: &[u8], operations: usize) -> Option<()> {
        while let Some(rest) = self.bytes.strip_prefix(&[0xff]) {
            self.bytes = rest;
            self.costs(message.len())?;
            self.item(message, operations)?;
        }
        self.item(message, operations)
    }

    fn item(&mut self, message: &[u8], operations: usize) -> Option<()> {
        let tag = take(&mut self.bytes, 1)?[0];
        if tag == 0 {
            return self.attestation(message);
        }
        (operations < 255).then_some(())?;
        let result = match tag {
            0x02 => Sha1::digest(message).to_vec(),
            0x03 => Ripemd160::digest(message).to_vec(),
            0x08 => sha256(message).to_vec(),
            0x67 => Keccak256::digest(message).to_vec(),
            0xf0 => [message, self.operand()?].concat(),
            0xf1 => [self.operand()?, message].concat(),
            0xf2 => message.iter().rev().copied().collect(),
            0xf3 => hex(message).into_bytes(),
            _ => return None,
        };
        (result.len() <= 4096).then_some(())?;
        self.costs(message.len() + result.len())?;
        self.timestamp(&result, operations + 1)
    }

    fn costs(&mut self, bytes: usize) -> Option<()> {
        self.work += bytes;
        (self.work <= 4 << 20).then_some(())
    }

    fn operand(&mut self) -> Option<&[u8]> {
        let bytes = counted(&mut self.bytes)?;
        (1..=4096).contains(&bytes.len()).then_some(bytes)
    }

    fn attestation(&mut self, message: &[u8]) -> Option<()> {
        self.attestations += 1;
        (self.attestations <= 256).then_some(())?;
        let tag = hex(take(&mut self.bytes, 8)?);
        let mut payload = counted(&mut self.bytes)?;
        (payload.len() <= 8192).then_some(())?;
        match tag.as_str() {
            "0588960d73d71901" => {
                let height = number(&mut payload)?.try_into().ok()?;
                self.places.push((height, message.try_into().ok()?));
            }
            "83dfe30d2ef90c8e" => {
                let uri = counted(&mut payload)?;
                let fits = |b: &u8| b.is_ascii_alphanumeric() || b".-_/:".contains(b);
                (uri.len() <= 1000 && uri.iter().all(fits)).then_some(())?;
            }
            "06869a0d73d71b45" | "30fe8087b5c7ead7" => {
                number(&mut payload)?;
            }
            _ => return Some(()),
        }
        payload.is_empty().then_some(())
    }
}

fn take<'b>(bytes: &mut &'b [u8], count: u64) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(count.try_into().ok()?)?;
    *bytes = rest;
    Some(taken)
}

fn counted<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let count = number(bytes)?;
    take(bytes, count)
}

/// LEB128 in its shortest form, below 2^64.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u128;
    for place in 0..10 {
        let byte = take(bytes, 1)?[0];
        number |= u128::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            (place == 0 || byte != 0).then_some(())?;
            return number.try_into().ok();
        }
    }
    None
}

/// The anchor rules of a policy, with their defaults.
pub(super) struct Rule {
    pub(super) required: bool,
    network: String,
    confirmations: u64,
    pins: Vec<(u64, String)>,
    least_work: Option<BigUint>,
}

impl Rule {
    pub(super) fn read(policy: &Value) -> Self {
        let anchor = &policy["anchor"];
        let pin = |pin: &Value| {
            let hash = pin["hash"].as_str().unwrap().to_owned();
            (pin["height"].as_u64().unwrap(), hash)
        };
        let pins = anchor["pinnedBlocks"].as_array();
        let work = anchor["minChainWork"].as_str();
        Self {
            required: anchor["required"].as_bool().unwrap_or(false),
            network: anchor["network"].as_str().unwrap_or("mainnet").into(),
            confirmations: anchor["minConfirmations"].as_u64().unwrap_or(6),
            // The pinned blocks of a release are for mainnet, of which no case has a chain.
            pins: pins.into_iter().flatten().map(pin).collect(),
            least_work: work.map(|hex| BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()),
        }
    }

    /// The limit of the network, in the compact form.
    fn limit(&self) -> u32 {
        match self.network.as_str() {
            "signet" => 0x1e03_77ae,
            "regtest" => 0x207f_ffff,
            _ => 0x1d00_ffff,
        }
    }

    /// Whether a header carries its own work.
    pub(super) fn has_work(&self, header: &[u8; 80]) -> bool {
        let Some(target) = target(bits(header)) else {
            return false;
        };
        let hash = BigUint::from_bytes_le(&block_hash(header));
        target <= self::target(self.limit()).unwrap() && hash <= target
    }

    pub(super) fn are_enough(&self, confirmations: u64) -> bool {
        confirmations >= self.confirmations
    }
}

fn bits(header: &[u8; 80]) -> u32 {
    u32::from_le_bytes(header[72..76].try_into().unwrap())
}

pub(super) fn merkle_root(header: &[u8; 80]) -> Hash {
    header[36..68].try_into().unwrap()
}

fn time(header: &[u8; 80]) -> u64 {
    u32::from_le_bytes(header[68..72].try_into().unwrap()).into()
}

/// *mantissa · 256^(exponent − 3)*, rounded down.
fn target(bits: u32) -> Option<BigUint> {
    let (exponent, mantissa) = (bits >> 24, bits & 0x00ff_ffff);
    let target = match exponent.checked_sub(3) {
        Some(more) => BigUint::from(mantissa) << (8 * more),
        None => BigUint::from(mantissa) >> (8 * (3 - exponent)),
    };
    let fits = mantissa & 0x0080_0000 == 0 && target != BigUint::ZERO && target.bits() <= 256;
    fits.then_some(target)
}

/// The caller's headers.
pub(super) struct Chain {
    network: String,
    start: u64,
    headers: Vec<[u8; 80]>,
}

impl Chain {
    pub(super) fn read(file: &[u8]) -> Self {
        let line = file.iter().position(|byte| *byte == b'\n').unwrap();
        let words = core::str::from_utf8(&file[..line]).unwrap();
        let words: Vec<&str> = words.split(' ').collect();
        let headers = file[line + 1..].chunks(80);
        Self {
            network: words[1].into(),
            start: words[2].parse().unwrap(),
            headers: headers.map(|header| header.try_into().unwrap()).collect(),
        }
    }

    pub(super) fn header(&self, height: u64) -> Option<&[u8; 80]> {
        let at = height.checked_sub(self.start)?;
        self.headers.get(usize::try_from(at).unwrap())
    }

    /// The highest block that counts: *Trusted chain*.
    fn reach(&self, rule: &Rule) -> Option<u64> {
        let contains = |(height, hash): &(u64, String)| {
            let header = self.header(*height)?;
            let mut bytes = block_hash(header);
            bytes.reverse();
            Some(hex(&bytes) == *hash)
        };
        let contradicted = rule.pins.iter().any(|pin| contains(pin) == Some(false));
        if self.network != rule.network || contradicted {
            return None;
        }
        let last = self.start + u64::try_from(self.headers.len()).unwrap() - 1;
        let signed_blocks = self.network == "signet";
        if let Some(least) = &rule.least_work
            && self.start == 0
            && !signed_blocks
        {
            let whole = BigUint::from(1_u32) << 256;
            let work: BigUint = self
                .headers
                .iter()
                .map(|header| &whole / (target(bits(header)).unwrap() + 1_u32))
                .sum();
            if work >= *least {
                return Some(last);
            }
        }
        let known = rule.pins.iter().filter(|pin| contains(pin) == Some(true));
        let known = known.map(|(height, _)| *height).max()?;
        let highest = rule.pins.iter().map(|(height, _)| *height).max()?;
        if known == highest && !signed_blocks {
            return Some(last);
        }
        Some(known)
    }
}

/// A chain as far as it counts.
pub(super) struct Trusted<'c> {
    chain: &'c Chain,
    reach: u64,
}

impl<'c> Trusted<'c> {
    pub(super) fn new(chain: &'c Chain, rule: &Rule) -> Option<Self> {
        let reach = chain.reach(rule)?;
        Some(Self { chain, reach })
    }

    pub(super) fn header(&self, height: u64) -> Option<&'c [u8; 80]> {
        self.chain.header(height).filter(|_| height <= self.reach)
    }

    pub(super) fn confirmations(&self, height: u64) -> u64 {
        self.reach - height + 1
    }

    /// In milliseconds.
    pub(super) fn time(&self, height: u64) -> u64 {
        let times = (height..=height + 10).filter_map(|height| self.header(height));
        let mut times: Vec<u64> = times.map(time).collect();
        let own = times[0];
        times.sort_unstable();
        own.max(times[times.len() / 2]) * 1000
    }
}
