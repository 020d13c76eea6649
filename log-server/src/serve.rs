//! The process of `cosignet-log serve`: a log or several, their listener, and their end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serving::{Answer, Request, Server};

use crate::args::{Config, ServeArgs};
use crate::error::{LogError, Result};
use crate::group::Group;
use crate::member::{Current, Member};

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// What is served.
#[derive(Clone, Debug)]
enum Served {
    One(Current),
    Several(Arc<Group>),
}

/// `serve`
pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let mut config = args.config()?;
    serving::messages(config.json_messages);
    let server = Server::new(config.connections, HEAD_TIME, config.proxies.clone());
    config.log.rooms.push(Arc::clone(server.connections()));
    for plan in &mut config.shards {
        plan.settings.rooms.push(Arc::clone(server.connections()));
    }
    let (served, members) = start(args.data.as_deref(), &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| LogError::System(error.to_string()))?;
    let done = runtime.block_on(serve(&config, server, served));
    // Requests that outlived the grace period go with the runtime, and with them the last senders
    // of jobs; the writers then finish what they have.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let ended: Vec<Result<()>> = members.into_iter().map(Member::end).collect();
    ended.into_iter().collect::<Result<()>>()?;
    done
}

fn start(data: Option<&Path>, config: &Config) -> Result<(Served, Vec<Member>)> {
    let url = config.member_url();
    match (data, config.shards.as_slice()) {
        (Some(data), []) => {
            let member = Member::start(data, url, config.log.clone())?;
            Ok((Served::One(member.current()), vec![member]))
        }
        (None, [_, ..]) => {
            let (group, members) = Group::start(config.shards.clone(), url.as_deref())?;
            Ok((Served::Several(group), members))
        }
        _ => Err(LogError::Usage(
            "say which log to serve: one with --data, or several in tables [[shards]] of the file \
             that --config names, and not both"
                .into(),
        )),
    }
}

async fn serve(config: &Config, server: Server, served: Served) -> Result<()> {
    let system = |error: std::io::Error| LogError::System(error.to_string());
    let listener = config.listen.bind().await.map_err(system)?;
    let address = listener.local_addr().map_err(system)?;
    let end = serving::asked_to_end().map_err(system)?;
    match &served {
        Served::One(current) => {
            let log = current.log();
            tracing::info!(%address, origin = log.vkey().name(), size = log.size(), "serving");
        }
        Served::Several(group) => {
            tokio::spawn(Arc::clone(group).watch());
            tracing::info!(%address, logs = config.shards.len(), "serving");
        }
    }
    let answer = move |request| served.clone().answer(request);
    server.serve(listener, end, answer).await;
    Ok(())
}

impl Served {
    async fn answer(self, request: Request) -> Answer {
        match self {
            Self::One(current) => current.log().answer_all(request).await,
            Self::Several(group) => group.answer(request).await,
        }
    }
}
