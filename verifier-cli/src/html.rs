//! Pages that are files.

pub(crate) use serving::html::Html;
use verifier_core::hazmat::encoding::{base64, sha256};

const STYLE: &str = include_str!("html/style.css");

/// A page that needs nothing else, runs no script, and may not load anything.
pub(crate) fn document(title: &str, body: &Html) -> String {
    let style = format!("sha256-{}", base64(&sha256(STYLE.as_bytes())));
    let rights =
        format!("default-src 'none'; style-src '{style}'; base-uri 'none'; form-action 'none'");
    let head = Html::raw(format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{rights}\">\n\
         <style>{STYLE}</style>\n"
    ));
    serving::html::document(title, &head, body)
}
