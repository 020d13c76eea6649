//! `cosignet anchor`: timestamps of checkpoints.

mod calendars;
mod log;
mod upgrade;

use verifier_core::check::{Check, Status};
use verifier_core::hazmat::bitcoin::ots::Timestamp;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::time::for_people;
use verifier_core::policy::AnchorRule;
use verifier_core::{StampReport, Verdict, verify_stamp};

use crate::args::{AnchorCommand, AnchorVerifyArgs, Format};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::headers::{self, HeaderFile};
use crate::text::wrap;
use crate::{file, output, policy_file};

/// The longest checkpoint, in bytes.
const MAX_CHECKPOINT: usize = 1024 * 1024;

pub(crate) fn run(command: &AnchorCommand) -> Result<Exit, CliError> {
    match command {
        AnchorCommand::Upgrade(args) => upgrade::run(args),
        AnchorCommand::Verify(args) => verify(args),
    }
}

fn verify(args: &AnchorVerifyArgs) -> Result<Exit, CliError> {
    let rule = match &args.policy {
        Some(path) => policy_file::load(path)?.anchor().clone(),
        None => AnchorRule::of(args.network),
    };
    let checkpoint = file::read_whole(&args.checkpoint, MAX_CHECKPOINT)?;
    // One byte more than fits, so that the core sees that it does not.
    let ots = file::read(&args.ots, Timestamp::MAX_BYTES)?;
    let headers = args.headers.as_deref().map(headers::read).transpose()?;
    let chain = headers.as_ref().map(HeaderFile::verify).transpose()?;
    let report = verify_stamp(&checkpoint, &ots, chain.as_ref(), &rule);
    let text = match args.format {
        Format::Json => to_json(&report, next(args, &report)),
        Format::Human => to_human(&report, next(args, &report)),
    };
    let exit = Exit::of(report.verdict());
    Ok(output::print(&text, args.format).err().unwrap_or(exit))
}

/// The step that leads on from a verdict that lacks something.
fn next(args: &AnchorVerifyArgs, report: &StampReport) -> Option<&'static str> {
    let open = report.verdict() == Verdict::Incomplete && args.headers.is_none();
    open.then_some(
        "Get Bitcoin's block headers, `cosignet headers sync FILE --from SOURCE`, and give them: \
         --headers FILE.",
    )
}

fn to_json(report: &StampReport, next: Option<&str>) -> String {
    let check = |check: &'_ Check| {
        Value::from([
            ("code", check.code.map(|code| code.as_str()).into()),
            ("expected", check.expected.clone().into()),
            ("found", check.found.clone().into()),
            ("id", check.id.as_str().into()),
            ("message", check.message.clone().into()),
            ("status", check.status.as_str().into()),
        ])
    };
    let verdict = report.verdict();
    let value = Value::from([
        (
            "anchor",
            report.anchor.as_ref().map(|a| a.to_value()).into(),
        ),
        ("checks", report.checks.iter().map(check).collect()),
        ("exitCode", u64::from(verdict.exit_code()).into()),
        ("next", next.into()),
        ("verdict", verdict.as_str().into()),
    ]);
    value.to_text() + "\n"
}

fn to_human(report: &StampReport, next: Option<&str>) -> String {
    let verdict = report.verdict();
    let until = report.anchor.as_ref().and_then(|anchor| {
        let time = for_people(anchor.not_later_than?);
        Some(format!(
            "The file existed by {}, no later than {time}.",
            anchor.block_for_people()
        ))
    });
    let open = |check: &&Check| matches!(check.status, Status::Fail | Status::Incomplete);
    let first = report.checks.iter().find(open);
    let summary = match (until, first) {
        (Some(until), None) => until,
        (_, Some(check)) => match check.code {
            Some(code) => format!("{}  [{code}]", check.message),
            None => check.message.clone(),
        },
        (None, None) => String::new(),
    };
    let mut out = wrap(&format!("{verdict:<10} "), &summary);
    for check in &report.checks {
        let found = check.found.as_deref().unwrap_or_default();
        let text = format!("{}: {} {found}", check.id.title(), check.status.as_str());
        out.push_str(&wrap("  ", text.trim_end()));
    }
    if let Some(next) = next {
        out.push_str(&wrap("Next: ", next));
    }
    out
}
