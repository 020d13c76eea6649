//! `cosignet headers sync`: a file of headers, made longer. Headers are verified as they arrive,
//! and kept as soon as they are: whoever ends the command can run it again and go on.

use std::cmp::Ordering;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use log_client::shown;
use verifier_core::Code;

use super::facts::Facts;
use super::kept::Kept;
use super::source::{self, Offer, Source};
use crate::args::{Format, SyncArgs};
use crate::exit::Exit;
use crate::failure::{CliError, show_path};
use crate::output;

pub(super) fn run(args: &SyncArgs) -> Result<Exit, CliError> {
    let mut sync = Sync {
        args,
        source: source::open(args)?,
    };
    let offer = sync.source.offer();
    let start = offer.first.max(args.start);
    let kept = match args.file.exists() {
        true => Kept::open(&args.file, offer.network, start)?,
        false => Kept::new(&args.file, offer.network, start)?,
    };
    let before = (kept.tip(), kept.checker().work());
    let kept = sync.join(kept, offer)?;
    if kept.tip().is_none() {
        let start = kept.checker().start();
        let message = format!("the source has no header at height {start}, where the file begins.");
        return Err(sync.refused(&message));
    }
    let facts = Facts::of_checker(kept.checker());
    let text = match args.format {
        Format::Json => facts.to_json() + "\n",
        Format::Human => {
            let path = show_path(&args.file);
            let changed = before != (kept.tip(), kept.checker().work());
            let what = if changed { "written" } else { "nothing new" };
            format!("{path}: {what}; {}\n", facts.in_words())
        }
    };
    Ok(output::print(&text, args.format).err().unwrap_or(Exit::Ok))
}

struct Sync<'a> {
    args: &'a SyncArgs,
    source: Box<dyn Source>,
}

impl Sync<'_> {
    /// The file with what the source has more. Of two branches the one with more work stays, and
    /// the file's own if they are equal.
    fn join(&mut self, mut kept: Kept, offer: Offer) -> Result<Kept, CliError> {
        if kept.checker().network() != offer.network {
            return Err(self.refused("the headers are of another network than the file."));
        }
        let next = kept.checker().next_height();
        if offer.first > next {
            return Err(self.refused("between the file and the headers there are others missing."));
        }
        let first = offer.first.max(kept.checker().start());
        // The first height at which the two may differ.
        let fork = match kept.tip() {
            None => next,
            Some(tip) => self.fork(&mut kept, first, tip.min(offer.last))?,
        };
        if fork > offer.last {
            kept.sync()?;
            return Ok(kept);
        }
        if fork == next {
            self.fetch(&mut kept, fork, offer.last)?;
            return Ok(kept);
        }
        let mut branch = kept.branch(fork)?;
        self.fetch(&mut branch, fork, offer.last)?;
        match branch.checker().work().cmp(&kept.checker().work()) {
            Ordering::Greater => branch.replace(&kept),
            _ => Ok(kept),
        }
    }

    /// The lowest height, from `first` on and not above `top` + 1, at which file and source do
    /// not have the same header. They have the same ones below it.
    fn fork(&mut self, kept: &mut Kept, first: u32, top: u32) -> Result<u32, CliError> {
        let mut same = |height| -> Result<bool, CliError> {
            let theirs = self.source.read(height, height)?;
            Ok(theirs.first() == Some(&kept.header(height)?))
        };
        if top < first || same(top)? {
            return Ok(top.max(first.saturating_sub(1)).saturating_add(1));
        }
        // Most often only the last few blocks differ: look further down in growing steps.
        let (mut differs, mut step) = (top, 1_u32);
        let mut agrees = loop {
            if differs == first {
                return Ok(first);
            }
            let height = differs.saturating_sub(step).max(first);
            if same(height)? {
                break height;
            }
            differs = height;
            step = step.saturating_mul(2);
        };
        while differs - agrees > 1 {
            let middle = agrees + (differs - agrees) / 2;
            match same(middle)? {
                true => agrees = middle,
                false => differs = middle,
            }
        }
        Ok(differs)
    }

    fn fetch(&mut self, kept: &mut Kept, from: u32, last: u32) -> Result<(), CliError> {
        let bar = self.bar(from, last);
        let mut height = from;
        while height <= last {
            let headers = self.source.read(height, last)?;
            let kept_up_to = kept.extend(&headers)?;
            height = kept.checker().next_height();
            bar.set_position(u64::from(height - from));
            if let Err(error) = kept_up_to {
                kept.sync()?;
                return Err(CliError::of(&error).about(self.name().as_ref()));
            }
        }
        bar.finish_and_clear();
        kept.sync()
    }

    fn bar(&self, from: u32, last: u32) -> ProgressBar {
        let count = u64::from(last - from) + 1;
        if self.args.format == Format::Json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(count);
        if let Ok(style) = ProgressStyle::with_template("{pos} of {len} blocks  {wide_bar}  {eta}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    fn refused(&self, message: &str) -> CliError {
        let name = self.name();
        CliError::policy(Code::HeadersChain, message).about(Path::new(&name))
    }

    fn name(&self) -> String {
        shown(&self.args.from)
    }
}
