//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};
use serving::{IpNet, Listen, Proxies};

/// A witness of transparency logs: it cosigns the heads of logs that only append
#[derive(Debug, Parser)]
#[command(
    name = "cosignet-witness",
    version,
    after_help = "\
Start here:
  cosignet-witness init --data /var/lib/cosignet-witness --name witness.example.com/w1
  cosignet-witness serve --data /var/lib/cosignet-witness --logs logs.policy

`cosignet explain CODE` says more about the codes of errors."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Serve(ServeArgs),
}

/// Create a witness: its key and its empty memory. Prints the verifier key
#[derive(Args, Debug)]
#[command(after_help = "\
Nothing else ever creates a witness. Back up DIR/witness.key now, and keep it secret. The verifier
key that is printed goes into the policies of logs and verifiers.
Exit codes: 0 done; 2 wrong usage; 5 a file cannot be written.

Example:
  cosignet-witness init --data /var/lib/cosignet-witness --name witness.example.com/w1")]
pub(crate) struct InitArgs {
    /// Where the witness lives; made if it does not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The name of the key for ever, such as witness.example.com/w1
    #[arg(long)]
    pub(crate) name: String,
}

/// Run a witness (c2sp.org/tlog-witness)
#[derive(Args, Debug)]
#[command(after_help = "\
--logs is a c2sp.org/tlog-policy file; its `log` lines say whose checkpoints are cosigned, and the
rest of it is not looked at. Put a reverse proxy with TLS in front, and do not expose /metrics.

Never start a witness from an old copy of DIR/logs: it could sign a second history. If you cannot
rule that out, give --check-log for each log (and for each copy of what this witness publishes):
URL/checkpoint is fetched, and if it carries a cosignature of this witness on more than DIR
remembers, the witness does not start.
Exit codes: 0 ended by a signal; 1 DIR is damaged or was rolled back; 2 wrong usage; 5 a file or
the network.

Example:
  cosignet-witness serve --data /var/lib/cosignet-witness --logs logs.policy \\
      --check-log https://log.example.com")]
pub(crate) struct ServeArgs {
    /// Where the witness lives
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The logs to cosign, as a c2sp.org/tlog-policy file
    #[arg(long, value_name = "POLICYFILE")]
    pub(crate) logs: PathBuf,
    /// Address and port, such as localhost:8090; :8090 is every address of this machine
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS:PORT")]
    pub(crate) listen: Listen,
    /// Compare with the checkpoint at URL/checkpoint before the start; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) check_log: Vec<String>,
    /// How many connections may be open
    #[arg(long, default_value_t = 1024, value_name = "COUNT", value_parser = value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// A reverse proxy, by address or network: it says in X-Forwarded-For for whom it asks, and
    /// may hold any number of connections; may be repeated [default: this machine]
    #[arg(long = "proxy", value_name = "ADDRESS", value_parser = Proxies::parse)]
    pub(crate) proxies: Vec<IpNet>,
    /// How many requests a second are looked at for each log
    #[arg(long, default_value_t = 1000, value_name = "COUNT", value_parser = value_parser!(u16).range(1..))]
    pub(crate) rate: u16,
}
