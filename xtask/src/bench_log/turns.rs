//! Two logs against each other, in turns, so that whatever else the machine does falls on both.

use std::time::Duration;

use super::load::{self, Approval, LoadClient};
use super::percentile;
use super::server::Server;

/// Two logs that are sent the same approvals.
pub(super) struct Pair {
    /// The subject of the ratios, and the server it is compared with.
    pub(super) subject: (&'static str, Server),
    pub(super) baseline: (&'static str, Server),
    /// The number of the next approval.
    pub(super) next: u32,
}

/// One log in one round.
struct Turn {
    /// Published appends a second.
    rate: f64,
    /// Time to acknowledge, in milliseconds.
    p50: f64,
    p99: f64,
}

impl Pair {
    /// Prints each round, and the median of the ratios.
    pub(super) fn compare(
        &mut self,
        clients: usize,
        appends: u32,
        rounds: usize,
    ) -> Result<(), String> {
        let (subject, baseline) = (self.subject.0, self.baseline.0);
        println!(
            "\n{clients} clients, {appends} appends a turn: published appends/s, and time to \
             acknowledge in ms (p50 / p99)"
        );
        println!("  {baseline:>24}   {subject:>24}   ratio   p50   p99");
        let (mut ratios, mut p50s, mut p99s) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let approvals = self.sign(appends);
            let of = |server: &Server| turn(server, &approvals, clients);
            // Who goes first has the quieter disk, or the warmer one.
            let (subject, baseline) = if round.is_multiple_of(2) {
                let baseline = of(&self.baseline.1)?;
                (of(&self.subject.1)?, baseline)
            } else {
                (of(&self.subject.1)?, of(&self.baseline.1)?)
            };
            let ratio = subject.rate / baseline.rate;
            let (p50, p99) = (subject.p50 - baseline.p50, subject.p99 - baseline.p99);
            println!("  {baseline}   {subject}   {ratio:5.2} {p50:+5.0} {p99:+5.0}");
            ratios.push(ratio);
            p50s.push(p50);
            p99s.push(p99);
        }
        println!(
            "  median: {:.2} of the rate; {:+.1} ms at p50, {:+.1} ms at p99",
            median(ratios),
            median(p50s),
            median(p99s)
        );
        Ok(())
    }

    /// One client, one append at a time: the time to acknowledge.
    pub(super) fn alone(&mut self, appends: u32) -> Result<(), String> {
        let approvals = self.sign(appends);
        let connect = |server: &Server| LoadClient::connect(server.address());
        let (mut subject, mut baseline) = (connect(&self.subject.1)?, connect(&self.baseline.1)?);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for approval in &approvals {
            with.push(subject.append(self.subject.1.token(), approval)?);
            without.push(baseline.append(self.baseline.1.token(), approval)?);
        }
        with.sort();
        without.sort();
        println!("\none client, one append at a time, each log in turn: time to acknowledge in ms");
        for (name, times) in [(self.baseline.0, without), (self.subject.0, with)] {
            let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
            println!("  {name:>24}   p50 {p50:.1}, p99 {p99:.1}");
        }
        Ok(())
    }

    fn sign(&mut self, count: u32) -> Vec<Approval> {
        let first = self.next;
        self.next += count;
        load::sign(first, count)
    }
}

fn turn(server: &Server, approvals: &[Approval], clients: usize) -> Result<Turn, String> {
    let (took, mut times) = load::append(server.address(), server.token(), approvals, clients)?;
    times.sort();
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
    // What this turn has left to write must not be written during the next one.
    std::thread::sleep(Duration::from_millis(300));
    Ok(Turn {
        rate: f64::from(count) / took.as_secs_f64(),
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
    })
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, p50, p99 } = self;
        write!(f, "{rate:8.0}/s {p50:5.0} / {p99:4.0}")
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
