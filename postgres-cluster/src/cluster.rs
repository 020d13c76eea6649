//! A PostgreSQL of the tests' own, which ends with them.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    /// The port that it listens on, on 127.0.0.1.
    pub port: u16,
    keeper: Child,
}

/// Does with the server what the lines of standard input say. Ends it and removes its files when
/// nobody holds the other end any more, however that came about.
const KEEPER: &str = r#"
# Ctrl-C is for whoever holds the other end.
trap '' INT
folder=$1; shift
"$@" >"$folder/messages" 2>&1 &
server=$!
while read -r line; do
    case $line in
    kill)
        kill -KILL $server
        wait $server
        server=
        ;;
    restart)
        kill -INT $server
        wait $server
        "$@" >>"$folder/messages" 2>&1 &
        server=$!
        ;;
    esac
done
if [ "$server" ]; then
    kill -QUIT $server
    wait $server
fi
rm -rf "$folder"
"#;

/// The sessions that wait for a standby, as the end of a question about them.
pub const WAITING: &str = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' \
                       AND backend_type = 'client backend'";

impl Cluster {
    /// The one of this process. `None`, said aloud, where PostgreSQL is not installed.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    /// One with settings of its own.
    pub fn start(settings: &[&str]) -> Option<Self> {
        Self::start_at(free_port(), settings)
    }

    /// The same at this port.
    pub fn start_at(port: u16, settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("COSIGNET_TEST_POSTGRES").is_none(),
                "PostgreSQL is not installed, and has to be"
            );
            // Not through a macro: what that prints is kept for tests that fail.
            let words = b"SKIPPED: what needs PostgreSQL (apt-get install postgresql)\n";
            std::io::stderr().write_all(words).unwrap();
            return None;
        };
        let folder = own_folder();
        let mut initdb = unprivileged(&programs.join("initdb"));
        initdb.args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]);
        done(
            initdb
                .arg("--no-sync")
                .arg("-D")
                .arg(folder.join("data"))
                .current_dir("/"),
        );
        let this = Self::keep(programs, &folder, port, settings);
        this.sql("postgres", "CREATE ROLE log LOGIN");
        Some(this)
    }

    /// A copy of this one at another port, that follows whoever has a copy's settings point to.
    pub fn standby_at(&self, port: u16, settings: &[&str]) -> Self {
        let folder = own_folder();
        let mut copy = unprivileged(&self.programs.join("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "--no-sync"])
            .args(["-c", "fast", "-X", "stream", "-p"])
            .arg(self.port.to_string())
            .arg("-D")
            .arg(folder.join("data"))
            .current_dir("/");
        done(&mut copy);
        let mut mark = unprivileged(Path::new("touch"));
        done(
            mark.arg(folder.join("data").join("standby.signal"))
                .current_dir("/"),
        );
        Self::keep(self.programs.clone(), &folder, port, settings)
    }

    /// Starts the server whose data is in this folder, and waits until it answers.
    fn keep(programs: PathBuf, folder: &Path, port: u16, settings: &[&str]) -> Self {
        let server = unprivileged(&programs.join("postgres"));
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(folder);
        keeper.arg(server.get_program()).args(server.get_args());
        keeper
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-p", &port.to_string()]);
        let own = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "shared_buffers=16MB",
            "max_connections=300",
        ];
        for setting in own.iter().chain(settings) {
            keeper.args(["-c", setting]);
        }
        let keeper = keeper
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let this = Self {
            programs,
            port,
            keeper,
        };
        let begun = Instant::now();
        while !this.psql("postgres", "SELECT 1").status.success() {
            let late = begun.elapsed() > Duration::from_secs(60);
            assert!(!late, "PostgreSQL does not start: {}", folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        this
    }

    /// Ends the server and starts it again, with the same data.
    pub fn restart(&self) {
        let asked = "SELECT extract(epoch FROM pg_postmaster_start_time())";
        let before = self.sql("postgres", asked);
        self.tell(b"restart\n");
        let begun = Instant::now();
        loop {
            let now = self.psql("postgres", asked);
            let text = String::from_utf8(now.stdout).unwrap();
            if now.status.success() && text.trim_end() != before {
                return;
            }
            let late = begun.elapsed() > Duration::from_secs(60);
            assert!(!late, "PostgreSQL does not start again");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// SIGKILL, for good: whatever it has not yet sent to others is lost with it.
    pub fn kill(&self) {
        self.tell(b"kill\n");
        let begun = Instant::now();
        while self.psql("postgres", "SELECT 1").status.success() {
            let late = begun.elapsed() > Duration::from_secs(10);
            assert!(!late, "PostgreSQL does not die");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn tell(&self, line: &[u8]) {
        let mut keeper = self.keeper.stdin.as_ref().unwrap();
        keeper.write_all(line).unwrap();
    }

    /// The name of a new database, whose owner is the role `log`.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("log{}", NEXT.fetch_add(1, Ordering::SeqCst));
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER log"));
        name
    }

    /// The address of a database.
    pub fn address(&self, database: &str) -> String {
        self.address_at(self.port, database)
    }

    /// The address of a database behind something that listens on another port.
    pub fn address_at(&self, port: u16, database: &str) -> String {
        format!("postgres://log@127.0.0.1:{port}/{database}")
    }

    /// What the owner of the server gets for an answer, one line a row.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = self.psql(database, sql);
        let said = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "{sql}: {said}");
        String::from_utf8(stdout).unwrap().trim_end().to_owned()
    }

    /// The same; `None` if the server does not answer, or not like that.
    pub fn try_sql(&self, database: &str, sql: &str) -> Option<String> {
        let Output { status, stdout, .. } = self.psql(database, sql);
        let said = String::from_utf8(stdout).unwrap();
        status.success().then(|| said.trim_end().to_owned())
    }

    /// Has every COMMIT wait for these standbys, as `synchronous_standby_names` names them; for none
    /// if it is empty.
    pub fn require_standbys(&self, names: &str) {
        let sql = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        self.sql("postgres", &sql);
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    /// Has every COMMIT wait for a standby that there is not, and returns when that is so: a server
    /// hears of its settings when it gets to it, and until then a COMMIT waits for nobody.
    pub fn require_nobody(&self) {
        self.require_standbys("nobody");
        let probes = format!("{WAITING} AND application_name = 'probe'");
        let begun = Instant::now();
        loop {
            let mut probe = self.session("postgres", "COMMENT ON DATABASE postgres IS 'probe'");
            // It says what it was cancelled for.
            let probe = probe.env("PGAPPNAME", "probe").stderr(Stdio::null());
            let mut probe = probe.spawn().unwrap();
            while probe.try_wait().unwrap().is_none() {
                let waiting = format!("SELECT bool_or(pg_cancel_backend(pid)) {probes}");
                if self.sql("postgres", &waiting) == "t" {
                    probe.wait().unwrap();
                    return;
                }
                let late = begun.elapsed() > Duration::from_secs(30);
                assert!(!late, "no COMMIT waits for a standby");
            }
        }
    }

    /// How many sessions wait for a standby at the moment.
    pub fn waiting(&self) -> usize {
        let sql = format!("SELECT count(*) {WAITING}");
        self.sql("postgres", &sql).parse().unwrap()
    }

    /// Waits until a session waits for a standby.
    pub fn until_waiting(&self) {
        let begun = Instant::now();
        while self.waiting() == 0 {
            let late = begun.elapsed() > Duration::from_secs(30);
            assert!(!late, "nobody waits for a standby");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Does this (`pg_cancel_backend`, `pg_terminate_backend`) to all that wait for a standby, and
    /// says to how many.
    pub fn interrupt(&self, function: &str) -> usize {
        let sql = format!("SELECT count(*) FROM (SELECT {function}(pid) {WAITING}) AS x");
        self.sql("postgres", &sql).parse().unwrap()
    }

    fn psql(&self, database: &str, sql: &str) -> Output {
        self.session(database, sql).output().unwrap()
    }

    fn session(&self, database: &str, sql: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-v", "ON_ERROR_STOP=1", "-p", &self.port.to_string()])
            .args(["-d", database, "-c", sql])
            .env("PGCONNECT_TIMEOUT", "5")
            .stdin(Stdio::null());
        psql
    }
}

/// A new folder, for whoever runs PostgreSQL.
fn own_folder() -> PathBuf {
    let folder = tempfile::tempdir().unwrap().keep();
    if is_root() {
        done(Command::new("chown").arg("postgres").arg(&folder));
    }
    folder
}

/// The newest of those that are installed.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let debian = std::fs::read_dir("/usr/lib/postgresql");
    let mut versions: Vec<PathBuf> = debian
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let has = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("psql").is_file();
    folders.into_iter().find(has)
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command.arg(program);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn done(command: &mut Command) {
    let Output { status, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {said}");
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
