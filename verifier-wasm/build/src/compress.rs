//! How large things are on their way, and how the module travels in one file.

use brotli::enc::BrotliEncoderParams;

/// The size with brotli, as a server would send it.
pub(crate) fn brotli_size(bytes: &[u8]) -> Result<usize, String> {
    let params = BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params).map_err(|e| format!("brotli: {e}"))?;
    Ok(out.len())
}

/// Raw DEFLATE, which browsers can undo without code of ours.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(bytes, 10)
}
