//! The questions of the members of a log to its database: what is public, and who leads.

use std::sync::Mutex;

use tokio_postgres::types::Type;

use super::leader::LEASE;
use super::link::{Answer, Link, Place};
use super::session::Purpose;
use super::{held, rows};
use crate::error::Result;
use crate::store::{Leadership, Members};

/// A link for each question, so that neither waits for the other.
#[derive(Debug)]
pub(super) struct Observer {
    published: Mutex<Link>,
    leadership: Mutex<Link>,
}

impl Observer {
    pub(super) fn open(place: &Place) -> Result<Self> {
        Ok(Self {
            published: Mutex::new(Link::open(place, Purpose::Serve)?),
            leadership: Mutex::new(Link::new(place, Purpose::Serve)),
        })
    }
}

impl Members for Observer {
    fn published(&self) -> Result<String> {
        rows::published(&mut held(&self.published))
    }

    fn leadership(&self) -> Result<Leadership> {
        let sql = format!("SELECT renewed < now() - {LEASE}, url FROM head WHERE log_id = $1");
        let (over, url) =
            held(&self.leadership).ask(async |client, log| -> Answer<(bool, Option<String>)> {
                let row = client.query_typed_one(&sql, &[(&log, Type::INT4)]).await?;
                Ok((row.try_get(0)?, row.try_get(1)?))
            })?;
        Ok(match over {
            true => Leadership::Vacant,
            false => Leadership::Held(url),
        })
    }
}
