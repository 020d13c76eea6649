//! Which logs and witnesses count, and how many: c2sp.org/tlog-policy.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <member>…
//! quorum <name>|none
//! ```

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::code::Code;
use crate::time::Time;
use crate::tlog::vkey::{self, Algorithm, VerifierKey};
use crate::{Failure, plain, quote};

/// A well-formed policy.
///
/// Beyond the specification: log keys are of type 0x01 and witness keys of type 0x04, the same
/// key cannot be both a log's and a witness's, and no two keys share name and key id. The newline
/// of the last line may be missing.
#[derive(Clone, Debug)]
pub struct TlogPolicy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    /// `None` for `quorum none`.
    quorum: Option<Member>,
}

/// A log whose checkpoints are accepted.
#[derive(Clone, Debug)]
pub struct Log {
    key: VerifierKey,
    url: Option<String>,
}

/// A witness whose cosignatures count.
#[derive(Clone, Debug)]
pub struct Witness {
    name: String,
    key: VerifierKey,
    url: Option<String>,
}

/// Members of which at least `threshold` must have witnessed.
#[derive(Clone, Debug)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

/// A witness or a group, by its place in the policy. A group's members stand before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Member {
    Group(usize),
    Witness(usize),
}

/// The witnesses at hand do not meet the quorum.
pub(crate) struct QuorumNotMet;

impl TlogPolicy {
    /// The longest policy, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// The most lines.
    pub const MAX_LINES: usize = 1024;

    /// Reads a policy ("Policy file syntax and structure").
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > Self::MAX_BYTES {
            let fitting = text.bytes().take(Self::MAX_BYTES);
            let line = fitting.filter(|b| *b == b'\n').count().saturating_add(1);
            return Err(Error::new(line, ErrorKind::TooLong));
        }
        let mut parser = Parser::default();
        let mut last = 1;
        for (number, line) in (1..).zip(text.split_terminator('\n')) {
            if number > Self::MAX_LINES {
                return Err(Error::new(number, ErrorKind::TooManyLines));
            }
            let result = parser.line(line);
            result.map_err(|kind| Error::new(number, kind))?;
            last = number;
        }
        let quorum = parser.quorum.ok_or(Error::new(last, ErrorKind::NoQuorum))?;
        Ok(Self {
            logs: parser.logs,
            witnesses: parser.witnesses,
            groups: parser.groups,
            quorum,
        })
    }

    /// The logs, in the order of the policy.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses, in the order of the policy, also those outside the quorum.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether any cosignature is required: false for `quorum none`.
    pub fn requires_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether these witnesses would be enough, in the order of [`TlogPolicy::witnesses`].
    pub fn is_quorum(&self, witnessed: &[bool]) -> bool {
        let times: Vec<_> = witnessed
            .iter()
            .map(|witnessed| witnessed.then_some(Time::EPOCH))
            .collect();
        self.quorum_time(&times).is_ok()
    }

    /// The quorum in words: `none`, `X1`, `2 of X1, X2, X3`, or with groups in
    /// groups `2 of X (1 of X1, X2), Y1`. A name that is not one plain word is quoted: the format
    /// allows names such as `2 of X1`, with blanks that are no spaces.
    pub fn quorum_in_words(&self) -> String {
        enum Piece {
            Text(&'static str),
            Member(Member),
        }
        let Some(quorum) = self.quorum else {
            return String::from(NONE);
        };
        let mut out = String::new();
        let mut stack = Vec::from([Piece::Member(quorum)]);
        while let Some(piece) = stack.pop() {
            let member = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Member(member) => member,
            };
            match member {
                Member::Witness(at) => {
                    out.extend(self.witnesses.get(at).map(|witness| plain(&witness.name)));
                }
                Member::Group(at) => {
                    let Some(group) = self.groups.get(at) else {
                        continue;
                    };
                    if member != quorum {
                        out.push_str(&plain(&group.name));
                        out.push_str(" (");
                        stack.push(Piece::Text(")"));
                    }
                    out.push_str(&group.threshold.to_string());
                    out.push_str(" of ");
                    // Last in, first out.
                    for (i, member) in group.members.iter().enumerate().rev() {
                        stack.push(Piece::Member(*member));
                        if i > 0 {
                            stack.push(Piece::Text(", "));
                        }
                    }
                }
            }
        }
        out
    }

    /// The earliest time by which the quorum was met, given when each witness cosigned, in the
    /// order of [`TlogPolicy::witnesses`]. No time for `quorum none`.
    pub(crate) fn quorum_time(
        &self,
        cosigned: &[Option<Time>],
    ) -> Result<Option<Time>, QuorumNotMet> {
        let Some(quorum) = self.quorum else {
            return Ok(None);
        };
        // A group has witnessed as soon as `threshold` of its members have: the k-th smallest of
        // their times.
        let time = self.fold(quorum, cosigned, |group, times| {
            let by = |time: &Time| times.iter().filter(|other| *other <= time).count();
            let enough = times.iter().filter(|time| by(time) >= group.threshold);
            enough.min().copied()
        });
        time.map(Some).ok_or(QuorumNotMet)
    }

    /// The latest time by which, or after which, some witness of every quorum has cosigned. `None`
    /// if a quorum could be met without any of those that have cosigned, and for `quorum none`.
    pub(crate) fn blocking_time(&self, cosigned: &[Option<Time>]) -> Option<Time> {
        let quorum = self.quorum?;
        // A group cannot be met without them once only `threshold - 1` of its members are left:
        // the (n - k + 1)-th largest of their times.
        self.fold(quorum, cosigned, |group, times| {
            let since = |time: &Time| times.iter().filter(|other| *other >= time).count();
            let too_few = group.members.len().checked_sub(group.threshold)?;
            let enough = times.iter().filter(|time| since(time) > too_few);
            enough.max().copied()
        })
    }

    /// The time of a member: of a witness when it cosigned, of a group what `decide` makes of the
    /// times of those of its members that have one.
    fn fold(
        &self,
        member: Member,
        cosigned: &[Option<Time>],
        decide: impl Fn(&Group, &[Time]) -> Option<Time>,
    ) -> Option<Time> {
        let time_of = |groups: &[Option<Time>], member: Member| match member {
            Member::Group(at) => groups.get(at).copied().flatten(),
            Member::Witness(at) => cosigned.get(at).copied().flatten(),
        };
        // Members of a group were defined before it, so one pass in order is enough.
        let mut groups: Vec<Option<Time>> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let members = group.members.iter();
            let times: Vec<Time> = members.filter_map(|m| time_of(&groups, *m)).collect();
            groups.push(decide(group, &times));
        }
        time_of(&groups, member)
    }

    /// Whether no quorum can be met without any of these witnesses, in the order of
    /// [`TlogPolicy::witnesses`]. With `quorum none` nobody is needed.
    pub fn is_blocking(&self, witnesses: &[bool]) -> bool {
        let times: Vec<Option<Time>> = witnesses
            .iter()
            .map(|there| there.then_some(Time::EPOCH))
            .collect();
        self.quorum.is_none() || self.blocking_time(&times).is_some()
    }
}

impl Log {
    /// The key that signs its checkpoints.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The origin of its checkpoints: the name of the key.
    pub fn origin(&self) -> &str {
        self.key.name()
    }

    /// Where it can be reached; not checked to be a URL.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

impl Witness {
    /// Its name in the policy, which need not be the name of its key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that it cosigns with.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where it can be reached; not checked to be a URL.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// Why a text is no policy, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}: {kind}")]
#[non_exhaustive]
pub struct Error {
    /// The line, from 1. For something that is missing, the last one.
    pub line: usize,
    /// The fault at that place.
    pub kind: ErrorKind,
}

impl Error {
    fn new(line: usize, kind: ErrorKind) -> Self {
        Self { line, kind }
    }
}

impl Failure for Error {
    fn code(&self) -> Code {
        Code::PolicyLog
    }
}

/// A fault of a line of a policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A public key for the second time, under whatever name, as log or as witness.
    #[error("the public key stands in the policy twice")]
    DuplicateKey,
    /// A key with the name and id of another one.
    #[error("another key has the same name and key id")]
    DuplicateKeyId,
    /// A name for the second time.
    #[error("the name {} is already defined", quote(.0))]
    DuplicateName(String),
    /// A second quorum line.
    #[error("there is a second quorum line")]
    DuplicateQuorum,
    /// Too few or too many items: what would have been right.
    #[error("expected {0}")]
    Fields(&'static str),
    /// A line that ends as on Windows, in a text within another one.
    #[error("the line has a carriage return: save the text with Unix line ends (LF)")]
    CarriageReturn,
    /// A control character other than tab and newline.
    #[error("there is a control character")]
    ForbiddenByte,
    /// A verifier key that is malformed or unsupported.
    #[error(transparent)]
    Key(vkey::Error),
    /// A type of key that does not fit its line.
    #[error("unsupported key type {found:#04x}; {line} keys have type {expected:#04x}")]
    KeyType {
        /// `log` or `witness`.
        line: &'static str,
        /// The type that fits.
        expected: u8,
        /// The type of the key.
        found: u8,
    },
    /// A name that is a group member for the second time.
    #[error("{} is already a member of a group", quote(.0))]
    MemberTwice(String),
    /// No quorum line.
    #[error("there is no quorum line")]
    NoQuorum,
    /// `none` where a witness or group has to be named.
    #[error("none cannot be the name of a witness or a group")]
    ReservedName,
    /// A threshold that is not a plain number from 1 to the number of members.
    #[error(
        "the threshold {} is not all, any, or from 1 to {members}",
        quote(found)
    )]
    Threshold {
        /// How many members the group has.
        members: usize,
        /// The threshold.
        found: String,
    },
    /// A longer policy than the limit.
    #[error("the policy has more than {} bytes", TlogPolicy::MAX_BYTES)]
    TooLong,
    /// More lines than the limit.
    #[error("the policy has more than {} lines", TlogPolicy::MAX_LINES)]
    TooManyLines,
    /// A name that no line before defines.
    #[error("no line before this one defines {}", quote(.0))]
    UndefinedName(String),
    /// A line that begins with another word.
    #[error("{} is not log, witness, group or quorum", quote(.0))]
    UnknownWord(String),
}

const NONE: &str = "none";

#[derive(Default)]
struct Parser {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), ErrorKind> {
        if line.contains('\r') {
            return Err(ErrorKind::CarriageReturn);
        }
        if line.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(ErrorKind::ForbiddenByte);
        }
        // No other white space separates: names are opaque bytes.
        let mut items = line.split([' ', '\t']).filter(|item| !item.is_empty());
        let Some(word) = items.next().filter(|word| !word.starts_with('#')) else {
            return Ok(());
        };
        let items: Vec<&str> = items.collect();
        match word {
            "log" => self.log(&items),
            "witness" => self.witness(&items),
            "group" => self.group(&items),
            "quorum" => self.quorum(&items),
            other => Err(ErrorKind::UnknownWord(other.to_owned())),
        }
    }

    fn log(&mut self, items: &[&str]) -> Result<(), ErrorKind> {
        let (vkey, url) = match items {
            [vkey] => (vkey, None),
            [vkey, url] => (vkey, Some((*url).to_owned())),
            _ => return Err(ErrorKind::Fields("log <vkey> [<url>]")),
        };
        let key = self.key("log", Algorithm::Ed25519, vkey)?;
        self.logs.push(Log { key, url });
        Ok(())
    }

    fn witness(&mut self, items: &[&str]) -> Result<(), ErrorKind> {
        let (name, vkey, url) = match items {
            [name, vkey] => (name, vkey, None),
            [name, vkey, url] => (name, vkey, Some((*url).to_owned())),
            _ => return Err(ErrorKind::Fields("witness <name> <vkey> [<url>]")),
        };
        let name = self.new_name(name)?;
        let key = self.key("witness", Algorithm::Cosignature, vkey)?;
        self.witnesses.push(Witness { name, key, url });
        Ok(())
    }

    fn group(&mut self, items: &[&str]) -> Result<(), ErrorKind> {
        let [name, threshold, names @ ..] = items else {
            return Err(ErrorKind::Fields("group <name> all|any|<k> <member>…"));
        };
        if names.is_empty() {
            return Err(ErrorKind::Fields("at least one member"));
        }
        let name = self.new_name(name)?;
        let mut members = Vec::with_capacity(names.len());
        for member in names {
            let found = self.find(member)?;
            let mut taken = self.groups.iter().flat_map(|group| &group.members);
            if members.contains(&found) || taken.any(|other| *other == found) {
                return Err(ErrorKind::MemberTwice((*member).to_owned()));
            }
            members.push(found);
        }
        let number = |text| usize::try_from(super::parse_decimal(text)?).ok();
        let threshold = match *threshold {
            "all" => Some(members.len()),
            "any" => Some(1),
            text => number(text).filter(|k| (1..=members.len()).contains(k)),
        }
        .ok_or_else(|| ErrorKind::Threshold {
            members: members.len(),
            found: (*threshold).to_owned(),
        })?;
        self.groups.push(Group {
            name,
            threshold,
            members,
        });
        Ok(())
    }

    fn quorum(&mut self, items: &[&str]) -> Result<(), ErrorKind> {
        let [name] = items else {
            return Err(ErrorKind::Fields("quorum <name>|none"));
        };
        if self.quorum.is_some() {
            return Err(ErrorKind::DuplicateQuorum);
        }
        self.quorum = Some(match *name {
            NONE => None,
            name => Some(self.find(name)?),
        });
        Ok(())
    }

    /// A key that the policy does not hold yet.
    ///
    /// A log that could cosign its own heads would be its own witness, so a key is one or the
    /// other. Two keys with one name and id would make it unclear whose a signature line is.
    fn key(
        &self,
        line: &'static str,
        algorithm: Algorithm,
        vkey: &str,
    ) -> Result<VerifierKey, ErrorKind> {
        let key = VerifierKey::parse(vkey).map_err(ErrorKind::Key)?;
        if key.algorithm() != algorithm {
            return Err(ErrorKind::KeyType {
                line,
                expected: algorithm.as_byte(),
                found: key.algorithm().as_byte(),
            });
        }
        let logs = self.logs.iter().map(|log| &log.key);
        for other in logs.chain(self.witnesses.iter().map(|witness| &witness.key)) {
            if other.public_key() == key.public_key() {
                return Err(ErrorKind::DuplicateKey);
            }
            if other.id() == key.id() && other.name() == key.name() {
                return Err(ErrorKind::DuplicateKeyId);
            }
        }
        Ok(key)
    }

    fn new_name(&self, name: &str) -> Result<String, ErrorKind> {
        match self.find(name) {
            Ok(_) => Err(ErrorKind::DuplicateName(name.to_owned())),
            Err(ErrorKind::UndefinedName(name)) => Ok(name),
            Err(other) => Err(other),
        }
    }

    /// Witnesses and groups share one namespace.
    fn find(&self, name: &str) -> Result<Member, ErrorKind> {
        if name == NONE {
            return Err(ErrorKind::ReservedName);
        }
        let witness = self.witnesses.iter().position(|w| w.name == name);
        let group = || self.groups.iter().position(|g| g.name == name);
        witness
            .map(Member::Witness)
            .or_else(|| group().map(Member::Group))
            .ok_or_else(|| ErrorKind::UndefinedName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::tlog::testing::{LOG, Signer, WITNESS};

    /// Every `w<n>` that stands for a key becomes the vkey of witness n, every `l<n>` that of log
    /// n.
    fn keyed(text: &str) -> String {
        let item = |item: &str| {
            let seed = || item.get(1..)?.parse().ok();
            match (item.get(..1), seed()) {
                (Some("w"), Some(seed)) => Signer::witness(item, seed).vkey(),
                (Some("l"), Some(seed)) => Signer::log(item, seed).vkey(),
                _ => item.to_owned(),
            }
        };
        let line = |line: &str| line.split(' ').map(item).collect::<Vec<_>>().join(" ");
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn says_which_witnesses_would_be_enough() {
        let policy = parse(EXAMPLE).unwrap();
        for (witnessed, enough) in [
            ([true, true, false, true, false, false], true),
            ([false, true, true, false, false, true], true),
            ([true, false, false, true, true, true], false),
            ([true, true, true, false, false, false], false),
            ([false; 6], false),
            ([true; 6], true),
        ] {
            assert_eq!(policy.is_quorum(&witnessed), enough, "{witnessed:?}");
        }
        assert!(!policy.is_quorum(&[]));
        assert!(parse("log l1\nquorum none\n").unwrap().is_quorum(&[]));
    }

    #[test]
    fn witnesses_block_when_the_others_are_no_quorum() {
        let policy = parse(EXAMPLE).unwrap();
        for set in 0..64_u32 {
            let members: [bool; 6] = core::array::from_fn(|at| set & 1 << at != 0);
            let others = members.map(|member| !member);
            let blocking = !policy.is_quorum(&others);
            assert_eq!(policy.is_blocking(&members), blocking, "{members:?}");
            // In time: from when on those that cosigned then or later still block.
            let times: [Option<Time>; 6] = core::array::from_fn(|at| {
                let seconds = [5, 3, 8, 8, 1, 6][at];
                members[at].then(|| Time::from_seconds(seconds).unwrap())
            });
            let still = |from: &Time| policy.is_blocking(&times.map(|time| time >= Some(*from)));
            let latest = times.into_iter().flatten().filter(still).max();
            assert_eq!(policy.blocking_time(&times), latest, "{times:?}");
        }
        let nobody = parse("log l1\nquorum none\n").unwrap();
        assert_eq!(nobody.blocking_time(&[]), None);
        assert!(nobody.is_blocking(&[]));
    }

    const EXAMPLE: &str = "log l1

witness X1 w1
witness X2 w2
witness X3 w3
group X-witnesses 2 X1 X2 X3

witness Y1 w4
witness Y2 w5
witness Y3 w6
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
";

    fn parse(text: &str) -> Result<TlogPolicy, Error> {
        // Witness seeds 1… and log seeds 1… would be the same keys.
        TlogPolicy::parse(&keyed(&text.replace(" l", " l10")))
    }

    #[test]
    fn the_example_of_the_specification_means_what_it_says() {
        let policy = parse(EXAMPLE).unwrap();
        assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
        assert_eq!(
            policy.quorum_in_words(),
            "2 of X-witnesses (2 of X1, X2, X3), Y-witnesses (1 of Y1, Y2, Y3)"
        );
        assert!(policy.requires_witnesses());
        // Times of X1 X2 X3 Y1 Y2 Y3, and when the quorum was met.
        for (times, met) in [
            ([0, 0, 0, 0, 0, 0], None),
            ([1, 0, 0, 1, 1, 1], None),
            ([1, 1, 1, 0, 0, 0], None),
            ([5, 6, 0, 7, 0, 0], Some(7)),
            ([5, 9, 0, 7, 0, 0], Some(9)),
            // One more witness, however early it claims to be, moves nothing alone.
            ([5, 9, 1, 7, 0, 0], Some(7)),
            ([5, 9, 1, 7, 0, 3], Some(5)),
            ([1, 1, 1, 1, 1, 1], Some(1)),
        ] {
            let time = |seconds: u64| Time::from_seconds(seconds).unwrap();
            let cosigned = times.map(|seconds| (seconds > 0).then(|| time(seconds)));
            let found = policy.quorum_time(&cosigned).ok();
            assert_eq!(found, met.map(|seconds| Some(time(seconds))), "{times:?}");
        }
    }

    #[test]
    fn a_name_in_words_is_never_taken_for_a_quorum() {
        // The format has no rule for names but that spaces, tabs and controls end them.
        for (name, words) in [
            (
                "2\u{a0}of\u{a0}w1,\u{a0}w2",
                r#""2\u{a0}of\u{a0}w1,\u{a0}w2""#,
            ),
            ("2\u{2800}of\u{2800}w1", r#""2\u{2800}of\u{2800}w1""#),
            ("w1,w2", r#""w1,w2""#),
            ("a(1", r#""a(1""#),
            ("\u{9b}31m\u{202e}", r#""\u{9b}31m\u{202e}""#),
            ("witness.example/w1", "witness.example/w1"),
        ] {
            let policy = parse(&format!("witness {name} w1\nquorum {name}\n")).unwrap();
            assert_eq!(policy.quorum_in_words(), words);
            let group = format!("witness A w1\ngroup {name} 1 A\ngroup G 1 {name}\nquorum G\n");
            let policy = parse(&group).unwrap();
            assert_eq!(policy.quorum_in_words(), format!("1 of {words} (1 of A)"));
        }
    }

    #[test]
    fn a_quorum_can_be_one_witness_or_none() {
        let policy = parse("witness W w1\nquorum W\n").unwrap();
        assert_eq!(policy.quorum_in_words(), "W");
        assert!(policy.quorum_time(&[None]).is_err());
        let time = Time::from_seconds(1);
        assert_eq!(policy.quorum_time(&[time]).ok(), Some(time));

        let policy = parse("witness W w1\nquorum none\n").unwrap();
        assert_eq!(policy.quorum_in_words(), "none");
        assert!(!policy.requires_witnesses());
        assert_eq!(policy.quorum_time(&[time]).ok(), Some(None));
    }

    #[test]
    fn white_space_comments_and_addresses_are_allowed() {
        let text = format!(
            "# comment with w1 \u{e9}\n\t \n  # more\n\t log \t {LOG} \t https://log.example/ \n\
             witness \u{212a} {WITNESS} https://w.example\nwitness K {}\nquorum K",
            Signer::witness("w", 9).vkey(),
        );
        let policy = TlogPolicy::parse(&text).unwrap();
        assert_eq!(policy.logs()[0].url(), Some("https://log.example/"));
        assert_eq!(policy.logs()[0].origin(), "log.example/approvals");
        assert_eq!(policy.logs()[0].key().to_string(), LOG);
        // The Kelvin sign is another name than K.
        assert_eq!(policy.witnesses()[0].name(), "\u{212a}");
        assert_eq!(policy.witnesses()[0].url(), Some("https://w.example"));
        assert_eq!(policy.witnesses()[0].key().to_string(), WITNESS);
        assert_eq!(policy.witnesses()[1].url(), None);
    }

    #[test]
    fn refuses_what_is_no_policy() {
        use ErrorKind::{
            DuplicateKey, DuplicateQuorum, ForbiddenByte, MemberTwice, NoQuorum, ReservedName,
            UndefinedName,
        };
        let name = String::from;
        let log_form = || ErrorKind::Fields("log <vkey> [<url>]");
        let witness_form = || ErrorKind::Fields("witness <name> <vkey> [<url>]");
        let group_form = || ErrorKind::Fields("group <name> all|any|<k> <member>…");
        let threshold = |found: &str| ErrorKind::Threshold {
            members: 2,
            found: found.to_owned(),
        };
        let key_type = |line, expected, found| ErrorKind::KeyType {
            line,
            expected,
            found,
        };
        let key = |error| ErrorKind::Key(error);
        let two = "witness A w1\nwitness B w2\n";
        for (text, line, kind) in [
            ("", 1, NoQuorum),
            ("# quorum none\n", 1, NoQuorum),
            ("log l1\nwitness A w1\n", 2, NoQuorum),
            ("quorum none\nquorum none\n", 2, DuplicateQuorum),
            ("@quorum A\nquorum none\n", 4, DuplicateQuorum),
            ("quorum\n", 1, ErrorKind::Fields("quorum <name>|none")),
            ("@quorum A B\n", 3, ErrorKind::Fields("quorum <name>|none")),
            (
                "quorum none # trailing\n",
                1,
                ErrorKind::Fields("quorum <name>|none"),
            ),
            ("quorum A\n@", 1, UndefinedName(name("A"))),
            ("@quorum a\n", 3, UndefinedName(name("a"))),
            ("Quorum none\n", 1, ErrorKind::UnknownWord(name("Quorum"))),
            (
                "quorum\u{a0}none\n",
                1,
                ErrorKind::UnknownWord(name("quorum\u{a0}none")),
            ),
            ("quorum none\r\n", 1, ErrorKind::CarriageReturn),
            ("# \u{7f}\nquorum none\n", 1, ForbiddenByte),
            ("\nquorum none\0\n", 2, ForbiddenByte),
            ("log\n", 1, log_form()),
            ("log l1 url more\n", 1, log_form()),
            ("log l1\nlog l1 url\n", 2, DuplicateKey),
            ("log w1\n", 1, key_type("log", 1, 4)),
            ("log x+y\n", 1, key(vkey::Error::Form)),
            ("witness A\n", 1, witness_form()),
            ("witness A w1 url more\n", 1, witness_form()),
            ("witness A l1\n", 1, key_type("witness", 4, 1)),
            ("witness A w1\nwitness B w1\n", 2, DuplicateKey),
            (
                "witness A w1\nwitness A w2\n",
                2,
                ErrorKind::DuplicateName(name("A")),
            ),
            ("@group A all B\n", 3, ErrorKind::DuplicateName(name("A"))),
            ("witness none w1\n", 1, ReservedName),
            ("@group none all A\n", 3, ReservedName),
            ("@group G all A none\n", 3, ReservedName),
            ("group\n", 1, group_form()),
            ("group G\n", 1, group_form()),
            ("group G all\n", 1, ErrorKind::Fields("at least one member")),
            ("@group G 0 A B\n", 3, threshold("0")),
            ("@group G 3 A B\n", 3, threshold("3")),
            ("@group G 02 A B\n", 3, threshold("02")),
            ("@group G +1 A B\n", 3, threshold("+1")),
            ("@group G -1 A B\n", 3, threshold("-1")),
            ("@group G most A B\n", 3, threshold("most")),
            (
                "@group G 99999999999999999999 A B\n",
                3,
                threshold("99999999999999999999"),
            ),
            ("@group G all A C\n", 3, UndefinedName(name("C"))),
            ("@group G all G\n", 3, UndefinedName(name("G"))),
            ("@group G all A A\n", 3, MemberTwice(name("A"))),
            (
                "@group G all A\ngroup H all A B\n",
                4,
                MemberTwice(name("A")),
            ),
            (
                "@group G all A\ngroup H all G\ngroup I all G\n",
                5,
                MemberTwice(name("G")),
            ),
        ] {
            let found = parse(&text.replace('@', two)).map(|_| ());
            assert_eq!(found, Err(Error { line, kind }), "{text:?}");
        }
    }

    #[test]
    fn one_key_has_one_role_and_one_name() {
        let log = |name, seed| Signer::log(name, seed).vkey();
        let witness = |name, seed| Signer::witness(name, seed).vkey();
        for text in [
            format!("log {}\nlog {}", log("a", 1), log("b", 1)),
            format!(
                "witness A {}\nwitness B {}",
                witness("a", 1),
                witness("b", 1)
            ),
            format!("log {}\nwitness A {}", log("a", 1), witness("b", 1)),
            format!("witness A {}\nlog {}", witness("a", 1), log("b", 1)),
        ] {
            let error = TlogPolicy::parse(&text).unwrap_err();
            assert_eq!((error.line, error.kind), (2, ErrorKind::DuplicateKey));
        }
        // A log may have several keys.
        let text = format!("log {}\nlog {}\nquorum none", log("a", 1), log("a", 2));
        assert_eq!(TlogPolicy::parse(&text).unwrap().logs().len(), 2);
    }

    #[test]
    fn two_keys_with_one_name_and_one_id_are_refused() {
        // A birthday among 105,723 seeds: ids are short.
        let text = "log x+cb82066a+ARSNRZktFD3+PlkpMTVLmgLwnaU0OCfv2n/eFKDYNqpa
log x+cb82066a+AWEfh8Kt5GauvoNcz4/YkaZdlsIckDeCFyJAeh5Vuxrn
quorum none
";
        let error = TlogPolicy::parse(text).unwrap_err();
        assert_eq!((error.line, error.kind), (2, ErrorKind::DuplicateKeyId));
    }

    #[test]
    fn sizes_are_bounded_well_above_what_is_needed() {
        let mut text = String::new();
        for i in 0..32 {
            let (log, witness) = (Signer::log("l", 200 + i), Signer::witness("w", i));
            text += &format!("log {}\nwitness W{i} {}\n", log.vkey(), witness.vkey());
            // Each group holds the one before: 32 levels.
            let before = i.checked_sub(1).map_or(String::new(), |i| format!("G{i}"));
            text += &format!("group G{i} all W{i} {before}\n");
        }
        text += "quorum G31\n";
        let policy = TlogPolicy::parse(&text).unwrap();
        let all = [Time::from_seconds(1); 32];
        assert_eq!(policy.quorum_time(&all).ok(), Some(all[0]));
        let mut one_short = all;
        one_short[0] = None;
        assert!(policy.quorum_time(&one_short).is_err());
        assert!(
            policy
                .quorum_in_words()
                .ends_with(&format!("(1 of W0{}", ")".repeat(31)))
        );

        let lines = "\n".repeat(1023);
        assert!(TlogPolicy::parse(&format!("{lines}quorum none\n")).is_ok());
        let error = TlogPolicy::parse(&format!("\n{lines}quorum none\n")).unwrap_err();
        assert_eq!((error.line, error.kind), (1025, ErrorKind::TooManyLines));
        let filler = "#".repeat(TlogPolicy::MAX_BYTES - 12);
        assert!(TlogPolicy::parse(&format!("{filler}\nquorum none")).is_ok());
        let error = TlogPolicy::parse(&format!("{filler}\nquorum none\n")).unwrap_err();
        assert_eq!((error.line, error.kind), (2, ErrorKind::TooLong));
    }
}
