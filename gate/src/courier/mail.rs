//! Mail to people who are asked: a notification, which decides nothing.

use std::time::Duration;

use command_line::{CliError, file};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::delivery::{Due, Outcome};
use crate::settings::{Mail, MailTls};
use crate::site::Site;

/// For each step of a conversation with the server, and for all of it.
const STEP_TIME: Duration = Duration::from_secs(15);
const TIME: Duration = Duration::from_secs(60);

/// The longest password and certificate, in bytes.
const MAX_PASSWORD: usize = 4096;
const MAX_CA: usize = 256 * 1024;

/// Hands mail to a server. Every delivery has a connection of its own.
#[derive(Debug)]
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: lettre::message::Mailbox,
}

impl Mailer {
    pub(super) fn new(settings: &Mail) -> Result<Self, CliError> {
        let wrong = |error: Error| CliError::usage(format!("--mail-server: {error}."));
        let tls = || {
            let parameters = TlsParameters::builder(settings.host.clone());
            let parameters = match &settings.ca {
                None => parameters,
                Some(path) => {
                    let pem = file::read(path, MAX_CA)?;
                    let bad = |_| CliError::usage("This is no certificate in PEM.").about(path);
                    let certificate = Certificate::from_pem(&pem).map_err(bad)?;
                    parameters.add_root_certificate(certificate)
                }
            };
            parameters.build().map_err(wrong)
        };
        let tls = match settings.tls {
            MailTls::FromTheStart => Tls::Wrapper(tls()?),
            MailTls::StartTls => Tls::Required(tls()?),
            MailTls::None => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .hello_name(ClientId::Domain(settings.from.email.domain().to_owned()))
            .timeout(Some(STEP_TIME));
        let builder = match &settings.user {
            None => builder,
            Some((user, path)) => {
                let password = file::read(path, MAX_PASSWORD)?;
                let password = String::from_utf8(password)
                    .map_err(|_| CliError::usage("The password is not UTF-8.").about(path))?;
                let password = password.trim_end_matches(['\r', '\n']).to_owned();
                builder.credentials(Credentials::new(user.clone(), password))
            }
        };
        Ok(Self {
            transport: builder.build(),
            from: settings.from.clone(),
        })
    }

    pub(super) async fn send(&self, address: &str, due: &Due, site: &Site) -> Outcome {
        let message = match self.message(address, due, site) {
            Ok(message) => message,
            Err(why) => return Outcome::Never(why),
        };
        match tokio::time::timeout(TIME, self.transport.send(message)).await {
            Ok(Ok(response)) => Outcome::Delivered(format!("answered {}", response.code())),
            Ok(Err(error)) => judge(&error),
            Err(_) => Outcome::Failed {
                why: format!("does not answer within {} s", TIME.as_secs()),
                wish: None,
            },
        }
    }

    fn message(&self, address: &str, due: &Due, site: &Site) -> Result<Message, String> {
        let (subject, text) = due.notice.mail(site);
        let to = address
            .parse()
            .map_err(|_| "the address is none".to_owned())?;
        Message::builder()
            .from(self.from.clone())
            .to(lettre::message::Mailbox::new(None, to))
            .subject(subject)
            // The same whenever it is tried: a mailbox shows it once.
            .message_id(Some(format!("<{}@{}>", due.id, site.rp_id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| error.to_string())
    }
}

/// Whether another try may help. Of refusals those alone are final that are about the mailbox or the
/// mail itself (RFC 5321 §4.2.3): what is about the session, an operator mends.
fn judge(error: &Error) -> Outcome {
    let why = verifier_core::quote(&error.to_string());
    let why = format!("did not take it: {why}");
    match error.status().map(u16::from) {
        Some(550..=554) => Outcome::Never(why),
        _ => Outcome::Failed { why, wish: None },
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody is away on our account.
#[derive(Clone, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}
