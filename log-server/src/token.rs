//! Tokens of those who may write.
//!
//! ```text
//! cosignet_<id: 8 bytes in hex>_<secret: 32 bytes in hex>
//! ```
//!
//! The database has the id and the SHA-256 of the secret.

use std::sync::Arc;

use serving::token::{Holder, NewToken, Presented};

use crate::args::{DataArg, Right, TokenCommand};
use crate::backend;
use crate::error::{LogError, Result};
use crate::store::{TokenRow, Tokens};

const PREFIX: &str = "cosignet";

/// `token create | list | copy | revoke`
pub(crate) fn run(command: &TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Create { data, name, rights } => {
            println!("{}", create(&*open(data)?, name, rights)?);
        }
        TokenCommand::List { data } => {
            for line in list(&*open(data)?)? {
                println!("{line}");
            }
        }
        TokenCommand::Copy { data, from } => {
            let from = backend::beside(from, data.store.address.as_ref(), &[]);
            let (from, _) = backend::open(&from)?;
            let count = copy(&*from.tokens()?, &*open(data)?)?;
            println!("{count} tokens copied");
        }
        TokenCommand::Revoke { data, name } => revoke(&*open(data)?, name)?,
    }
    Ok(())
}

fn open(data: &DataArg) -> Result<Arc<dyn Tokens>> {
    let (backend, _) = backend::open(&data.store.place(&data.data, None))?;
    backend.tokens()
}

fn create(tokens: &dyn Tokens, name: &str, rights: &[Right]) -> Result<String> {
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(LogError::Usage(
            "--name has to be 1 to 100 printable characters".into(),
        ));
    }
    let token = NewToken::generate(PREFIX)
        .map_err(|error| LogError::System(format!("no random numbers: {error}")))?;
    let may = |right| rights.is_empty() || rights.contains(&right);
    let rights: Vec<&str> = [(Right::Append, "append"), (Right::Disclose, "disclose")]
        .into_iter()
        .filter_map(|(right, name)| may(right).then_some(name))
        .collect();
    let row = TokenRow {
        name: name.to_owned(),
        id: token.id().to_owned(),
        hash: token.hash().to_vec(),
        rights: rights.join(" "),
        created: crate::now().to_string(),
        revoked: None,
    };
    if !tokens.add(&row)? {
        return Err(LogError::Usage(format!(
            "there is, or was, a token named {name}: choose another name"
        )));
    }
    Ok(token.text().to_owned())
}

fn list(tokens: &dyn Tokens) -> Result<Vec<String>> {
    let line = |token: TokenRow| {
        let TokenRow {
            name,
            rights,
            created,
            revoked,
            ..
        } = token;
        let revoked = revoked.map_or(String::new(), |at| format!("\trevoked {at}"));
        format!("{name}\t{rights}\tcreated {created}{revoked}")
    };
    Ok(tokens.all()?.into_iter().map(line).collect())
}

/// Copies all that are valid, and says how many were not there.
fn copy(from: &dyn Tokens, to: &dyn Tokens) -> Result<usize> {
    let there = to.all()?;
    let missing = |token: &TokenRow| {
        token.revoked.is_none() && !there.iter().any(|known| known.id == token.id)
    };
    let mut count = 0;
    for token in from.all()?.iter().filter(|token| missing(token)) {
        if !to.add(token)? {
            return Err(LogError::Usage(format!(
                "there is, or was, another token named {}: it was not copied",
                token.name
            )));
        }
        count += 1;
    }
    Ok(count)
}

fn revoke(tokens: &dyn Tokens, name: &str) -> Result<()> {
    if tokens.revoke(name, &crate::now().to_string())? {
        return Ok(());
    }
    Err(LogError::Usage(format!("there is no token named {name}")))
}

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) holder: Holder,
    pub(crate) rights: Vec<Right>,
}

/// The holder of a token; `None` if it is no token of this log.
pub(crate) fn bearer(tokens: &dyn Tokens, token: &str) -> Result<Option<Bearer>> {
    let Some(presented) = Presented::parse(PREFIX, token) else {
        return Ok(None);
    };
    let Some(row) = tokens.find(presented.id())? else {
        return Ok(None);
    };
    let hash = <[u8; 32]>::try_from(row.hash)
        .map_err(|_| LogError::damage("the database: the hash of a token is not 32 bytes"))?;
    let Some(holder) = presented.verify(&hash) else {
        return Ok(None);
    };
    let right = |name| match name {
        "append" => Some(Right::Append),
        "disclose" => Some(Right::Disclose),
        _ => None,
    };
    Ok(Some(Bearer {
        holder,
        rights: row.rights.split(' ').filter_map(right).collect(),
    }))
}
