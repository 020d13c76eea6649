//! The files that `verify` is about: FILE, DIR and `-`, in order.

use std::collections::HashSet;
use std::fs::{self, FileType};
use std::path::{Path, PathBuf};

use crate::code::CliCode;
use crate::failure::{CliError, show_path};
use crate::file;

/// One thing to verify.
#[derive(Debug)]
pub(crate) struct InputFile {
    /// Where it is; `-` is stdin.
    pub(crate) path: PathBuf,
    /// The payload that lies beside it in a folder.
    pub(crate) payload: Option<PathBuf>,
    /// Why it cannot even be read.
    pub(crate) problem: Option<CliError>,
}

impl InputFile {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            payload: None,
            problem: None,
        }
    }

    fn problem(path: PathBuf, problem: CliError) -> Self {
        let problem = Some(problem.file(&path));
        Self {
            problem,
            ..Self::new(path)
        }
    }
}

/// All inputs: folders opened, their files sorted by name. `policy` is no input.
pub(crate) fn expand(paths: &[PathBuf], policy: Option<&Path>) -> Vec<InputFile> {
    let mut out = Vec::new();
    for path in paths {
        if !file::is_stdin(path) && path.is_dir() {
            out.extend(folder(path, policy));
        } else {
            out.push(InputFile::new(path.clone()));
        }
    }
    out
}

/// Every `*.json` except payloads and the policy. Anything doubtful stays in, to be reported:
/// an approval that is left out in silence would look as if it had been verified.
fn folder(path: &Path, policy: Option<&Path>) -> Vec<InputFile> {
    let listed = fs::read_dir(path).and_then(|entries| {
        let files = entries.map(|entry| entry.and_then(|e| Ok((e.path(), e.file_type()?))));
        files.collect::<Result<Vec<_>, _>>()
    });
    let mut files = match listed {
        Ok(files) => files,
        Err(error) => {
            let problem = CliError::unreadable(path, &error);
            return vec![InputFile::problem(path.into(), problem)];
        }
    };
    // The listing answers most questions; asking the system about each of many files takes long.
    let there: HashSet<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
    let policy = policy.and_then(|policy| fs::canonicalize(policy).ok());
    files.retain(|(path, kind)| {
        ends_in(path, ".json")
            && !(kind.is_dir() || kind.is_symlink() && path.is_dir())
            && !is_payload(path, &there)
            && policy
                .as_ref()
                .is_none_or(|policy| !is_same(path, *kind, policy))
    });
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    if files.is_empty() {
        let message = format!("{} holds no approval.", show_path(path));
        let problem = CliError::new(CliCode::IoNoFiles, message);
        return vec![InputFile::problem(path.into(), problem)];
    }
    let with_payload = |(path, kind)| with_payload(path, kind, &there);
    files.into_iter().map(with_payload).collect()
}

/// `X.payload.json`, where `X.json` is there.
fn is_payload(path: &Path, there: &HashSet<PathBuf>) -> bool {
    let stem = path.with_extension("");
    ends_in(&stem, ".payload") && there.contains(&stem.with_extension("json"))
}

fn with_payload(path: PathBuf, kind: FileType, there: &HashSet<PathBuf>) -> InputFile {
    let beside = |extension| {
        let payload = path.with_extension(extension);
        there.contains(&payload).then_some(payload)
    };
    // A pipe or a device would wait or never end.
    let special = !kind.is_file() && fs::metadata(&path).is_ok_and(|found| !found.is_file());
    if special {
        let message = format!("{} is not a regular file.", show_path(&path));
        return InputFile::problem(path, CliError::new(CliCode::IoUnreadable, message));
    }
    match (beside("payload"), beside("payload.json")) {
        (Some(_), Some(_)) => {
            let message = format!("{} has two payloads beside it.", show_path(&path));
            InputFile::problem(path, CliError::new(CliCode::IoTwoPayloads, message))
        }
        (payload, None) | (None, payload) => InputFile {
            payload,
            ..InputFile::new(path)
        },
    }
}

/// Whether `path` is, or leads to, the file with this canonical path.
fn is_same(path: &Path, kind: FileType, canonical: &Path) -> bool {
    let possible = kind.is_symlink() || path.file_name() == canonical.file_name();
    possible && fs::canonicalize(path).is_ok_and(|path| path == canonical)
}

fn ends_in(path: &Path, end: &str) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().ends_with(end.as_bytes())
}
