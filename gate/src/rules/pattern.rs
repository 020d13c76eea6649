//! Patterns of actions.

/// A pattern that an action matches as a whole: `*` stands for any text, the empty one and ones
/// with dots in them included; every other character stands for itself.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `action` matches.
    pub fn matches(&self, action: &str) -> bool {
        let mut parts = self.0.split('*');
        let begin = parts.next().unwrap_or_default();
        let Some(mut rest) = action.strip_prefix(begin) else {
            return false;
        };
        let Some(end) = parts.next_back() else {
            return rest.is_empty();
        };
        // The first place where a part fits leaves the most for the parts behind it.
        for part in parts {
            let Some((_, behind)) = rest.split_once(part) else {
                return false;
            };
            rest = behind;
        }
        rest.ends_with(end)
    }

    /// Whether every action that matches `other` matches this pattern.
    ///
    /// The stars of `other` are replaced by a character that no pattern has. Only a star can match
    /// it, and where a star does, it matches whatever else may stand there.
    pub fn covers(&self, other: &Self) -> bool {
        self.matches(&other.with("\u{1}"))
    }

    /// An action that matches: `text` in the place of every star.
    pub fn with(&self, text: &str) -> String {
        self.0.replace('*', text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_whole_action_has_to_match() {
        for (pattern, action, expected) in [
            ("payment.send", "payment.send", true),
            ("payment.send", "payment.send2", false),
            ("payment.send", "a.payment.send", false),
            ("payment.*", "payment.", true),
            ("payment.*", "payment.send.now", true),
            ("payment.*", "payment", false),
            ("*", "", true),
            ("*.send", "payment.send", true),
            ("*.send", "send", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("a**b", "ab", true),
            ("*a*a", "a", false),
            ("a.b", "aXb", false),
            ("[a]?", "a", false),
            ("Pay", "pay", false),
            ("\u{e9}*", "\u{e9}x", true),
        ] {
            let found = Pattern::new(pattern).matches(action);
            assert_eq!(found, expected, "{pattern} {action}");
        }
    }

    #[test]
    fn covers_what_matches_in_any_case() {
        for (wide, narrow, expected) in [
            ("*", "payment.*", true),
            ("payment.*", "payment.send", true),
            ("payment.*", "payment.send*", true),
            ("payment.send*", "payment.*", false),
            ("*.send", "payment.*", false),
            ("a*", "a*b*", true),
            ("a*b", "a*b*", false),
            ("a*c", "a*b*c", true),
        ] {
            let found = Pattern::new(wide).covers(&Pattern::new(narrow));
            assert_eq!(found, expected, "{wide} {narrow}");
        }
    }

    /// Matching by the definition, letter by letter.
    fn slow(pattern: &[u8], action: &[u8]) -> bool {
        match (pattern.split_first(), action.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) if slow(rest, action) => true,
            (Some((b'*', _)), Some((_, behind))) => slow(pattern, behind),
            (Some((p, rest)), Some((a, behind))) => p == a && slow(rest, behind),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matches_as_the_definition_says(pattern in "[ab*]{0,8}", action in "[ab]{0,10}") {
            let expected = slow(pattern.as_bytes(), action.as_bytes());
            prop_assert_eq!(Pattern::new(&pattern).matches(&action), expected);
        }

        #[test]
        fn what_is_covered_matches(a in "[ab*]{0,6}", b in "[ab*]{0,6}", word in "[abc]{0,3}") {
            let (a, b) = (Pattern::new(&a), Pattern::new(&b));
            if a.covers(&b) {
                prop_assert!(a.matches(&b.with(&word)));
            } else {
                prop_assert!(!a.matches(&b.with("c")));
            }
        }
    }
}
