//! The process: start-up checks, tasks, listener, end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use command_line::{CliCode, CliError};
use durable::Lock;
use serving::{Paces, Readiness, Server};
use tokio::sync::Notify;
use verifier_core::Code;
use verifier_core::hazmat::tlog::policy::TlogPolicy;

use crate::args::ServeArgs;
use crate::break_glass::{Counts, Hours};
use crate::courier::{Courier, Figures, Post};
use crate::embedded::Embedded;
use crate::gate::Gate;
use crate::http::{App, Rooms};
use crate::layout::Layout;
use crate::log::{Log, Remote};
use crate::outbox::{GlassOutbox, Outbox};
use crate::rules::Rules;
use crate::session::Logins;
use crate::settings::{Config, LogPlace};
use crate::store::{Change, Place, Store, StoreError, Trouble};
use crate::waiting::Waiting;
use crate::{admin, embedded, policy};

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How often time is looked at: requests that are over end by themselves in between.
const LOOK: Duration = Duration::from_millis(250);

/// How many calls end requests before something else is looked at, and how many requests each. A
/// call is never divided, and where several processes work on one store the others wait for it.
const AT_ONCE: AtOnce = AtOnce {
    calls: 1,
    most: 500,
};
const AT_ONCE_SHARED: AtOnce = AtOnce {
    calls: 20,
    most: 25,
};

/// How often, and for how long, it is tried whether something can be changed.
const CHECK: Duration = Duration::from_secs(3);
const CHECKED: Duration = Duration::from_secs(8);

/// The longest token of a log, in bytes.
const MAX_TOKEN: usize = 4096;

/// `serve`
pub(crate) fn run(args: &ServeArgs) -> Result<(), CliError> {
    let config = args.config()?;
    serving::messages(config.json_messages);
    let layout = Layout::new(&args.data.data).with_store(config.store.clone());
    let place = layout.place()?;
    if !place.has_gate().map_err(|error| database(&error))? {
        return Err(admin::no_gate(&layout));
    }
    if place.is_shared() && matches!(config.log, LogPlace::Here { .. }) {
        return Err(CliError::usage(
            "With --store the gate runs on several machines, and a log in DIR would be one for each \
             of them: say where the one log is, with --log and --log-token.",
        ));
    }
    let _lock = Lock::take(&layout.lock()).map_err(|error| match error {
        durable::Error::Held => {
            let message = "Another process runs this gate.";
            CliError::new(CliCode::IoHeld, message).file(layout.folder())
        }
        other => CliError::unreadable(&layout.lock(), &other.into()),
    })?;
    if matches!(config.log, LogPlace::Here { .. }) && !log_server::exists(&layout.log()) {
        let message = "This gate has no log of its own, since it was made with --no-log: say \
                       where its log is, with --log and --log-token.";
        return Err(CliError::usage(message));
    }
    let rules = read_rules(&config.rules)?;
    let (log, running) = match &config.log {
        LogPlace::Here { witness_policy } => {
            let opened = Embedded::open(&layout.log(), &config.site, witness_policy.clone())?;
            (Some(opened.0), Some(opened.1))
        }
        LogPlace::There { .. } => (None, None),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| system(&error))?;
    let done = runtime.block_on(serve(&config, &layout, &place, rules, log));
    // Requests that outlived the grace period go with the runtime, and with them the last who use
    // the log.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Some(running) = running {
        running.end().map_err(embedded::failed)?;
    }
    done
}

/// The rules in a file.
pub(crate) fn read_rules(path: &std::path::Path) -> Result<Rules, CliError> {
    let text = command_line::file::read(path, Rules::MAX_BYTES)?;
    let text = String::from_utf8(text)
        .map_err(|_| CliError::usage("The rules are not UTF-8.").about(path))?;
    Rules::parse(&text).map_err(|error| CliError::from(error).about(path))
}

/// The policy that a log elsewhere has to answer under.
fn read_policy(path: &std::path::Path) -> Result<String, CliError> {
    command_line::file::read_text(path, TlogPolicy::MAX_BYTES, Code::PolicyLog)
}

async fn serve(
    config: &Config,
    layout: &Layout,
    place: &Place,
    rules: Rules,
    embedded: Option<Embedded>,
) -> Result<(), CliError> {
    let waiting = Waiting::default();
    let news = Arc::new(Notify::new());
    let (bells, rung) = (waiting.clone(), Arc::clone(&news));
    let notify = move |change: Change<'_>| match change {
        Change::Request(id) => bells.ring(id),
        Change::Deliveries => rung.notify_one(),
    };
    let at_once = match place.is_shared() {
        true => AT_ONCE_SHARED,
        false => AT_ONCE,
    };
    let place = place.clone();
    // It may ask a server, and waits for the answer.
    let opened = tokio::task::spawn_blocking(move || place.open(Arc::new(notify)));
    let opened = opened
        .await
        .unwrap_or_else(|error| Err(StoreError::Reach(error.to_string())));
    let store: Arc<dyn Store> = opened.map_err(|error| database(&error))?;
    let rules_file = std::path::absolute(&config.rules).unwrap_or_else(|_| config.rules.clone());
    let log_policy = match (&config.log, &embedded) {
        (LogPlace::There { policy, .. }, _) => policy.as_deref().map(read_policy).transpose()?,
        (LogPlace::Here { .. }, log) => log.as_ref().map(|log| log.policy().to_owned()),
    };
    policy::keep_site(layout, &config.site, &rules_file, log_policy.as_deref())?;
    let log: Arc<dyn Log> = match (&config.log, &embedded) {
        (LogPlace::There { url, token, .. }, _) => {
            let policy = log_policy.as_deref().map(TlogPolicy::parse).transpose();
            let policy =
                policy.map_err(|error| CliError::usage(format!("--log-policy: {error}.")))?;
            let token = command_line::file::read(token, MAX_TOKEN)?;
            let token = String::from_utf8_lossy(&token).trim().to_owned();
            let remote = Remote::new(crate::AGENT, url, token, policy);
            Arc::new(remote.map_err(|error| CliError::usage(error.to_string()))?)
        }
        (LogPlace::Here { .. }, Some(log)) => {
            let log: Arc<dyn Log> = Arc::new(log.clone());
            log
        }
        (LogPlace::Here { .. }, None) => return Err(CliError::usage("There is no log.")),
    };
    let server = Server::new(config.connections, HEAD_TIME, config.proxies.clone());
    let rooms = Rooms::new(config.waiting);
    let watched = [
        server.connections(),
        &rooms.bodies,
        &rooms.waiting,
        &rooms.pages,
    ];
    let ready = Arc::new(Readiness::new(watched.map(Arc::clone).into()));
    let secret = crate::random()
        .map_err(|refusal| CliError::new(CliCode::GateUnreachable, refusal.detail))?;
    let sessions = Logins::of(&store, secret).await;
    let sessions = sessions
        .map_err(|trouble| CliError::new(CliCode::GateUnreachable, format!("{trouble}.")))?;
    let gate = Arc::new(Gate {
        store: Arc::clone(&store),
        site: config.site.clone(),
        rules,
        waiting,
        sessions,
        bell: Arc::new(Notify::new()),
        ready: Arc::clone(&ready),
        uses: Counts::default(),
        hours: Hours::default(),
    });
    let glass = GlassOutbox {
        store: Arc::clone(&store),
        log: Arc::clone(&log),
        ready: Arc::clone(&ready),
    };
    let outbox = Outbox {
        store: Arc::clone(&store),
        log,
        rp_id: config.site.rp_id.clone(),
        bell: Arc::clone(&gate.bell),
        ready,
    };
    let figures = Arc::new(Figures::default());
    let courier = Courier {
        store: Arc::clone(&store),
        site: config.site.clone(),
        post: Post::new(crate::AGENT, config.mail.as_ref())?,
        bell: news,
        figures: Arc::clone(&figures),
    };
    let listener = config.listen.bind().await.map_err(|error| listen(&error))?;
    let address = listener.local_addr().map_err(|error| listen(&error))?;
    let admin = admin::serve(layout, Arc::clone(&store)).map_err(|error| listen(&error))?;
    let end = serving::asked_to_end().map_err(|error| system(&error))?;
    tracing::info!(%address, url = config.site.origin, "serving");
    let tasks = [
        tokio::spawn(outbox.run()),
        tokio::spawn(glass.run()),
        tokio::spawn(courier.run()),
        tokio::spawn(admin),
        tokio::spawn(look(Arc::clone(&gate), at_once, config.retention_days)),
        tokio::spawn(watch(Arc::clone(&gate.store), Arc::clone(&gate.ready))),
    ];
    let app = Arc::new(App {
        gate,
        log: embedded,
        rooms,
        paces: Paces::new(config.requests_per_second),
        keep_alive: config.keep_alive,
        deliveries: figures,
        answers: Mutex::new(BTreeMap::new()),
    });
    let answer = move |request| crate::http::answer(Arc::clone(&app), request);
    server.serve(listener, end, answer).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let _gone = std::fs::remove_file(layout.socket());
    Ok(())
}

/// How many calls, and how many requests in each.
#[derive(Clone, Copy, Debug)]
struct AtOnce {
    calls: usize,
    most: usize,
}

/// Ends what is over, and erases what has been kept long enough.
async fn look(gate: Arc<Gate>, at_once: AtOnce, retention_days: Option<u64>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let looked = end(&gate, at_once).await;
        let looked = looked.and(erase(&gate, at_once, retention_days).await);
        say(
            &gate.ready,
            "store",
            looked.map_err(|trouble| trouble.to_string()),
        );
    }
}

async fn end(gate: &Gate, AtOnce { calls, most }: AtOnce) -> Result<(), Trouble> {
    for _ in 0..calls {
        if gate.store.expire(most).await?.len() < most {
            break;
        }
    }
    Ok(())
}

async fn erase(
    gate: &Gate,
    AtOnce { calls, most }: AtOnce,
    retention_days: Option<u64>,
) -> Result<(), Trouble> {
    let Some(days) = retention_days else {
        return Ok(());
    };
    let kept = days.saturating_mul(86_400_000);
    let before = gate.now().as_millis().saturating_sub(kept);
    let before = verifier_core::Time::from_millis(before).unwrap_or(gate.now());
    for _ in 0..calls {
        if gate.store.erase(before, most).await? < most {
            break;
        }
    }
    Ok(())
}

/// Tries whether something can be changed, also while nothing is: who asks `/readyz` wants to know it
/// before a claim does.
async fn watch(store: Arc<dyn Store>, ready: Arc<Readiness>) {
    loop {
        check(&*store, &ready).await;
        tokio::time::sleep(CHECK).await;
    }
}

async fn check(store: &dyn Store, ready: &Readiness) {
    let checked = match tokio::time::timeout(CHECKED, store.check()).await {
        Ok(checked) => checked.map_err(|trouble| trouble.to_string()),
        Err(_) => Err(format!(
            "the database of the gate has changed nothing for {} s",
            CHECKED.as_secs()
        )),
    };
    say(ready, "changes", checked);
}

fn say(ready: &Readiness, part: &'static str, done: Result<(), String>) {
    match done {
        Ok(()) => {
            ready.well(part);
        }
        Err(why) => {
            if ready.trouble(part, why.clone()) {
                tracing::error!("{why}");
            }
        }
    }
}

pub(crate) fn database(error: &StoreError) -> CliError {
    let code = match error {
        StoreError::Damaged(_) => CliCode::GateDamaged,
        StoreError::Reach(_) | StoreError::Version { .. } => CliCode::GateUnreachable,
        StoreError::Usage(text) => return CliError::usage(format!("{text}.")),
    };
    CliError::new(code, format!("{error}."))
}

fn listen(error: &std::io::Error) -> CliError {
    CliError::new(CliCode::IoListen, format!("{error}."))
}

fn system(error: &std::io::Error) -> CliError {
    CliError::new(
        CliCode::GateUnreachable,
        format!("The system refuses: {error}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads go on while nothing can be written, so only a change tells.
    #[test]
    fn a_store_that_changes_nothing_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("gate.db"));
        place.create().unwrap();
        let store = place.open(Arc::new(|_| {})).unwrap();
        let ready = Readiness::new(Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(check(&*store, &ready));
        assert!(ready.reasons().is_empty());

        let other = rusqlite::Connection::open(place.file().unwrap()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        runtime.block_on(check(&*store, &ready));
        assert_eq!(ready.reasons().len(), 1);
        runtime.block_on(store.expire(1)).unwrap();
        other.execute_batch("ROLLBACK").unwrap();
        runtime.block_on(check(&*store, &ready));
        assert!(ready.reasons().is_empty());
    }
}
