//! Tokens of those who may write.
//!
//! ```text
//! cosignet_<id: 8 bytes in hex>_<secret: 32 bytes in hex>
//! ```
//!
//! The database has the SHA-256 of the secret. That is enough of a hash for 256 random bits.

use subtle::ConstantTimeEq as _;
use verifier_core::encoding::{hex, sha256};

use crate::args::{Right, TokenCommand};
use crate::failure::{Failure, Result};
use crate::layout::Layout;
use crate::store::sqlite::{Sqlite, TokenRow};

const PREFIX: &str = "cosignet_";

/// `token create | list | revoke`
pub(crate) fn run(command: &TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Create { data, name, rights } => {
            println!("{}", create(&mut open(&data.data)?, name, rights)?);
        }
        TokenCommand::List { data } => {
            for line in list(&open(&data.data)?)? {
                println!("{line}");
            }
        }
        TokenCommand::Revoke { data, name } => revoke(&mut open(&data.data)?, name)?,
    }
    Ok(())
}

fn open(data: &std::path::Path) -> Result<Sqlite> {
    let layout = Layout::new(data);
    layout.require()?;
    Sqlite::open(&layout.database())
}

fn create(store: &mut Sqlite, name: &str, rights: &[Right]) -> Result<String> {
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(Failure::Usage(
            "--name has to be 1 to 100 printable characters".into(),
        ));
    }
    let (id, secret): ([u8; 8], [u8; 32]) = (crate::random()?, crate::random()?);
    let (id, secret) = (hex(&id), hex(&secret));
    let may = |right| rights.is_empty() || rights.contains(&right);
    let rights: Vec<&str> = [(Right::Append, "append"), (Right::Disclose, "disclose")]
        .into_iter()
        .filter_map(|(right, name)| may(right).then_some(name))
        .collect();
    let token = TokenRow {
        name: name.to_owned(),
        hash: sha256(secret.as_bytes()).to_vec(),
        rights: rights.join(" "),
        created: crate::now().to_string(),
        revoked: None,
        id,
    };
    if !store.add_token(&token)? {
        return Err(Failure::Usage(format!(
            "there is, or was, a token named {name}: choose another name"
        )));
    }
    Ok(format!("{PREFIX}{}_{secret}", token.id))
}

fn list(store: &Sqlite) -> Result<Vec<String>> {
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
    Ok(store.tokens()?.into_iter().map(line).collect())
}

fn revoke(store: &mut Sqlite, name: &str) -> Result<()> {
    if store.revoke_token(name, &crate::now().to_string())? {
        return Ok(());
    }
    Err(Failure::Usage(format!("there is no token named {name}")))
}

/// Who sent a request.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) id: String,
    pub(crate) rights: Vec<Right>,
}

/// Whose token this is; `None` if it is no token of this log.
pub(crate) fn bearer(store: &Sqlite, token: &str) -> Result<Option<Bearer>> {
    let Some((id, secret)) = token
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
    else {
        return Ok(None);
    };
    let Some(row) = store.token(id)? else {
        return Ok(None);
    };
    if !bool::from(sha256(secret.as_bytes()).ct_eq(row.hash.as_slice())) {
        return Ok(None);
    }
    let right = |name| match name {
        "append" => Some(Right::Append),
        "disclose" => Some(Right::Disclose),
        _ => None,
    };
    Ok(Some(Bearer {
        id: id.to_owned(),
        rights: row.rights.split(' ').filter_map(right).collect(),
    }))
}
