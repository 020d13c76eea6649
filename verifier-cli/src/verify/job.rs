//! One run over all inputs.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use verifier_core::AwsLc;
use verifier_core::HeaderChain;
use verifier_core::Policy;
use verifier_core::hazmat::json::Value;
use verifier_core::roster::{self, Roster};
use verifier_core::{Report, Request, Verdict, verify};

use super::repeats::Marks;
use super::tally::{NOTHING_EXPECTED, Outcome, Tally};
use super::{expects, human, together};
use crate::args::{Format, VerifyArgs};
use crate::exit::Exit;
use crate::failure::{CliError, print_note};
use crate::input::{InputFile, Inputs};
use crate::text::Style;
use crate::{output, pool};

/// The faster of the two back ends; both give the same answers.
pub(crate) const CRYPTO: AwsLc = AwsLc;

/// How many files are verified before their results are printed: enough to keep every core busy,
/// and all that is ever held in memory.
const CHUNK: usize = 256;

/// The part of the job that is the same for all inputs.
pub(super) struct Job<'a> {
    pub(super) args: &'a VerifyArgs,
    pub(super) policy: Option<&'a Policy>,
    pub(super) payload: Option<&'a [u8]>,
    pub(super) headers: Option<&'a HeaderChain<'a>>,
    pub(super) roster: Option<&'a Result<Roster, roster::Error>>,
    /// One file, and no folder.
    pub(super) single: bool,
    pub(super) style: Style,
}

/// The outcome for one input.
struct Done {
    outcome: Outcome,
    text: String,
}

impl Job<'_> {
    pub(super) fn run(&self, inputs: &Inputs) -> Result<Exit, CliError> {
        let files = &inputs.files;
        let bar = self.progress(files.len());
        let pool = pool::build(files.len());
        let mut tally = Tally::default();
        for chunk in files.chunks(CHUNK) {
            let one = |input| {
                let done = self.one(input);
                bar.inc(1);
                done
            };
            let done: Vec<Done> = match &pool {
                Some(pool) => pool.install(|| chunk.par_iter().map(one).collect()),
                None => chunk.iter().map(one).collect(),
            };
            let texts: Vec<String> = chunk
                .iter()
                .zip(done)
                .map(|(input, done)| {
                    tally.count(&input.path, done.outcome, &done.text);
                    done.text
                })
                .collect();
            if let Err(exit) = bar.suspend(|| self.print(texts.iter().map(String::as_str))) {
                // The rest would be verified for nobody.
                return Ok(tally.exit().max(exit));
            }
        }
        bar.finish_and_clear();
        let exit = tally.exit();
        let left_out = &inputs.left_out;
        let said = match (self.args.format, self.single) {
            (Format::Human, false) => self.print([tally.to_human(left_out).as_str()]),
            (Format::Json, false) => self.print([tally.to_json(left_out).as_str()]),
            _ => Ok(()),
        };
        if self.args.quiet {
            // What no exit code says.
            for note in tally.notes(left_out) {
                print_note(&note, self.args.format);
            }
        }
        Ok(exit.max(said.err().unwrap_or(Exit::Ok)))
    }

    /// All inputs as one decision.
    pub(super) fn together(&self, inputs: &Inputs) -> Result<Exit, CliError> {
        let bytes = together::join(&inputs.files)?.into_bytes();
        let path = inputs
            .files
            .first()
            .map_or_else(PathBuf::new, |file| file.path.clone());
        let done = self.report(&InputFile::new(path), &bytes, None);
        let exit = done.outcome.exit;
        Ok(exit.max(self.print([done.text.as_str()]).err().unwrap_or(Exit::Ok)))
    }

    fn print<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Result<(), Exit> {
        match self.args.quiet {
            true => Ok(()),
            false => output::print_all(texts, self.args.format),
        }
    }

    fn progress(&self, count: usize) -> ProgressBar {
        if self.args.quiet || count < 2 || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
        if let Ok(style) = ProgressStyle::with_template("{pos} of {len} files  {wide_bar}  {eta}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn one(&self, input: &InputFile) -> Done {
        let read = || Ok((input.read()?, input.read_payload()?));
        match read() {
            Ok((bytes, payload)) => self.report(input, &bytes, payload.as_deref()),
            Err(error) => self.unreadable(input, &error),
        }
    }

    fn report(&self, input: &InputFile, bytes: &[u8], payload: Option<&[u8]>) -> Done {
        let mut request = Request::default();
        request.policy = self.policy;
        request.payload = payload.or(self.payload);
        request.payload_sha256 = self.args.payload_sha256;
        request.approval_id = self.args.approval_id.as_deref();
        request.approver = self.args.approver.as_deref();
        request.rp_id = self.args.rp_id.as_deref();
        request.headers = self.headers;
        request.roster = self.roster;
        request.at = self.args.at;
        request.crypto = &CRYPTO;
        let report = verify(bytes, &request);
        let verified = report.verdict() == Verdict::Verified;
        let unexpected = verified && payload.is_none() && !expects(self.args);
        let outcome = Outcome {
            exit: Exit::of(report.verdict()),
            word: report.verdict().as_str(),
            marks: Marks::of(bytes, &report),
            unexpected,
        };
        Done {
            text: self.text(input, bytes, request.payload, &report, unexpected),
            outcome,
        }
    }

    fn text(
        &self,
        input: &InputFile,
        bytes: &[u8],
        payload: Option<&[u8]>,
        report: &Report,
        unexpected: bool,
    ) -> String {
        match (self.args.format, self.single) {
            _ if self.args.quiet => String::new(),
            (Format::Json, true) => report.to_json() + "\n",
            (Format::Json, false) => with_file(report, &input.path) + "\n",
            (Format::Human, true) => {
                let note = unexpected.then_some(NOTHING_EXPECTED);
                human::full(report, bytes, payload, note, self.style)
            }
            (Format::Human, false) => human::line(report, &input.path, self.style),
        }
    }

    fn unreadable(&self, input: &InputFile, error: &CliError) -> Done {
        let error = &error.clone().file(&input.path);
        let text = match (self.args.format, self.single) {
            (Format::Json, _) => error.to_json() + "\n",
            (Format::Human, false) => human::unreadable(error, &input.path, self.style),
            (Format::Human, true) => {
                error.print(Format::Human);
                String::new()
            }
        };
        if self.args.quiet && (self.args.format, self.single) != (Format::Human, true) {
            error.print(self.args.format);
        }
        let outcome = Outcome {
            exit: error.exit(),
            word: human::UNREADABLE,
            marks: Marks::default(),
            unexpected: false,
        };
        Done { outcome, text }
    }
}

/// A report with the name of the file that it is about, which is this program's addition.
fn with_file(report: &Report, path: &Path) -> String {
    let name = Value::from(path.to_string_lossy().into_owned());
    match report.to_value() {
        Value::Object(members) => Value::Object(members.with("file", name)).to_text(),
        other => other.to_text(),
    }
}
