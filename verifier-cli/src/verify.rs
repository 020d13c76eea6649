//! `cosignet verify`: from files to verdicts, in order, several at a time.

pub(crate) mod human;

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use verifier_core::bitcoin::chain::HeaderChain;
use verifier_core::input::Input;
use verifier_core::policy::Policy;
use verifier_core::signature::AwsLc;
use verifier_core::{Report, Request, verify};

use crate::args::{Format, VerifyArgs};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::headers::{self, HeaderFile};
use crate::input::{self, InputFile};
use crate::text::Style;
use crate::{file, output, policy_file};

use human::Tally;

/// The faster of the two back ends; both give the same answers.
const CRYPTO: AwsLc = AwsLc;

/// The longest payload that is read.
const MAX_PAYLOAD: usize = 512 * 1024;

/// How many files are verified before their results are printed: enough to keep every core busy,
/// and all that is ever held in memory.
const CHUNK: usize = 256;

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, CliError> {
    check_usage(args)?;
    let policy = args.policy.as_deref().map(policy_file::load).transpose()?;
    let payload = args.payload.as_deref();
    let payload = payload
        .map(|path| file::read_whole(path, MAX_PAYLOAD))
        .transpose()?;
    let file = args.headers.as_deref().map(headers::read).transpose()?;
    let headers = file.as_ref().map(HeaderFile::verify).transpose()?;
    let inputs = input::expand(&args.inputs, args.policy.as_deref());
    let job = Job {
        args,
        policy: policy.as_ref(),
        payload: payload.as_deref(),
        headers: headers.as_ref(),
        single: matches!(args.inputs.as_slice(), [one] if !is_folder(one)),
        style: Style::of_stdout(),
    };
    job.run(&inputs)
}

fn is_folder(path: &std::path::Path) -> bool {
    !file::is_stdin(path) && path.is_dir()
}

/// What makes sense for each argument alone and not for all together.
fn check_usage(args: &VerifyArgs) -> Result<(), CliError> {
    let single = matches!(args.inputs.as_slice(), [one] if !is_folder(one));
    for (given, name) in [
        (args.payload.is_some(), "--payload"),
        (args.payload_sha256.is_some(), "--payload-sha256"),
        (args.approval_id.is_some(), "--approval-id"),
    ] {
        if given && !single {
            let message = format!("{name} is about one approval, and several are to be verified.");
            return Err(CliError::usage(message).next(
                "Verify that approval alone. In a folder, X.payload beside X.json is its payload.",
            ));
        }
    }
    let named = args.inputs.iter().chain(&args.policy).chain(&args.payload);
    let named = named.chain(&args.headers);
    if named.filter(|path| file::is_stdin(path)).count() > 1 {
        let message = "stdin (-) can be only one of the files.";
        return Err(CliError::usage(message).next("Put the others into files."));
    }
    Ok(())
}

/// What is the same for all inputs.
struct Job<'a> {
    args: &'a VerifyArgs,
    policy: Option<&'a Policy>,
    payload: Option<&'a [u8]>,
    headers: Option<&'a HeaderChain<'a>>,
    single: bool,
    style: Style,
}

/// What became of one input.
struct Done {
    exit: Exit,
    word: &'static str,
    text: String,
}

impl Job<'_> {
    fn run(&self, inputs: &[InputFile]) -> Result<Exit, CliError> {
        let bar = self.progress(inputs.len());
        let mut worst = Exit::Ok;
        let mut tally = Tally::default();
        for chunk in inputs.chunks(CHUNK) {
            let one = |input| {
                let done = self.one(input);
                bar.inc(1);
                done
            };
            let done: Vec<Done> = chunk.par_iter().map(one).collect();
            for done in &done {
                worst = worst.max(done.exit);
                tally.count(done.word);
            }
            let texts = done.iter().map(|done| done.text.as_str());
            if let Err(exit) = bar.suspend(|| self.print(texts)) {
                // The rest would be verified for nobody.
                return Ok(worst.max(exit));
            }
        }
        bar.finish_and_clear();
        if !self.single && self.args.format == Format::Human {
            let printed = self.print([tally.line(inputs.len()).as_str()]);
            worst = worst.max(printed.err().unwrap_or(Exit::Ok));
        }
        Ok(worst)
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
        match self.read(input) {
            Ok((bytes, payload)) => self.report(input, &bytes, payload.as_deref()),
            Err(error) => self.unreadable(input, &error),
        }
    }

    fn read(&self, input: &InputFile) -> Result<(Vec<u8>, Option<Vec<u8>>), CliError> {
        if let Some(problem) = &input.problem {
            return Err(problem.clone());
        }
        let bytes = file::read(&input.path, Input::MAX_BYTES)?;
        let beside = input.payload.as_deref();
        let payload = beside
            .map(|path| file::read_whole(path, MAX_PAYLOAD))
            .transpose()?;
        Ok((bytes, payload))
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
        request.at = self.args.at;
        request.crypto = &CRYPTO;
        let report = verify(bytes, &request);
        Done {
            exit: Exit::of(report.verdict()),
            word: report.verdict().as_str(),
            text: self.text(input, bytes, request.payload, &report),
        }
    }

    fn text(
        &self,
        input: &InputFile,
        bytes: &[u8],
        payload: Option<&[u8]>,
        report: &Report,
    ) -> String {
        match (self.args.format, self.single) {
            _ if self.args.quiet => String::new(),
            (Format::Json, _) => report.to_json() + "\n",
            (Format::Human, true) => human::full(report, bytes, payload, self.style),
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
        Done {
            exit: error.exit(),
            word: human::UNREADABLE,
            text,
        }
    }
}
