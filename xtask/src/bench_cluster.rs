//! How fast a log on many machines appends, all of them this one: PostgreSQL with two standbys, SeaweedFS,
//! and members; and how long nobody is answered when the one that leads dies.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use test_vectors::approval::{ORIGIN, RP_ID};
use test_vectors::weed::Weed;

use crate::bench_log::load::{self, LoadClient};
use crate::bench_log::percentile;
use crate::cluster;
use crate::command::{binary, cargo, print, status, until_serving};

/// Appends of one measurement, and how many clients send them.
const APPENDS: u32 = 40_000;
/// Approvals that are signed ahead while a log is filled.
const CHUNK: u32 = 20_000;
const CLIENTS: usize = 1024;
/// Appends of the take-over, in which each of fewer clients pauses after each of its own.
const LOAD: u32 = 30_000;
const FEW: usize = 16;
const PAUSE: Duration = Duration::from_millis(10);
/// When the one that leads is killed, and when the take-over has been watched for long enough.
const KILL: Duration = Duration::from_secs(4);
const WATCH: Duration = Duration::from_secs(18);

/// The name of the log that is filled, whose bucket is not made slow.
const NEAR: &str = "bucket";

/// Measures the programs in a folder, or those of this checkout, built with optimisation. The log is
/// measured empty, and once more with `entries` entries if these are more than it has by then.
pub(crate) fn run(folder: Option<&str>, entries: u32) -> Result<(), String> {
    if cfg!(debug_assertions) && folder.is_none() {
        let mut again = cargo(&["run", "--release", "--quiet", "--package", "xtask", "--"]);
        again.args(["bench-cluster", &entries.to_string()]);
        return match status(&mut again)?.success() {
            true => Ok(()),
            false => Err("the benchmark failed".into()),
        };
    }
    let program = match folder {
        Some(folder) => Path::new(folder).join("cosignet-log"),
        None => release()?,
    };
    let servers = Servers::start()?;
    let mut next = 0;
    for (name, endpoint) in [
        ("SeaweedFS on this machine", NEAR),
        ("30 ms for each PUT and 20 ms for each GET more", "slow"),
    ] {
        let log = Log::create(&program, &servers, endpoint)?;
        let member = log.serve()?;
        println!("{name}, 1 member, {CLIENTS} clients");
        let empty = measure(&log, &member, &mut next)?;
        if endpoint == NEAR {
            if next < entries {
                fill(&log, &member, &mut next, entries)?;
                let full = measure(&log, &member, &mut next)?;
                println!(
                    "  {:.0} % of the rate of the empty log",
                    100.0 * full / empty
                );
                sizes(servers.says(&format!("{endpoint}Store"))?, next)?;
            }
            take_over(&log, member, next)?;
            next += LOAD;
        }
    }
    Ok(())
}

/// Appends through one member. Returns the published appends a second.
fn measure(log: &Log<'_>, member: &Member, next: &mut u32) -> Result<f64, String> {
    let approvals = load::sign(*next, APPENDS);
    let before = *next;
    *next += APPENDS;
    let (took, mut times) = load::append(&member.address, &log.token, &approvals, CLIENTS)?;
    times.sort();
    let rate = f64::from(APPENDS) / took.as_secs_f64();
    println!(
        "  with {before} entries: {rate:.0} published appends/s; time to acknowledge p50 {:.0} ms, \
         p99 {:.0} ms",
        percentile(&times, 50),
        percentile(&times, 99),
    );
    Ok(rate)
}

/// Appends until the log has so many entries.
fn fill(log: &Log<'_>, member: &Member, next: &mut u32, entries: u32) -> Result<(), String> {
    eprintln!("filling the log up to {entries} entries …");
    while *next < entries {
        let count = CHUNK.min(entries - *next);
        let approvals = load::sign(*next, count);
        load::append(&member.address, &log.token, &approvals, CLIENTS)?;
        *next += count;
    }
    Ok(())
}

/// What the tables take that grow with the log, for each entry.
fn sizes(store: &str, entries: u32) -> Result<(), String> {
    let sql = "SELECT relname, pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c JOIN \
               pg_namespace n ON n.oid = relnamespace WHERE nspname = 'cosignet_log' AND relkind = \
               'r' AND pg_table_size(c.oid) > 1000000 ORDER BY relname";
    let mut psql = Command::new("psql");
    psql.args([
        "--no-psqlrc",
        "--tuples-only",
        "--no-align",
        "--command",
        sql,
        store,
    ]);
    let (mut heap, mut index) = (0.0, 0.0);
    for line in print(&mut psql)?.lines() {
        let mut columns = line.split('|');
        let name = columns.next().unwrap_or_default();
        let mut each = || {
            let bytes = columns.next().and_then(|bytes| bytes.parse::<f64>().ok());
            let bytes = bytes.ok_or_else(|| format!("psql said {line:?}"));
            bytes.map(|bytes| bytes / f64::from(entries))
        };
        let (table, indexes) = (each()?, each()?);
        println!("  {name}: {table:.0} bytes an entry, and {indexes:.0} in its indexes");
        heap += table;
        index += indexes;
    }
    // Bytes of one entry are gigabytes of a thousand million.
    println!("  1,000,000,000 entries of this kind: {heap:.0} GB, and {index:.0} GB of indexes");
    Ok(())
}

/// The program as it is released.
fn release() -> Result<PathBuf, String> {
    let build = [
        "build",
        "--release",
        "--package",
        "log-server",
        "--features",
        "postgres,s3",
    ];
    crate::command::run(&mut cargo(&build))?;
    Ok(binary("release", "cosignet-log"))
}

/// Appends through a member that follows, while the one that leads is killed.
fn take_over(log: &Log<'_>, mut leader: Member, first: u32) -> Result<(), String> {
    let follower = log.serve()?;
    let approvals = load::sign(first, LOAD);
    let (next, times) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..FEW {
            scope.spawn(|| {
                let mut client = LoadClient::connect(&follower.address);
                while begun.elapsed() < WATCH
                    && let Some(one) = approvals.get(next.fetch_add(1, Relaxed))
                {
                    while begun.elapsed() < WATCH {
                        let sent = match &mut client {
                            Ok(client) => client.append(&log.token, one),
                            Err(error) => Err(error.clone()),
                        };
                        if sent.is_ok() {
                            if let Ok(mut times) = times.lock() {
                                times.push(begun.elapsed());
                            }
                            break;
                        }
                        thread::sleep(PAUSE);
                        client = LoadClient::connect(&follower.address);
                    }
                    thread::sleep(PAUSE);
                }
            });
        }
        thread::sleep(KILL);
        let _ = leader.process.kill();
    });
    let mut times = times.into_inner().map_err(|error| error.to_string())?;
    times.sort();
    let gaps = times.windows(2).filter_map(|two| match two {
        [one, other] => Some(*other - *one),
        _ => None,
    });
    let longest = gaps.max().unwrap_or(WATCH);
    let last = times.last().copied().unwrap_or_default();
    println!(
        "take-over with {:.0} appends/s: nobody was answered for {:.1} s",
        f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / last.as_secs_f64(),
        longest.as_secs_f64()
    );
    match last > KILL + longest {
        true => Ok(()),
        false => Err(format!(
            "nothing was appended after {:.1} s",
            last.as_secs_f64()
        )),
    }
}

/// The servers of others, which end with this.
struct Servers {
    process: Child,
    said: Value,
}

impl Servers {
    fn start() -> Result<Self, String> {
        cluster::prepare()?;
        let mut fixture = cargo(&[
            "test",
            "--quiet",
            "--package",
            "log-server",
            "--test",
            "log",
        ]);
        fixture.args([
            "--",
            "--ignored",
            "--nocapture",
            "stage::servers_for_others",
        ]);
        let process = fixture.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = process.map_err(|error| error.to_string())?;
        let stdout = process.stdout.take().ok_or("the servers say nothing")?;
        let mut lines = BufReader::new(stdout).lines();
        let said = lines.find_map(|line| serde_json::from_str(line.ok()?.trim()).ok());
        thread::spawn(move || lines.count());
        Ok(Self {
            process,
            said: said.ok_or("the servers do not start")?,
        })
    }

    fn says(&self, name: &str) -> Result<&str, String> {
        let found = self.said.get(name).and_then(Value::as_str);
        found.ok_or_else(|| format!("the servers have no {name}"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A log in a database and a place of its own.
struct Log<'p> {
    program: &'p Path,
    folder: PathBuf,
    variables: Vec<(String, String)>,
    token: String,
}

impl<'p> Log<'p> {
    fn create(program: &'p Path, servers: &Servers, endpoint: &str) -> Result<Self, String> {
        let folder = format!("cosignet-bench-{endpoint}-{}", std::process::id());
        let mut variables = vec![
            (
                "COSIGNET_LOG_STORE",
                servers.says(&format!("{endpoint}Store"))?.to_owned(),
            ),
            (
                "COSIGNET_LOG_OBJECTS",
                format!("s3://{}/{endpoint}", Weed::BUCKET),
            ),
            (
                "COSIGNET_LOG_OBJECTS_ENDPOINT",
                servers.says(endpoint)?.to_owned(),
            ),
        ];
        variables.extend(Weed::credentials().map(|(name, value)| (name, value.to_owned())));
        let owned = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let mut log = Self {
            program,
            folder: std::env::temp_dir().join(folder),
            variables: owned.collect(),
            token: String::new(),
        };
        let origin = format!("log.example/{endpoint}");
        print(log.command("init").args(["--origin", &origin]))?;
        let mut token = log.command("token");
        log.token = print(token.args(["create", "--name", "bench"]))?;
        Ok(log)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.program);
        command.arg(name).env("COSIGNET_LOG_DATA", &self.folder);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn serve(&self) -> Result<Member, String> {
        let port = || TcpListener::bind("127.0.0.1:0")?.local_addr();
        let listen = port().map_err(|error| error.to_string())?.to_string();
        let mut serve = self.command("serve");
        serve
            .args(["--listen", &listen, "--rp-id", RP_ID, "--origin", ORIGIN])
            .args(["--requests-per-second", "1000000", "--connections", "2048"]);
        let (process, address) = until_serving(&mut serve)?;
        Ok(Member { process, address })
    }
}

impl Drop for Log<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct Member {
    process: Child,
    address: String,
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
