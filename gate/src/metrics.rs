//! Figures for Prometheus.

use std::fmt::Write as _;
use std::sync::PoisonError;

use serving::prometheus::head;

use crate::http::App;

impl App {
    pub(crate) fn metrics(&self) -> String {
        let mut out = String::new();
        let name = "cosignet_gate_answers_total";
        head(&mut out, name, "counter", "Answers by route and status.");
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), count) in answers.iter() {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            let _infallible = writeln!(out, "{name}{{{labels}}} {count}");
        }
        drop(answers);
        let name = "cosignet_gate_waiting";
        head(&mut out, name, "gauge", "Callers that wait for a decision.");
        let _infallible = writeln!(out, "{name} {}", self.gate.waiting.count());
        let name = "cosignet_gate_break_glass_uses_total";
        let help = "Reported uses of break-glass files, by whether their signatures hold.";
        head(&mut out, name, "counter", help);
        for (signatures, count) in self.gate.uses.all() {
            let _infallible = writeln!(out, "{name}{{signatures=\"{signatures}\"}} {count}");
        }
        self.deliveries.write(&mut out, self.gate.now());
        out.push_str(&self.gate.ready.metrics("cosignet_gate"));
        if let Some(log) = &self.log {
            out.push_str(&log.metrics());
        }
        out
    }
}
