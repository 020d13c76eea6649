//! `cosignet report`: many approvals, as an auditor hands them in.

mod charts;
mod glass;
mod page;
mod published;
mod row;
mod rules;
mod sample;
mod totals;

use verifier_core::policy::Policy;
use verifier_core::roster::{self, Roster};
use verifier_core::{HeaderChain, Request, verify};

use rayon::prelude::*;

use crate::args::{Format, ReportArgs};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::headers::{self, HeaderFile};
use crate::input::{self, Given, InputFile};
use crate::verify::CRYPTO;
use crate::verify::repeats::{Marks, Repeats};
use crate::{file, output, policy_file, pool, roster_file};

use glass::Glass;
use published::Published;
use row::Row;
use totals::Totals;

/// How many files are verified at a time: enough to keep every core busy. Only rows stay.
const CHUNK: usize = 256;

pub(crate) fn run(args: &ReportArgs) -> Result<Exit, CliError> {
    if let Some(path) = args.inputs.iter().find(|path| file::is_stdin(path)) {
        let message = format!("{} is no file that a report could name.", show_path(path));
        return Err(CliError::usage(message).next("Give files and folders."));
    }
    let policy = policy_file::load(&args.policy)?;
    let kept = args.headers.as_deref().map(headers::read).transpose()?;
    let headers = kept.as_ref().map(HeaderFile::verify).transpose()?;
    let roster = roster(args, &policy, headers.as_ref())?;
    let given = [
        Some(&args.policy),
        args.headers.as_ref(),
        args.roster.as_ref(),
        args.break_glass.as_ref(),
    ];
    let roles = [
        "given as --policy",
        "given as --headers",
        "given as --roster",
        "given as --break-glass",
    ];
    let given: Vec<Given<'_>> = given
        .into_iter()
        .zip(roles)
        .filter_map(|(path, role)| Some(Given::new(role, path?)))
        .collect();
    let inputs = input::expand(&args.inputs, &given);
    let question = Question {
        args,
        policy: &policy,
        headers: headers.as_ref(),
        roster: roster.as_ref(),
    };
    let (rows, exit) = question.rows(&inputs.files);
    let known = roster.as_ref().and_then(|roster| roster.as_ref().ok());
    let published = Published::read(args, &policy, known, &rows)?;
    let glass = Glass::read(args, &policy, roster.as_ref())?;
    let totals = Totals::of(&rows, inputs.left_out);
    let drawn = sample::draw(&rows, args.sample.unwrap_or(0), args.seed);
    let report = page::Report {
        args,
        policy: &policy,
        roster: known,
        rows: &rows,
        totals: &totals,
        published: published.as_ref(),
        glass: glass.as_ref(),
        sample: &drawn,
    };
    if let Some(path) = &args.csv {
        file::create(path, row::to_csv(&rows))?;
    }
    if let Some(path) = &args.jsonl {
        let uses = glass.as_ref().map(Glass::to_json_lines);
        file::create(path, row::to_json_lines(&rows) + &uses.unwrap_or_default())?;
    }
    if let Some(path) = &args.html {
        file::create(path, report.to_html())?;
    }
    let uses = glass.as_ref().map(Glass::to_text).unwrap_or_default();
    let text = totals.to_text(&rows, published.as_ref()) + &uses;
    let printed = output::print(&text, Format::Human);
    let exit = exit.max(glass.as_ref().map_or(Exit::Ok, Glass::exit));
    Ok(exit.max(printed.err().unwrap_or(Exit::Ok)))
}

/// The roster, which has to hold before many approvals are judged by it. A log is compared by the
/// keys in it, so that it has to be there for that.
fn roster(
    args: &ReportArgs,
    policy: &Policy,
    headers: Option<&HeaderChain<'_>>,
) -> Result<Option<Result<Roster, roster::Error>>, CliError> {
    let Some(path) = args.roster.as_deref() else {
        let compared = args.log.is_some() || args.log_copy.is_some();
        if compared && policy.roster().is_some() {
            let message = "the policy leaves it to a roster whose keys count, and there is no roster to find their entries of the log by.";
            let next = "Give the roster's file: --roster FILE. Or leave the log out.";
            return Err(CliError::usage(message).next(next));
        }
        return Ok(None);
    };
    match roster_file::load(path, Some(policy), headers, args.at)? {
        Ok(roster) => Ok(Some(Ok(roster))),
        Err(error) => Err(CliError::of(&error).about(path)),
    }
}

/// The part that is the same for all inputs.
struct Question<'a> {
    args: &'a ReportArgs,
    policy: &'a Policy,
    headers: Option<&'a HeaderChain<'a>>,
    roster: Option<&'a Result<Roster, roster::Error>>,
}

impl Question<'_> {
    /// A row for each input, in their order, and the worst exit among them.
    fn rows(&self, files: &[InputFile]) -> (Vec<Row>, Exit) {
        let pool = pool::build(files.len());
        let mut rows = Vec::with_capacity(files.len());
        let mut repeats = Repeats::default();
        let mut worst = Exit::Ok;
        for chunk in files.chunks(CHUNK) {
            let one = |input| self.one(input);
            let done: Vec<(Row, Marks, Exit)> = match &pool {
                Some(pool) => pool.install(|| chunk.par_iter().map(one).collect()),
                None => chunk.iter().map(one).collect(),
            };
            for (input, (mut row, marks, exit)) in chunk.iter().zip(done) {
                let before = repeats.found.len();
                repeats.add(&input.path, &marks);
                row.repeats = repeats.found.get(before).map(|repeat| {
                    let of = repeat.of.to_string_lossy().into_owned();
                    (of, repeat.same)
                });
                worst = worst.max(exit);
                rows.push(row);
            }
        }
        (rows, worst)
    }

    fn one(&self, input: &InputFile) -> (Row, Marks, Exit) {
        let read = || Ok((input.read()?, input.read_payload()?));
        match read() {
            Ok((bytes, payload)) => {
                let mut request = Request::default();
                request.policy = Some(self.policy);
                request.payload = payload.as_deref();
                request.headers = self.headers;
                request.roster = self.roster;
                request.at = self.args.at;
                request.crypto = &CRYPTO;
                let report = verify(&bytes, &request);
                let exit = Exit::of(report.verdict());
                let row = Row::of(&input.path, &bytes, payload.as_deref(), &report);
                (row, Marks::of(&bytes, &report), exit)
            }
            Err(error) => {
                let row = Row::unreadable(&input.path, &error);
                (row, Marks::default(), error.exit())
            }
        }
    }
}
