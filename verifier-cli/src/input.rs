//! The files that `verify` is about: FILE, DIR and `-`, in order.

use std::fs;
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
    let entries = fs::read_dir(path).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<Result<Vec<_>, _>>()
    });
    let mut paths = match entries {
        Ok(paths) => paths,
        Err(error) => {
            let problem = CliError::unreadable(path, &error);
            return vec![InputFile::problem(path.into(), problem)];
        }
    };
    paths.retain(|path| {
        ends_in(path, ".json")
            && !path.is_dir()
            && !is_payload(path)
            && !policy.is_some_and(|policy| same_file(path, policy))
    });
    paths.sort();
    if paths.is_empty() {
        let message = format!("{} holds no approval.", show_path(path));
        let problem = CliError::new(CliCode::IoNoFiles, message);
        return vec![InputFile::problem(path.into(), problem)];
    }
    paths.into_iter().map(with_payload).collect()
}

/// `X.payload.json`, where `X.json` is there.
fn is_payload(path: &Path) -> bool {
    let stem = path.with_extension("");
    ends_in(&stem, ".payload") && stem.with_extension("json").symlink_metadata().is_ok()
}

fn with_payload(path: PathBuf) -> InputFile {
    let beside = |extension| {
        let payload = path.with_extension(extension);
        payload.symlink_metadata().is_ok().then_some(payload)
    };
    // A pipe or a device would wait or never end.
    let special = fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file());
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

fn ends_in(path: &Path, end: &str) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().ends_with(end.as_bytes())
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}
