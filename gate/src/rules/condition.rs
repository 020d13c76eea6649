//! What a rule asks of one place in a payload.
//!
//! ```text
//! { at = "/amount", ge = "1000.00", lt = "5000" }   all operators of a condition have to hold
//!
//! eq, ne          text or boolean  a JSON string of this very text, or of another one; or a boolean
//! in              texts            a JSON string that is one of them
//! lt, le, gt, ge  decimal          a JSON number, or a JSON string that reads as one, compared
//!                                  exactly: "1000", "1e3" and 1000.0 are the same
//! exists          boolean          whether there is anything at this place, be it null
//! ```
//!
//! Text is compared as text and never as a number: `eq = "1000"` holds for the string `"1000"` and
//! neither for `"1000.00"` nor for the number 1000. `ge` and `le` together ask for one number. Where
//! the value is missing or of a type that an operator is not for, the operator does not hold; so
//! `ne = "EUR"` does not hold where there is no string.

use payload_form::decimal::Decimal;
use verifier_core::hazmat::json::Value;

use super::pointer::Pointer;

/// A place in the payload, and what has to hold there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    pub(super) at: Pointer,
    /// At least one, each operator once.
    pub(super) tests: Vec<Test>,
}

impl Condition {
    /// The place.
    pub fn at(&self) -> &Pointer {
        &self.at
    }

    /// The operators that have to hold.
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// The first operator that does not hold for what is at the place.
    pub fn fails(&self, found: Option<&Value<'_>>) -> Option<&Test> {
        self.tests.iter().find(|test| !test.holds(found))
    }

    pub(super) fn to_value(&self) -> Value<'_> {
        let tests = self.tests.iter();
        let tests = tests.map(|test| (test.key().into(), test.operand()));
        let at = ("at".into(), self.at.as_str().into());
        Value::Object(tests.chain([at]).collect())
    }
}

/// An operator and its operand.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// The same text or boolean.
    Eq(Scalar),
    /// Whether there is a value.
    Exists(bool),
    /// A number that is not below.
    Ge(Bound),
    /// A number above.
    Gt(Bound),
    /// One of these texts.
    In(Vec<String>),
    /// A number that is not above.
    Le(Bound),
    /// A number below.
    Lt(Bound),
    /// Another text or boolean.
    Ne(Scalar),
}

impl Test {
    /// The operator as files write it.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Eq(_) => "eq",
            Self::Exists(_) => "exists",
            Self::Ge(_) => "ge",
            Self::Gt(_) => "gt",
            Self::In(_) => "in",
            Self::Le(_) => "le",
            Self::Lt(_) => "lt",
            Self::Ne(_) => "ne",
        }
    }

    /// Whether it holds for a value, or for the absence of one.
    pub fn holds(&self, found: Option<&Value<'_>>) -> bool {
        let number = || decimal_of(found?);
        match self {
            Self::Exists(exists) => found.is_some() == *exists,
            Self::Eq(scalar) => found.is_some_and(|found| scalar.same_as(found) == Some(true)),
            Self::Ne(scalar) => found.is_some_and(|found| scalar.same_as(found) == Some(false)),
            Self::In(texts) => match found {
                Some(Value::String(text)) => texts.iter().any(|one| one == text),
                _ => false,
            },
            Self::Ge(bound) => number().is_some_and(|number| number >= bound.value),
            Self::Gt(bound) => number().is_some_and(|number| number > bound.value),
            Self::Le(bound) => number().is_some_and(|number| number <= bound.value),
            Self::Lt(bound) => number().is_some_and(|number| number < bound.value),
        }
    }

    /// The number that it compares with, if it is for numbers.
    pub fn bound(&self) -> Option<&Bound> {
        match self {
            Self::Ge(bound) | Self::Gt(bound) | Self::Le(bound) | Self::Lt(bound) => Some(bound),
            Self::Eq(_) | Self::Exists(_) | Self::In(_) | Self::Ne(_) => None,
        }
    }

    /// The texts that it compares with.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Eq(Scalar::Text(text)) | Self::Ne(Scalar::Text(text)) => {
                std::slice::from_ref(text)
            }
            Self::In(texts) => texts,
            _ => &[],
        }
    }

    pub(super) fn operand(&self) -> Value<'_> {
        match self {
            Self::Eq(scalar) | Self::Ne(scalar) => scalar.to_value(),
            Self::Exists(flag) => (*flag).into(),
            Self::In(texts) => texts
                .iter()
                .map(|text| Value::from(text.as_str()))
                .collect(),
            Self::Ge(bound) | Self::Gt(bound) | Self::Le(bound) | Self::Lt(bound) => {
                bound.text.as_str().into()
            }
        }
    }
}

/// A text or a boolean.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scalar {
    /// `true` or `false`
    Bool(bool),
    /// A text, compared character by character.
    Text(String),
}

impl Scalar {
    /// Whether `found` is this; `None` if it is of another type.
    fn same_as(&self, found: &Value<'_>) -> Option<bool> {
        match (self, found) {
            (Self::Bool(own), Value::Bool(found)) => Some(own == found),
            (Self::Text(own), Value::String(found)) => Some(own == found),
            _ => None,
        }
    }

    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Bool(flag) => (*flag).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

/// A number to compare with, and how the file writes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bound {
    text: String,
    value: Decimal,
}

impl Bound {
    const LONGEST: usize = 64;

    /// Reads digits with or without a point and a minus sign, at most 64 characters.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = text.len() <= Self::LONGEST && !text.contains(['e', 'E']);
        let value = Decimal::parse(text).filter(|_| plain)?;
        let text = text.into();
        Some(Self { text, value })
    }

    /// The number as the file writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number.
    pub fn value(&self) -> &Decimal {
        &self.value
    }
}

/// The number that a value is, or reads as.
pub(super) fn decimal_of(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Number(text) | Value::String(text) => Decimal::parse(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier_core::hazmat::json::Limits;

    fn bound(text: &str) -> Bound {
        Bound::parse(text).unwrap()
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.into())
    }

    #[test]
    fn operators_hold_for_their_types_alone() {
        let one_of = Test::In(vec!["EUR".into(), "USD".into()]);
        let cases: &[(Test, &[&str], &[&str])] = &[
            (
                Test::Ge(bound("1000.00")),
                &[
                    "1000",
                    "\"1000\"",
                    "\"1000.00\"",
                    "1e+21",
                    "\"1e3\"",
                    "1000.5",
                ],
                &[
                    "999.99",
                    "\"999.99\"",
                    "-1000",
                    "\"1,000\"",
                    "\" 1000\"",
                    "\"\"",
                    "true",
                    "null",
                    "[1000]",
                    "{}",
                    "\"2000 EUR\"",
                ],
            ),
            (
                Test::Gt(bound("1000")),
                &["1000.01", "\"1000.00000000000000000000001\""],
                &["1000", "\"1000.00\"", "0"],
            ),
            (
                Test::Le(bound("1000")),
                &["1000", "\"1000.00\"", "-5", "\"-0\""],
                &["\"1000.00000000000000000000001\"", "1e+21", "null", "\"x\""],
            ),
            (
                Test::Lt(bound("0")),
                &["-1", "\"-1e-30\""],
                &["0", "\"-0\"", "1"],
            ),
            (
                Test::Eq(text("1000")),
                &["\"1000\""],
                &["1000", "\"1000.00\"", "\"1e3\"", "null", "[\"1000\"]"],
            ),
            (
                Test::Eq(Scalar::Bool(true)),
                &["true"],
                &["false", "\"true\"", "1", "null"],
            ),
            (
                Test::Ne(text("EUR")),
                &["\"USD\"", "\"eur\"", "\"\"", "\"EUR \""],
                &["\"EUR\"", "1", "null", "true", "[]", "{}"],
            ),
            (
                Test::Ne(Scalar::Bool(true)),
                &["false"],
                &["true", "\"x\"", "null"],
            ),
            (
                one_of,
                &["\"EUR\"", "\"USD\""],
                &["\"GBP\"", "[\"EUR\"]", "null"],
            ),
            (Test::Exists(true), &["null", "false", "\"\"", "{}"], &[]),
            (Test::Exists(false), &[], &["null", "0"]),
        ];
        for (test, good, bad) in cases {
            let holds = |json: &str| {
                let value = Value::parse(json.as_bytes(), Limits::bytes(100)).unwrap();
                test.holds(Some(&value))
            };
            for json in *good {
                assert!(holds(json), "{test:?} {json}");
            }
            for json in *bad {
                assert!(!holds(json), "{test:?} {json}");
            }
            // Where nothing is, nothing holds but this.
            assert_eq!(test.holds(None), *test == Test::Exists(false), "{test:?}");
        }
    }

    #[test]
    fn bounds_are_plain() {
        for good in ["0", "-1", "1000.00", &"9".repeat(64)] {
            assert_eq!(bound(good).as_str(), good);
        }
        for bad in ["1e3", "1E3", "+1", "", "01", &"9".repeat(65)] {
            assert_eq!(Bound::parse(bad), None, "{bad}");
        }
    }
}
