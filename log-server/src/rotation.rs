//! Erasure keys: made, looked at, and changed for the next one while the log runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::args::DataArg;
use crate::backend::{self, Place};
use crate::erasure_key::{ErasureKey, Wrapper as _};
use crate::error::{LogError, Result};
use crate::store::sealing::{Census, Sealing, all};
use crate::store::{Backend, Eraser};

/// How often the old versions of rows are tried to be taken away, and the pause between two times.
const SWEEPS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(crate) enum ErasureKeyCommand {
    Create(CreateKeyArgs),
    Status(KeyStatusArgs),
    Rotate(RotateArgs),
}

/// Make an erasure key, and print its id
#[derive(Args, Debug)]
#[command(after_help = "\
The key never goes into the database, nor into its backups: what was erased is unreadable in all of
them once every copy of the key is destroyed. And if every copy is lost before, so is all evidence that
it has sealed; the log itself goes on. Keep a copy apart from those of the database.")]
pub(crate) struct CreateKeyArgs {
    /// Where the file goes; it must not exist
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Show which erasure key is the current one, and how many entries are sealed under which
#[derive(Args, Debug)]
pub(crate) struct KeyStatusArgs {
    #[command(flatten)]
    pub(crate) data: DataArg,
    #[command(flatten)]
    pub(crate) keys: ErasureKeysArg,
}

/// Seal all evidence under a new erasure key, or its first one, while the log runs
#[derive(Args, Debug)]
#[command(after_help = "\
First restart every member with both keys: --erasure-key OLD --erasure-key NEW. Then run this, again if
it was interrupted: it goes on. It says when members need the old key no more, and what destroying that
takes away: what was erased, from every archive and backup, and with it all other evidence that is in
backups of before. Make a backup afterwards, and destroy the key then.

Exit codes: 0 done, 1 damage, 2 wrong usage or a key that is not here, 5 the database: try again.")]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) data: DataArg,
    #[command(flatten)]
    pub(crate) keys: ErasureKeysArg,
    /// The file of the new key
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// The id of a key of which no copy is left: all evidence that it alone can open is erased; can be
    /// repeated
    #[arg(long, value_name = "ID")]
    pub(crate) lost: Vec<String>,
}

/// The keys that evidence is sealed under.
#[derive(Args, Clone, Debug)]
pub(crate) struct ErasureKeysArg {
    /// The file of an erasure key, if evidence in the database of --store is sealed; can be repeated
    #[arg(
        long = "erasure-key",
        value_name = "FILE",
        env = "COSIGNET_LOG_ERASURE_KEYS",
        value_delimiter = ','
    )]
    pub(crate) files: Vec<PathBuf>,
}

impl ErasureKeysArg {
    /// The same log for a process that has these keys.
    pub(crate) fn place(&self, place: Place) -> Place {
        Place {
            erasure_keys: self.files.clone(),
            ..place
        }
    }
}

/// `erasure-key create | status | rotate`
pub(crate) fn run(command: &ErasureKeyCommand) -> Result<()> {
    match command {
        ErasureKeyCommand::Create(args) => create(args),
        ErasureKeyCommand::Status(args) => status(args),
        ErasureKeyCommand::Rotate(args) => rotate(args),
    }
}

fn create(args: &CreateKeyArgs) -> Result<()> {
    let key = ErasureKey::generate()?;
    key.create_file(&args.file)?;
    println!("{}", key.id());
    Ok(())
}

fn open(data: &DataArg, keys: &ErasureKeysArg) -> Result<(Box<dyn Backend>, Box<dyn Sealing>)> {
    let place = keys.place(data.store.place(&data.data, None));
    let (backend, _) = backend::open(&place)?;
    let sealing = backend.sealing()?.ok_or_else(|| {
        LogError::Usage(
            "this log is in SQLite, which overwrites what is erased: it has no erasure keys. Name \
             its database with --store if it is in one"
                .into(),
        )
    })?;
    Ok((backend, sealing))
}

fn status(args: &KeyStatusArgs) -> Result<()> {
    let (backend, mut sealing) = open(&args.data, &args.keys)?;
    let keys = sealing.keys()?;
    let mut census = Census::default();
    let mut next = Some(0);
    while let Some(first) = next {
        next = sealing.count(first, &mut census)?;
    }
    match &keys.current {
        Some(id) => println!("current key: {id}"),
        None => println!("current key: none, evidence is kept plain"),
    }
    for id in &keys.needed {
        let count = census.sealed.remove(id).unwrap_or_default();
        println!("{id}: {count} entries");
    }
    for (id, count) in census.sealed {
        println!("{id}: {count} entries, and no member asks for this key: run `fsck`");
    }
    println!("plain: {} entries", census.plain);
    println!("erasures not finished: {}", backend.eraser()?.pending()?);
    Ok(())
}

fn rotate(args: &RotateArgs) -> Result<()> {
    let id = ErasureKey::read(&args.to)?.id().to_owned();
    if args.lost.contains(&id) {
        return Err(LogError::Usage(format!("{id} is the key of --to")));
    }
    let mut keys = args.keys.clone();
    keys.files.push(args.to.clone());
    let (backend, mut sealing) = open(&args.data, &keys)?;
    let before = sealing.keys()?;
    sealing.begin(&id, &args.lost)?;
    if !args.lost.is_empty() {
        let erased = all(|first| sealing.give_up(first, &args.lost))?;
        println!("{erased} entries had evidence that a lost key alone could open: it is erased");
    }
    let rewrapped = all(|first| sealing.rewrap(first))?;
    let sealed = all(|first| sealing.seal(first))?;
    let gone = sealing.end(&id)?;
    println!(
        "{rewrapped} entries are under the key {id} now, and {sealed} that were plain are sealed"
    );
    if !is_swept(&*backend.eraser()?)? {
        println!(
            "The tables still have old versions of rows, since somebody reads an older snapshot: \
             `erasure-key status` says when they are gone"
        );
    }
    if before.current.is_none() {
        println!(
            "What was plain is still so in archives and backups of before, until these expire, and \
             on standbys until they have caught up"
        );
    }
    for old in gone {
        println!(
            "Members need the key {old} no more. Restart them without it and make a backup; then \
             destroy the file and every copy. From then on nothing that was erased before can be read \
             from archives and backups, nor any other evidence in backups of before"
        );
    }
    Ok(())
}

/// Whether old versions of rows are gone from the tables. Members that run take them away, too.
fn is_swept(eraser: &dyn Eraser) -> Result<bool> {
    for _ in 0..SWEEPS {
        if eraser.pending()? == 0 || eraser.finish()? {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}
