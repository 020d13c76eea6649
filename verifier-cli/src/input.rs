//! The files that `verify` is about: FILE, DIR and `-`, in order.

mod folder;

use std::fs;
use std::path::{Path, PathBuf};

use verifier_core::hazmat::decision::Decision;

use crate::failure::CliError;
use crate::file;

/// The longest payload beside a file in a folder, in bytes: several are in memory at once.
const MAX_PAYLOAD_BESIDE: usize = 64 << 20;

/// One thing to verify.
#[derive(Debug)]
pub(crate) struct InputFile {
    /// Where it is; `-` is stdin.
    pub(crate) path: PathBuf,
    /// The payload that lies beside it in a folder.
    pub(crate) payload: Option<PathBuf>,
    /// Why it cannot even be read.
    pub(crate) problem: Option<CliError>,
    /// Whether the caller has named it, and not the folder that it is in.
    pub(crate) named: bool,
}

impl InputFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            payload: None,
            problem: None,
            named: false,
        }
    }

    /// Its bytes. Of one that is longer than the longest input, one byte more than that: the core
    /// refuses it.
    pub(crate) fn read(&self) -> Result<Vec<u8>, CliError> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        match self.named {
            true => file::read(&self.path, Decision::MAX_BYTES),
            false => file::read_found(&self.path, Decision::MAX_BYTES),
        }
    }

    /// The bytes of the payload beside it.
    pub(crate) fn read_payload(&self) -> Result<Option<Vec<u8>>, CliError> {
        let beside = self.payload.as_deref();
        beside
            .map(|path| file::read_whole_found(path, MAX_PAYLOAD_BESIDE))
            .transpose()
    }

    fn problem(path: PathBuf, problem: CliError) -> Self {
        let problem = Some(problem.file(&path));
        Self {
            problem,
            ..Self::new(path)
        }
    }
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// In the order in which they are verified.
    pub(crate) files: Vec<InputFile>,
    /// The other files of the folders.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Something in a folder that is neither an input nor the payload of one.
#[derive(Debug)]
pub(crate) struct LeftOut {
    pub(crate) path: PathBuf,
    /// Behind "it is", in a few words.
    pub(crate) why: &'static str,
}

/// A file that has a part of its own in the run, wherever it lies.
#[derive(Debug)]
pub(crate) struct Given<'p> {
    role: &'static str,
    path: &'p Path,
    canonical: Option<PathBuf>,
}

impl<'p> Given<'p> {
    pub(crate) fn new(role: &'static str, path: &'p Path) -> Self {
        let canonical = fs::canonicalize(path).ok();
        Self {
            role,
            path,
            canonical,
        }
    }

    /// Whether `path`, which is in a folder, is this file or leads to it.
    fn is(&self, path: &Path) -> bool {
        let Some(canonical) = &self.canonical else {
            return false;
        };
        let possible = path.file_name() == canonical.file_name()
            || path.file_name() == self.path.file_name()
            || path.is_symlink();
        possible && fs::canonicalize(path).is_ok_and(|path| path == *canonical)
    }
}

/// All inputs: folders opened, their files sorted by name. What is `given` is none.
pub(crate) fn expand(paths: &[PathBuf], given: &[Given<'_>]) -> Inputs {
    let mut out = Inputs::default();
    for path in paths {
        if is_folder(path) {
            folder::read(path, given, &mut out);
        } else {
            let mut input = InputFile::new(path.clone());
            input.named = true;
            out.files.push(input);
        }
    }
    out.left_out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

pub(crate) fn is_folder(path: &Path) -> bool {
    !file::is_stdin(path) && path.is_dir()
}
