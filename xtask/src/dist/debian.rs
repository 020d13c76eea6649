//! Packages for Debian and what is made of it: one for each program, which needs no library.
//!
//! ```text
//! NAME_VERSION-1_ARCHITECTURE.deb = ar of
//!   debian-binary, control.tar.gz, data.tar.gz
//! ```

use super::archive::{Tree, ar, gzip};
use super::product::{Product, Service};
use super::release::Release;
use super::share::{Pages, Share};

const MAINTAINER: &str = "The Cosignet verifier developers <cosignet@users.noreply.github.com>";

const POSTINST: &str = include_str!("../../packaging/debian/postinst");
const PRERM: &str = include_str!("../../packaging/debian/prerm");
const POSTRM: &str = include_str!("../../packaging/debian/postrm");
const COPYRIGHT: &str = include_str!("../../packaging/debian/copyright");
const OVERRIDES: &str = include_str!("../../packaging/debian/lintian-overrides");

/// A package: its name and its bytes.
pub(super) fn package(
    product: &Product,
    architecture: &str,
    program: &[u8],
    share: &Share,
    release: &Release,
) -> Result<(String, Vec<u8>), String> {
    let version = format!("{}-1", release.version);
    let pages = share.pages(product.name)?;
    let data = data(product, program, pages, share, release)?;
    let control = control(product, architecture, &version, &data)?;
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", gzip(&tar(&control, release)?)?),
        ("data.tar.gz", gzip(&tar(&data, release)?)?),
    ];
    let members = members
        .each_ref()
        .map(|(name, bytes)| (*name, bytes.as_slice()));
    Ok((
        format!("{}_{version}_{architecture}.deb", product.name),
        ar(&members, release.time),
    ))
}

/// With `./` before each path, and for the root: as dpkg has them.
fn tar(tree: &Tree, release: &Release) -> Result<Vec<u8>, String> {
    tree.tar("./", release.time)
}

/// What is installed.
fn data(
    product: &Product,
    program: &[u8],
    pages: &Pages,
    share: &Share,
    release: &Release,
) -> Result<Tree, String> {
    let name = product.name;
    let mut tree = Tree::default();
    tree.folder("", 0o755, 0);
    tree.file(&format!("usr/bin/{name}"), 0o755, program);
    for (page, text) in &pages.man {
        let path = format!("usr/share/man/man1/{page}.gz");
        tree.file(&path, 0o644, gzip(text)?);
    }
    for (file, text) in &pages.completions {
        if let Some(path) = completion(name, file) {
            tree.file(&path, 0o644, text.as_slice());
        }
    }
    let about = format!("usr/share/doc/{name}");
    let copyright = COPYRIGHT.replace("@MIT@", &paragraphs(&share.mit));
    let changelog = changelog(name, release)?;
    for (file, bytes) in [
        ("copyright", copyright.into_bytes()),
        ("changelog.Debian.gz", gzip(changelog.as_bytes())?),
        ("changelog.gz", gzip(&share.changelog)?),
        ("third-party.txt.gz", gzip(&share.notices)?),
    ] {
        tree.file(&format!("{about}/{file}"), 0o644, bytes);
    }
    let mut overrides = OVERRIDES.replace("@NAME@", name);
    if product.service.is_none() {
        // Those about a unit come last.
        overrides = overrides
            .split("# Units")
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    let path = format!("usr/share/lintian/overrides/{name}");
    tree.file(&path, 0o644, overrides);
    if let Some(service) = &product.service {
        let unit = service.unit.replace("/usr/local/bin/", "/usr/bin/");
        let path = format!("usr/lib/systemd/system/{name}.service");
        tree.file(&path, 0o644, unit);
        tree.file(service.settings_path()?, 0o644, service.settings);
    }
    Ok(tree)
}

/// Where a shell of Debian looks for completions.
fn completion(name: &str, file: &str) -> Option<String> {
    let share = match file {
        _ if file == format!("{name}.bash") => format!("bash-completion/completions/{name}"),
        _ if file == format!("{name}.fish") => format!("fish/vendor_completions.d/{file}"),
        _ if file == format!("_{name}") => format!("zsh/vendor-completions/{file}"),
        _ => return None,
    };
    Some(format!("usr/share/{share}"))
}

/// What dpkg is told.
fn control(
    product: &Product,
    architecture: &str,
    version: &str,
    data: &Tree,
) -> Result<Tree, String> {
    let (bytes, entries) = data.size();
    let mut tree = Tree::default();
    tree.folder("", 0o755, 0);
    let (name, summary, text) = (product.name, product.summary, paragraphs(product.text));
    let needs = match &product.service {
        // Verifying needs no certificates. A service does not start without those of whom it asks.
        None => {
            "Recommends: ca-certificates\nSuggests: cosignet-gate, cosignet-log, cosignet-witness\n"
        }
        Some(_) => "Depends: adduser, ca-certificates\nRecommends: cosignet\n",
    };
    // In KiB, and one for each entry.
    let size = bytes.div_ceil(1024).saturating_add(entries);
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n\
         Maintainer: {MAINTAINER}\nInstalled-Size: {size}\n{needs}Section: utils\n\
         Priority: optional\nHomepage: https://github.com/cosignet/verifier\n\
         Description: {summary}\n{text}\n"
    );
    tree.file("control", 0o644, control);
    if let Some(service) = &product.service {
        let settings = format!("/{}\n", service.settings_path()?);
        tree.file("conffiles", 0o644, settings);
        for (file, text) in [("postinst", POSTINST), ("prerm", PRERM), ("postrm", POSTRM)] {
            tree.file(file, 0o755, script(text, name, service)?);
        }
    }
    Ok(tree)
}

fn script(text: &str, name: &str, service: &Service) -> Result<String, String> {
    let data = format!("/var/lib/{name}");
    let text = text.replace("@NAME@", name).replace("@DATA@", &data);
    Ok(text.replace("@MODE@", service.mode()?))
}

fn changelog(name: &str, release: &Release) -> Result<String, String> {
    let (version, date) = (&release.version, release.mail_date()?);
    Ok(format!(
        "{name} ({version}-1) stable; urgency=medium\n\n  * Made of version {version}: see changelog.gz.\n\n\
         {} -- {MAINTAINER}  {date}\n",
        ""
    ))
}

/// The text as the continuation of a field: behind a space, and a full stop in place of nothing.
fn paragraphs(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| match line.trim_end() {
        "" => " .".to_owned(),
        line => format!(" {line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::super::product::PRODUCTS;
    use super::*;

    fn control_of(name: &str) -> Tree {
        let product = PRODUCTS.iter().find(|one| one.name == name).unwrap();
        control(product, "arm64", "1.2.3-1", &Tree::default()).unwrap()
    }

    fn text(tree: &Tree) -> String {
        String::from_utf8_lossy(&tree.tar("./", 0).unwrap()).into_owned()
    }

    #[test]
    fn a_program_that_is_no_service_has_no_scripts() {
        let control = text(&control_of("cosignet"));
        assert!(control.contains("Package: cosignet\nVersion: 1.2.3-1\nArchitecture: arm64\n"));
        assert!(!control.contains("adduser"));
        assert!(!control.contains("conffiles"));
    }

    #[test]
    fn a_service_has_a_user_and_a_folder_with_the_mode_of_its_unit() {
        for (name, mode) in [
            ("cosignet-gate", "0700"),
            ("cosignet-log", "0755"),
            ("cosignet-witness", "0700"),
        ] {
            let control = text(&control_of(name));
            for part in [
                format!("install -d -m {mode} -o {name} -g {name} /var/lib/{name}\n"),
                format!("--home /var/lib/{name} --no-create-home {name}\n"),
                format!("/etc/{name}."),
                "\nDepends: adduser, ca-certificates\n".into(),
            ] {
                assert!(control.contains(&part), "{part}: {control}");
            }
            assert!(
                !control.contains('@') || control.matches('@').count() == 1,
                "{control}"
            );
        }
    }

    #[test]
    fn no_script_enables_or_removes_what_is_not_its_own() {
        for text in [POSTINST, PRERM, POSTRM] {
            for word in ["enable ", " start ", "userdel", "deluser", "rm -r"] {
                assert!(!text.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn an_empty_line_of_a_description_is_a_full_stop() {
        assert_eq!(paragraphs("a\n\nb c\n"), " a\n .\n b c");
    }
}
