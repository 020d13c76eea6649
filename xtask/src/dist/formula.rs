//! The formula for Homebrew: `cosignet.rb`.

use verifier_core::hazmat::encoding::{hex, sha256};

use super::release::{Files, Release};

const TEMPLATE: &str = include_str!("../../packaging/cosignet.rb");

/// Where the files of a release can be downloaded.
const RELEASES: &str = "https://github.com/cosignet/verifier/releases/download";

/// The name of the archive for a target.
pub(super) fn archive(target: &str, release: &Release) -> String {
    format!("cosignet-{}-{target}.tar.gz", release.version)
}

/// The name of the archive of sources.
pub(super) fn source(release: &Release) -> String {
    format!("cosignet-{}-source.tar.gz", release.version)
}

/// The formula for these files, if the archives that it names are among them.
pub(super) fn formula(files: &Files, release: &Release) -> Option<String> {
    let base = format!("{RELEASES}/v{}", release.version);
    let mut text = TEMPLATE
        .replace("@VERSION@", &release.version)
        .replace("@BASE@", &base);
    for (word, name) in [
        ("SOURCE", source(release)),
        ("INTEL", archive("x86_64-unknown-linux-musl", release)),
        ("ARM", archive("aarch64-unknown-linux-musl", release)),
    ] {
        let sum = hex(&sha256(files.get(&name)?));
        text = text
            .replace(&format!("@{word}@"), &name)
            .replace(&format!("@{word}_SHA256@"), &sum);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    #[test]
    fn the_formula_has_the_sums_of_its_archives() {
        let release = Release {
            version: "1.2.3".into(),
            commit: String::new(),
            time: 0,
        };
        let mut files = Files::from([(source(&release), b"source".to_vec())]);
        for target in ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"] {
            assert_eq!(formula(&files, &release), None);
            files.insert(archive(target, &release), target.into());
        }
        let text = formula(&files, &release).unwrap();
        for (name, bytes) in &files {
            let (name, sum) = (format!("/v1.2.3/{name}\""), hex(&sha256(bytes)));
            let at = text.find(&name).unwrap();
            let next = text[at..].lines().nth(1).unwrap();
            assert_eq!(next.trim(), format!("sha256 \"{sum}\""));
        }
        assert!(
            !text.contains('@') || text.matches('@').count() == 0,
            "{text}"
        );
    }
}
