//! A signature by a key in a file: an assertion as a browser would have it made.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use spki::der::pem;
use verifier_core::break_glass::{File, Signature, challenge};
use verifier_core::hazmat::encoding::{base64url, hex, sha256};
use verifier_core::hazmat::json::Value;
use verifier_core::hazmat::webauthn::assertion::verify_signature;
use verifier_core::policy::Approver;

use super::{Trust, human};
use crate::args::BreakGlassSignArgs;
use crate::code::CliCode;
use crate::failure::CliError;
use crate::file;
use crate::text::plain;
use crate::verify::CRYPTO;

/// The longest file with a key, in bytes.
const MAX_KEY: usize = 16 * 1024;

/// The label of PKCS #8 in PEM.
const PKCS8: &str = "PRIVATE KEY";

/// User present, user verified: what a policy wants to be told, and a key in a file cannot know.
const FLAGS: u8 = 0x05;

pub(super) fn run(args: &BreakGlassSignArgs) -> Result<ExitCode, CliError> {
    let trust = Trust::load(&args.trust)?;
    if file::is_stdin(&args.file) {
        let message = "the file to sign has to be a file, not stdin.";
        return Err(CliError::usage(message));
    }
    let edit = file::edit(&args.file, File::MAX_BYTES)?;
    let about = |error: &verifier_core::break_glass::Error| CliError::of(error).about(&args.file);
    let mut signed = File::parse(edit.bytes()).map_err(|error| about(&error))?;
    if signed.grant().policy_sha256 != trust.policy.sha256() {
        let message = "the file is for people of another policy.";
        let next = "Give the policy that it was made for.";
        return Err(CliError::usage(message).next(next).about(&args.file));
    }
    let key = Key::read(&args.key)?;
    confirm(args, &trust, &signed)?;
    let signature = sign(&trust, &signed, &key)?;
    signed.add(signature).map_err(|error| about(&error))?;
    // Nothing is written that nobody could open.
    let checked = trust.verify(signed).map_err(|error| about(&error))?;
    let text = checked.file().to_json() + "\n";
    file::replace(&args.file, edit, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows what is about to be signed, and fails unless somebody wants that.
fn confirm(args: &BreakGlassSignArgs, trust: &Trust, file: &File) -> Result<(), CliError> {
    let hash = hex(&file.grant_sha256());
    if let Some(wanted) = &args.grant_sha256
        && !wanted.eq_ignore_ascii_case(&hash)
    {
        return Err(CliError::usage("the file holds another grant.")
            .expected(plain(wanted))
            .found(hash)
            .next("Read the file, and find out who changed it.")
            .about(&args.file));
    }
    let signed = trust
        .verify(file.clone())
        .map_err(|error| CliError::of(&error).about(&args.file))?;
    let words = format!("The grant, with SHA-256 {hash}, is about to be signed.");
    let mut stderr = std::io::stderr();
    let shown = stderr.write_all(human(&signed, &words).as_bytes());
    let stdin = std::io::stdin();
    if args.grant_sha256.is_some() {
        return Ok(());
    }
    let asked =
        shown.is_ok() && stdin.is_terminal() && stderr.write_all(b"Type yes to sign it: ").is_ok();
    let mut line = String::new();
    if asked {
        // What cannot be read is no yes.
        let _read = stdin.lock().take(16).read_line(&mut line);
    }
    match line.trim() {
        "yes" => Ok(()),
        _ => Err(CliError::usage("nobody said that this is to be signed.")
            .next(format!(
                "Read what it permits; then give --grant-sha256 {hash}."
            ))
            .about(&args.file)),
    }
}

/// 32 random bytes.
pub(super) fn random() -> Result<[u8; 32], CliError> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        CliError::new(
            CliCode::IoUnreadable,
            "this machine has no random numbers to give.",
        )
    })?;
    Ok(bytes)
}

/// The assertion by this key, for the approver whose key it is.
fn sign(trust: &Trust, file: &File, key: &Key) -> Result<Signature, CliError> {
    let rules = trust.policy.webauthn();
    let first = |texts: &[String]| texts.first().cloned().unwrap_or_default();
    let client_data_json = client_data(file.grant_text(), &first(&rules.origins));
    let rp_id = sha256(first(&rules.rp_ids).as_bytes());
    let data = [&rp_id[..], &[FLAGS], &[0; 4]].concat();
    let hash = sha256(&client_data_json);
    let signature = key.sign(&[&data[..], &hash].concat())?;
    let approvers: &[Approver] = match &trust.roster {
        Some(Ok(roster)) => roster.newest().approvers(),
        _ => trust.policy.approvers(),
    };
    let mut approvers = approvers.iter();
    let own =
        approvers.find(|one| verify_signature(&one.key, &data, &hash, &signature, &CRYPTO).is_ok());
    let own = own.ok_or_else(|| {
        CliError::new(CliCode::KeyUnknown, "The policy does not list this key.")
            .next("Have it added: `cosignet policy add-approver POLICY --name NAME --key FILE`, with its public half.")
    })?;
    Ok(Signature::new(
        data,
        client_data_json,
        own.credential_id.clone().unwrap_or_default(),
        signature,
    ))
}

/// The text that a browser would write (WebAuthn L3 §5.8.1.1).
fn client_data(grant: &str, origin: &str) -> Vec<u8> {
    let text = |text: &str| Value::from(text).to_text();
    format!(
        "{{\"type\":\"webauthn.get\",\"challenge\":{},\"origin\":{},\"crossOrigin\":false}}",
        text(&base64url(&challenge(grant))),
        text(origin)
    )
    .into_bytes()
}

/// A private key.
enum Key {
    Ed25519(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl Key {
    fn read(path: &Path) -> Result<Self, CliError> {
        let refused = |why: &str| {
            CliError::new(CliCode::KeyForm, format!("the file {why}."))
                .expected("an Ed25519 or P-256 private key as PKCS #8 in PEM")
                .next("Make one with `openssl genpkey -algorithm ed25519`, or have another one written as PKCS #8: `openssl pkcs8 -topk8 -nocrypt`.")
                .about(path)
        };
        let bytes = file::read_whole(path, MAX_KEY)?;
        let (label, der) = pem::decode_vec(&bytes).map_err(|_| refused("is no PEM"))?;
        if label != PKCS8 {
            return Err(refused("holds something else than a private key"));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            return Ok(Self::Ed25519(key));
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
            .map(Self::Es256)
            .map_err(|_| refused("holds a key of another kind"))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CliError> {
        match self {
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Es256(key) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| CliError::new(CliCode::KeyForm, "the key cannot sign.")),
        }
    }
}
