//! A reader at a shell.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

use crate::page::{Step, is_printed, steps};
use crate::person::Person;

/// How long a block may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the shell prints behind each block, with its exit code.
const END: &str = "===END";

/// The programs of the pages, which are built beside the demo.
const PROGRAMS: [&str; 4] = [
    "cosignet",
    "cosignet-gate",
    "cosignet-log",
    "cosignet-witness",
];

/// A shell in which one page after another is typed.
pub(crate) struct Walk {
    shell: Child,
    lines: Receiver<String>,
    person: Option<Person>,
    ports: Vec<(&'static str, String)>,
    // The last to go.
    _home: TempDir,
}

impl Walk {
    /// Begins where pages begin: in the folder of the repository.
    pub(crate) fn begin() -> Self {
        let programs = Path::new(env!("CARGO_BIN_EXE_cosignet-demo"))
            .parent()
            .unwrap();
        for name in PROGRAMS {
            assert!(
                programs.join(name).is_file(),
                "build what the pages use: `cargo build -p gate -p log-server -p verifier-cli -p witness`"
            );
        }
        let path = env::var_os("PATH").unwrap();
        let path = [programs.to_path_buf()]
            .into_iter()
            .chain(env::split_paths(&path));
        let home = tempfile::tempdir().unwrap();
        // Others may use the ports of the pages.
        let ports = ["8090", "8080", "8091"]
            .map(|port| (port, free_port()))
            .to_vec();
        let at = |port: usize| format!("127.0.0.1:{}", ports[port].1);
        let mut shell = Command::new("bash");
        shell
            .args(["--noprofile", "--norc"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .env("PATH", env::join_paths(path).unwrap())
            .env("HOME", home.path())
            .env("COSIGNET_GATE_LISTEN", at(0))
            .env("COSIGNET_LOG_LISTEN", at(1))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Its programs end with it, wherever a test fails.
            .process_group(0);
        let mut shell = shell.spawn().unwrap();
        let stdout = BufReader::new(shell.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut walk = Self {
            shell,
            lines,
            person: None,
            ports,
            _home: home,
        };
        walk.types("exec 2>&1");
        walk
    }

    /// Does what a page says, from its beginning to its end.
    pub(crate) fn read(&mut self, page: &str) {
        for step in steps(page) {
            let (printed, exit) = self.does(&step);
            let all = printed.join("\n");
            assert_eq!(exit, step.exit, "{page}: {}\n{all}", step.commands);
            let shown: Vec<String> = step.shown.iter().map(|line| self.ported(line)).collect();
            assert!(
                is_printed(&shown, &printed),
                "{page}: {}\nshould print\n{}\nand prints\n{all}",
                step.commands,
                shown.join("\n")
            );
        }
    }

    fn does(&mut self, step: &Step) -> (Vec<String>, i32) {
        let commands = self.ported(&step.commands);
        // What comes next is typed to the shell, and not to its programs.
        self.types(&format!("{{\n{commands}\n}} < /dev/null"));
        self.types("_code=$?");
        // People type more slowly than programs start.
        for log in logs(&commands) {
            self.types(&format!(
                "until grep -q 'serving address' {log}; do sleep 0.05; done"
            ));
        }
        self.types(&format!("echo \"{END} $_code\""));
        let mut printed = Vec::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("does not end: {commands}\n{}", printed.join("\n"));
            };
            if let Some(code) = line.strip_prefix(END) {
                return (printed, code.trim().parse().unwrap());
            }
            self.looks_at(&line, step.refused);
            printed.push(line);
        }
    }

    /// Follows a link, as the person whom the page plays.
    fn looks_at(&mut self, line: &str, refuse: bool) {
        let mut words = line
            .split_whitespace()
            .map(|word| word.trim_end_matches('.'));
        let Some(link) = words.find(|word| word.starts_with("http://localhost:")) else {
            return;
        };
        if link.contains("/enrol#") {
            self.person = Some(Person::enrol(link).0);
        } else if link.contains("/a/") {
            self.person.as_ref().unwrap().decide(link, refuse);
        }
    }

    fn types(&mut self, line: &str) {
        let stdin = self.shell.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    fn ported(&self, text: &str) -> String {
        // In two steps, since a port can have another one's digits in it.
        let mark = |at: usize| format!("\u{1}{at}\u{1}");
        let ports = || self.ports.iter().enumerate();
        let marked = ports().fold(text.to_owned(), |text, (at, (shown, _))| {
            text.replace(shown, &mark(at))
        });
        ports().fold(marked, |text, (at, (_, own))| text.replace(&mark(at), own))
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        let group = format!("-{}", self.shell.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.shell.wait();
    }
}

/// The files of servers that a block starts in the background.
fn logs(commands: &str) -> impl Iterator<Item = &str> {
    let servers = commands
        .lines()
        .filter_map(|line| line.strip_suffix(" 2>&1 &"));
    servers.filter_map(|line| line.rsplit_once("> ").map(|(_, log)| log))
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}
