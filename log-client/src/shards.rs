//! Several logs below one address.

/// Whether a text can be the path of one of them: one segment of an address, of a to z, digits and -,
/// that leads nowhere else.
pub fn is_shard_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}
