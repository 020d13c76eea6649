use super::*;
use proptest::prelude::*;
use snapbox::assert_data_eq;

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap()
}

/// A rule in one line: name, action, conditions, and whatever else it has.
fn rule(name: &str, action: &str, conditions: &str, more: &str) -> String {
    let conditions = match conditions {
        "" => String::new(),
        text => format!("where = [{text}]\n"),
    };
    format!(
        "[[rule]]\nname = \"{name}\"\naction = \"{action}\"\n{conditions}approve = [{{ group = \
         \"g\", at_least = 1 }}]\n{more}\n"
    )
}

fn never_used(text: &str) -> Vec<(String, Vec<String>)> {
    let findings = rules(text).check().into_iter();
    let never = findings.filter_map(|finding| match finding {
        Finding::NeverUsed { rule, by } => Some((rule, by)),
        _ => None,
    });
    never.collect()
}

fn gaps(text: &str) -> Vec<String> {
    let rules = rules(text);
    let findings = rules.check().into_iter();
    let gaps = findings.filter_map(|finding| match finding {
        Finding::Gap { case, example, .. } => {
            let Example {
                action,
                requester,
                payload,
            } = &example;
            assert_eq!(rules.find(action, payload, requester), None, "{case}");
            Some(case)
        }
        _ => None,
    });
    gaps.collect()
}

#[test]
fn a_rule_whose_requests_come_to_earlier_ones_is_never_used() {
    let amount = |text: &str| format!("{{ at = \"/amount\", {text} }}");
    for (first, second, third, never) in [
        ("", "", "", "bc"),
        ("ge = 0", "ge = 1000", "", "b"),
        ("ge = 1000", "ge = 0", "ge = 2000", "c"),
        ("ge = 1000", "lt = 1000", "ge = 5, le = 2000", "c"),
        ("gt = 1000", "lt = 1000", "ge = 5, le = 2000", ""),
        ("ge = \"1000.00\"", "lt = 1000.0", "ge = 5, le = 2000", "c"),
        ("ge = 1000", "lt = 1000", "eq = \"5\"", "c"),
        ("ge = 1000", "lt = 1000", "eq = \"x\"", ""),
        ("exists = true", "eq = \"x\"", "exists = false", "b"),
        ("exists = true", "exists = false", "", "c"),
        (
            "in = [\"a\", \"b\"]",
            "eq = \"a\"",
            "in = [\"a\", \"c\"]",
            "b",
        ),
        ("ne = \"a\"", "eq = \"a\"", "in = [\"a\", \"c\"]", "c"),
        ("ne = \"a\"", "eq = \"a\"", "exists = true", ""),
        ("ne = true", "eq = true", "ne = false", "c"),
        // "5.0" is the number 5 and another text.
        (
            "eq = \"5\"",
            "ge = 5, le = 5, ne = \"x\"",
            "exists = false",
            "",
        ),
        ("ge = 5, le = 4", "ge = 5", "", "a"),
        (
            "eq = \"a\", ne = \"a\"",
            "eq = \"b\", ge = 0",
            "gt = 5, lt = 5",
            "abc",
        ),
    ] {
        let text: String = [("a", first), ("b", second), ("c", third)]
            .into_iter()
            .map(|(name, text)| {
                let conditions = if text.is_empty() {
                    String::new()
                } else {
                    amount(text)
                };
                rule(name, "pay", &conditions, "")
            })
            .collect();
        let found: String = never_used(&text)
            .into_iter()
            .map(|(rule, _)| rule)
            .collect();
        assert_eq!(found, never, "{first} | {second} | {third}");
    }
}

#[test]
fn patterns_and_requesters_are_part_of_it() {
    let never = |rules: &[String]| -> Vec<String> {
        let found = never_used(&rules.concat()).into_iter();
        found.map(|(rule, _)| rule).collect()
    };
    let r = |name, action, more| rule(name, action, "", more);
    assert_eq!(never(&[r("a", "pay.*", ""), r("b", "pay.send", "")]), ["b"]);
    assert_eq!(
        never(&[r("a", "pay.send", ""), r("b", "pay.*", "")]),
        [""; 0]
    );
    assert_eq!(never(&[r("a", "*", ""), r("b", "pay.*", "")]), ["b"]);
    let seven = "requesters = [\"agent-7\"]";
    let both = "requesters = [\"agent-7\", \"agent-8\"]";
    assert_eq!(never(&[r("a", "*", seven), r("b", "*", "")]), [""; 0]);
    assert_eq!(never(&[r("a", "*", both), r("b", "*", seven)]), ["b"]);
    assert_eq!(never(&[r("a", "*", seven), r("b", "*", both)]), [""; 0]);
    assert_eq!(never(&[r("a", "*", ""), r("b", "*", both)]), ["b"]);
    // No word can be found that only "9.*" takes, and still "9.1" is for it alone.
    let letters = ('a'..='z').map(|c| rule(&format!("r{c}"), &format!("*{c}*"), "", ""));
    let mut all: Vec<String> = letters.collect();
    all.push(r("last", "9.*", ""));
    assert_eq!(never(&all), [""; 0]);
    // Two places at once.
    let at = |name, text| rule(name, "*", text, "");
    let a = "{ at = \"/a\", ge = 1 }";
    let b = "{ at = \"/b\", ge = 1 }";
    let both = format!("{a}, {b}");
    assert_eq!(never(&[at("x", &both), at("y", a), at("z", b)]), [""; 0]);
    assert_eq!(never(&[at("x", a), at("y", &both)]), ["y"]);
    // Two conditions of one place.
    let twice = "{ at = \"/a\", ge = 1 }, { at = \"/a\", lt = 1 }";
    assert_eq!(never(&[at("x", twice)]), ["x"]);
}

#[test]
fn names_the_rules_that_take_its_requests() {
    let at = |name: &str, text: &str| rule(name, "pay", text, "");
    let text = [
        at("large", "{ at = \"/a\", ge = 1000 }"),
        at("text", "{ at = \"/a\", eq = \"x\" }"),
        at("small", "{ at = \"/a\", lt = 1000 }"),
        at("middle", "{ at = \"/a\", ge = 500, lt = 2000 }"),
    ];
    let expected = (
        "middle".to_owned(),
        vec!["large".to_owned(), "small".to_owned()],
    );
    assert_eq!(never_used(&text.concat()), [expected]);
}

#[test]
fn gaps_are_cases_for_people() {
    let at = |name: &str, text: &str| rule(name, "pay", text, "");
    let amount = |name: &str, text: &str| at(name, &format!("{{ at = \"/amount\", {text} }}"));
    for (rules, expected) in [
        (vec![at("a", "")], vec![]),
        (
            vec![amount("a", "ge = 1000"), amount("b", "lt = 500")],
            vec![
                "/amount is at least 500 and below 1000",
                "/amount is no number",
                "/amount is missing",
            ],
        ),
        (
            vec![amount("a", "gt = 1000"), amount("b", "lt = 1000")],
            vec![
                "/amount is the number 1000",
                "/amount is no number",
                "/amount is missing",
            ],
        ),
        (
            vec![amount("a", "ge = 10, le = 20")],
            vec![
                "/amount is below 10",
                "/amount is above 20",
                "/amount is no number",
                "/amount is missing",
            ],
        ),
        (
            vec![amount("a", "exists = true")],
            vec!["/amount is missing"],
        ),
        (
            vec![amount("a", "exists = false")],
            vec!["/amount is anything at all"],
        ),
        (
            vec![amount("a", "in = [\"EUR\", \"USD\"]")],
            vec![
                "/amount is another value than \"EUR\" or \"USD\"",
                "/amount is missing",
            ],
        ),
        (
            vec![amount("a", "ne = \"EUR\"")],
            vec![
                "/amount is \"EUR\"",
                "/amount is a number or true or false or null, an array or an object",
                "/amount is missing",
            ],
        ),
        (
            vec![amount("a", "eq = true")],
            vec![
                "/amount is another text or a number or false or null, an array or an object",
                "/amount is missing",
            ],
        ),
        (
            vec![rule("a", "pay", "", "requesters = [\"x\"]")],
            vec!["the requester is one that no rule names"],
        ),
        (
            vec![
                at("a", "{ at = \"/a\", eq = \"x\" }"),
                at("b", "{ at = \"/b\", eq = \"y\" }"),
            ],
            vec![
                "/a is another value than \"x\" or missing, and /b is another value than \"y\" or \
                 missing",
            ],
        ),
        (
            vec![
                at("a", "{ at = \"/a\", eq = \"x\" }, { at = \"/b\", ge = 5 }"),
                at("b", "{ at = \"/a\", eq = \"y\" }, { at = \"/b\", lt = 5 }"),
            ],
            vec![
                "/a is another value than \"x\" or \"y\"",
                "/a is missing",
                "/b is no number",
                "/b is missing",
                "/a is \"y\", and /b is at least 5",
                "/a is \"x\", and /b is below 5",
            ],
        ),
    ] {
        assert_eq!(gaps(&rules.concat()), expected, "{}", rules.concat());
    }
}

#[test]
fn a_gap_is_reported_once() {
    let at = |name: &str, action: &str| rule(name, action, "{ at = \"/a\", exists = true }", "");
    for patterns in [["a*", "a**"], ["a*", "a.b"], ["a.b", "a*"]] {
        let text = at("x", patterns[0]) + &at("y", patterns[1]);
        assert_eq!(gaps(&text), ["/a is missing"], "{patterns:?}");
    }
    // Apart from each other, both have it.
    assert_eq!(gaps(&(at("x", "a") + &at("y", "b"))).len(), 2);
    // A rule for some actions fills a gap, and not that of all others.
    let text = at("x", "a*") + &rule("y", "a.b", "", "");
    let found = rules(&text).check();
    let actions = found.iter().filter_map(|one| match one {
        Finding::Gap { action, .. } => Some(action.as_str()),
        _ => None,
    });
    assert_eq!(actions.collect::<Vec<_>>(), ["a*"]);
}

#[test]
fn a_long_list_of_gaps_is_cut_and_says_so() {
    let rules_with = |count: usize| -> String {
        let one = |i: usize| {
            let condition = format!("{{ at = \"/a\", gt = {}, lt = {} }}", i * 10, i * 10 + 5);
            rule(&format!("r{i}"), "pay", &condition, "")
        };
        (0..count).map(one).collect()
    };
    // Below, between, above, no number, missing.
    for (count, shown, more) in [(13, 16, 0), (14, 16, 1), (50, 16, 1)] {
        let text = rules_with(count);
        assert_eq!(gaps(&text).len(), shown, "{count}");
        let found = rules(&text).check();
        let cut = found.iter().filter(|one| one.code() == "rules.more_gaps");
        assert_eq!(cut.count(), more, "{count}");
    }
}

const RULES: &str = r#"
[[rule]]
name = "large payments"
action = "payment.*"
where = [{ at = "/amount", ge = "1000.00" }, { at = "/currency", in = ["EUR"] }]
approve = [{ group = "finance", at_least = 1 }, { group = "board", at_least = 2 }]
escalate = [{ after = "5m", add = { group = "finance-oncall", to = "finance" } }]

[[rule]]
name = "small payments"
action = "payment.*"
where = [{ at = "/amount", lt = 500 }, { at = "/currency", in = ["EUR"] }]
approve = [{ group = "finance", at_least = 1 }]
requesters = ["agent-7", "agent-8"]

[[rule]]
name = "refunds"
action = "payment.refund"
where = [{ at = "/amount", le = 100 }, { at = "/currency", eq = "EUR" }]
approve = [{ group = "support", at_least = 1 }]
requesters = ["agent-7"]

[[rule]]
name = "deploy to production"
action = "deploy.*"
where = [{ at = "/risk/score", ge = 7 }]
approve = [{ group = "ops", at_least = 2 }]

[[rule]]
name = "deploy"
action = "deploy.*"
approve = [{ group = "ops", at_least = 1 }]
"#;

#[test]
fn what_people_read() {
    let text = to_text(&rules(RULES).check());
    assert_data_eq!(text, snapbox::file!["snapshots/check.txt"].raw());
}

#[test]
fn what_programs_read() {
    let findings = rules(RULES).check();
    let lines = findings
        .iter()
        .map(|finding| finding.to_value().to_text() + "\n");
    assert_data_eq!(
        lines.collect::<String>(),
        snapbox::file!["snapshots/check.jsonl"].raw()
    );
}

#[test]
fn nothing_to_say_of_rules_that_take_everything() {
    let text = rule("large", "pay", "{ at = \"/a\", ge = 5 }", "")
        + &rule("small", "pay", "{ at = \"/a\", lt = 5 }", "")
        + &rule("other", "pay", "", "");
    let findings = rules(&text).check();
    // A number that is none comes to the last one, which is worth a word.
    assert!(
        findings
            .iter()
            .all(|one| matches!(one, Finding::Slip { to, .. } if to == "other"))
    );
    assert_eq!(findings.len(), 4);
    assert_eq!(rules(&rule("all", "*", "", "")).check(), []);
}

fn person(name: &str, groups: &[&str]) -> Person {
    Person {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
    }
}

fn key(name: &str, owner: Option<&str>) -> ApiKey {
    ApiKey {
        name: name.into(),
        owner: owner.map(Into::into),
    }
}

#[test]
fn what_people_read_about_people() {
    let people = [
        person("alice", &["finance", "board"]),
        person("bob", &["board"]),
        person("carol", &["finance-oncall"]),
        person("dave", &["ops"]),
    ];
    let keys = [key("agent-7", Some("alice")), key("agent-8", None)];
    let findings = rules(RULES).check_people(&people, &keys);
    assert_data_eq!(
        to_text(&findings),
        snapbox::file!["snapshots/people.txt"].raw()
    );
}

#[test]
fn a_person_serves_one_clause() {
    let text = |clauses: &str, more: &str| {
        rule("r", "*", "", more).replace("{ group = \"g\", at_least = 1 }", clauses)
    };
    let codes = |text: &str, people: &[Person], keys: &[ApiKey]| -> Vec<&'static str> {
        let findings = rules(text).check_people(people, keys);
        findings.iter().map(Finding::code).collect()
    };
    let two = text(
        "{ group = \"a\", at_least = 1 }, { group = \"b\", at_least = 1 }",
        "",
    );
    let both = person("x", &["a", "b"]);
    assert_eq!(
        codes(&two, std::slice::from_ref(&both), &[]),
        ["rules.too_few_people"]
    );
    assert_eq!(
        codes(&two, &[both.clone(), person("y", &["b"])], &[]),
        [""; 0]
    );
    // Several entries of one name are one person.
    assert_eq!(
        codes(&two, &[person("x", &["a"]), person("x", &["b"])], &[]),
        ["rules.too_few_people"]
    );
    // Three groups, each pair of which has enough people.
    let three = text(
        "{ group = \"a\", at_least = 1 }, { group = \"b\", at_least = 1 }, { group = \"c\", \
         at_least = 1 }",
        "",
    );
    let all = |name| person(name, &["a", "b", "c"]);
    assert_eq!(
        codes(&three, &[all("x"), all("y")], &[]),
        ["rules.too_few_people"]
    );
    assert_eq!(codes(&three, &[all("x"), all("y"), all("z")], &[]), [""; 0]);
    // One clause and another of the same group add up.
    let same = text(
        "{ group = \"a\", at_least = 1 }, { group = \"a\", at_least = 1 }",
        "",
    );
    assert_eq!(
        codes(&same, std::slice::from_ref(&both), &[]),
        ["rules.too_few_people"]
    );
    // The owner of the key that asks does not count; another key's does.
    let people = [both.clone(), person("y", &["b"])];
    assert_eq!(
        codes(&two, &people, &[key("k", Some("x"))]),
        ["rules.owner_needed"]
    );
    assert_eq!(codes(&two, &people, &[key("k", Some("z"))]), [""; 0]);
    let named = text(
        "{ group = \"a\", at_least = 1 }, { group = \"b\", at_least = 1 }",
        "requesters = [\"l\"]",
    );
    assert_eq!(codes(&named, &people, &[key("k", Some("x"))]), [""; 0]);
    // What an escalation brings is enough in the end, and that is said.
    let later = text(
        "{ group = \"a\", at_least = 2 }",
        "escalate = [{ after = \"5m\", add = { group = \"b\", to = \"a\" } }]",
    );
    let findings = rules(&later).check_people(&people, &[]);
    let [
        Finding::TooFewPeople {
            until,
            asked: 2,
            people: 1,
            ..
        },
    ] = findings.as_slice()
    else {
        panic!("{findings:?}")
    };
    assert_eq!(*until, Some(Duration::from_secs(300)));
}

#[test]
fn what_takes_too_long_is_not_passed_over() {
    // Rules that each cut every region in two, at places of their own.
    let mut text = String::new();
    for i in 0..40 {
        let conditions = format!(
            "{{ at = \"/a{i}\", eq = \"x\" }}, {{ at = \"/b{i}\", eq = \"x\" }}, {{ at = \"/c{i}\", eq = \"x\" }}"
        );
        text.push_str(&rule(&format!("r{i}"), "pay", &conditions, ""));
    }
    let text = text + &rule("last", "pay", "", "");
    let findings = rules(&text).check();
    let undecided = findings
        .iter()
        .filter(|one| one.code() == "rules.undecided");
    assert!(undecided.count() > 0);
    assert!(findings.iter().all(|one| one.code() != "rules.never_used"));
}

/// Values that random rules tell apart, and some more.
fn values() -> impl Strategy<Value = Option<Value<'static>>> {
    let number = prop_oneof![
        Just("0"),
        Just("1"),
        Just("1.5"),
        Just("2"),
        Just("-3"),
        Just("7")
    ];
    let text = prop_oneof![
        Just("a"),
        Just("b"),
        Just("c"),
        Just("1"),
        Just("1.0"),
        Just("2"),
        Just("1.25"),
        Just("-1")
    ];
    prop_oneof![
        Just(None),
        Just(Some(Value::Null)),
        any::<bool>().prop_map(|flag| Some(flag.into())),
        number.prop_map(|token| Some(Value::Number(token.into()))),
        text.prop_map(|text| Some(text.into())),
    ]
}

fn conditions() -> impl Strategy<Value = String> {
    let bound = prop_oneof![Just("0"), Just("1"), Just("\"1.50\""), Just("2")];
    let order = prop_oneof![Just("lt"), Just("le"), Just("gt"), Just("ge")];
    let order = (order, bound).prop_map(|(key, bound)| format!("{key} = {bound}"));
    let scalar = prop_oneof![
        Just("\"a\""),
        Just("\"b\""),
        Just("\"1\""),
        Just("true"),
        Just("false")
    ];
    let test = prop_oneof![
        4 => order,
        1 => scalar.clone().prop_map(|scalar| format!("eq = {scalar}")),
        1 => scalar.prop_map(|scalar| format!("ne = {scalar}")),
        1 => Just("in = [\"a\", \"1.0\"]".to_owned()),
        1 => any::<bool>().prop_map(|flag| format!("exists = {flag}")),
    ];
    let place = prop_oneof![Just("/n"), Just("/m"), Just("/o/p")];
    let one = (place, test).prop_map(|(place, test)| format!("{{ at = \"{place}\", {test} }}"));
    prop::collection::vec(one, 0..4).prop_map(|all| all.join(", "))
}

fn files() -> impl Strategy<Value = String> {
    let action =
        prop_oneof![4 => Just("pay.*"), 1 => Just("*"), 2 => Just("pay.send"), 1 => Just("*.send")];
    let more = prop_oneof![
        4 => Just(""),
        1 => Just("requesters = [\"k\"]"),
        1 => Just("requesters = [\"k\", \"l\"]")
    ];
    let rules = prop::collection::vec((action, conditions(), more), 1..6);
    rules.prop_map(|rules| {
        let numbered = rules.into_iter().enumerate();
        numbered
            .map(|(i, (action, conditions, more))| {
                rule(&format!("r{i}"), action, &conditions, more)
            })
            .collect()
    })
}

fn payload(
    n: Option<Value<'static>>,
    m: Option<Value<'static>>,
    p: Option<Value<'static>>,
) -> Value<'static> {
    let p = p.map(|p| Value::from([("p", p)]));
    let members = [("n", n), ("m", m), ("o", p)];
    let members = members.into_iter();
    Value::Object(
        members
            .filter_map(|(key, value)| Some((key.into(), value?)))
            .collect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn findings_hold_for_every_request(
        text in files(),
        requests in prop::collection::vec((values(), values(), values(), "[kx]|l", "send|x"), 60),
    ) {
        let rules = rules(&text);
        let findings = rules.check();
        for finding in &findings {
            match finding {
                Finding::Gap { example, .. } => {
                    let Example { action, requester, payload } = example;
                    prop_assert_eq!(rules.find(action, payload, requester), None);
                    prop_assert!(payload_form::Payload::of(payload).is_ok());
                }
                Finding::Slip { rule, to, example, .. } => {
                    let Example { action, requester, payload } = example;
                    let found = rules.find(action, payload, requester).map(Rule::name);
                    prop_assert_eq!(found, Some(to.as_str()));
                    prop_assert_ne!(rule, to);
                }
                _ => {}
            }
        }
        for (n, m, p, requester, word) in requests {
            let payload = payload(n, m, p);
            let found = |action: &str| rules.find(action, &payload, &requester).map(Rule::name);
            let action = format!("pay.{word}");
            for finding in &findings {
                if let Finding::NeverUsed { rule, .. } = finding {
                    prop_assert_ne!(found(&action), Some(rule.as_str()));
                }
            }
            // The other way round: where nothing was found, nothing is refused.
            for rule in rules.list() {
                let pattern = rule.action();
                let silent = findings.iter().all(|finding| match finding {
                    // One that a wider pattern has as well is reported there.
                    Finding::Gap { action, .. } => !Pattern::new(action).covers(pattern),
                    Finding::Undecided { .. } => false,
                    _ => true,
                });
                if silent {
                    prop_assert!(found(&gaps::example_action(&rules, pattern)).is_some());
                }
            }
        }
    }
}
