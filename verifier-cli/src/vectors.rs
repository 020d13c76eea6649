//! `cosignet vectors run`: this verifier over files of cases, with both back ends.

mod bitcoin;
mod case;
mod kind;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};

use verifier_core::hazmat::json::{Limits, Value};
use verifier_core::hazmat::signature::{AwsLc, RustCrypto};
use verifier_core::quote;

use crate::args::{Format, VectorsArgs};
use crate::code::CliCode;
use crate::exit::Exit;
use crate::failure::{CliError, print_note, show_path};
use crate::text::{plain, wrap};
use crate::{file, output};

use case::{Case, VectorFile};
use kind::Kind;

/// The longest vector file, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

pub(crate) fn run(args: &VectorsArgs) -> Result<Exit, CliError> {
    let mut found = Found::default();
    for path in &args.paths {
        found.collect(path)?;
    }
    if !found.left_out.is_empty() {
        print_note(&found.note(), args.format);
    }
    let mut tally = Tally::default();
    for source in &found.files {
        let path = &source.path;
        let found = match run_file(source, &mut tally) {
            Ok(differences) => differences,
            Err(error) => {
                tally.exit = tally.exit.max(error.exit());
                tally.failed += 1;
                error.print(args.format);
                continue;
            }
        };
        let text: String = found
            .iter()
            .map(|one| one.text(path, args.format))
            .collect();
        if let Err(exit) = output::print(&text, args.format) {
            return Ok(tally.exit.max(exit));
        }
    }
    if tally.passed == 0 && tally.failed == 0 {
        CliError::new(CliCode::VectorsEmpty, "there is no case to run.").print(args.format);
        tally.fail(1);
    }
    let printed = output::print(&tally.text(args.format), args.format);
    Ok(tally.exit.max(printed.err().unwrap_or(Exit::Ok)))
}

/// A file to run.
struct Source {
    path: PathBuf,
    /// Whether the caller has named it, and not a folder that it is in.
    named: bool,
}

#[derive(Default)]
struct Found {
    files: Vec<Source>,
    /// Where something is that no folder may make this program open, and what it is.
    left_out: Vec<(PathBuf, &'static str)>,
}

impl Found {
    /// `path`, or every regular file `*.json` below it, in any case, sorted.
    fn collect(&mut self, path: &Path) -> Result<(), CliError> {
        let found = |path, named| Source { path, named };
        if !path.is_dir() {
            self.files.push(found(path.to_owned(), true));
            return Ok(());
        }
        // A stack instead of recursion; links are not followed, so it ends.
        let mut stack = vec![path.to_owned()];
        let mut files = Vec::new();
        while let Some(folder) = stack.pop() {
            let unreadable = |error| CliError::unreadable(&folder, &error);
            for entry in fs::read_dir(&folder).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                let kind = entry.file_type().map_err(unreadable)?;
                let name = entry.file_name().to_ascii_lowercase();
                let path = entry.path();
                if kind.is_dir() {
                    stack.push(path);
                } else if kind.is_symlink() {
                    self.left_out.push((path, "a link, which is not followed"));
                } else if !kind.is_file() {
                    self.left_out.push((path, "no regular file"));
                } else if name.as_encoded_bytes().ends_with(b".json") {
                    files.push(path);
                }
            }
        }
        files.sort();
        self.files
            .extend(files.into_iter().map(|path| found(path, false)));
        self.left_out.sort();
        Ok(())
    }

    fn note(&self) -> String {
        /// How many names are printed of a longer list.
        const MOST: usize = 100;
        let count = self.left_out.len();
        let names: Vec<String> = self
            .left_out
            .iter()
            .take(MOST)
            .map(|(path, why)| format!("{} ({why})", show_path(path)))
            .collect();
        let more = match count.saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{count} left out: {}{more}.", names.join(", "))
    }
}

fn run_file(source: &Source, tally: &mut Tally) -> Result<Vec<Difference>, CliError> {
    let path = &source.path;
    let bytes = match source.named {
        true => file::read_whole(path, MAX_BYTES)?,
        false => file::read_whole_found(path, MAX_BYTES)?,
    };
    let malformed = |problem: String| {
        let message = format!("{} is not a vector file: {problem}.", show_path(path));
        CliError::new(CliCode::VectorsForm, message).file(path)
    };
    let mut limits = Limits::bytes(MAX_BYTES);
    limits.values = 4_000_000;
    let document = Value::parse(&bytes, limits).map_err(|error| malformed(error.to_string()))?;
    let vectors = VectorFile::read(&document).map_err(malformed)?;
    let Some(kind) = Kind::parse(vectors.kind) else {
        tally.fail(vectors.cases.len().max(1));
        let difference = Difference {
            case: "all".into(),
            expected: "a kind of vectors that this version knows".into(),
            found: quote(vectors.kind),
        };
        return Ok(vec![difference]);
    };
    let mut out = Vec::new();
    for (i, case) in vectors.cases.iter().enumerate() {
        let broken = |problem| malformed(format!("case {}: {problem}", i + 1));
        let case = Case::read(case).map_err(broken)?;
        match compare(kind, &case).map_err(broken)? {
            None => tally.passed += 1,
            Some(difference) => {
                tally.fail(1);
                out.push(difference);
            }
        }
    }
    Ok(out)
}

/// Whether a case comes out as it should, with either back end.
fn compare(kind: Kind, case: &Case<'_>) -> Result<Option<Difference>, String> {
    let portable = kind.run(case.input, &RustCrypto)?;
    let native = kind.run(case.input, &AwsLc)?;
    let difference = if portable != native {
        let found =
            format!("{portable} with RustCrypto, {native} with aws-lc: the back ends disagree");
        Some((case.expect.to_string(), found))
    } else {
        case.expect.difference(&portable)
    };
    Ok(difference.map(|(expected, found)| Difference {
        case: case.name.into(),
        expected,
        found,
    }))
}

/// A case that came out differently.
struct Difference {
    case: String,
    expected: String,
    found: String,
}

impl Difference {
    fn text(&self, path: &Path, format: Format) -> String {
        if format == Format::Json {
            let value = Value::from([
                ("case", self.case.as_str().into()),
                ("expected", self.expected.as_str().into()),
                ("file", path.to_string_lossy().into_owned().into()),
                ("found", self.found.as_str().into()),
            ]);
            return value.to_text() + "\n";
        }
        let mut out = format!("differs  {}: {}\n", show_path(path), plain(&self.case));
        out.push_str(&wrap("  expected  ", &self.expected));
        out.push_str(&wrap("  got       ", &self.found));
        out
    }
}

struct Tally {
    passed: usize,
    failed: usize,
    exit: Exit,
}

impl Default for Tally {
    fn default() -> Self {
        let (passed, failed) = (0, 0);
        let exit = Exit::Ok;
        Self {
            passed,
            failed,
            exit,
        }
    }
}

impl Tally {
    fn fail(&mut self, count: usize) {
        self.failed += count;
        self.exit = self.exit.max(Exit::Rejected);
    }

    fn text(&self, format: Format) -> String {
        let Self { passed, failed, .. } = self;
        match format {
            Format::Json => format!("{{\"failed\":{failed},\"passed\":{passed}}}\n"),
            Format::Human => format!("{passed} passed, {failed} failed\n"),
        }
    }
}
