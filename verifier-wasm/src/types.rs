//! The types of the JSON texts, for TypeScript.

#[cfg(test)]
mod tests;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");
