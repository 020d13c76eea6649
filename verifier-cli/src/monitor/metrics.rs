//! Figures for Prometheus, in a file or at an address.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serving::{Listen, prometheus};

use super::Monitor;
use super::event::now;
use super::state::replace;
use crate::exit::Exit;
use crate::failure::CliError;

/// Figures that are counted from round to round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Rounds by how they ended.
    pub(crate) clean: u64,
    pub(crate) misbehaviour: u64,
    pub(crate) incomplete: u64,
    pub(crate) unreachable: u64,
    /// When a round was last complete, in seconds since 1970.
    pub(crate) complete_at: u64,
    /// Entries that were checked since the start.
    pub(crate) entries: u64,
    /// Commands and webhooks that failed since the start.
    pub(crate) undelivered: u64,
}

impl Counts {
    pub(crate) fn round(&mut self, exit: Exit) {
        let count = match exit {
            Exit::Ok => &mut self.clean,
            Exit::Rejected => &mut self.misbehaviour,
            Exit::Io => &mut self.unreachable,
            _ => &mut self.incomplete,
        };
        *count = count.saturating_add(1);
    }
}

/// Where figures go.
#[derive(Clone, Debug)]
pub(crate) enum Metrics {
    File(PathBuf),
    Served(Arc<Mutex<String>>),
}

impl Metrics {
    /// Takes a file name or an address; text that looks like an address is one.
    pub(crate) fn new(target: &str) -> Result<Self, CliError> {
        let Ok(listen) = target.parse::<Listen>() else {
            return Ok(Self::File(PathBuf::from(target)));
        };
        let listener = listen
            .bind_blocking()
            .map_err(|error| CliError::usage(format!("Metrics: {error}.")))?;
        let text = Arc::<Mutex<String>>::default();
        let shared = Arc::clone(&text);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let text = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let text = text.clone();
                // Whoever asks and does not listen only hurts themselves.
                let _ignored = answer(&stream, &text);
            }
        });
        Ok(Self::Served(text))
    }

    fn put(&self, text: String) -> Result<(), CliError> {
        match self {
            Self::File(path) => replace(Path::new(path), text.as_bytes()),
            Self::Served(shared) => {
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = text;
                Ok(())
            }
        }
    }
}

fn answer(mut stream: &TcpStream, text: &str) -> std::io::Result<()> {
    let patience = Some(Duration::from_secs(2));
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    // Whatever is asked for, this is the answer.
    let mut request = [0; 4096];
    let _length = stream.read(&mut request)?;
    let length = text.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(text.as_bytes())
}

impl Monitor<'_> {
    /// Publishes the figures as they are after a round.
    pub(super) fn publish(&mut self, exit: Exit) -> Result<(), CliError> {
        self.counts.round(exit);
        let seconds = now().map_or(0, |now| now.as_millis() / 1000);
        if exit == Exit::Ok {
            self.counts.complete_at = seconds;
        }
        let Some(metrics) = &self.metrics else {
            return Ok(());
        };
        let counts = self.counts;
        let head = self.head_time.map_or(0, |time| time.as_millis() / 1000);
        let alarms = u64::try_from(self.alarm_files()?.len()).unwrap_or(u64::MAX);
        let mut text = String::new();
        let mut figure = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            let name = format!("cosignet_monitor_{name}");
            prometheus::head(&mut text, &name, kind, help);
            for (labels, value) in values {
                text.push_str(&format!("{name}{labels} {value}\n"));
            }
        };
        let gauge = "gauge";
        figure(
            "tree_size",
            gauge,
            "Entries that are checked.",
            &[("", self.state.checked.size())],
        );
        figure(
            "alarms",
            gauge,
            "Alarm files in the state folder.",
            &[("", alarms)],
        );
        let untold = self
            .state
            .untold
            .len()
            .saturating_add(self.state.unposted.len());
        figure(
            "undelivered",
            gauge,
            "Alarms and watched entries that a command or webhook has not taken yet.",
            &[("", u64::try_from(untold).unwrap_or(u64::MAX))],
        );
        figure(
            "hook_failures_total",
            "counter",
            "Failures of the command or the webhook since the start.",
            &[("", counts.undelivered)],
        );
        figure(
            "unknown_entries",
            gauge,
            "Entries of types that are not known.",
            &[("", self.state.unknown)],
        );
        figure(
            "head_timestamp_seconds",
            gauge,
            "When witnesses cosigned the newest head; 0 if unknown.",
            &[("", head)],
        );
        figure(
            "last_clean_timestamp_seconds",
            gauge,
            "When a round was last clean; 0 if none was.",
            &[("", counts.complete_at)],
        );
        figure(
            "last_exit_code",
            gauge,
            "How the last round ended.",
            &[("", exit.code().into())],
        );
        figure(
            "entries_total",
            "counter",
            "Entries that were checked since the start.",
            &[("", counts.entries)],
        );
        figure(
            "rounds_total",
            "counter",
            "Rounds since the start, by result.",
            &[
                ("{result=\"clean\"}", counts.clean),
                ("{result=\"misbehaviour\"}", counts.misbehaviour),
                ("{result=\"incomplete\"}", counts.incomplete),
                ("{result=\"unreachable\"}", counts.unreachable),
            ],
        );
        metrics.put(text)
    }
}
