//! The JavaScript around the module.

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

/// What wasm-bindgen makes of a module.
pub(crate) struct Glue {
    pub(crate) wasm: Vec<u8>,
    pub(crate) js: String,
    pub(crate) types: String,
}

/// Names are removed here, because `strip` in the profile would remove the list of features that
/// the module needs.
pub(crate) fn bind(module: &Path) -> Result<Glue, String> {
    let failed = |error| format!("{}: {error:#}", module.display());
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name("verifier")
        .typescript(true)
        // The page hands the module over; nothing is fetched behind its back.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .web(true)
        .map_err(failed)?;
    let mut output = bindgen.generate_output().map_err(failed)?;
    Ok(Glue {
        js: output.js().to_owned(),
        types: output.ts().unwrap_or_default().to_owned(),
        wasm: output.wasm_mut().emit_wasm(),
    })
}
