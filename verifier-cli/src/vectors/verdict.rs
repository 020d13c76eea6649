//! The outcome of a whole verification, and what a case expects of it.

use verifier_core::Code;
use verifier_core::Report;
use verifier_core::check::{Check, CheckId};
use verifier_core::hazmat::json::{Object, Value};
use verifier_core::quote;

use super::case::text;

/// ```text
/// {"verdict","code"[,"checks":[{"id","status","code"},…]][,"notLaterThan":time or null]}
/// ```
pub(super) struct Verdict<'v> {
    pub(super) verdict: &'v str,
    pub(super) code: &'v str,
    checks: Option<Vec<Line<&'v str>>>,
    not_later_than: Option<Option<&'v str>>,
}

/// A check: id, status, and the code if there is one.
type Line<T> = (T, T, Option<T>);

/// The findings.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Found {
    pub(super) verdict: &'static str,
    pub(super) code: &'static str,
    checks: Vec<Line<&'static str>>,
    not_later_than: Option<String>,
}

impl Found {
    pub(super) fn of(report: &Report) -> Self {
        let line = |check: &Check| {
            let code = check.code.map(Code::as_str);
            (check.id.as_str(), check.status.as_str(), code)
        };
        Self {
            verdict: report.verdict().as_str(),
            code: report.code().as_str(),
            checks: report.checks().iter().map(line).collect(),
            not_later_than: report.not_later_than().map(|time| time.to_string()),
        }
    }
}

impl<'v> Verdict<'v> {
    pub(super) fn read(object: &'v Object<'v>) -> Result<Self, String> {
        if object
            .unknown_key(&["checks", "code", "notLaterThan", "verdict"])
            .is_some()
        {
            return Err("expect: an unknown key".into());
        }
        let not_later_than = match object.get("notLaterThan") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(_) => Some(Some(text(object, "notLaterThan")?)),
        };
        Ok(Self {
            verdict: text(object, "verdict")?,
            code: text(object, "code")?,
            checks: object.get("checks").map(lines).transpose()?,
            not_later_than,
        })
    }

    /// The first thing that is not as expected: what was expected, and what was found.
    pub(super) fn difference(&self, found: &Found) -> Option<(String, String)> {
        let same_code = self.code == "*" || self.code == found.code;
        if self.verdict != found.verdict || !same_code {
            let show = |verdict, code| format!("{}, {}", quote(verdict), quote(code));
            return Some((
                show(self.verdict, self.code),
                show(found.verdict, found.code),
            ));
        }
        if let Some(expected) = self.not_later_than
            && expected != found.not_later_than.as_deref()
        {
            let show = |time: Option<&str>| {
                let time = time.map_or_else(|| "null".into(), quote);
                format!("notLaterThan {time}")
            };
            return Some((show(expected), show(found.not_later_than.as_deref())));
        }
        let expected = self.checks.as_ref()?;
        let show = |line: Option<&Line<&str>>| match line {
            None => "no further check".into(),
            Some((id, status, None)) => format!("{}: {}", quote(id), quote(status)),
            Some((id, status, Some(code))) => {
                format!("{}: {}, {}", quote(id), quote(status), quote(code))
            }
        };
        let count = expected.len().max(found.checks.len());
        (0..count)
            .map(|at| (expected.get(at), found.checks.get(at)))
            .find(|(expected, found)| expected != found)
            .map(|(expected, found)| (show(expected), show(found)))
    }
}

/// In the order of reports, whatever the order of the case.
fn lines<'v>(checks: &'v Value<'v>) -> Result<Vec<Line<&'v str>>, String> {
    let wrong = || "checks: expected an array of objects with id, status and code".to_string();
    let Value::Array(items) = checks else {
        return Err(wrong());
    };
    let mut lines = items
        .iter()
        .map(|item| {
            let check = item.as_object().ok_or_else(wrong)?;
            let code = match check.get("code") {
                None | Some(Value::Null) => None,
                Some(_) => Some(text(check, "code")?),
            };
            Ok((text(check, "id")?, text(check, "status")?, code))
        })
        .collect::<Result<Vec<_>, String>>()?;
    let place = |line: &Line<&str>| CheckId::ALL.iter().position(|id| id.as_str() == line.0);
    lines.sort_by_key(place);
    Ok(lines)
}
