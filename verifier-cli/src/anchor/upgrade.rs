//! `cosignet anchor upgrade`: the block that calendars had only promised, or that the log knows
//! by now, put into a bundle. From then on nobody needs to be asked any more.

use std::path::Path;

use verifier_core::Code;
use verifier_core::HeaderChain;
use verifier_core::Kind;
use verifier_core::hazmat::bitcoin::header::Header;
use verifier_core::hazmat::bitcoin::ots::{Branch, Timestamp};
use verifier_core::hazmat::bundle::{self, Bundle};
use verifier_core::hazmat::input::Input;
use verifier_core::hazmat::json::Value;

use super::calendars::Calendars;
use super::log;
use crate::args::{AnchorUpgradeArgs, Format};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::headers::{self, HeaderFile};
use crate::text::wrap;
use crate::{file, output, role};

/// The outcome for a bundle's anchor.
struct Outcome {
    /// The blocks that the proof leads to, lowest first.
    blocks: Vec<u32>,
    /// Calendars that still owe a block, and why each does.
    open: Vec<(String, String)>,
    changed: bool,
}

pub(super) fn run(args: &AnchorUpgradeArgs) -> Result<Exit, CliError> {
    let path = args.bundle.as_path();
    let bytes = file::read_whole(path, Input::MAX_BYTES)?;
    let mut bundle = match Input::parse(&bytes) {
        Ok(Input::Bundle(bundle)) => bundle,
        Ok(_) => return Err(CliError::usage("it is not a bundle of a log.").about(path)),
        Err(error) => {
            let error = CliError::of(&error);
            return Err(role::named(error, &bytes, "a bundle", &[Kind::Bundle]).about(path));
        }
    };
    let headers = args.headers.as_deref().map(headers::read).transpose()?;
    let chain = headers.as_ref().map(HeaderFile::verify).transpose()?;
    let before = bundle.anchor.clone();
    let (anchor, open) = match &args.log {
        Some(url) => (log::anchor(url, &bundle)?, Vec::new()),
        None => ask(args, &bundle)?,
    };
    let blocks = blocks(&anchor)?;
    bundle.anchor = Some(with_header(anchor, chain.as_ref(), path)?);
    let outcome = Outcome {
        blocks: blocks.iter().map(|(height, _)| *height).collect(),
        open,
        changed: bundle.anchor != before,
    };
    if outcome.changed {
        // Asking takes long, so the file is held only now.
        let edit = file::edit(path, Input::MAX_BYTES)?;
        if edit.bytes() != bytes {
            return Err(file::not_edited(path, durable::Error::Changed));
        }
        file::replace(path, edit, bundle.to_json())?;
    }
    let text = match args.format {
        Format::Json => outcome.to_json() + "\n",
        Format::Human => outcome.to_human(path),
    };
    output::print(&text, args.format).map_or_else(Ok, |()| Ok(outcome.exit()))
}

/// Asks the calendars that owe a block.
fn ask(
    args: &AnchorUpgradeArgs,
    bundle: &Bundle,
) -> Result<(bundle::Anchor, Vec<(String, String)>), CliError> {
    let anchor = bundle.anchor.clone();
    let stamped = anchor.and_then(|anchor| Some((anchor.ots.clone()?, anchor)));
    let Some((ots, mut anchor)) = stamped else {
        let message = "the bundle has no timestamp that could be finished.";
        return Err(CliError::policy(Code::AnchorMissing, message)
            .about(&args.bundle)
            .next(
                "Ask the log itself: --log URL. It anchors its heads some time after an append.",
            ));
    };
    let branch =
        Branch::of_proof(&ots).map_err(|error| CliError::of(&error).about(&args.bundle))?;
    let (branch, open) = Calendars::new(&args.calendars)?.fulfil(branch)?;
    if let Some(proof) = branch.to_proof() {
        anchor.ots = Some(proof);
    }
    Ok((anchor, open))
}

fn blocks(anchor: &bundle::Anchor) -> Result<Vec<(u32, [u8; 32])>, CliError> {
    let proof = anchor.ots.as_deref().unwrap_or_default();
    let timestamp = Timestamp::parse(proof).map_err(|error| CliError::of(&error))?;
    Ok(timestamp.blocks())
}

/// The anchor with the header of its block, if the headers have it. What they contradict is not
/// written.
fn with_header(
    mut anchor: bundle::Anchor,
    chain: Option<&HeaderChain<'_>>,
    path: &Path,
) -> Result<bundle::Anchor, CliError> {
    let Some(chain) = chain else {
        return Ok(anchor);
    };
    let mut contradicted = None;
    for (height, root) in blocks(&anchor)? {
        let Some(bytes) = chain.bytes(height) else {
            continue;
        };
        if *Header::new(bytes).merkle_root() == root {
            anchor.header = Some(bundle::Header::new(u64::from(height), *bytes));
            return Ok(anchor);
        }
        contradicted = Some(height);
    }
    match contradicted {
        None => Ok(anchor),
        Some(height) => {
            let message = format!(
                "block {height} of your headers has another Merkle root than the timestamp leads \
                 to; the bundle was left as it is."
            );
            Err(CliError::policy(Code::AnchorHeader, message).about(path))
        }
    }
}

impl Outcome {
    /// A block is all that was asked for.
    fn exit(&self) -> Exit {
        match self.blocks.is_empty() {
            true => Exit::Incomplete,
            false => Exit::Ok,
        }
    }

    fn to_json(&self) -> String {
        let blocks = self.blocks.iter().map(|height| u64::from(*height).into());
        let open = self.open.iter().map(|(calendar, why)| {
            Value::from([
                ("calendar", calendar.as_str().into()),
                ("why", why.as_str().into()),
            ])
        });
        Value::from([
            ("blocks", blocks.collect()),
            ("changed", self.changed.into()),
            ("exitCode", u64::from(self.exit().code()).into()),
            ("open", open.collect()),
        ])
        .to_text()
    }

    fn to_human(&self, path: &Path) -> String {
        let path = show_path(path);
        let heights: Vec<String> = self.blocks.iter().map(u32::to_string).collect();
        let mut out = match (heights.as_slice(), self.changed) {
            ([], _) if self.open.is_empty() => wrap(
                "",
                &format!(
                    "{path}: the timestamp leads to no Bitcoin block, and no calendar has promised \
                     one, so waiting does not help. Ask the log itself: --log URL."
                ),
            ),
            ([], _) => wrap("", &format!("{path}: no block yet.")),
            (list, true) => {
                let blocks = list.join(", ");
                let text =
                    format!("{path}: written; the timestamp leads to Bitcoin block {blocks}.");
                wrap("", &text)
            }
            (list, false) => {
                let blocks = list.join(", ");
                let text = format!("{path}: nothing new; it leads to Bitcoin block {blocks}.");
                wrap("", &text)
            }
        };
        for (calendar, why) in &self.open {
            out.push_str(&wrap("  ", &format!("{calendar}: {why}")));
        }
        if !heights.is_empty() {
            let next = "Next: `cosignet verify` with --headers FILE says whether Bitcoin has that \
                        block; see `cosignet headers sync --help`.";
            out.push_str(&wrap("", next));
        }
        out
    }
}
