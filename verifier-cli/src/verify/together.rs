//! Several bundles as one decision.

use verifier_core::hazmat::bundle::Bundle;
use verifier_core::hazmat::decision::Decision;
use verifier_core::hazmat::input::Input;

use crate::failure::CliError;
use crate::input::InputFile;

/// The text of the decision that these bundles make. Files that are decisions already give their
/// bundles.
pub(crate) fn join(files: &[InputFile]) -> Result<String, CliError> {
    let mut bundles: Vec<Bundle> = Vec::new();
    for input in files {
        let bytes = input.read()?;
        let parsed = Input::parse(&bytes);
        match parsed.map_err(|error| CliError::of(&error).about(&input.path))? {
            Input::Bundle(bundle) => bundles.push(bundle),
            Input::Decision(decision) => bundles.extend(decision.bundles),
            _ => {
                let message = "this is a service's own answer, and a decision is made of bundles.";
                let next = "Fetch the bundle from the log.";
                return Err(CliError::usage(message).about(&input.path).next(next));
            }
        }
    }
    let decision = Decision::new(bundles).map_err(|error| {
        let next = "Leave out those that nobody needs.";
        CliError::usage(format!("{error}.")).next(next)
    })?;
    let text = decision.to_json();
    match text.len() {
        length if length > Decision::MAX_BYTES => {
            let message = "these bundles are too large to be one decision.";
            Err(CliError::usage(message)
                .expected(format!("at most {} bytes", Decision::MAX_BYTES))
                .found(format!("{length} bytes")))
        }
        _ => Ok(text),
    }
}
