use super::*;
use command_line::CliError;
use snapbox::{assert_data_eq, str};
use verifier_core::hazmat::json::Limits;

pub(super) fn value(json: &str) -> Value<'_> {
    Value::parse(json.as_bytes(), Limits::bytes(10_000)).unwrap()
}

pub(super) const PAYMENTS: &str = r#"
# who may pay
[[rule]]
name = "payments over 1000"
action = "payment.*"
where = [{ at = "/amount", ge = "1000.00" }, { at = "/currency", in = ["EUR"] }]
approve = [{ group = "finance", at_least = 1 }, { group = "board", at_least = 1 }]
expires = "1800s"
claim_within = "10m"
escalate = [{ after = "15m", add = { group = "finance-oncall", to = "finance" } }]
require = "device-bound"
claimers = ["payments-executor"]
max_payload = "64KiB"

[[rule]]
name = "payments"
action = "payment.*"
where = [{ at = "/amount", ge = 0, lt = 1000.00 }, { at = "/currency", eq = "EUR" }]
approve = [{ group = "finance", at_least = 1 }]
requesters = ["agent-7", "agent-8"]
"#;

#[test]
fn first_match_wins() {
    let rules = Rules::parse(PAYMENTS).unwrap();
    for (action, payload, requester, expected) in [
        (
            "payment.send",
            r#"{"amount":"1000","currency":"EUR"}"#,
            "x",
            Some("payments over 1000"),
        ),
        (
            "payment.send",
            r#"{"amount":1000.5,"currency":"EUR"}"#,
            "x",
            Some("payments over 1000"),
        ),
        (
            "payment.send",
            r#"{"amount":"999.99","currency":"EUR"}"#,
            "agent-8",
            Some("payments"),
        ),
        (
            "payment.send",
            r#"{"amount":"999.99","currency":"EUR"}"#,
            "x",
            None,
        ),
        (
            "payment.send",
            r#"{"amount":"-1","currency":"EUR"}"#,
            "agent-7",
            None,
        ),
        (
            "payment.send",
            r#"{"amount":"1000","currency":"USD"}"#,
            "x",
            None,
        ),
        (
            "payment.send",
            r#"{"amount":"1,000","currency":"EUR"}"#,
            "x",
            None,
        ),
        ("payment.send", r#"{"currency":"EUR"}"#, "x", None),
        ("payment.send", r#"[]"#, "x", None),
        (
            "payout.send",
            r#"{"amount":"1000","currency":"EUR"}"#,
            "x",
            None,
        ),
    ] {
        let found = rules.find(action, &value(payload), requester);
        assert_eq!(found.map(Rule::name), expected, "{action} {payload}");
    }
}

#[test]
fn a_rule_is_shown_with_everything_that_was_left_out() {
    let rules = Rules::parse(PAYMENTS).unwrap();
    assert_data_eq!(
        rules.list()[0].text(),
        str![[
            r#"{"action":"payment.*","approve":[{"at_least":1,"group":"finance"},{"at_least":1,"group":"board"}],"claim_within":"10m","claimers":["payments-executor"],"escalate":[{"add":{"group":"finance-oncall","to":"finance"},"after":"15m"}],"expires":"30m","max_payload":"64KiB","name":"payments over 1000","require":"device-bound","type":"cosignet.rule/v1","where":[{"at":"/amount","ge":"1000.00"},{"at":"/currency","in":["EUR"]}]}"#
        ]]
    );
    assert_data_eq!(
        rules.list()[1].text(),
        str![[
            r#"{"action":"payment.*","approve":[{"at_least":1,"group":"finance"}],"claim_within":"10m","escalate":[],"expires":"15m","max_payload":"16KiB","name":"payments","requesters":["agent-7","agent-8"],"require":"user-verified","type":"cosignet.rule/v1","where":[{"at":"/amount","ge":"0","lt":"1000.00"},{"at":"/currency","eq":"EUR"}]}"#
        ]]
    );
    for rule in rules.list() {
        let text = rule.text();
        assert_eq!(value(text).to_canonical().as_deref(), Some(text));
        assert_eq!(rule.sha256(), sha256(text.as_bytes()));
    }
}

#[test]
fn a_hash_is_that_of_one_rule() {
    let rules = Rules::parse(PAYMENTS).unwrap();
    let (_, second) = PAYMENTS.split_once("\n\n").unwrap();
    let other = format!(
        "# alone\n{}",
        second.replace("approve", "expires='15m'\napprove")
    );
    let alone = Rules::parse(&other).unwrap();
    assert_eq!(alone.list()[0].sha256(), rules.list()[1].sha256());
    assert_ne!(alone.sha256(), rules.sha256());

    // Every member counts.
    let first = PAYMENTS.split("\n\n").next().unwrap();
    let of = |text: &str| Rules::parse(text).unwrap().list()[0].sha256();
    for (from, to) in [
        ("payments over 1000", "payments"),
        ("payment.*", "payment.a*"),
        ("1000.00", "1000.01"),
        ("ge =", "gt ="),
        ("/amount", "/sum"),
        ("\"EUR\"", "\"USD\""),
        ("group = \"board\"", "group = \"owners\""),
        ("at_least = 1 }]", "at_least = 2 }]"),
        ("1800s", "1801s"),
        ("10m", "11m"),
        ("15m", "16m"),
        ("finance-oncall", "night"),
        ("device-bound", "user-verified"),
        ("payments-executor", "executor"),
        ("claimers", "requesters"),
        ("64KiB", "65KiB"),
    ] {
        let changed = first.replacen(from, to, 1);
        assert_ne!(of(first), of(&changed), "{from}");
    }
}

#[test]
fn escalation_lets_more_people_serve_a_clause() {
    let rules = Rules::parse(PAYMENTS).unwrap();
    let rule = &rules.list()[0];
    let groups = |own: &[&str], minutes: u64| {
        let own: Vec<String> = own.iter().map(|group| (*group).into()).collect();
        rule.groups_of(&own, Duration::from_secs(minutes * 60))
    };
    assert_eq!(groups(&["finance-oncall"], 14), ["finance-oncall"]);
    assert_eq!(
        groups(&["finance-oncall"], 15),
        ["finance", "finance-oncall"]
    );
    assert_eq!(
        groups(&["finance", "finance-oncall"], 15),
        ["finance", "finance-oncall"]
    );
    assert_eq!(groups(&["board"], 60), ["board"]);
    assert_eq!(groups(&[], 60), [""; 0]);
    // How many are needed stays.
    assert_eq!(rule.approve().len(), 2);
}

#[test]
fn escalations_do_not_lead_to_each_other() {
    let text = r#"
[[rule]]
name = "r"
action = "*"
approve = [{ group = "a", at_least = 1 }, { group = "b", at_least = 1 }]
escalate = [
    { after = "1m", add = { group = "c", to = "b" } },
    { after = "1m", add = { group = "b", to = "a" } },
]
"#;
    let rules = Rules::parse(text).unwrap();
    let groups = rules.list()[0].groups_of(&["c".into()], Duration::from_secs(60));
    assert_eq!(groups, ["b", "c"]);
}

#[test]
fn named_keys_alone_may_ask_and_claim() {
    let rules = Rules::parse(PAYMENTS).unwrap();
    let [large, small] = rules.list() else {
        panic!("two rules")
    };
    assert!(large.may_claim("payments-executor"));
    assert!(!large.may_claim("agent-7"));
    assert!(large.may_ask("agent-7"));
    assert!(small.may_claim("agent-7"));
    assert!(small.may_ask("agent-7"));
    assert!(!small.may_ask("agent"));
}

/// The least rule, with more lines in it.
fn with(more: &str) -> String {
    format!(
        "[[rule]]\nname = \"r\"\naction = \"a\"\napprove = [{{ group = \"g\", at_least = 1 }}]\n{more}\n"
    )
}

#[test]
fn limits_are_kept() {
    assert!(Rules::parse(&with("")).is_ok());
    let rule = Rules::parse(&with("max_payload = \"512KiB\"\nexpires = \"7d\"")).unwrap();
    assert_eq!(rule.list()[0].max_payload(), 512 * 1024);
    let rules = Rules::parse(PAYMENTS).unwrap();
    let each: Vec<usize> = rules.list().iter().map(Rule::max_payload).collect();
    assert_eq!(each, [64 * 1024, 16 * 1024]);
    assert_eq!(rules.max_payload(), 64 * 1024);
    let many = |count: usize| -> String {
        let rule = |i| with("").replace("\"r\"", &format!("\"r{i}\""));
        (0..count).map(rule).collect()
    };
    assert!(Rules::parse(&many(256)).is_ok());
    assert!(Rules::parse(&many(257)).is_err());
    let long = |bytes: usize| {
        let text = with("#");
        text.clone() + &"#".repeat(bytes - text.len())
    };
    assert!(Rules::parse(&long(Rules::MAX_BYTES)).is_ok());
    assert!(Rules::parse(&long(Rules::MAX_BYTES + 1)).is_err());
    let conditions = |count| {
        with(&format!(
            "where = [{}]",
            "{ at = \"\", exists = true },".repeat(count)
        ))
    };
    assert!(Rules::parse(&conditions(32)).is_ok());
    assert!(Rules::parse(&conditions(33)).is_err());
    let clauses = |n: u32| with("").replace("at_least = 1", &format!("at_least = {n}"));
    assert!(Rules::parse(&clauses(64)).is_ok());
    assert!(Rules::parse(&clauses(65)).is_err());
    let two = |a: u32, b: u32| {
        let clause = |n| format!("{{ group = \"g\", at_least = {n} }}");
        with("").replace(
            "{ group = \"g\", at_least = 1 }",
            &[clause(a), clause(b)].join(","),
        )
    };
    assert!(Rules::parse(&two(60, 4)).is_ok());
    assert!(Rules::parse(&two(60, 5)).is_err());
}

#[test]
fn refuses_what_the_form_does_not_have() {
    for bad in [
        "where = []",
        "where = [{ at = \"/a\" }]",
        "where = [{ eq = \"x\" }]",
        "where = [{ at = \"a\", eq = \"x\" }]",
        "where = [{ at = \"/a\", eq = 1 }]",
        "where = [{ at = \"/a\", ne = 1.5 }]",
        "where = [{ at = \"/a\", ge = \"1e3\" }]",
        "where = [{ at = \"/a\", ge = \"x\" }]",
        "where = [{ at = \"/a\", ge = inf }]",
        "where = [{ at = \"/a\", ge = nan }]",
        "where = [{ at = \"/a\", ge = 0x10 }]",
        "where = [{ at = \"/a\", ge = true }]",
        "where = [{ at = \"/a\", in = \"x\" }]",
        "where = [{ at = \"/a\", in = [] }]",
        "where = [{ at = \"/a\", in = [1] }]",
        "where = [{ at = \"/a\", exists = \"yes\" }]",
        "where = [{ at = \"/a\", exists = false, eq = \"x\" }]",
        "where = [{ at = \"/a\", like = \"x\" }]",
        "where = { at = \"/a\", eq = \"x\" }",
        "expires = \"0s\"",
        "expires = \"8d\"",
        "expires = 15",
        "expires = \"1h30m\"",
        "claim_within = \"169h\"",
        "escalate = [{ after = \"15m\", add = { group = \"x\", to = \"g\" } }]",
        "escalate = [{ after = \"5m\", add = { group = \"x\", to = \"y\" } }]",
        "escalate = [{ after = \"5m\", add = { group = \"g\", to = \"g\" } }]",
        "escalate = [{ after = \"5m\", add = \"x\" }]",
        "escalate = [{ after = \"5m\", add = { group = \"x\", to = \"g\", at_least = 0 } }]",
        "require = \"attested\"",
        "require = true",
        "claimers = []",
        "claimers = [\"a\", \"a\"]",
        "claimers = \"a\"",
        "requesters = [\"\"]",
        "max_payload = \"513KiB\"",
        "max_payload = \"0KiB\"",
        "max_payload = 16",
        "max_payload = \"16 KiB\"",
        "max_payload = \"18014398509481985KiB\"",
        "name = \"twice\"",
        "Name = \"x\"",
        "[[rules]]",
        "[other]",
    ] {
        assert!(Rules::parse(&with(bad)).is_err(), "{bad}");
    }
    for bad in [
        "",
        "rule = 1",
        "rule = []",
        "rule = [1]",
        "[rule]\nname = \"x\"",
        &with("").replace("name = \"r\"", ""),
        &with("").replace("action = \"a\"", ""),
        &with("").replace("\"a\"", "\"\""),
        &with("").replace("\"a\"", "\" a\""),
        &with("").replace("\"a\"", "\"a\\u0000\""),
        &with("").replace("\"r\"", "\"r\\u202e\""),
        &with("").replace("at_least = 1", "at_least = 0"),
        &with("").replace("at_least = 1", "at_least = -1"),
        &with("").replace("at_least = 1", "at_least = 1.0"),
        &with("").replace("{ group = \"g\", at_least = 1 }", ""),
        &with("").replace(", at_least = 1", ""),
        &format!("{}{}", with(""), with("")),
    ] {
        assert!(Rules::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn errors_name_line_and_path() {
    let mut shown = String::new();
    for text in [
        with("where = [\n  { at = \"/amount\", ge = \"1,000\" },\n]"),
        with("aprove = []"),
        with("where = [{ at = \"/amount\", eq = 1000 }]"),
        with("escalate = [{ after = \"20m\", add = { group = \"x\", to = \"g\" } }]"),
        with("").replace("action = \"a\"\n", ""),
        with("") + &with(""),
        with("expires = "),
        with("where = [{ at = \"/amount\" }]"),
        with("claimers = []"),
    ] {
        let error = CliError::from(Rules::parse(&text).unwrap_err());
        shown.push_str(&error.to_json());
        shown.push('\n');
    }
    assert_data_eq!(shown, snapbox::file!["snapshots/errors.txt"].raw());
}
