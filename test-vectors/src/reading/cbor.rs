//! CTAP2 canonical CBOR (docs/spec/webauthn.md).

/// An item, as far as anybody here wants to know.
#[derive(Clone, Debug)]
pub(super) enum Cbor {
    Map(Vec<(Vec<u8>, Self)>),
    /// An integer, positive or negative, in its encoding.
    Integer(Vec<u8>),
    Other,
}

/// The only item in `bytes`.
pub(super) fn read(bytes: &[u8]) -> Option<Cbor> {
    let mut reader = Reader { bytes, items: 0 };
    let item = reader.item(0)?;
    reader.bytes.is_empty().then_some(item)
}

/// The major type of an encoded item.
pub(super) fn major(encoded: &[u8]) -> Option<u8> {
    encoded.first().map(|byte| byte >> 5)
}

struct Reader<'b> {
    bytes: &'b [u8],
    items: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: u64) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count.try_into().ok()?)?;
        self.bytes = rest;
        Some(taken)
    }

    /// The argument behind a first byte, if it is as short as it can be.
    fn argument(&mut self, low: u8) -> Option<u64> {
        let (bytes, least) = match low {
            0..=23 => return Some(low.into()),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return None,
        };
        let taken = self.take(bytes)?;
        let number = taken
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        (number >= least).then_some(number)
    }

    fn item(&mut self, open: usize) -> Option<Cbor> {
        self.items += 1;
        (self.items <= 1024).then_some(())?;
        let whole = self.bytes;
        let first = self.take(1)?[0];
        let (major, low) = (first >> 5, first & 0x1f);
        if major == 7 {
            // false, true, null
            return matches!(low, 20..=22).then_some(Cbor::Other);
        }
        let argument = self.argument(low)?;
        match major {
            0 | 1 => {
                let length = whole.len() - self.bytes.len();
                Some(Cbor::Integer(whole[..length].to_vec()))
            }
            2 => self.take(argument).map(|_| Cbor::Other),
            3 => {
                let text = self.take(argument)?;
                core::str::from_utf8(text).ok().map(|_| Cbor::Other)
            }
            4 if open < 4 => {
                for _ in 0..argument {
                    self.item(open + 1)?;
                }
                Some(Cbor::Other)
            }
            5 if open < 4 => self.map(argument, open + 1),
            _ => None,
        }
    }

    fn map(&mut self, count: u64, open: usize) -> Option<Cbor> {
        let mut members: Vec<(Vec<u8>, Cbor)> = Vec::new();
        for _ in 0..count {
            let whole = self.bytes;
            // Integers, byte strings and text strings.
            (major(whole)? <= 3).then_some(())?;
            self.item(open)?;
            let key = whole[..whole.len() - self.bytes.len()].to_vec();
            let order = |key: &[u8]| (major(key), key.len(), key.to_vec());
            if let Some((last, _)) = members.last() {
                (order(last) < order(&key)).then_some(())?;
            }
            members.push((key, self.item(open)?));
        }
        Some(Cbor::Map(members))
    }
}
