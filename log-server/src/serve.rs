//! The process of `cosignet-log serve`: a log, its listener, and their end.

use std::sync::Arc;
use std::time::Duration;

use serving::Server;

use crate::args::{Config, ServeArgs};
use crate::error::{LogError, Result};
use crate::member::{Current, Member};

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// `serve`
pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let config = args.config()?;
    serving::messages(config.json_messages);
    let server = Server::new(config.connections, HEAD_TIME, config.proxies.clone());
    let mut settings = config.log.clone();
    settings.rooms.push(Arc::clone(server.connections()));
    let member = Member::start(&args.data, config.member_url(), settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| LogError::System(error.to_string()))?;
    let served = runtime.block_on(serve(&config, server, member.current()));
    // Requests that outlived the grace period go with the runtime, and with them the last senders
    // of jobs; the writer then finishes what it has.
    runtime.shutdown_timeout(Duration::from_secs(1));
    member.end()?;
    served
}

async fn serve(config: &Config, server: Server, current: Current) -> Result<()> {
    let system = |error: std::io::Error| LogError::System(error.to_string());
    let listener = config.listen.bind().await.map_err(system)?;
    let address = listener.local_addr().map_err(system)?;
    let end = serving::asked_to_end().map_err(system)?;
    let log = current.log();
    tracing::info!(%address, origin = log.vkey().name(), size = log.size(), "serving");
    drop(log);
    let answer = move |request| current.log().answer_all(request);
    server.serve(listener, end, answer).await;
    Ok(())
}
