//! Codes and checks in plain words.

use alloc::string::String;

use verifier_core::check::CheckId;
use verifier_core::code::{Code, Effect, Explanation};
use verifier_core::hazmat::json::Value;

pub(crate) fn code(text: &str) -> Option<String> {
    let code = Code::parse(text)?;
    let Explanation {
        meaning,
        cause,
        next,
        ..
    } = code.explanation();
    let effect = match code.effect() {
        Effect::Incomplete => "INCOMPLETE",
        Effect::Malformed => "MALFORMED",
        Effect::Reject => "REJECTED",
        Effect::None => "VERIFIED",
        _ => "usage",
    };
    let value = Value::from([
        ("cause", cause.into()),
        ("code", code.as_str().into()),
        ("effect", effect.into()),
        ("meaning", meaning.into()),
        ("next", next.into()),
    ]);
    Some(value.to_text())
}

pub(crate) fn checks() -> String {
    let one = |id: &CheckId| {
        Value::from([
            ("id", id.as_str().into()),
            ("spec", id.spec().into()),
            ("title", id.title().into()),
            ("why", id.why().into()),
        ])
    };
    CheckId::ALL
        .iter()
        .map(one)
        .collect::<Value<'_>>()
        .to_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_every_check_has_words() {
        for known in Code::ALL {
            assert!(code(known.as_str()).is_some(), "{known}");
        }
        assert_eq!(code("no.such_code"), None);
        assert_eq!(checks().matches("\"why\"").count(), CheckId::ALL.len());
    }
}
