//! The JavaScript around the module.

use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

/// The output of wasm-bindgen for a module.
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
        js: without_documentation(output.js()),
        types: output.ts().unwrap_or_default().to_owned(),
        wasm: output.wasm_mut().emit_wasm(),
    })
}

/// The documentation of the functions is in the types, and need not be downloaded as well.
fn without_documentation(js: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in js.split_inclusive('\n') {
        let text = line.trim();
        inside |= text == "/**";
        if !inside {
            out.push_str(line.trim_start());
        }
        inside &= text != "*/";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_is_left_to_the_types() {
        let js = "/**\n * A key.\n */\nexport class Key {\n    /**\n     * Text.\n     */\n    free() {\n    }\n}\n";
        assert_eq!(
            without_documentation(js),
            "export class Key {\nfree() {\n}\n}\n"
        );
    }
}
