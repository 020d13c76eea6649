//! The first line of a header file: what the headers behind it are.

use alloc::format;
use alloc::string::String;

use super::{Error, Network};
use crate::Failure;
use crate::code::Code;

const TYPE: &str = "cosignet.headers/v1";

/// The longest first line, in bytes, its newline included.
const LONGEST: usize = 64;

/// The first line of a file whose first header has this height.
pub fn first_line(network: Network, start: u32) -> String {
    format!("{TYPE} {network} {start}\n")
}

/// Network and height of the first header, and what follows the first line.
///
/// # Errors
///
/// Any first line but one that [`first_line`] writes.
pub fn read_first_line(file: &[u8]) -> Result<(Network, u32, &[u8]), FileError> {
    let end = file.iter().take(LONGEST).position(|byte| *byte == b'\n');
    let split = end.and_then(|end| file.split_at_checked(end + 1));
    let (line, headers) = split.ok_or(FileError::FirstLine)?;
    let read = || {
        let text = core::str::from_utf8(line).ok()?.trim_end();
        let (network, start) = text.strip_prefix(TYPE)?.trim_start().split_once(' ')?;
        Some((Network::parse(network)?, start.parse().ok()?))
    };
    match read() {
        // Writing it again settles white space, signs and leading zeros.
        Some((network, start)) if first_line(network, start).as_bytes() == line => {
            Ok((network, start, headers))
        }
        _ => Err(FileError::FirstLine),
    }
}

/// Why a file holds no chain of headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The headers are no chain.
    #[error(transparent)]
    Chain(#[from] Error),
    /// Another first line.
    #[error("a header file begins with a line such as \"{TYPE} mainnet 832608\"")]
    FirstLine,
}

impl Failure for FileError {
    fn code(&self) -> Code {
        match self {
            Self::Chain(error) => error.code(),
            Self::FirstLine => Code::HeadersForm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_that_it_writes_and_no_other() {
        for (network, start) in [(Network::Mainnet, 832_608), (Network::Regtest, 0)] {
            let file = first_line(network, start) + "rest";
            let read = read_first_line(file.as_bytes());
            assert_eq!(read, Ok((network, start, &b"rest"[..])));
        }
        for bad in [
            "",
            "\n",
            "cosignet.headers/v1 mainnet 0",
            "cosignet.headers/v1 mainnet 00\n",
            "cosignet.headers/v1 mainnet +1\n",
            "cosignet.headers/v1 mainnet 4294967296\n",
            "cosignet.headers/v1  mainnet 0\n",
            "cosignet.headers/v1 mainnet 0 \n",
            "cosignet.headers/v1 mainnet 0\r\n",
            "cosignet.headers/v1 testnet3 0\n",
            "cosignet.headers/v2 mainnet 0\n",
        ] {
            let read = read_first_line(bad.as_bytes());
            assert_eq!(read, Err(FileError::FirstLine), "{bad:?}");
        }
    }
}
