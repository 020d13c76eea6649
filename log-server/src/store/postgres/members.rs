//! The questions of the members of a log to its database: what is public, and who leads.

use std::sync::Mutex;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::freeze;
use super::held;
use super::leader::LAPSED;
use super::link::{Answer, Link, Place};
use super::session::Purpose;
use crate::error::Result;
use crate::store::{Head, Leadership, Members};

/// A link for each question, so that neither waits for the other.
#[derive(Debug)]
pub(super) struct Observer {
    place: Place,
    published: Mutex<Link>,
    leadership: Mutex<Link>,
}

impl Observer {
    pub(super) fn open(place: &Place) -> Result<Self> {
        Ok(Self {
            place: place.clone(),
            published: Mutex::new(Link::open(place, Purpose::Serve)?),
            leadership: Mutex::new(Link::new(place, Purpose::Serve)),
        })
    }
}

impl Members for Observer {
    fn published(&self) -> Result<String> {
        let sql = "SELECT p.checkpoint, h.frozen FROM published p JOIN head h USING (log_id) \
                   WHERE log_id = $1";
        let read = async |client: &Client, log: i32| -> Answer<(String, Option<String>)> {
            let row = client.query_typed_one(sql, &[(&log, Type::INT4)]).await?;
            Ok((row.try_get(0)?, row.try_get(1)?))
        };
        match held(&self.published).ask(read)? {
            (checkpoint, None) => Ok(checkpoint),
            (_, Some(why)) => Err(freeze::refusal(&self.place, &why)),
        }
    }

    fn leadership(&self) -> Result<Leadership> {
        let sql = format!("SELECT {LAPSED}, url, frozen FROM head WHERE log_id = $1");
        type Row = (bool, Option<String>, Option<String>);
        let read = async |client: &Client, log: i32| -> Answer<Row> {
            let row = client.query_typed_one(&sql, &[(&log, Type::INT4)]).await?;
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
        };
        Ok(match held(&self.leadership).ask(read)? {
            (_, _, Some(why)) => Leadership::Frozen(freeze::refusal(&self.place, &why).to_string()),
            (true, _, None) => Leadership::Vacant,
            (false, url, None) => Leadership::Held(url),
        })
    }

    fn accuse(&self, shown: &Head, why: &str) -> Result<bool> {
        freeze::accuse(&mut held(&self.published), shown, why)
    }
}
