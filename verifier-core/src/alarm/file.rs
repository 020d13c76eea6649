//! The file that carries an alarm.
//!
//! ```text
//! {"type":"cosignet.alarm/v1","kind":"fork","checkpoints":[text,text],"prefix":[b64 std,…]}
//! {"type":…,"kind":"bad-entry","entries":[{"entry":b64,"logProof":text}]}
//! {"type":…,"kind":"duplicate","entries":[…,…]}
//! {"type":…,"kind":"late","entries":[before,late]}
//! {"type":…,"kind":"post-dated","entries":[…],"ots":b64}
//! ```
//!
//! Each may have `"observed":{"at":time,"from":[url,…]}`.

use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use super::{Alarm, Error, Evidence, Logged, Observed, TYPE};
use crate::bitcoin::ots::Timestamp;
use crate::encoding::{base64, base64url, from_base64};
use crate::json::{Limits, Value};
use crate::schema::{self, Members, Wrong};
use crate::tlog::merkle::{Hash, MAX_PROOF};

impl Alarm {
    /// The largest file, in bytes.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// An alarm about which nothing else is said.
    pub fn new(evidence: Evidence) -> Self {
        Self {
            evidence,
            observed: Observed::default(),
        }
    }

    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let value = Value::parse(bytes, Limits::bytes(Self::MAX_BYTES)).map_err(Error::NotJson)?;
        let members = Members::of(&value)?;
        let found = members.text("type")?;
        if found != TYPE {
            return Err(members.wrong("type", "\"cosignet.alarm/v1\"", found).into());
        }
        let observed = members.optional_members("observed")?;
        Ok(Self {
            evidence: evidence(members)?,
            observed: observed.map(read_observed).transpose()?.unwrap_or_default(),
        })
    }

    /// Writes the file, in canonical JSON.
    pub fn to_json(&self) -> String {
        let mut members = vec![("type", TYPE.into())];
        let entries = |list: &[&Logged]| list.iter().map(|logged| logged.to_value()).collect();
        match &self.evidence {
            Evidence::BadEntry(logged) => {
                members.push(("kind", "bad-entry".into()));
                members.push(("entries", entries(&[logged])));
            }
            Evidence::Duplicate(first, second) => {
                members.push(("kind", "duplicate".into()));
                members.push(("entries", entries(&[first, second])));
            }
            Evidence::Fork {
                first,
                second,
                prefix,
            } => {
                members.push(("kind", "fork".into()));
                let checkpoints = [first, second].map(|text| Value::from(text.clone()));
                members.push(("checkpoints", checkpoints.into_iter().collect()));
                members.push(("prefix", write_hashes(prefix)));
            }
            Evidence::Late { before, late } => {
                members.push(("kind", "late".into()));
                members.push(("entries", entries(&[before, late])));
            }
            Evidence::PostDated { logged, ots } => {
                members.push(("kind", "post-dated".into()));
                members.push(("entries", entries(&[logged])));
                members.extend(ots.as_ref().map(|ots| ("ots", base64url(ots).into())));
            }
        }
        if self.observed != Observed::default() {
            members.push(("observed", self.observed.to_value()));
        }
        object(members).to_text()
    }
}

impl Observed {
    fn to_value(&self) -> Value<'_> {
        let at = self.at.map(|at| ("at", Value::from(at.to_string())));
        let from = self.from.iter().map(|url| Value::from(url.as_str()));
        let from = [("from", from.collect())];
        object(at.into_iter().chain(from).collect())
    }
}

impl Logged {
    fn to_value(&self) -> Value<'static> {
        object(vec![
            ("entry", base64url(&self.entry).into()),
            ("logProof", self.proof.clone().into()),
        ])
    }
}

fn object<'a>(members: Vec<(&'a str, Value<'a>)>) -> Value<'a> {
    let members = members.into_iter().map(|(key, value)| (key.into(), value));
    Value::Object(members.collect())
}

fn write_hashes(hashes: &[Hash]) -> Value<'static> {
    hashes.iter().map(|hash| base64(hash).into()).collect()
}

fn evidence(members: Members<'_, '_>) -> Result<Evidence, Error> {
    let kind = members.text("kind")?;
    let known: &[&str] = match kind {
        "bad-entry" | "duplicate" | "late" => &["entries", "kind", "observed", "type"],
        "fork" => &["checkpoints", "kind", "observed", "prefix", "type"],
        "post-dated" => &["entries", "kind", "observed", "ots", "type"],
        other => {
            let expected = "bad-entry, duplicate, fork, late or post-dated";
            return Err(members.wrong("kind", expected, other).into());
        }
    };
    let members = members.only(known)?;
    Ok(match kind {
        "bad-entry" => {
            let [logged] = logged(&members)?;
            Evidence::BadEntry(logged)
        }
        "duplicate" => {
            let [first, second] = logged(&members)?;
            Evidence::Duplicate(first, second)
        }
        "fork" => {
            let [first, second] = checkpoints(&members)?;
            Evidence::Fork {
                first,
                second,
                prefix: prefix(&members)?,
            }
        }
        "late" => {
            let [before, late] = logged(&members)?;
            Evidence::Late { before, late }
        }
        _ => {
            let [logged] = logged(&members)?;
            let ots = members.optional_bytes("ots")?;
            if ots
                .as_ref()
                .is_some_and(|ots| ots.len() > Timestamp::MAX_BYTES)
            {
                let problem = Wrong::TooLarge {
                    limit: Timestamp::MAX_BYTES,
                    unit: "bytes",
                };
                return Err(members.error("ots", problem).into());
            }
            Evidence::PostDated { logged, ots }
        }
    })
}

fn logged<const N: usize>(members: &Members<'_, '_>) -> Result<[Logged; N], schema::Error> {
    let read = |members: Members<'_, '_>| {
        let members = members.only(&["entry", "logProof"])?;
        Ok(Logged {
            entry: members.bytes("entry")?,
            proof: members.text("logProof")?.to_string(),
        })
    };
    let list = members.objects("entries")?.into_iter().map(read);
    let list: Vec<Logged> = list.collect::<Result<_, schema::Error>>()?;
    exactly(members, "entries", list)
}

fn checkpoints<const N: usize>(members: &Members<'_, '_>) -> Result<[String; N], schema::Error> {
    let list = members.texts("checkpoints")?.into_iter().map(String::from);
    exactly(members, "checkpoints", list.collect())
}

fn exactly<T, const N: usize>(
    members: &Members<'_, '_>,
    key: &str,
    list: Vec<T>,
) -> Result<[T; N], schema::Error> {
    let found = list.len();
    let expected = if N == 1 { "one" } else { "two" };
    list.try_into()
        .map_err(|_| members.wrong(key, expected, &found.to_string()))
}

fn prefix(members: &Members<'_, '_>) -> Result<Vec<Hash>, schema::Error> {
    const KEY: &str = "prefix";
    let texts = members.texts(KEY)?;
    if texts.len() > MAX_PROOF {
        let problem = Wrong::TooLarge {
            limit: MAX_PROOF,
            unit: "hashes",
        };
        return Err(members.error(KEY, problem));
    }
    let hash = |text: &str| {
        let bytes = from_base64(text).ok().and_then(|b| b.try_into().ok());
        bytes.ok_or_else(|| members.wrong(KEY, "32 bytes in standard base64", text))
    };
    texts.into_iter().map(hash).collect()
}

fn read_observed(members: Members<'_, '_>) -> Result<Observed, schema::Error> {
    let members = members.only(&["at", "from"])?;
    Ok(Observed {
        at: members.optional_time("at")?,
        from: members.texts("from")?.into_iter().map(Into::into).collect(),
    })
}
