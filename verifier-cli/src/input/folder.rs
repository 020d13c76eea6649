//! A folder as input: every file in it is an input, the payload of exactly one, or left out and
//! named. Whoever fills the folder must not be able to hide a file from the one who reads it, nor
//! to have another file than those in it opened.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use super::{Given, InputFile, Inputs, LeftOut};
use crate::code::CliCode;
use crate::failure::{CliError, show_path};

/// The inputs in a folder, sorted by name. Folders below it are not read.
pub(super) fn read(path: &Path, given: &[Given<'_>], out: &mut Inputs) {
    let entries = match list(path) {
        Ok(entries) => entries,
        Err(error) => {
            let problem = CliError::unreadable(path, &error);
            return out.files.push(InputFile::problem(path.into(), problem));
        }
    };
    let before = out.files.len();
    sort(path, entries, given, out);
    if out.files.len() == before {
        let message = format!("{} holds no approval.", show_path(path));
        let problem = CliError::new(CliCode::IoNoFiles, message);
        out.files.push(InputFile::problem(path.into(), problem));
    }
}

/// The target of a name in a folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// A regular file in the folder.
    Regular,
    /// A folder, or a link to one.
    Folder,
    /// Nothing that is opened, and why.
    Closed(&'static str),
}

fn list(path: &Path) -> io::Result<BTreeMap<OsString, Kind>> {
    let root = fs::canonicalize(path)?;
    fs::read_dir(path)?
        .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), kind(&entry, &root)?))))
        .collect()
}

fn kind(entry: &DirEntry, root: &Path) -> io::Result<Kind> {
    let found = entry.file_type()?;
    // The listing answers most questions; asking the system about each of many files takes long.
    if found.is_file() {
        return Ok(Kind::Regular);
    }
    if found.is_dir() {
        return Ok(Kind::Folder);
    }
    if !found.is_symlink() {
        return Ok(Kind::Closed("no regular file"));
    }
    let Ok(target) = fs::canonicalize(entry.path()) else {
        return Ok(Kind::Closed("a link that leads nowhere"));
    };
    let found = fs::metadata(&target)?;
    Ok(if found.is_dir() {
        Kind::Folder
    } else if !target.starts_with(root) {
        Kind::Closed("a link that leads out of the folder")
    } else if found.is_file() {
        Kind::Regular
    } else {
        Kind::Closed("no regular file")
    })
}

/// The role that a file's name gives it.
#[derive(Debug)]
enum Name {
    /// `X.json`, with its `X`. It may be the payload of another one, whose `X` comes second.
    Json(OsString, Option<OsString>),
    /// `X.payload`.
    Payload(OsString),
    Other,
}

impl Name {
    fn of(name: &OsStr) -> Self {
        let split = |name: &OsStr, extension: &str| -> Option<OsString> {
            let path = Path::new(name);
            let found = path.extension()?;
            let stem = path.file_stem()?;
            found.eq_ignore_ascii_case(extension).then(|| stem.into())
        };
        if name.eq_ignore_ascii_case(".json") {
            return Self::Json(OsString::new(), None);
        }
        if let Some(stem) = split(name, "json") {
            let of = split(&stem, "payload");
            return Self::Json(stem, of);
        }
        split(name, "payload").map_or(Self::Other, Self::Payload)
    }
}

fn sort(path: &Path, entries: BTreeMap<OsString, Kind>, given: &[Given<'_>], out: &mut Inputs) {
    let mut left_out = |name: &OsStr, why: &'static str| {
        let path = path.join(name);
        out.left_out.push(LeftOut { path, why });
    };
    let mut json = Vec::new();
    // By the name of the input that each would belong to.
    let mut payloads: BTreeMap<OsString, Vec<(OsString, Kind)>> = BTreeMap::new();
    for (name, kind) in entries {
        if let Some(given) = given.iter().find(|given| given.is(&path.join(&name))) {
            left_out(&name, given.role);
            continue;
        }
        match (Name::of(&name), kind) {
            (Name::Payload(of), _) => payloads.entry(of).or_default().push((name, kind)),
            (_, Kind::Folder) => left_out(&name, "a folder, which is not read"),
            (Name::Json(stem, of), _) => json.push((name, kind, stem, of)),
            (Name::Other, Kind::Closed(why)) => left_out(&name, why),
            (Name::Other, Kind::Regular) => left_out(&name, "not named *.json"),
        }
    }
    // `X.payload.json` is a payload if `X.json` is an input and no payload itself; and that one
    // has the shorter name.
    json.sort_by_key(|(name, ..)| name.len());
    let mut stems: BTreeMap<OsString, usize> = BTreeMap::new();
    let mut inputs: BTreeMap<OsString, (Kind, OsString)> = BTreeMap::new();
    for (name, kind, stem, of) in json {
        if let Some(of) = of.filter(|of| stems.contains_key(of)) {
            payloads.entry(of).or_default().push((name, kind));
            continue;
        }
        if kind == Kind::Regular {
            *stems.entry(stem.clone()).or_default() += 1;
        }
        inputs.insert(name, (kind, stem));
    }
    let claimed: BTreeSet<&OsString> = stems.keys().collect();
    for (of, files) in &payloads {
        for (name, kind) in files.iter().filter(|_| !claimed.contains(of)) {
            left_out(
                name,
                match kind {
                    Kind::Folder => "a folder, which is not read",
                    _ => "a payload with no X.json beside it",
                },
            );
        }
    }
    for (name, (kind, stem)) in inputs {
        let beside = payloads.get(&stem).map_or(&[][..], Vec::as_slice);
        let shared = stems.get(&stem).is_some_and(|count| *count > 1);
        out.files.push(input(path, &name, kind, beside, shared));
    }
}

/// An input, or the reason why it cannot be one.
fn input(
    folder: &Path,
    name: &OsStr,
    kind: Kind,
    beside: &[(OsString, Kind)],
    shared: bool,
) -> InputFile {
    let path = folder.join(name);
    let shown = show_path(&path);
    let refuse =
        |code, message: String| InputFile::problem(folder.join(name), CliError::new(code, message));
    if let Kind::Closed(why) = kind {
        return refuse(CliCode::IoUnreadable, format!("{shown} is {why}."));
    }
    let names: Vec<String> = beside
        .iter()
        .map(|(name, _)| show_path(Path::new(name)))
        .collect();
    match beside {
        [] => InputFile::new(path),
        [(payload, _)] if shared => {
            let payload = show_path(Path::new(payload));
            let message = format!("{shown} is not alone in having {payload} as its payload.");
            refuse(CliCode::IoTwoPayloads, message)
        }
        [(payload, Kind::Regular)] => {
            let mut input = InputFile::new(path);
            input.payload = Some(folder.join(payload));
            input
        }
        [(payload, kind)] => {
            let why = match kind {
                Kind::Closed(why) => why,
                _ => "a folder",
            };
            let payload = show_path(Path::new(payload));
            let message =
                format!("{shown} cannot be compared with its payload {payload}: it is {why}.");
            refuse(CliCode::IoUnreadable, message)
        }
        _ => {
            let message = format!(
                "{shown} has {} payloads beside it: {}.",
                names.len(),
                names.join(", ")
            );
            refuse(CliCode::IoTwoPayloads, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEMS: [&str; 6] = ["a", "b", "a.payload", "", ".", "a.payload.payload"];
    const ENDS: [&str; 8] = [
        ".json",
        ".JSON",
        ".payload",
        ".payload.json",
        ".Payload.Json",
        ".payload.payload.json",
        ".txt",
        "",
    ];

    #[derive(Clone, Copy, Debug)]
    enum Thing {
        File,
        Folder,
        #[cfg(unix)]
        Socket,
        #[cfg(unix)]
        LinkInside,
        #[cfg(unix)]
        LinkOutside,
        #[cfg(unix)]
        LinkToFolder,
        #[cfg(unix)]
        LinkNowhere,
    }

    fn thing() -> impl Strategy<Value = Thing> {
        prop_oneof![
            6 => Just(Thing::File),
            1 => Just(Thing::Folder),
            #[cfg(unix)]
            1 => Just(Thing::Socket),
            #[cfg(unix)]
            1 => Just(Thing::LinkInside),
            #[cfg(unix)]
            1 => Just(Thing::LinkOutside),
            #[cfg(unix)]
            1 => Just(Thing::LinkToFolder),
            #[cfg(unix)]
            1 => Just(Thing::LinkNowhere),
        ]
    }

    /// Makes a thing, unless the name is no name or taken.
    fn make(root: &Path, name: &str, thing: Thing) {
        let path = root.join("in").join(name);
        if ["", ".", ".."].contains(&name) || path.symlink_metadata().is_ok() {
            return;
        }
        #[cfg(unix)]
        let link = |to: &Path| std::os::unix::fs::symlink(to, &path).unwrap();
        match thing {
            Thing::File => fs::write(&path, name).unwrap(),
            Thing::Folder => fs::create_dir(&path).unwrap(),
            #[cfg(unix)]
            Thing::Socket => drop(std::os::unix::net::UnixListener::bind(&path).unwrap()),
            #[cfg(unix)]
            Thing::LinkInside => link(&root.join("in/target.txt")),
            #[cfg(unix)]
            Thing::LinkOutside => link(&root.join("secret")),
            #[cfg(unix)]
            Thing::LinkToFolder => link(root),
            #[cfg(unix)]
            Thing::LinkNowhere => link(Path::new("nowhere")),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// Nothing is left out in silence, and nothing is opened that lies elsewhere.
        #[test]
        fn every_file_is_an_input_or_a_payload_or_named(
            things in prop::collection::vec((0..STEMS.len(), 0..ENDS.len(), thing()), 0..14),
            policy in 0..ENDS.len(),
        ) {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("in");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("target.txt"), "").unwrap();
            fs::write(root.path().join("secret"), "").unwrap();
            for (stem, end, thing) in things {
                make(root.path(), &format!("{}{}", STEMS[stem], ENDS[end]), thing);
            }
            let policy = folder.join(format!("a{}", ENDS[policy]));
            let given = [Given::new("given as --policy", &policy)];
            let mut inputs = Inputs::default();
            read(&folder, &given, &mut inputs);

            let inside = fs::canonicalize(&folder).unwrap();
            let sound = |path: &Path| {
                let real = fs::canonicalize(path).unwrap();
                real.starts_with(&inside) && real.is_file()
            };
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let as_input = inputs.files.iter().filter(|file| file.path == path).count();
                let as_payload =
                    inputs.files.iter().filter(|file| file.payload.as_ref() == Some(&path)).count();
                let left_out = inputs.left_out.iter().filter(|out| out.path == path).count();
                let name = show_path(Path::new(path.file_name().unwrap()));
                let named = inputs.files.iter().filter(|file| {
                    let problem = file.problem.as_ref();
                    file.path != path && problem.is_some_and(|error| error.message.contains(&name))
                });
                let named = named.count().min(1);
                let times = as_input + as_payload + left_out;
                prop_assert!(
                    times == 1 || times == 0 && named == 1,
                    "{name}: {as_input} {as_payload} {left_out} {named}"
                );
            }
            for file in &inputs.files {
                let real = file.path != folder;
                prop_assert!(file.problem.is_some() || real && sound(&file.path), "{file:?}");
                prop_assert!(file.payload.as_deref().is_none_or(sound), "{file:?}");
                // A policy that cannot be read has ended the command before.
                prop_assert!(file.problem.is_some() || file.path != policy);
            }
        }
    }

    #[test]
    fn a_payload_belongs_to_an_input_that_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a.json",
            "a.payload.json",
            "a.payload.payload.json",
            ".payload.json",
            "B.JSON",
            "B.PAYLOAD",
            "c.payload.json",
            "d.payload",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("c.json")).unwrap();
        let mut inputs = Inputs::default();
        read(folder.path(), &[], &mut inputs);
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let files: Vec<_> = inputs
            .files
            .iter()
            .map(|file| (name(&file.path), file.payload.as_deref().map(name)))
            .collect();
        let alone = |name: &str| (name.to_owned(), None);
        assert_eq!(
            files,
            [
                alone(".payload.json"),
                ("B.JSON".into(), Some("B.PAYLOAD".into())),
                ("a.json".into(), Some("a.payload.json".into())),
                alone("a.payload.payload.json"),
                alone("c.payload.json"),
            ]
        );
        let mut left_out: Vec<_> = inputs.left_out.iter().map(|out| name(&out.path)).collect();
        left_out.sort();
        assert_eq!(left_out, ["c.json", "d.payload"]);
    }
}
