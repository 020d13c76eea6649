//! Webhooks, and what becomes of the round when they fail.

use serde_json::{Value, json};
use test_vectors::encoding::b64url;
use test_vectors::server::{Answer, Server};

use crate::world::{NOW, SIZE, World, draft, entries, leaf};

#[test]
fn a_webhook_that_fails_says_nothing_about_the_log() {
    let world = World::new();
    world.audited(&entries(10));
    let key = b64url(&draft(12).passkey.public_key);
    world.write("key", key);
    let hook = Server::start();
    hook.set("hook", Answer::Said(400, "", b"no_text\n".to_vec()));
    let url = format!("--watch-key key --webhook {}/hook", hook.url());
    let leaves = [entries(10), vec![leaf(&draft(12))]].concat();
    world.serve(&leaves, NOW);
    let round = world.round(&url);
    assert_eq!(round.code, 0, "{round:?}");
    assert_eq!(round.events("checked")[0]["size"], 11);
    let told = &round.events("undelivered")[0];
    assert_eq!(told["code"], "monitor.hook");
    assert!(
        told["message"].as_str().unwrap().contains("\"no_text\""),
        "{told}"
    );
    assert!(
        !round.out.contains("/hook"),
        "an address may be a secret: {round:?}"
    );
    // It is told again until it listens, and then no more.
    hook.received();
    assert_eq!(world.round(&url).events("undelivered").len(), 1);
    hook.set("hook", Vec::new());
    let round = world.round(&url);
    assert_eq!(
        (round.code, round.events("undelivered").len()),
        (0, 0),
        "{round:?}"
    );
    assert_eq!(hook.received().len(), 2);
    world.round(&url);
    assert!(hook.received().is_empty(), "told twice");
}

#[test]
fn chat_systems_get_a_text() {
    let world = World::new();
    world.audited(&entries(SIZE));
    let mut leaves = entries(SIZE);
    leaves[7] = entries(SIZE + 60)[SIZE + 59].clone();
    world.serve(&leaves, NOW);
    let hook = Server::start();
    hook.set("hook", Answer::Status(400));
    let run = |format: &str| {
        world.round(&format!(
            "--webhook {}/hook --webhook-format {format}",
            hook.url()
        ))
    };
    let mut bodies = ["slack", "plain", "json"].map(|format| {
        assert_eq!(run(format).code, 1);
        String::from_utf8(hook.received().remove(0).body).unwrap()
    });
    let json: Value = serde_json::from_str(&bodies[2]).unwrap();
    assert_eq!(json["kind"], "fork.same_size");
    let slack: Value = serde_json::from_str(&bodies[0]).unwrap();
    bodies[1] = bodies[1].replace('&', "&amp;");
    assert_eq!(slack, json!({"text": bodies[1]}));
    assert!(
        bodies[1].starts_with("cosignet monitor, http"),
        "{}",
        bodies[1]
    );
    assert!(bodies[1].contains("two different trees"), "{}", bodies[1]);
}

#[test]
fn one_of_a_thing_is_not_many() {
    let world = World::new();
    world.serve(&entries(1), NOW);
    let url = world.server.url();
    let run = |more: &str| {
        world.run(&format!(
            "monitor {url} --policy policy.toml --state state --once {more}"
        ))
    };
    let round = run("--init");
    assert!(
        round.out.contains("1 new entry, 1 in all, is in one tree"),
        "{round:?}"
    );
    assert!(run("").out.contains("1 entry is checked"));
    world.serve(&entries(3), NOW);
    let round = run("");
    assert!(
        round
            .out
            .contains("2 new entries, 3 in all, are in one tree"),
        "{round:?}"
    );
    // A fork of one entry: one alarm.
    world.serve(&entries(60)[50..51], NOW);
    run("");
    world.serve(&entries(3), NOW);
    let round = run("");
    assert!(round.out.contains("1 alarm is in"), "{round:?}");
    assert!(
        !round.out.contains("1 alarms") && !round.out.contains("1 entries"),
        "{round:?}"
    );
}

#[test]
fn a_page_that_cannot_be_written_stops_nothing() {
    let world = World::new();
    world.audited(&entries(3));
    world.serve(&entries(5), NOW);
    let round = world.round("--html nowhere/page.html --metrics figures");
    // It is said, and the figures are there.
    assert_eq!(round.code, 5, "{round:?}");
    assert_eq!(round.codes(), ["io.output"], "{round:?}");
    let figures = std::fs::read_to_string(world.path("figures")).unwrap();
    assert!(
        figures.contains("cosignet_monitor_tree_size 5"),
        "{figures}"
    );
    let round = world.round("--html page.html --metrics nowhere/figures");
    assert_eq!(round.codes(), ["io.output"], "{round:?}");
    let page = std::fs::read_to_string(world.path("page.html")).unwrap();
    assert!(page.contains("log.example/approvals"), "{page}");
}
