//! A client under whose load the gate dies.

use std::collections::BTreeMap;

use serde_json::json;
use test_vectors::encoding::from_b64url;
use ureq::Error;

use super::{Dice, PEOPLE, World};
use crate::harness::Person;

/// One of the clients of one life. It plays an agent, people, and an executor.
pub(super) struct Client<'w> {
    world: &'w World,
    dice: Dice,
    /// Signed in since the start of the process.
    cookies: BTreeMap<usize, String>,
}

impl<'w> Client<'w> {
    pub(super) fn new(world: &'w World, dice: Dice) -> Self {
        Self {
            world,
            dice,
            cookies: BTreeMap::new(),
        }
    }

    /// Never ends well: the process dies.
    pub(super) fn work(mut self) -> Result<(), Error> {
        loop {
            let id = match self.dice.below(3) {
                0 => self.some_request(),
                _ => None,
            };
            let id = match id {
                Some(id) => id,
                None => self.create()?,
            };
            match self.dice.below(8) {
                0 => self.cancel(&id)?,
                1 => self.decide(&id, "refuse")?,
                2 => self.decide(&id, "approve")?,
                _ => {
                    for _ in 0..3 {
                        self.decide(&id, "approve")?;
                    }
                    self.wait(&id)?;
                }
            }
            for _ in 0..self.dice.below(3) {
                self.claim(&id)?;
            }
        }
    }

    fn some_request(&mut self) -> Option<String> {
        self.world.seen(|seen| {
            let most = u64::try_from(seen.requests.len()).unwrap();
            let at = usize::try_from(self.dice.below(most.max(1))).unwrap();
            seen.requests.keys().nth(at).cloned()
        })
    }

    fn create(&mut self) -> Result<String, Error> {
        let amount = self.world.seen(|seen| {
            seen.created += 1;
            seen.lost.insert(seen.created);
            seen.created
        });
        let made = self.world.create(amount)?;
        assert_eq!(made.status, 201, "{made:?}");
        self.world.keep_created(amount, &made);
        self.world.seen(|seen| seen.lost.remove(&amount));
        Ok(made.json()["id"].as_str().unwrap().to_owned())
    }

    fn decide(&mut self, id: &str, kind: &'static str) -> Result<(), Error> {
        let who = usize::try_from(self.dice.below(3)).unwrap();
        let (world, name) = (self.world, PEOPLE[who].0);
        let cookie = self.cookie(who)?;
        let path = format!("/a/{id}/request");
        let shown = world
            .gate
            .try_send("GET", &path, &[("cookie", &cookie)], None)?;
        assert_eq!(shown.status, 200, "{shown:?}");
        let challenge = Person::challenge(&shown.json(), kind);
        let assertion = world.people[who].sign(&world.gate, &challenge);
        world.told(id, |told| {
            told.tried.insert((name, kind));
        });
        let body = json!({ "kind": kind, "assertion": assertion });
        let decided = world.post(&format!("/a/{id}/decision"), &[], &body)?;
        match decided.status {
            200 => world.told(id, |told| {
                told.kept.insert((name, kind));
            }),
            // It is over, or this person has signed, or others of the group have.
            403 | 409 | 410 => {}
            _ => panic!("{decided:?}"),
        }
        Ok(())
    }

    fn cookie(&mut self, who: usize) -> Result<String, Error> {
        if let Some(cookie) = self.cookies.get(&who) {
            return Ok(cookie.clone());
        }
        let world = self.world;
        let options = world.post("/session/options", &[], &json!({}))?;
        let challenge = from_b64url(options.json()["challenge"].as_str().unwrap());
        let body = json!({ "assertion": world.people[who].sign(&world.gate, &challenge) });
        let session = world.post("/session/finish", &[], &body)?;
        assert_eq!(session.status, 200, "{session:?}");
        let cookie = session
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        self.cookies.insert(who, cookie.clone());
        Ok(cookie)
    }

    fn wait(&self, id: &str) -> Result<(), Error> {
        let path = format!("/api/confirmations/{id}?wait=1");
        let headers = [("x-api-key", &*self.world.agent)];
        let reply = self.world.gate.try_send("GET", &path, &headers, None)?;
        assert_eq!(reply.status, 200, "{reply:?}");
        if reply.json()["status"] == "approved" {
            self.world.told(id, |told| told.is_approved = true);
        }
        Ok(())
    }

    fn cancel(&self, id: &str) -> Result<(), Error> {
        let headers = [("x-api-key", &*self.world.agent)];
        let path = format!("/api/confirmations/{id}/cancel");
        let reply = self.world.gate.try_send("POST", &path, &headers, None)?;
        match reply.status {
            200 => self.world.told(id, |told| told.is_cancelled = true),
            409 | 410 => {}
            _ => panic!("{reply:?}"),
        }
        Ok(())
    }

    fn claim(&mut self, id: &str) -> Result<(), Error> {
        let operation = format!("operation {}", self.dice.below(6));
        let mut known = None;
        self.world.told(id, |told| {
            told.operations.insert(operation.clone());
            known = Some(told.clone());
        });
        let reply = self.world.claim(id, &operation, &known.unwrap())?;
        match reply.status {
            200 => self.world.told(id, |told| {
                told.claims.insert(operation);
                told.is_approved = true;
            }),
            409 | 410 => {}
            _ => panic!("{reply:?}"),
        }
        Ok(())
    }
}
