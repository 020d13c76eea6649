//! The end of a log: it takes no new entry any more, and answers everything else as before.

use clap::Args;

use crate::args::DataArg;
use crate::backend;
use crate::error::{LogError, Result};
use crate::key;
use crate::store::Closing;

/// Close a log for ever: it takes no new entry any more, and answers everything else
#[derive(Args, Debug)]
#[command(after_help = "\
Nothing opens it again. It may run meanwhile, and has to run afterwards: its last head is published,
cosigned and anchored by `serve`, and look-ups, repeats of appends and erasures are still answered.
Closing it again changes nothing but the successor. See OPERATIONS, \"Shards\".")]
pub(crate) struct CloseArgs {
    #[command(flatten)]
    pub(crate) data: DataArg,
    /// Its name, so that no other log is closed by mistake
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: String,
    /// Where approvals go from now on: whoever appends to the closed log is told
    #[arg(long, value_name = "URL")]
    pub(crate) successor: Option<String>,
}

/// `close`
pub(crate) fn run(args: &CloseArgs) -> Result<()> {
    let place = args.data.store.place(&args.data.data, None);
    let (backend, key) = backend::open(&place)?;
    let origin = key.public().name();
    if origin != args.origin {
        return Err(LogError::Usage(format!(
            "the log in {} is {}, and --origin says {}: nothing was closed",
            place.layout.root().display(),
            verifier_core::plain(origin),
            verifier_core::plain(&args.origin)
        )));
    }
    let successor = args.successor.as_deref().map(log_client::address);
    // What everybody is told has no password in it.
    let successor = successor.transpose()?.map(|url| log_client::shown(&url));
    backend.close(&Closing {
        at: crate::now().to_string(),
        successor,
    })?;
    let head = backend.head()?;
    println!(
        "{} is closed, with {} entries",
        verifier_core::plain(origin),
        head.size
    );
    let published = backend.published()?;
    let published = key::open(key.public(), &published).map_err(LogError::damage)?;
    if published != (head.size, head.root) {
        println!("Its last head is not published yet: `cosignet-log serve` does that");
    }
    Ok(())
}
