//! The hosted page and the page in one file, from the same sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::combine::combine;
use crate::compress::{brotli_size, deflate};
use crate::glue::Glue;

/// The rights of the hosted page: load what is beside it, ask its own origin, and nothing else.
const HOSTED: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// Where the hosted page looks approvals up: one level above itself, as `cosignet-log` serves it.
const LOG: &str = "../";

/// The module of the page that is another one in the single file.
const LOADER: &str = "load.js";

/// The module for other programs, a file of its own in the hosted page.
const VERIFIER: &str = "verifier.js";

pub(crate) fn build(glue: &Glue, sources: &Path, out: &Path) -> Result<(), String> {
    let sources = read(sources)?;
    let source = |name: &str| {
        let text = sources.get(name);
        text.cloned().ok_or_else(|| format!("there is no {name}"))
    };
    let digest = Sha256::digest(&glue.wasm);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let page = source("index.html")?.replace("%WASM_SHA256%", &hex);
    let style = without_indentation(&source("style.css")?);
    let mut modules: BTreeMap<String, String> = sources
        .iter()
        .filter(|(name, _)| name.ends_with(".js") && !name.starts_with("load-"))
        .map(|(name, text)| Ok((name.clone(), without_comments(name, text)?)))
        .collect::<Result<_, String>>()?;
    modules.insert(VERIFIER.into(), glue.js.clone());

    let loader = source("load-hosted.js")?;
    let loader = loader.replace("%WASM_SHA256_BASE64%", &STANDARD.encode(digest));
    modules.insert(LOADER.into(), without_comments(LOADER, &loader)?);
    // One script takes less time on its way than thirty.
    let script = combine("main.js", &modules, &[VERIFIER])?;
    let mut hosted: BTreeMap<&str, &[u8]> = BTreeMap::new();
    hosted.insert("main.js", script.as_bytes());
    hosted.insert(VERIFIER, glue.js.as_bytes());
    let index = page.replace("%CSP%", HOSTED).replace("%LOG%", LOG);
    hosted.insert("index.html", index.as_bytes());
    hosted.insert("style.css", style.as_bytes());
    hosted.insert("verifier_bg.wasm", &glue.wasm);
    replace_folder(out)?;
    for (name, bytes) in &hosted {
        write(&out.join(name), bytes)?;
    }
    write(&out.join("verifier.d.ts"), glue.types.as_bytes())?;

    let loader = source("load-single.js")?;
    let loader = loader.replace(
        "%WASM_DEFLATED%",
        &URL_SAFE_NO_PAD.encode(deflate(&glue.wasm)),
    );
    let mut all = modules.clone();
    all.insert(LOADER.into(), loader);
    let single = single(&page, &style, &combine("main.js", &all, &[])?)?;
    replace_folder(&out.join("single"))?;
    write(&out.join("single").join("verify.html"), single.as_bytes())?;

    sizes(&hosted, &single, &hex, out)
}

/// Comments in lines of their own, and indentation, are for those who read the sources. A text that
/// goes over several lines would be changed by that, so there may be none.
fn without_comments(name: &str, script: &str) -> Result<String, String> {
    let code = script.lines().map(str::trim_start);
    let code: Vec<&str> = code.filter(|line| !line.starts_with("//")).collect();
    if let Some(line) = code.iter().find(|line| line.matches('`').count() % 2 == 1) {
        return Err(format!(
            "{name}: a text that goes on in the next line: {line}"
        ));
    }
    let code = code.into_iter().filter(|line| !line.is_empty());
    Ok(code.flat_map(|line| [line, "\n"]).collect())
}

fn without_indentation(style: &str) -> String {
    let lines = style.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Style and script stand in the page; the policy names their hashes, and forbids every connection.
fn single(page: &str, style: &str, script: &str) -> Result<String, String> {
    if script.contains("</script") || style.contains("</style") {
        return Err("script or style would end its own element".into());
    }
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {} 'wasm-unsafe-eval'; style-src {}; connect-src 'none'; \
         img-src data:; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(script),
        hash(style),
    );
    let page = page.replace("%CSP%", &policy).replace("%LOG%", "");
    let page = put(
        &page,
        "<link rel=\"stylesheet\" href=\"style.css\">",
        &format!("<style>{style}</style>"),
    )?;
    put(
        &page,
        "<script type=\"module\" src=\"main.js\"></script>",
        &format!("<script type=\"module\">{script}</script>"),
    )
}

fn put(page: &str, old: &str, new: &str) -> Result<String, String> {
    match page.matches(old).count() {
        1 => Ok(page.replace(old, new)),
        count => Err(format!("index.html has {count} times {old}")),
    }
}

fn sizes(
    hosted: &BTreeMap<&str, &[u8]>,
    single: &str,
    digest: &str,
    out: &Path,
) -> Result<(), String> {
    let (mut raw, mut sent) = (0, 0);
    println!("{:<18} {:>9} {:>9}", "bytes", "raw", "brotli");
    for (name, bytes) in hosted {
        let brotli = brotli_size(bytes)?;
        println!("{name:<18} {:>9} {brotli:>9}", bytes.len());
        raw += bytes.len();
        sent += brotli;
    }
    println!("{:<18} {raw:>9} {sent:>9}", "hosted page");
    println!(
        "{:<18} {:>9} {:>9}",
        "single/verify.html",
        single.len(),
        brotli_size(single.as_bytes())?
    );
    println!("SHA-256 of verifier_bg.wasm: {digest}");
    println!("written to {}", out.display());
    Ok(())
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let known = [".css", ".html", ".js"]
            .iter()
            .any(|end| name.ends_with(end));
        if known {
            let text = fs::read_to_string(&path);
            let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
            out.insert(name.into_owned(), text);
        }
    }
    Ok(out)
}

fn replace_folder(folder: &Path) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stay_at_home() {
        let script = "// Title.\n\nimport { a } from \"./b.js\";\n  /// Why.\nconst c = \"http://d\"; // here\n";
        assert_eq!(
            without_comments("a.js", script).unwrap(),
            "import { a } from \"./b.js\";\nconst c = \"http://d\"; // here\n"
        );
        assert!(without_comments("a.js", "f(`a\n  b`);\n").is_err());
    }
}
