//! A file that opens under settings, and an act that it permits.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Error, File, Grant, Settings, Signed, Signer};
use crate::decision::{Person, Served, assign};
use crate::encoding::hex;
use crate::json::Value;
use crate::roster;
use crate::time::Time;

/// The `schema` of what is said about an act.
const REPORT: &str = "cosignet.break-glass-report/v1";

/// A file that enough people have signed, for something that the settings allow. [`Opened::new`]
/// alone makes one. It is no approval, and nothing turns it into one.
#[derive(Clone, Debug)]
pub struct Opened {
    signed: Signed,
    served: Vec<Served>,
}

impl Opened {
    /// The file, if the settings allow it.
    ///
    /// # Errors
    ///
    /// [`Error`] for the first rule that does not let it.
    pub fn new(signed: Signed, settings: &Settings) -> Result<Self, Error> {
        let grant = signed.file.grant();
        for found in [signed.policy_sha256, grant.policy_sha256] {
            if found != settings.policy_sha256 {
                return Err(Error::OtherPolicy {
                    expected: settings.policy_sha256,
                    found,
                });
            }
        }
        if let Some(found) = signed.roster_version {
            let expected = settings
                .min_roster_version
                .ok_or(Error::NoMinRosterVersion)?;
            if found < expected {
                return Err(Error::Roster(roster::Error::TooOld { expected, found }));
            }
        }
        if grant.audience != settings.audience {
            return Err(Error::Audience {
                expected: settings.audience.clone(),
                found: grant.audience.clone(),
            });
        }
        let mut allowed = settings.actions.iter();
        if !allowed.any(|pattern| grant.action.is_within(pattern)) {
            return Err(Error::NotAllowed {
                expected: settings.actions.clone(),
                found: grant.action.clone(),
            });
        }
        if grant.lasts() > settings.longest {
            return Err(Error::TooLong {
                expected: settings.longest,
                found: grant.lasts(),
            });
        }
        let people: Vec<Person> = signed
            .signers
            .iter()
            .map(|one| Person::new(one.person.clone(), one.groups.clone()))
            .collect();
        let served = assign(&settings.require, &people);
        let missing = served.iter().map(Served::missing).sum();
        match missing {
            0 => Ok(Self { signed, served }),
            _ => Err(Error::QuorumShort { missing, served }),
        }
    }

    /// The file.
    pub fn file(&self) -> &File {
        self.signed.file()
    }

    /// The grant.
    pub fn grant(&self) -> &Grant {
        self.file().grant()
    }

    /// One for each signature.
    pub fn signers(&self) -> &[Signer] {
        self.signed.signers()
    }

    /// The people who signed, each once, in the order of their names.
    pub fn people(&self) -> Vec<&str> {
        self.signed.people()
    }

    /// The act, if it is permitted at this moment.
    ///
    /// # Errors
    ///
    /// [`Error::OtherAction`] or [`Error::Window`].
    pub fn permits(&self, action: &str, at: Time) -> Result<Permitted<'_>, Error> {
        self.grant().permits(action, at)?;
        let action = action.into();
        Ok(Permitted {
            opened: self,
            action,
            at,
        })
    }

    fn value(&self) -> Vec<(&'static str, Value<'_>)> {
        let grant = self.grant();
        let signer = |one: &Signer| {
            Value::from([
                ("fingerprint", one.fingerprint.clone().into()),
                ("name", one.name.clone().into()),
                ("person", one.person.clone().into()),
            ])
        };
        let people = self.people().into_iter();
        alloc::vec![
            ("audience", grant.audience.as_str().into()),
            (
                "clauses",
                self.served.iter().map(Served::to_value).collect()
            ),
            ("grantSha256", hex(&self.file().grant_sha256()).into()),
            ("notAfter", grant.not_after.to_string().into()),
            ("notBefore", grant.not_before.to_string().into()),
            ("pattern", grant.action.as_str().into()),
            ("people", people.map(Value::from).collect()),
            ("policySha256", hex(&grant.policy_sha256).into()),
            ("reason", grant.reason.as_str().into()),
            ("schema", REPORT.into()),
            ("signers", self.signers().iter().map(signer).collect()),
            ("uses", grant.uses.into()),
        ]
    }

    /// What is known of the file, in canonical JSON: an object whose `schema` is
    /// `cosignet.break-glass-report/v1`.
    pub fn to_json(&self) -> String {
        object(self.value())
    }
}

/// An act that a file permits; [`Opened::permits`] alone makes one.
#[derive(Clone, Debug)]
pub struct Permitted<'o> {
    opened: &'o Opened,
    action: String,
    at: Time,
}

impl Permitted<'_> {
    /// The file.
    pub fn opened(&self) -> &Opened {
        self.opened
    }

    /// The action.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The moment for which it was asked.
    pub fn at(&self) -> Time {
        self.at
    }

    /// As [`Opened::to_json`], with `action` and `at`.
    pub fn to_json(&self) -> String {
        let own = [
            ("action", self.action.as_str().into()),
            ("at", self.at.to_string().into()),
        ];
        object(self.opened.value().into_iter().chain(own))
    }
}

fn object<'v>(members: impl IntoIterator<Item = (&'static str, Value<'v>)>) -> String {
    let members = members.into_iter();
    Value::Object(members.map(|(key, value)| (key.into(), value)).collect()).to_text()
}
