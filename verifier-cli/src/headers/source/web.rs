//! A node or an esplora behind an address.

use log_client::headers;

use super::{Bytes, Offer, Source};
use crate::args::SyncArgs;
use crate::failure::CliError;
use crate::{file, http};

pub(super) struct Web {
    source: headers::Source,
    offer: Offer,
}

impl Web {
    pub(super) fn open(args: &SyncArgs) -> Result<Self, CliError> {
        let client = http::client()?;
        let cookie = args.cookie.as_deref().map(|path| {
            let text = String::from_utf8(file::read_whole(path, 1024)?).ok();
            let pair = text.as_deref().and_then(|text| {
                let (user, password) = text.trim().split_once(':')?;
                Some((user.to_owned(), password.to_owned()))
            });
            pair.ok_or_else(|| {
                let form = "a node's cookie is a name and a password with a colon between.";
                CliError::usage(form).about(path)
            })
        });
        let cookie = cookie.transpose()?;
        let secret = cookie
            .as_ref()
            .map(|(user, password)| (&**user, &**password));
        let source = headers::Source::with_password(&client, &args.from, secret)?;
        let offer = Offer {
            network: args.network,
            first: 0,
            last: source.tip()?,
        };
        Ok(Self { source, offer })
    }
}

impl Source for Web {
    fn offer(&self) -> Offer {
        self.offer
    }

    fn read(&mut self, height: u32, last: u32) -> Result<Vec<Bytes>, CliError> {
        Ok(self.source.read(height, last)?)
    }
}
