//! From the text of a rule file to its rules. The form is shown in [`super`].

use std::time::Duration;

use toml::de::{DeTable, DeValue};
use verifier_core::hazmat::payload::MAX_BYTES;
use verifier_core::hazmat::time::parse_duration;
use verifier_core::plain;

use super::condition::{Bound, Condition, Scalar, Test};
use super::error::{Error, choice};
use super::pattern::Pattern;
use super::pointer::Pointer;
use super::source::{Member, Source};
use super::{Clause, Escalation, Require, Rule, Rules};

const MOST_RULES: usize = 256;
const MOST_CONDITIONS: usize = 32;
/// Also the most people that the clauses of one rule ask for.
const MOST_CLAUSES: usize = 64;
const MOST_ESCALATIONS: usize = 16;
const MOST_NAMES: usize = 64;
const MOST_TEXTS: usize = 256;

const DEFAULT_EXPIRES: Duration = Duration::from_secs(15 * 60);
const DEFAULT_CLAIM_WITHIN: Duration = Duration::from_secs(10 * 60);
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const DURATION: &str = "a duration from 1s to 7d, such as \"15m\"";

const KIB: usize = 1024;
const DEFAULT_PAYLOAD: usize = 16 * KIB;
const PAYLOAD: &str = "a number of KiB from 1 to 512, such as \"16KiB\"";

const NUMBER: &str = "a decimal number of at most 64 characters, such as \"1000.00\"";

const MEMBERS: &[&str] = &[
    "action",
    "approve",
    "claim_within",
    "claimers",
    "escalate",
    "expires",
    "max_payload",
    "name",
    "requesters",
    "require",
    "where",
];

/// The rules in a TOML text, in their order.
pub(super) fn rules(text: &str) -> Result<Vec<Rule>, Error> {
    if text.len() > Rules::MAX_BYTES {
        return Err(Error::new(1, "the file is too long")
            .expected_is("at most 1 MiB")
            .found_is(format!("{} bytes", text.len())));
    }
    let table = DeTable::parse(text).map_err(|error| Error::not_toml(&error, text))?;
    let document = Source::document(text, table.get_ref()).only(&["rule"])?;
    const EXPECTED: &str = "at least one [[rule]]";
    let Some(list) = document.optional("rule") else {
        let error = Error::new(1, "the file has no rule");
        return Err(error.expected_is(EXPECTED));
    };
    let mut rules: Vec<Rule> = Vec::new();
    for member in list.items(MOST_RULES, EXPECTED)? {
        let table = member.table()?.only(MEMBERS)?;
        let rule = rule(&table)?;
        if rules.iter().any(|other| other.name == rule.name) {
            return Err(table
                .required("name", "a name")?
                .error("is the name of another rule as well")
                .found_is(plain(&rule.name)));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(table: &Source<'_>) -> Result<Rule, Error> {
    let names = |key| {
        let list = table.optional(key);
        list.map(|list| list.names(MOST_NAMES)).transpose()
    };
    let name = table.required("name", "a name for people")?.name()?.into();
    let action = table.required("action", "a pattern such as \"payment.*\"")?;
    let approve = clauses(&table.required("approve", "an array of clauses")?)?;
    let expires = duration(table.optional("expires"), DEFAULT_EXPIRES)?;
    let rule = Rule {
        name,
        action: Pattern::new(action.name()?),
        conditions: match table.optional("where") {
            Some(list) => conditions(&list)?,
            None => Vec::new(),
        },
        expires,
        claim_within: duration(table.optional("claim_within"), DEFAULT_CLAIM_WITHIN)?,
        escalate: match table.optional("escalate") {
            Some(list) => escalations(&list, &approve, expires)?,
            None => Vec::new(),
        },
        approve,
        require: match table.optional("require") {
            Some(member) => require(&member)?,
            None => Require::UserVerified,
        },
        claimers: names("claimers")?,
        requesters: names("requesters")?,
        max_payload: match table.optional("max_payload") {
            Some(member) => kibibytes(&member)?,
            None => DEFAULT_PAYLOAD,
        },
        text: String::new(),
    };
    Ok(rule.with_text())
}

fn clauses(list: &Member<'_>) -> Result<Vec<Clause>, Error> {
    const EXPECTED: &str = "a number from 1 to 64, and no more than 64 in all clauses together";
    let mut all = 0_usize;
    let mut clauses = Vec::new();
    for item in list.items(MOST_CLAUSES, "an array of clauses")? {
        let table = item.table()?.only(&["at_least", "group"])?;
        let group = table.required("group", "the name of a group")?;
        let number = table.required("at_least", EXPECTED)?;
        let at_least = whole(&number).unwrap_or_default();
        all = all.saturating_add(at_least);
        let clause = Clause::new(group.name()?.into(), at_least);
        let clause = clause.filter(|_| all <= Clause::MOST);
        clauses.push(clause.ok_or_else(|| number.wrong(EXPECTED))?);
    }
    Ok(clauses)
}

fn escalations(
    list: &Member<'_>,
    approve: &[Clause],
    expires: Duration,
) -> Result<Vec<Escalation>, Error> {
    let mut escalations = Vec::new();
    for item in list.items(MOST_ESCALATIONS, "an array of escalations")? {
        let table = item.table()?.only(&["add", "after"])?;
        let after = table.required("after", DURATION)?;
        let time = duration(Some(after), expires)?;
        if time >= expires {
            let error = table.required("after", DURATION)?;
            return Err(error.wrong("less than what the rule says under expires"));
        }
        let add = table.required("add", "{ group = \"…\", to = \"…\" }")?;
        let add = add.table()?.only(&["group", "to"])?;
        let group = add.required("group", "the name of a group")?.name()?;
        let to = add.required("to", "a group of approve")?;
        let to_name = to.name()?;
        if group == to_name || !approve.iter().any(|clause| clause.group == to_name) {
            return Err(to.wrong("another group than that under group, and one that approve names"));
        }
        escalations.push(Escalation {
            after: time,
            group: group.into(),
            to: to_name.into(),
        });
    }
    Ok(escalations)
}

fn conditions(list: &Member<'_>) -> Result<Vec<Condition>, Error> {
    let items = list.items(MOST_CONDITIONS, "an array of conditions")?;
    items.into_iter().map(condition).collect()
}

fn condition(member: Member<'_>) -> Result<Condition, Error> {
    const OPERATORS: &[&str] = &["eq", "exists", "ge", "gt", "in", "le", "lt", "ne"];
    const KNOWN: &[&str] = &["at", "eq", "exists", "ge", "gt", "in", "le", "lt", "ne"];
    const POINTER: &str = "a JSON pointer (RFC 6901), such as \"/amount\"";
    let table = member.table()?.only(KNOWN)?;
    let at = table.required("at", POINTER)?;
    let pointer = Pointer::parse(at.text(POINTER)?).ok_or_else(|| at.wrong(POINTER))?;
    let mut tests = Vec::new();
    for key in table.keys().filter(|key| *key != "at") {
        tests.push(test(key, &table.required(key, "an operand")?)?);
    }
    if tests.is_empty() {
        let error = table.error("asks for nothing");
        return Err(error.expected_is(choice(OPERATORS)));
    }
    if tests.contains(&Test::Exists(false)) && tests.len() > 1 {
        let exists = table.required("exists", "true")?;
        return Err(exists
            .error("is false, and no other operator holds where nothing is")
            .expected_is("exists = false alone"));
    }
    Ok(Condition { at: pointer, tests })
}

fn test(key: &str, operand: &Member<'_>) -> Result<Test, Error> {
    Ok(match key {
        "eq" => Test::Eq(scalar(operand)?),
        "ne" => Test::Ne(scalar(operand)?),
        "in" => Test::In(texts(operand)?),
        "exists" => Test::Exists(operand.boolean()?),
        "ge" => Test::Ge(bound(operand)?),
        "gt" => Test::Gt(bound(operand)?),
        "le" => Test::Le(bound(operand)?),
        _ => Test::Lt(bound(operand)?),
    })
}

fn scalar(operand: &Member<'_>) -> Result<Scalar, Error> {
    match operand.value() {
        DeValue::String(text) => Ok(Scalar::Text(text.as_ref().into())),
        DeValue::Boolean(flag) => Ok(Scalar::Bool(*flag)),
        _ => Err(operand.wrong(
            "a text in quotes, true or false; a number is compared with ge and le, not with eq",
        )),
    }
}

fn texts(operand: &Member<'_>) -> Result<Vec<String>, Error> {
    let mut texts: Vec<String> = Vec::new();
    for item in operand.items(MOST_TEXTS, "an array of texts")? {
        texts.push(item.text("a text in quotes")?.into());
    }
    Ok(texts)
}

/// In quotes or bare: the digits of the file are taken, and no floating point is made of them.
fn bound(operand: &Member<'_>) -> Result<Bound, Error> {
    let text = match operand.value() {
        DeValue::String(text) => Some(text.as_ref()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
        DeValue::Float(number) => Some(number.as_str()),
        _ => None,
    };
    let bound = text.and_then(Bound::parse);
    bound.ok_or_else(|| operand.wrong(NUMBER))
}

fn require(member: &Member<'_>) -> Result<Require, Error> {
    const EXPECTED: &str = "\"user-verified\" or \"device-bound\"";
    match member.text(EXPECTED)? {
        "user-verified" => Ok(Require::UserVerified),
        "device-bound" => Ok(Require::DeviceBound),
        _ => Err(member.wrong(EXPECTED)),
    }
}

fn duration(member: Option<Member<'_>>, default: Duration) -> Result<Duration, Error> {
    let Some(member) = member else {
        return Ok(default);
    };
    let duration = parse_duration(member.text(DURATION)?).map(Duration::from_millis);
    let fits = duration.filter(|duration| *duration <= LONGEST);
    fits.ok_or_else(|| member.wrong(DURATION))
}

fn kibibytes(member: &Member<'_>) -> Result<usize, Error> {
    let number = member.text(PAYLOAD)?.strip_suffix("KiB");
    let number = number.filter(|digits| !digits.starts_with(['0', '+']));
    let bytes = number
        .and_then(|digits| digits.parse::<usize>().ok()?.checked_mul(KIB))
        .filter(|bytes| *bytes <= MAX_BYTES);
    bytes.ok_or_else(|| member.wrong(PAYLOAD))
}

fn whole(member: &Member<'_>) -> Option<usize> {
    match member.value() {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
        _ => None,
    }
}
