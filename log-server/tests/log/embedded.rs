//! A log inside another program, which has its own listener and answers beside it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use log_server::{Log as Embedded, LogError, Rules, Settings};
use serving::{Answer, Proxies, Request, Room, Server};
use test_vectors::approval::{ORIGIN, RP_ID};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use verifier_core::{Code, Verdict};

use crate::harness::{Approval, LOG, Log, tree};

fn made() -> Log {
    Log::made(|data| {
        assert!(!log_server::exists(data));
        let vkey = log_server::create(data, LOG).unwrap();
        assert!(log_server::exists(data));
        vkey.to_string()
    })
}

fn settings() -> Settings {
    Settings::new(Rules::new(vec![RP_ID.into()], vec![ORIGIN.into()]))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The program around the log: it answers what the log does not have.
async fn host(log: Embedded, request: Request) -> Answer {
    match log.has(request.uri().path()) {
        true => log.answer(request).await,
        false => serving::answer::text(StatusCode::IM_A_TEAPOT, "the host"),
    }
}

/// Status and text of an answer.
fn get(url: &str, path: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    let mut reply = agent.get(format!("{url}{path}")).call().unwrap();
    let status = reply.status().as_u16();
    (
        status,
        reply.body_mut().read_to_string().unwrap_or_default(),
    )
}

/// A program that leaves every request to the log.
async fn careless(log: Embedded, request: Request) -> Answer {
    log.answer(request).await
}

/// Asks the program around the log, which answers like this, for these paths.
fn served<A>(
    runtime: &Runtime,
    log: &Embedded,
    answer: impl Fn(Embedded, Request) -> A + Clone + Send + 'static,
    paths: &[&str],
) -> Vec<(u16, String)>
where
    A: Future<Output = Answer> + Send + 'static,
{
    let (end, ended) = oneshot::channel::<()>();
    let bound = tokio::net::TcpListener::bind("127.0.0.1:0");
    let listener = runtime.block_on(bound).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::new(8, Duration::from_secs(10), Proxies::default());
    let log = log.clone();
    let serving = runtime.spawn(async move {
        let end = async move { drop(ended.await) };
        let answer = move |request| answer(log.clone(), request);
        server.serve(listener, end, answer).await;
    });
    let answers = paths.iter().map(|path| get(&url, path)).collect();
    drop(end);
    runtime.block_on(serving).unwrap();
    answers
}

#[test]
fn a_program_runs_a_log_beside_its_own_work() {
    let directory = made();
    let (log, running) = Embedded::open(&directory.data(), settings()).unwrap();
    assert_eq!(log.vkey().to_string(), directory.vkey);
    let runtime = runtime();
    let approval = Approval::new(1);
    let body = approval.body.to_string();
    let bundle = runtime.block_on(log.append(body.as_bytes())).unwrap();

    // The bundle is complete, and a repeat is no second entry.
    let report = directory.audit(&approval, &bundle);
    assert_eq!(report.verdict(), Verdict::Verified, "{report:?}");
    let again = runtime.block_on(log.append(body.as_bytes())).unwrap();
    assert_eq!(again, bundle);
    assert_eq!(log.size(), 1);

    // What everybody may read is answered by the log, and nothing else is.
    let id = &approval.draft.approval_id;
    let verification = format!("/public/log/entries/{id}/verification");
    let answers = served(
        &runtime,
        &log,
        host,
        &["/checkpoint", "/log.json", "/tile/0/000.p/1", &verification],
    );
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200; 4]);
    assert_eq!(tree(&answers[0].1).0, 1);
    assert!(bundle.contains(&tree(&answers[0].1).1), "{bundle}");
    assert!(answers[1].1.contains(&directory.vkey));
    assert!(log.has("/verify") && log.has("/verify/policy.json") && log.has("/anchors/index.json"));
    let own = [
        "/",
        "/v1/entries",
        &format!("/v1/entries/{id}/disclosure"),
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/elsewhere",
    ];
    for (path, answer) in own.iter().zip(served(&runtime, &log, host, &own)) {
        assert_eq!(answer, (418, "the host".into()), "{path}");
    }
    for (path, answer) in own.iter().zip(served(&runtime, &log, careless, &own)) {
        assert_eq!(answer.0, 404, "{path}");
    }

    // The program decides what is shown of it.
    let sealed = log.disclose(id, br#"{"disclosure":"sealed"}"#);
    assert_eq!(runtime.block_on(sealed).unwrap().status(), 200);
    let shown = served(&runtime, &log, host, &[&verification]).remove(0).1;
    let report = directory.audit(&approval, &shown);
    assert_eq!(report.code(), Code::EvidenceClientDataMissing);
    let unknown = log.disclose("other", br#"{"disclosure":"sealed"}"#);
    let problem = runtime.block_on(unknown).unwrap_err();
    assert_eq!(problem.code(), "entry.unknown");

    runtime.block_on(log.readiness()).unwrap();
    assert!(log.metrics().contains("cosignet_log_"));

    // The end frees the directory, and `cosignet-log` finds a log in order.
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop(log);
    running.end().unwrap();
    directory.assert_clean();
    let server = directory.serve();
    assert_eq!(tree(&server.client.checkpoint()).0, 1);
}

#[test]
fn what_the_log_does_not_admit_is_a_problem_with_the_code_of_the_api() {
    let directory = made();
    let (log, running) = Embedded::open(&directory.data(), settings()).unwrap();
    let runtime = runtime();
    let approval = Approval::new(1).body.to_string();
    let other = approval.replace(RP_ID, "other.example");
    let large = " ".repeat(1024 * 1024 + 1);
    for (body, status, code) in [
        (other, 422, "webauthn.rp_id"),
        ("{".into(), 400, "request.not_json"),
        ("{}".into(), 400, "request.schema"),
        (large, 413, "request.too_large"),
    ] {
        let problem = runtime.block_on(log.append(body.as_bytes())).unwrap_err();
        let found = (problem.status().as_u16(), problem.code());
        assert_eq!(found, (status, code), "{}", problem.detail());
    }
    assert_eq!(log.size(), 0);
    assert!(log.metrics().contains("webauthn.rp_id"));
    drop(log);
    running.end().unwrap();
}

#[test]
fn a_full_room_of_the_program_is_a_trouble_of_the_log() {
    let directory = made();
    let room = Room::new("hats", 1);
    let mut settings = settings();
    settings.rooms = vec![Arc::clone(&room)];
    let (log, running) = Embedded::open(&directory.data(), settings).unwrap();
    let runtime = runtime();
    let held = room.take(None, 1).unwrap();
    let problem = runtime.block_on(log.readiness()).unwrap_err();
    assert!(problem.detail().contains("hats"), "{}", problem.detail());
    drop((held, log));
    running.end().unwrap();
}

#[test]
fn a_directory_has_one_log_and_one_program_that_runs_it() {
    let refused = |data: &Path, settings: Settings| match Embedded::open(data, settings) {
        Err(LogError::Usage(why)) => why,
        other => panic!("{other:?}"),
    };
    let directory = made();
    let data = directory.data();
    assert!(matches!(
        log_server::create(&data, LOG),
        Err(LogError::Usage(_))
    ));
    let nowhere = refused(&directory.path("nothing"), settings());
    assert!(nowhere.contains("there is no log"), "{nowhere}");
    let mut none = settings();
    none.queue = 0;
    assert!(refused(&data, none).contains("a queue of 1"));

    let (log, running) = Embedded::open(&data, settings()).unwrap();
    let twice = refused(&data, settings());
    assert!(twice.contains("is running on"), "{twice}");
    assert!(
        directory
            .serve_with(&[])
            .is_err_and(|said| said.contains("is running on"))
    );
    // Without an end, nobody knows when its threads have written the last of it.
    drop((log, running));
    assert!(refused(&data, settings()).contains("is running on"));
}
