//! Evidence against a log: what proves something, and what only looks like it.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "these are tests, and they have std"
)]

use test_vectors::approval::{DECIDED_AT_SECONDS, LOG_ORIGIN, RP_ID, witness};
use test_vectors::break_glass::leaf;
use test_vectors::encoding::{b64url, pseudo_random};
use test_vectors::entry::canonical;
use test_vectors::log::tlog_policy;
use test_vectors::note::note;
use test_vectors::{Algorithm, Draft, Glass, Log, Passkey, Witness};
use verifier_core::AwsLc;
use verifier_core::Policy;
use verifier_core::Time;
use verifier_core::alarm::{Alarm, Error, Evidence, Logged, Request};
use verifier_core::hazmat::tlog::merkle::Hash;
use verifier_core::hazmat::tlog::prove;

use crate::parsed;

const DECIDED: u64 = DECIDED_AT_SECONDS;
const DAY: u64 = 86_400;
/// The difference of clocks that an alarm forgives.
const ALLOWANCE: u64 = 240;

fn drafts(count: u32) -> Vec<Draft> {
    (1..=count)
        .map(|n| Draft::numbered(Algorithm::Es256, n))
        .collect()
}

fn leaves(drafts: &[Draft]) -> Vec<String> {
    drafts.iter().map(|draft| draft.sign().1).collect()
}

fn log(leaves: &[String]) -> Log {
    Log::new(LOG_ORIGIN, pseudo_random("log"), leaves)
}

fn witnesses() -> Vec<Witness> {
    (1..=3).map(witness).collect()
}

/// A head over the first `size` leaves, cosigned by two witnesses at this time and two seconds
/// later.
fn head(log: &Log, size: usize, time: u64) -> String {
    head_of(log, &log.checkpoint(size).text(), time)
}

fn head_of(log: &Log, text: &str, time: u64) -> String {
    let witnesses = witnesses();
    let cosigners = [(&witnesses[0], time), (&witnesses[1], time + 2)];
    note(text, &log.sign(text, &cosigners))
}

fn logged(log: &Log, leaves: &[String], index: usize, size: usize, time: u64) -> Logged {
    let witnesses = witnesses();
    let cosigners = [(&witnesses[0], time), (&witnesses[1], time + 2)];
    let proof = log.prove(index, size, &cosigners).text();
    Logged::new(leaves[index].clone().into_bytes(), proof)
}

/// The prefix proof, from hashes of subtrees that are computed one by one.
fn prefix(leaves: &[String], old: usize) -> Vec<Hash> {
    let node = &mut |height: u8, number: u64| {
        let width = 1 << height;
        let first = usize::try_from(number).unwrap() * width;
        Ok::<_, ()>(log(&leaves[first..first + width]).tree().root(width))
    };
    let size = leaves.len().try_into().unwrap();
    prove::prefix(old.try_into().unwrap(), size, node)
        .unwrap()
        .unwrap_or_default()
}

fn policy(edit: impl FnOnce(&mut test_vectors::Policy)) -> Policy {
    let log = log(&[]);
    let mut policy = Draft::sample(Algorithm::Es256).policy(&log);
    policy.log = Some(tlog_policy(&log, 2, &witnesses()));
    edit(&mut policy);
    parsed(&policy)
}

/// The kind, or the code of why there is none.
fn judge(evidence: Evidence) -> Result<&'static str, &'static str> {
    judge_under(&policy(|_| {}), evidence)
}

fn judge_under(policy: &Policy, evidence: Evidence) -> Result<&'static str, &'static str> {
    let written = Alarm::new(evidence);
    let alarm = Alarm::parse(written.to_json().as_bytes()).unwrap();
    assert_eq!(alarm, written);
    match alarm.judge(&Request::new(policy, &AwsLc)) {
        Ok(proven) => {
            assert!(proven.statement().ends_with('.') && !proven.not_proven().is_empty());
            assert_eq!(proven.against()[0].role, "log");
            assert_eq!(proven.against()[0].vkey, log(&[]).key.vkey());
            Ok(proven.kind())
        }
        Err(error) => Err(error.code()),
    }
}

fn fork(first: &str, second: &str, prefix: Vec<Hash>) -> Result<&'static str, &'static str> {
    judge(Evidence::Fork {
        first: first.into(),
        second: second.into(),
        prefix,
    })
}

#[test]
fn heads_that_contradict_each_other_are_a_fork() {
    let honest = leaves(&drafts(9));
    for at in 0..7 {
        let mut other = honest.clone();
        other[at] = "another".into();
        for size in at + 1..9 {
            let first = head(&log(&honest), size, DECIDED);
            let second = head(&log(&other), 9, DECIDED);
            let kind = fork(&first, &second, prefix(&other, size));
            assert_eq!(kind, Ok("fork.rewritten"), "{at} {size}");
            // The entry that differs is behind the smaller tree.
            let first = head(&log(&honest), at, DECIDED);
            let same = fork(&first, &second, prefix(&other, at));
            let expected = if at == 0 {
                "log.inconsistent"
            } else {
                "alarm.unproven"
            };
            assert_eq!(same, Err(expected), "{at}");
        }
        let (first, second) = (
            head(&log(&honest), 9, DECIDED),
            head(&log(&other), 9, DECIDED),
        );
        assert_eq!(fork(&first, &second, Vec::new()), Ok("fork.same_size"));
        assert_eq!(fork(&first, &first, Vec::new()), Err("alarm.unproven"));
    }
}

#[test]
fn a_fork_needs_every_part_of_its_evidence() {
    let honest = leaves(&drafts(6));
    let mut other = honest.clone();
    other[1] = "another".into();
    let (first, second) = (
        head(&log(&honest), 4, DECIDED),
        head(&log(&other), 6, DECIDED),
    );
    let good = prefix(&other, 4);
    assert_eq!(fork(&first, &second, good.clone()), Ok("fork.rewritten"));
    // The other way round, cut off, too long, of the honest log, of another size.
    assert_eq!(fork(&second, &first, good.clone()), Err("log.inconsistent"));
    assert_eq!(
        fork(&first, &second, good[1..].to_vec()),
        Err("log.inconsistent")
    );
    let longer = [good.clone(), vec![[0; 32]]].concat();
    assert_eq!(fork(&first, &second, longer), Err("log.inconsistent"));
    assert_eq!(
        fork(&first, &second, prefix(&honest, 4)),
        Err("log.inconsistent")
    );
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at][0] ^= 1;
        assert_eq!(fork(&first, &second, bad), Err("log.inconsistent"), "{at}");
    }
    // A signature that is not the log's, and a log that nobody knows.
    let forged = first.replacen("\n4\n", "\n5\n", 1);
    assert_eq!(
        fork(&forged, &second, good.clone()),
        Err("log.bad_signature")
    );
    let stranger = Log::new(LOG_ORIGIN, [9; 32], &honest);
    let unknown = head(&stranger, 4, DECIDED);
    assert_eq!(fork(&unknown, &second, good), Err("log.unknown_key"));
}

#[test]
fn two_logs_of_one_policy_do_not_contradict_each_other() {
    let other = Log::new("log.example/other", [9; 32], &["x"]);
    let policy = policy(|policy| {
        let text = policy.log.take().unwrap();
        policy.log = Some(other.policy_line() + &text);
    });
    let evidence = Evidence::Fork {
        first: head(&log(&["y".into()]), 1, DECIDED),
        second: head(&other, 1, DECIDED),
        prefix: Vec::new(),
    };
    assert_eq!(judge_under(&policy, evidence), Err("alarm.unproven"));
}

#[test]
fn witnesses_that_cosigned_both_heads_are_accused_too() {
    let (a, b) = (log(&["a".into()]), log(&["b".into()]));
    let witnesses = witnesses();
    let cosigned = |log: &Log, cosigners: &[usize]| {
        let text = log.checkpoint(1).text();
        let cosigners: Vec<_> = cosigners
            .iter()
            .map(|i| (&witnesses[*i], DECIDED))
            .collect();
        note(&text, &log.sign(&text, &cosigners))
    };
    let alarm = Alarm::new(Evidence::Fork {
        first: cosigned(&a, &[0, 1]),
        second: cosigned(&b, &[1, 2]),
        prefix: Vec::new(),
    });
    let policy = policy(|_| {});
    let proven = alarm.judge(&Request::new(&policy, &AwsLc)).unwrap();
    let against: Vec<_> = proven
        .against()
        .iter()
        .map(|key| (key.role, key.vkey.clone()))
        .collect();
    let expected = [("log", a.key.vkey()), ("witness", witnesses[1].key.vkey())];
    assert_eq!(against, expected);
}

/// A log of four entries, one of which was changed.
fn bad(edit: impl FnOnce(&mut Draft)) -> Result<&'static str, &'static str> {
    bad_under(&policy(|_| {}), edit)
}

fn bad_under(policy: &Policy, edit: impl FnOnce(&mut Draft)) -> Result<&'static str, &'static str> {
    let mut drafts = drafts(4);
    edit(&mut drafts[2]);
    let leaves = leaves(&drafts);
    let logged = logged(&log(&leaves), &leaves, 2, 4, DECIDED);
    judge_under(policy, Evidence::BadEntry(logged))
}

#[test]
fn an_entry_that_breaks_a_rule() {
    const KIND: Result<&str, &str> = Ok("entry.rejected");
    assert_eq!(bad(|_| {}), Err("alarm.unproven"));
    assert_eq!(
        bad(|draft| draft.edit_entry = |entry| entry.signature[9] ^= 1),
        KIND
    );
    assert_eq!(
        bad(|draft| draft.edit_entry = |entry| entry.client_data_hash[0] ^= 1),
        KIND
    );
    assert_eq!(
        bad(|draft| draft.edit_entry = |entry| entry.credential_public_key.truncate(9)),
        KIND
    );
    assert_eq!(bad(|draft| draft.entry_text = Some("{ }".into())), KIND);
    assert_eq!(
        bad(|draft| draft.entry_rp_id = "other.example".into()),
        KIND
    );
    assert_eq!(
        bad(|draft| draft.ceremony.rp_id = "other.example".into()),
        KIND
    );
    assert_eq!(bad(|draft| draft.ceremony.flags = 0x04), KIND);
    assert_eq!(bad(|draft| draft.ceremony.tail = vec![1]), KIND);
    // What only some policies forbid.
    let other = |draft: &mut Draft| {
        draft.ceremony.rp_id = "other.example".into();
        draft.entry_rp_id = "other.example".into();
    };
    assert_eq!(bad(other), KIND);
    let both = policy(|policy| policy.rp_ids.push("other.example".into()));
    assert_eq!(bad_under(&both, other), Err("alarm.unproven"));
    let unverified = |draft: &mut Draft| draft.ceremony.flags = 0x01;
    assert_eq!(bad(unverified), KIND);
    let preferred = policy(|policy| policy.user_verification = Some("preferred".into()));
    assert_eq!(bad_under(&preferred, unverified), Err("alarm.unproven"));
    // What this version does not understand accuses nobody.
    let newer =
        |draft: &mut Draft| draft.entry_text = Some(r#"{"type":"cosignet.approval/v2"}"#.into());
    assert_eq!(bad(newer), Err("alarm.open"));
}

#[test]
fn an_entry_has_to_be_in_the_tree() {
    let mut drafts = drafts(4);
    drafts[2].edit_entry = |entry| entry.signature[9] ^= 1;
    let leaves = leaves(&drafts);
    let mut logged = logged(&log(&leaves), &leaves, 2, 4, DECIDED);
    assert_eq!(
        judge(Evidence::BadEntry(logged.clone())),
        Ok("entry.rejected")
    );
    logged.entry.push(b' ');
    assert_eq!(judge(Evidence::BadEntry(logged)), Err("log.not_included"));
}

#[test]
fn one_assertion_or_one_id_twice() {
    let twice = |edit: fn(&mut Draft, &Draft)| {
        let mut drafts = drafts(5);
        let first = drafts[1].clone();
        edit(&mut drafts[3], &first);
        let leaves = leaves(&drafts);
        let log = log(&leaves);
        let logged = |index| logged(&log, &leaves, index, 5, DECIDED);
        judge(Evidence::Duplicate(logged(1), logged(3)))
    };
    assert_eq!(twice(|_, _| {}), Err("alarm.unproven"));
    let same_id =
        |second: &mut Draft, first: &Draft| second.approval_id = first.approval_id.clone();
    assert_eq!(twice(same_id), Ok("duplicate.approval"));
    let same_assertion = |second: &mut Draft, first: &Draft| {
        let id = second.approval_id.clone();
        *second = first.clone();
        second.approval_id = id;
    };
    assert_eq!(twice(same_assertion), Ok("duplicate.assertion"));
    // The same challenge and page, signed by two keys, is two approvals.
    let two_keys = |second: &mut Draft, first: &Draft| {
        second.ceremony = first.ceremony.clone();
        second.passkey = Passkey::new(Algorithm::Es256, "bob");
    };
    assert_eq!(twice(two_keys), Err("alarm.unproven"));
}

/// The entry of somebody's signature of a grant.
fn glass(seed: &str, edit: fn(&mut std::collections::BTreeMap<String, String>)) -> String {
    let mut glass = Glass::new(&"11".repeat(32));
    glass.random = pseudo_random(seed);
    let alice = Passkey::new(Algorithm::Es256, "alice");
    let mut members = leaf(&glass, RP_ID, &alice);
    edit(&mut members);
    canonical(&members)
}

#[test]
fn a_use_of_break_glass_is_no_misbehaviour_unless_it_breaks_a_rule() {
    let judged = |leaves: &[String], evidence: fn(Logged, Logged) -> Evidence| {
        let log = log(leaves);
        let at = |index| logged(&log, leaves, index, leaves.len(), DECIDED + 60);
        judge(evidence(at(0), at(1)))
    };
    let bad: fn(Logged, Logged) -> Evidence = |one, _| Evidence::BadEntry(one);
    let [one, other] = ["one", "other"].map(|seed| glass(seed, |_| {}));
    let all = [one.clone(), other];
    assert_eq!(judged(&all, bad), Err("alarm.unproven"));
    assert_eq!(judged(&all, Evidence::Duplicate), Err("alarm.unproven"));
    // It was decided by nobody, at no time.
    let late: fn(Logged, Logged) -> Evidence = |before, late| Evidence::Late { before, late };
    assert_eq!(judged(&all, late), Err("entry.break_glass"));
    let ahead: fn(Logged, Logged) -> Evidence =
        |logged, _| Evidence::PostDated { logged, ots: None };
    assert_eq!(judged(&all, ahead), Err("entry.break_glass"));

    let again = glass("one", |members| {
        members.insert("notBefore".into(), "2026-03-01T12:00:00.001Z".into());
    });
    let twice = judged(&[one.clone(), again], Evidence::Duplicate);
    assert_eq!(twice, Ok("duplicate.approval"));
    let edits: [fn(&mut std::collections::BTreeMap<String, String>); 3] = [
        |members| drop(members.remove("notBefore")),
        |members| drop(members.insert("signature".into(), "AA".into())),
        // An approval's client data.
        |members| {
            let (assertion, _) = Draft::numbered(Algorithm::Es256, 1).sign();
            members.insert("clientDataJSON".into(), b64url(&assertion.client_data_json));
        },
    ];
    for edit in edits {
        let leaves = [glass("one", edit), one.clone()];
        assert_eq!(judged(&leaves, bad), Ok("entry.rejected"));
    }
}

/// One act of a human is one entry, of whatever kind a log says that it is.
#[test]
fn an_assertion_is_not_logged_as_an_approval_and_as_break_glass() {
    let mut used = Glass::new(&"11".repeat(32));
    used.random = pseudo_random("one");
    let mut draft = Draft::numbered(Algorithm::Es256, 1);
    draft.ceremony = test_vectors::Ceremony::new(RP_ID, test_vectors::approval::ORIGIN, &[], &[]);
    draft.ceremony.challenge = b64url(&used.challenge());
    let leaves = [draft.sign().1, glass("one", |_| {})];
    let log = log(&leaves);
    let at = |index| logged(&log, &leaves, index, 2, DECIDED + 60);
    let found = judge(Evidence::Duplicate(at(0), at(1)));
    assert_eq!(found, Ok("duplicate.assertion"));
}

#[test]
fn one_entry_in_two_trees_is_no_duplicate() {
    let mut drafts = drafts(5);
    drafts[3].approval_id = drafts[1].approval_id.clone();
    let leaves = leaves(&drafts);
    let log = log(&leaves);
    let at = |index, size| logged(&log, &leaves, index, size, DECIDED);
    let judge = |a, b| judge(Evidence::Duplicate(a, b));
    assert_eq!(judge(at(1, 5), at(3, 5)), Ok("duplicate.approval"));
    assert_eq!(judge(at(1, 5), at(1, 5)), Err("alarm.unproven"));
    assert_eq!(judge(at(1, 4), at(3, 5)), Err("alarm.unproven"));
}

/// Six entries of which the one at `before` was decided so many milliseconds after the others.
fn later_by(millis: u64, before: usize) -> Vec<String> {
    let mut drafts = drafts(6);
    let decided = Time::from_millis(DECIDED * 1000 + millis).unwrap();
    drafts[before].decided_at = decided.to_string();
    leaves(&drafts)
}

fn late(leaves: &[String], before: usize, index: usize) -> Evidence {
    let log = log(leaves);
    Evidence::Late {
        before: logged(&log, leaves, before, 6, DECIDED),
        late: logged(&log, leaves, index, 6, DECIDED),
    }
}

#[test]
fn an_entry_that_was_admitted_after_one_that_was_decided_much_later() {
    let most = (DAY + ALLOWANCE) * 1000;
    for (before, index) in [(0, 1), (0, 5), (4, 5)] {
        let judged = |millis| judge(late(&later_by(millis, before), before, index));
        assert_eq!(judged(most), Err("alarm.unproven"), "{before} {index}");
        assert_eq!(judged(most + 1), Ok("entry.late"), "{before} {index}");
    }
    // An entry behind it, and itself: nothing was admitted before it.
    let leaves = later_by(most + 1, 3);
    assert_eq!(judge(late(&leaves, 3, 2)), Err("alarm.unproven"));
    assert_eq!(judge(late(&leaves, 3, 3)), Err("alarm.unproven"));
    assert_eq!(judge(late(&leaves, 2, 3)), Err("alarm.unproven"));
    // Two trees, of which only one has it.
    let (good, log) = (late(&leaves, 3, 5), log(&leaves));
    let Evidence::Late { before, .. } = late(&later_by(most + 2, 3), 3, 5) else {
        panic!("it is late");
    };
    let other = Evidence::Late {
        before,
        late: logged(&log, &leaves, 5, 6, DECIDED),
    };
    assert_eq!(judge(other), Err("alarm.unproven"));
    assert_eq!(judge(good.clone()), Ok("entry.late"));
    let patient = policy(|policy| policy.max_append_delay = Some("1441m".into()));
    assert_eq!(judge_under(&patient, good.clone()), Err("alarm.unproven"));
    // It takes no witness.
    let nobody = policy(|policy| policy.log = Some(self::log(&[]).policy_line() + "quorum none\n"));
    assert_eq!(judge_under(&nobody, good), Ok("entry.late"));
}

#[test]
fn an_entry_that_was_logged_before_it_was_decided() {
    let leaves = leaves(&drafts(3));
    let log = log(&leaves);
    let judge = |time| {
        let logged = logged(&log, &leaves, 1, 3, time);
        judge(Evidence::PostDated { logged, ots: None })
    };
    let last = DECIDED - ALLOWANCE - 2;
    assert_eq!(judge(last), Err("alarm.unproven"));
    assert_eq!(judge(last - 1), Ok("entry.post_dated"));
}

#[test]
fn what_was_observed_proves_nothing() {
    let text = head(&log(&["a".into()]), 1, DECIDED);
    let mut alarm = Alarm::new(Evidence::Fork {
        first: text.clone(),
        second: text,
        prefix: Vec::new(),
    });
    alarm.observed.at = Time::from_seconds(DECIDED);
    alarm.observed.from = vec!["https://log.example".into()];
    let read = Alarm::parse(alarm.to_json().as_bytes()).unwrap();
    assert_eq!(read, alarm);
    let policy = policy(|_| {});
    let judged = read.judge(&Request::new(&policy, &AwsLc));
    assert!(matches!(judged, Err(Error::Unproven(_))));
}

#[test]
fn files_of_another_form_are_refused() {
    let good = r#"{"checkpoints":["a","b"],"kind":"fork","prefix":[],"type":"cosignet.alarm/v1"}"#;
    assert!(Alarm::parse(good.as_bytes()).is_ok());
    for (from, to) in [
        ("alarm/v1", "alarm/v2"),
        ("\"fork\"", "\"spoon\""),
        ("\"a\",\"b\"", "\"a\""),
        ("\"a\",\"b\"", "\"a\",\"b\",\"c\""),
        ("\"prefix\":[]", "\"prefix\":[\"AA==\"]"),
        ("\"prefix\":[]", "\"prefix\":[],\"entries\":[]"),
        ("\"prefix\":[]", "\"prefix\":[],\"prefix\":[]"),
        ("\"fork\"", "\"late\""),
        ("\"fork\"", "\"duplicate\""),
        ("}", ""),
    ] {
        let bad = good.replacen(from, to, 1);
        let error = Alarm::parse(bad.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "alarm.form", "{bad}");
    }
    let many = vec!["\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""; 65].join(",");
    let bad = good.replace("\"prefix\":[]", &format!("\"prefix\":[{many}]"));
    assert!(Alarm::parse(bad.as_bytes()).is_err());
}
