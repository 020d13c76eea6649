//! Uses of break-glass files: what was done without an approval, by the journal of the program that did
//! it. None of it is a row, and none is counted among approvals.

use std::collections::{HashMap, HashSet};

use verifier_core::break_glass::File;
use verifier_core::hazmat::encoding::hex;
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::time::for_people;
use verifier_core::policy::Policy;
use verifier_core::roster::{self, Roster};
use verifier_core::{Code, Failure as _, plain, quote};

use gate_client::{Use, Uses};

use crate::args::ReportArgs;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::gate::denied;
use crate::html::Html;
use crate::text::wrap;
use crate::verify::CRYPTO;

/// The fewest people who can break the glass.
const FEWEST: usize = 2;

/// The `schema` of a use.
const SCHEMA: &str = "cosignet.report-break-glass/v1";

/// The uses of a journal, each checked anew.
pub(super) struct Glass {
    uses: Vec<Checked>,
}

struct Checked {
    used: Use,
    /// The people who signed, if every signature holds for that act and moment.
    signers: Result<Vec<String>, Code>,
}

impl Glass {
    /// Reads the journal, if one was given.
    pub(super) fn read(
        args: &ReportArgs,
        policy: &Policy,
        roster: Option<&Result<Roster, roster::Error>>,
    ) -> Result<Option<Self>, CliError> {
        let Some(path) = &args.break_glass else {
            return Ok(None);
        };
        if !path.is_file() {
            let error = std::io::ErrorKind::NotFound.into();
            return Err(CliError::unreadable(path, &error));
        }
        let uses = Uses::new(path)
            .all()
            .map_err(|error| denied(error).file(path))?;
        let mut before = HashMap::new();
        let check = |used: Use| {
            let signers = check(&used, policy, roster, &mut before);
            Checked { used, signers }
        };
        let uses = uses.into_iter().map(check).collect();
        Ok(Some(Self { uses }))
    }

    /// Something is wrong if a signature does not hold.
    pub(super) fn exit(&self) -> Exit {
        match self.uses.iter().all(|one| one.signers.is_ok()) {
            true => Exit::Ok,
            false => Exit::Rejected,
        }
    }

    /// For a terminal.
    pub(super) fn to_text(&self) -> String {
        let mut out = wrap("", &self.sentence());
        for one in &self.uses {
            out += &wrap("BREAK-GLASS ", &one.words());
        }
        out
    }

    /// One JSON object a line.
    pub(super) fn to_json_lines(&self) -> String {
        let lines = self.uses.iter().map(|one| one.to_value().to_text() + "\n");
        lines.collect()
    }

    /// A part of the page.
    pub(super) fn section(&self, body: &mut Html) {
        body.heading("Done without an approval");
        body.paragraph(&self.sentence());
        body.table(
            &[
                "Began",
                "Action",
                "Outcome",
                "Signed for by",
                "Reason",
                "Use",
            ],
            self.uses.iter().map(|one| {
                vec![
                    Html::text(&for_people(one.used.at())),
                    Html::text(&plain(one.used.action())),
                    Html::text(one.outcome()),
                    Html::text(&one.signed()),
                    Html::text(&quote(one.used.reason())),
                    Html::tag("code", "", &Html::text(&plain(one.used.use_id()))),
                ]
            }),
        );
    }

    fn sentence(&self) -> String {
        match self.uses.len() {
            0 => "The journal of break-glass has no use in it.".into(),
            1 => "One act went ahead without an approval, under a break-glass file.".into(),
            n => format!("{n} acts went ahead without an approval, under break-glass files."),
        }
    }
}

impl Checked {
    fn outcome(&self) -> &'static str {
        match self.used.outcome() {
            Some("done") => "done",
            Some("failed") => "failed",
            _ => "outcome unknown",
        }
    }

    fn signed(&self) -> String {
        match &self.signers {
            Ok(people) => people
                .iter()
                .map(|name| plain(name))
                .collect::<Vec<_>>()
                .join(", "),
            Err(code) => format!("nobody who counts: {code}"),
        }
    }

    fn words(&self) -> String {
        format!(
            "{} {}, {}; signed for by {}; because: {}; use {}",
            for_people(self.used.at()),
            plain(self.used.action()),
            self.outcome(),
            self.signed(),
            quote(self.used.reason()),
            plain(self.used.use_id())
        )
    }

    fn to_value(&self) -> Value<'_> {
        let people = self.signers.as_deref().unwrap_or_default();
        Value::from([
            ("action", self.used.action().into()),
            ("at", self.used.at().to_string().into()),
            (
                "code",
                self.signers.as_ref().err().map(|code| code.as_str()).into(),
            ),
            ("grantSha256", hex(&self.used.grant_sha256()).into()),
            ("outcome", self.used.outcome().into()),
            ("payloadSha256", hex(&self.used.payload_hash()).into()),
            ("reason", self.used.reason().into()),
            ("reported", self.used.is_reported().into()),
            ("schema", SCHEMA.into()),
            (
                "signers",
                people
                    .iter()
                    .map(|name| Value::from(name.as_str()))
                    .collect(),
            ),
            ("useId", self.used.use_id().into()),
        ])
    }
}

/// The payloads for which each grant was used.
type Before = HashMap<[u8; 32], HashSet<[u8; 32]>>;

/// The people who signed for this use, behind those before it: the line says what the file says, two
/// people or more have signed it, under this policy, for that act and moment, and as often as this.
fn check(
    used: &Use,
    policy: &Policy,
    roster: Option<&Result<Roster, roster::Error>>,
    before: &mut Before,
) -> Result<Vec<String>, Code> {
    let signed = File::parse(used.file().as_bytes())
        .and_then(|file| file.verify(policy, roster, &CRYPTO))
        .map_err(|error| error.code())?;
    let (file, people) = (signed.file(), signed.people());
    let grant = file.grant();
    if grant.policy_sha256 != policy.sha256() {
        return Err(Code::BreakGlassOtherPolicy);
    }
    // Counted whatever else is wrong with it: it was used.
    let payloads = before.entry(file.grant_sha256()).or_default();
    let is_new = payloads.insert(used.payload_hash());
    let uses = u64::try_from(payloads.len()).unwrap_or(u64::MAX);
    let same = used.grant_sha256() == file.grant_sha256()
        && used.reason() == grant.reason
        && people.iter().eq(used.signers());
    if !same {
        return Err(Code::BreakGlassForm);
    }
    if people.len() < FEWEST {
        return Err(Code::BreakGlassQuorumShort);
    }
    grant
        .permits(used.action(), used.at())
        .map_err(|error| error.code())?;
    if !is_new || grant.uses < uses {
        return Err(Code::BreakGlassOverused);
    }
    Ok(people.into_iter().map(Into::into).collect())
}
