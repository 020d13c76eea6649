//! The seven invariants, as far as a client can see them; the crashes are in `crash`.

use std::sync::Barrier;

use serde_json::json;
use test_vectors::encoding::{b64url, from_b64url};
use verifier_core::Verdict;

use crate::harness::{Approval, Log, time, tree};

#[test]
fn an_answer_verifies_offline_under_the_published_checkpoint() {
    let log = Log::new();
    let server = log.serve();
    for number in 1..=3 {
        let approval = Approval::new(number);
        let reply = server.client.append(&approval);
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.index(), u64::from(number) - 1);
        let report = log.audit(&approval, &reply.text());
        assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
        let proof = reply.json()["logProof"].as_str().unwrap().to_owned();
        assert!(proof.ends_with(&server.client.checkpoint()));
    }
    assert_eq!(server.stop(), Some(0));
    log.assert_clean();
}

#[test]
fn every_algorithm_is_admitted() {
    use test_vectors::approval::Draft;
    use test_vectors::passkey::Algorithm;

    let log = Log::new();
    let server = log.serve();
    for (number, algorithm) in (1..).zip(Algorithm::ALL) {
        let approval = Approval::of(Draft::numbered(algorithm, number));
        let reply = server.client.append(&approval);
        assert_eq!(reply.status, 201, "{}", reply.text());
        let report = log.audit(&approval, &reply.text());
        assert_eq!(report.verdict(), Verdict::Verified, "{}", report.to_json());
    }
}

#[test]
fn a_repeat_answers_with_the_first_entry() {
    let log = Log::new();
    let server = log.serve();
    let salt = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";
    let approver = json!({"emailHash": salt, "salt": salt});
    let approval = Approval::new(1).with("approver", approver);
    let first = server.client.append(&approval);
    assert_eq!(first.status, 201, "{}", first.text());
    server.client.append(&Approval::new(2));
    let repeat = server.client.append(&approval);
    assert_eq!(repeat.status, 200, "{}", repeat.text());
    assert_eq!(repeat.json()["entry"], first.json()["entry"]);
    assert_eq!(repeat.json()["evidence"], first.json()["evidence"]);
    assert_eq!(repeat.index(), 0);
    // Another approver is no other approval: the first one stays, and is not opened for it.
    let mut other = approval.clone();
    other.body["approver"]["emailHash"] = json!("AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM");
    let repeat = server.client.append(&other);
    assert_eq!(repeat.status, 200);
    assert_eq!(repeat.json()["entry"], first.json()["entry"]);
    assert!(repeat.json()["evidence"].get("approver").is_none());
    // Nor does a repeat change what is disclosed.
    let raised = approval.with("disclosure", json!("public"));
    assert_eq!(server.client.append(&raised).status, 200);
    let shown = server.client.verification(&approval).json();
    assert!(shown.get("evidence").is_none());
    assert_eq!(tree(&server.client.checkpoint()).0, 2);
}

#[test]
fn conflicts_are_refused_and_change_nothing() {
    let log = Log::new();
    let server = log.serve();
    let (one, two) = (Approval::new(1), Approval::new(2));
    assert_eq!(server.client.append(&one).status, 201);
    let before = server.client.checkpoint();
    let mut same_id = two.clone();
    same_id.body["approvalId"] = one.body["approvalId"].clone();
    let mut same_assertion = one.clone();
    same_assertion.body["approvalId"] = two.body["approvalId"].clone();
    // The same approval at another time is another statement.
    let other_time = one.with("decidedAt", json!(time(-60)));
    // A second signature over the same bytes, as anyone can make of an ECDSA one, is no second
    // approval: also not under another id.
    let twin = malleated(&one);
    let mut twin_elsewhere = twin.clone();
    twin_elsewhere.body["approvalId"] = two.body["approvalId"].clone();
    for (approval, code) in [
        (&same_id, "entry.conflict"),
        (&twin, "entry.conflict"),
        (&twin_elsewhere, "entry.assertion_reused"),
        (&other_time, "entry.conflict"),
        (&same_assertion, "entry.assertion_reused"),
    ] {
        let reply = server.client.append(approval);
        assert_eq!((reply.status, reply.code().as_str()), (409, code));
    }
    assert_eq!(server.client.checkpoint(), before);
    drop(server);
    log.assert_clean();
}

/// The same approval with the other of the two ECDSA signatures (r, s) and (r, n − s).
fn malleated(approval: &Approval) -> Approval {
    let mut twin = approval.clone();
    let signature = &mut twin.body["assertion"]["response"]["signature"];
    let bytes = from_b64url(signature.as_str().unwrap());
    let first = p256::ecdsa::Signature::from_der(&bytes).unwrap();
    let (r, s) = first.split_scalars();
    let second = p256::ecdsa::Signature::from_scalars(*r, -*s).unwrap();
    *signature = json!(b64url(second.to_der().as_bytes()));
    twin
}

#[test]
fn concurrent_duplicates_get_one_index() {
    let log = Log::new();
    let server = log.serve();
    for round in 1..=10 {
        let approval = Approval::new(round);
        let mut reused = approval.clone();
        reused.body["approvalId"] = Approval::new(round + 100).body["approvalId"].clone();
        let barrier = Barrier::new(8);
        // Which of the two ids was asked for, and the answer.
        let replies: Vec<_> = std::thread::scope(|scope| {
            let posts: Vec<_> = (0..8)
                .map(|i| {
                    let (client, barrier) = (server.client.clone(), &barrier);
                    let other = i % 4 == 3;
                    let approval = if other { &reused } else { &approval };
                    scope.spawn(move || {
                        barrier.wait();
                        (other, client.append(approval))
                    })
                })
                .collect();
            posts.into_iter().map(|post| post.join().unwrap()).collect()
        });
        let created: Vec<_> = replies.iter().filter(|(_, r)| r.status == 201).collect();
        assert_eq!(created.len(), 1, "round {round}");
        let winner = created[0].0;
        for (id, reply) in &replies {
            if *id == winner {
                assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
                assert_eq!(reply.index(), u64::from(round) - 1);
            } else {
                assert_eq!(reply.code(), "entry.assertion_reused");
            }
        }
    }
    drop(server);
    log.assert_clean();
}

#[test]
fn a_decision_has_to_be_recent_unless_it_is_a_repeat() {
    let log = Log::new();
    let server = log.serve();
    let mut number = 0;
    for (from_now, status) in [
        // Half of the promise: the other half is for outages.
        (-43_190, 201),
        (-43_210, 422),
        (-86_000, 422),
        (110, 201),
        (130, 422),
        (-10_000_000, 422),
    ] {
        number += 1;
        let approval = Approval::new(number).with("decidedAt", json!(time(from_now)));
        let reply = server.client.append(&approval);
        assert_eq!(reply.status, status, "{from_now} {}", reply.text());
        if status == 422 {
            assert_eq!(reply.code(), "entry.decided_at");
        }
    }
    drop(server);
    let old = Approval::new(1);
    let log = Log::new();
    let body = old.with("decidedAt", json!(time(-2)));
    let server = log.serve();
    assert_eq!(server.client.append(&body).status, 201);
    drop(server);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let short = [("COSIGNET_LOG_MAX_APPEND_DELAY_SECONDS", "1")];
    let server = log.serve_with(&short).unwrap();
    assert_eq!(server.client.append(&body).status, 200);
    assert_eq!(
        server
            .client
            .append(&Approval::new(2).with("decidedAt", json!(time(-3))))
            .status,
        422
    );
}

#[test]
fn only_one_process_runs_on_a_directory() {
    let log = Log::new();
    let server = log.serve();
    let said = log.serve_with(&[]).err().unwrap();
    assert!(said.contains("another cosignet-log is running"), "{said}");
    assert_eq!(server.client.append(&Approval::new(1)).status, 201);
}

#[test]
fn nothing_but_init_creates_a_log() {
    let log = Log::new();
    let empty = log.data().with_file_name("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = empty.display().to_string();
    for args in [
        &["serve", "--data", &empty, "--rp-id", "a", "--origin", "b"][..],
        &["token", "create", "--data", &empty, "--name", "x"],
    ] {
        let output = log.run(args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);
    let data = log.data().display().to_string();
    let again = log.run(&["init", "--data", &data, "--origin", "other"]);
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn a_graceful_end_answers_what_it_has_accepted() {
    let log = Log::new();
    let server = log.serve();
    let client = server.client.clone();
    let posts = std::thread::spawn(move || {
        let mut acknowledged = 0;
        for number in 1..=2000 {
            match client.try_append(&Approval::new(number)) {
                Ok(reply) if reply.status == 201 => acknowledged += 1,
                _ => break,
            }
        }
        acknowledged
    });
    while tree(&server.client.checkpoint()).0 < 20 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(server.stop(), Some(0));
    let acknowledged: u64 = posts.join().unwrap();
    let text = std::fs::read_to_string(log.path("public/checkpoint")).unwrap();
    assert!(acknowledged > 0);
    assert_eq!(tree(&text).0, acknowledged);
    log.assert_clean();
}
