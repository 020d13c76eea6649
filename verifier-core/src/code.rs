//! The stable codes, and what each of them means in plain words.

use core::fmt;

/// One row a code: name, text, effect on the verdict, meaning, likely cause, what to do.
macro_rules! codes {
    ($($name:ident $text:literal $effect:ident, $meaning:literal, $cause:literal, $next:literal;)+) => {
        /// A stable code. Its text never changes; new ones may be added.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $name,)+
        }

        impl Code {
            /// Every code, in the order of the checks that return them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The text of the code, such as `payload.mismatch`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The effect of the code on the verdict.
            pub const fn effect(self) -> Effect {
                match self { $(Self::$name => Effect::$effect,)+ }
            }

            /// The explanation of the code: meaning, cause, next step.
            pub const fn explanation(self) -> Explanation {
                match self {
                    $(Self::$name => Explanation { meaning: $meaning, cause: $cause, next: $next },)+
                }
            }
        }
    };
}

/// The effect of a code on the verdict.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// A required check could not be made.
    Incomplete,
    /// Nothing can be concluded from the input.
    Malformed,
    /// Everything that was required passed.
    None,
    /// A check ran and failed.
    Reject,
    /// The request itself was wrong; nothing was checked.
    Usage,
}

/// A code in plain words, for people.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The meaning, in one sentence.
    pub meaning: &'static str,
    /// The usual cause.
    pub cause: &'static str,
    /// The reader's next step.
    pub next: &'static str,
}

impl Code {
    /// The code with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

codes! {
    Ok "ok" None,
        "Every check that the policy requires ran and passed.",
        "The evidence is complete and consistent, and it is what the policy trusts.",
        "Read what is not proven before you rely on it.";

    BundleTooLarge "bundle.too_large" Malformed,
        "The input is larger than a verifier reads: 1 MiB for a bundle, 512 KiB for a payload, 64 KiB for a timestamp proof, 64 hashes for a consistency proof.",
        "Not an approval file, or one built to exhaust the verifier.",
        "Check that you picked the right file.";
    BundleNotJson "bundle.not_json" Malformed,
        "The input is not JSON as this project reads it: strict UTF-8, no byte order mark, no duplicate keys, at most 64 levels deep and 65,536 values.",
        "A damaged download, an HTML error page saved as JSON, or an editor that added a byte order mark.",
        "Get the file again from its source, byte for byte.";
    BundleSchema "bundle.schema" Malformed,
        "The JSON is neither a bundle nor an approval service's confirmation: a key is missing, unknown, or of the wrong kind.",
        "Another kind of file, or one made by a newer version.",
        "Check that it is the file you meant, or get it again from its source; if it is newer than this verifier, update the verifier.";
    BundleBase64 "bundle.base64" Malformed,
        "A binary member is not strict base64url without padding (of a consistency proof: standard base64).",
        "The service writes bytes in a way of its own (padding, the other alphabet, a list of numbers), or the file was re-encoded on its way.",
        "If the service gave out the file like this, have it write bytes as a browser's toJSON() does: nothing has to be approved again. If not, get the original file.";

    EntryNotCanonical "entry.not_canonical" Reject,
        "The log entry is not canonical JSON (RFC 8785), so the log cannot hold exactly these bytes.",
        "The entry was re-formatted or edited after it was logged.",
        "Get the bundle again from the log.";
    EntryTooLarge "entry.too_large" Reject,
        "The log entry is larger than 8 KiB.",
        "Not an entry that a log of this kind accepts.",
        "Get the bundle again from the log.";
    EntryField "entry.field" Reject,
        "A field of the log entry is missing, unknown, or not of the form that the format requires.",
        "The entry was edited, or made by software that does not follow the format.",
        "Ask whoever runs the log how this entry was admitted.";
    EntryUnknownType "entry.unknown_type" Incomplete,
        "The log entry is of a type that this version does not know. Its place in the log can be proven, its meaning cannot.",
        "The log holds entries of a newer format.",
        "Update the verifier.";

    EntryBreakGlass "entry.break_glass" Reject,
        "The log entry says that something was done without an approval, under a break-glass file. It is no approval, whoever signed it.",
        "Several people permitted an act for when the approval service was not there, and the use was reported and logged.",
        "Treat it as no approval; review the use with people who did not sign it.";

    EntryTypeMismatch "entry.type_mismatch" Reject,
        "The log entry and what was signed are not of one kind: one of them is that of an approval, the other that of a refusal.",
        "The entry was joined from an approval and a refusal, or made by software that does not follow the format.",
        "Treat it as neither; ask whoever runs the log how this entry was admitted.";

    EvidenceClientDataMissing "evidence.client_data_missing" Incomplete,
        "The bundle is sealed: it does not carry the clientDataJSON, without which nothing ties the signature to a payload, an origin or an approval.",
        "The approval service did not disclose the evidence, or erased it.",
        "Ask whoever gave you the bundle for the one with evidence.";
    EvidenceClientDataMismatch "evidence.client_data_mismatch" Reject,
        "The clientDataJSON in the bundle is not the one that the log entry commits to.",
        "Evidence and entry come from two different approvals, or one of them was edited.",
        "Get the bundle again; if it still differs, treat the approval as forged.";
    EvidenceApprovalIdMismatch "evidence.approval_id_mismatch" Reject,
        "The approval id in the bundle is not the one that the log entry commits to.",
        "Evidence and entry come from two different approvals, or the id was edited.",
        "Get the bundle again by its approval id.";
    EvidenceApproverMismatch "evidence.approver_mismatch" Reject,
        "The e-mail address in the bundle does not open the approver commitment of the log entry.",
        "The address, its salt or its blind was edited, or belongs to another entry.",
        "Do not attribute the approval to that address.";
    EvidencePayloadHashMismatch "evidence.payload_hash_mismatch" Reject,
        "The payload hash that the service states is not the hash that was signed.",
        "The confirmation was edited, or joined from two approvals.",
        "Ask the service for the confirmation again.";
    EvidenceCredentialMismatch "evidence.credential_mismatch" Reject,
        "The credential ids in the confirmation contradict each other, or it is not a public-key credential.",
        "The confirmation was edited, or joined from two approvals.",
        "Ask the service for the confirmation again.";

    EvidenceRefusalMissing "evidence.refusal_missing" Incomplete,
        "The entry is that of a refusal, and the bundle does not carry the random part and the context that a refusal signs.",
        "The approval service did not disclose the evidence, or erased it.",
        "Ask whoever gave you the bundle for the one with evidence.";

    ExpectationApprovalId "expectation.approval_id" Reject,
        "This is not the approval that you asked for.",
        "Another approval's bundle was handed out under this id.",
        "Fetch the bundle again by its id, from the log itself.";
    ExpectationApprovalIdMissing "expectation.approval_id_missing" Incomplete,
        "You asked for an approval id, but a service's confirmation does not say which approval it belongs to.",
        "Only log entries commit to an approval id.",
        "Verify the bundle from the log instead.";
    ExpectationApprover "expectation.approver" Reject,
        "The key that signed is not a key of the approver you asked for.",
        "Somebody else approved, or the approver uses a key that the policy does not list under that name.",
        "Compare the approver's name with the names in the policy.";
    ExpectationRpId "expectation.rp_id" Reject,
        "The approval is for another relying party id than the one you asked for.",
        "The approval belongs to another service.",
        "Check which service the approval should come from.";
    ExpectationStatus "expectation.status" Reject,
        "The service says that the request was not approved.",
        "The request was refused, expired, or is still open.",
        "Do not act on it.";

    RosterMissing "roster.missing" Incomplete,
        "The policy leaves it to a roster who may approve, and none was given.",
        "The file of the roster was not given.",
        "Give the file of the roster; whoever runs the approval service has it.";
    RosterForm "roster.form" Reject,
        "The file of the roster, or the payload of one of its versions, does not have its form.",
        "Another file, or one that was edited.",
        "Get the file again from its source.";
    RosterChain "roster.chain" Reject,
        "The versions of the roster are not a chain: each has the number after that of the one before, its hash, and the name in the policy.",
        "A version is left out or stands twice, or the file was joined from two histories.",
        "Get the whole file; if two versions have the same number, ask the admins which is theirs.";
    RosterAdmins "roster.admins" Reject,
        "A version of the roster was not approved by the admins of the one before: of the first, by those in the policy.",
        "Too few admins approved it, or somebody did who was none at that time, or the log does not prove it.",
        "Do not rely on this file; ask the admins for the right one.";
    RosterTooOld "roster.too_old" Reject,
        "The roster ends before the version that the policy asks for at least.",
        "An old file of the roster.",
        "Get the newest file of the roster.";

    ApproverUnknownKey "approver.unknown_key" Incomplete,
        "The signature may be good, but the policy does not say whose key this is.",
        "The approver is not in the policy, uses a new passkey, or no policy was given.",
        "Ask the approver for the fingerprint of the key over another channel, then add it to the policy.";
    ApproverKeyExpired "approver.key_expired" Reject,
        "The earliest proven time of the approval lies after the end of the key's validity in the policy.",
        "The key was used after it was retired, or the approval was logged too late to tell.",
        "Ask the approver to approve again with a current key.";
    ApproverKeyNotYetValid "approver.key_not_yet_valid" Reject,
        "The approval was already logged before the key's validity in the policy began.",
        "The key was used before it was enrolled, or the policy names the wrong date.",
        "Compare the date in the policy with the enrolment of the key.";
    ApproverTimeUnproven "approver.time_unproven" Incomplete,
        "The key has an end of validity, and nothing proves that the approval was made before it.",
        "No quorum of witnesses has cosigned the log's head; the service's own times prove nothing.",
        "Get a bundle whose head carries the witnesses' cosignatures.";

    ApproverNotInRoster "approver.not_in_roster" Reject,
        "The key stands in no version of the roster that was in force when the approval was logged.",
        "The key was never enrolled, or only after the approval.",
        "Do not count it as an approval.";
    ApproverRemoved "approver.removed" Reject,
        "The roster had removed the key before the approval was logged.",
        "Somebody approved with a key that had been taken away.",
        "Do not count it as an approval; tell the admins of the roster.";

    WebauthnBadKey "webauthn.bad_key" Reject,
        "The credential's public key is not a sound key in canonical COSE form.",
        "The key was edited, or its encoding or parameters are such that anybody could sign with it.",
        "Do not rely on anything signed with this key.";
    WebauthnUnsupportedAlgorithm "webauthn.unsupported_algorithm" Reject,
        "The credential uses an algorithm that this verifier does not accept. It accepts ES256, ES384, ES512, EdDSA (Ed25519) and RS256; ML-DSA not yet.",
        "A new or rare kind of passkey.",
        "Approve with another passkey, or look for a newer verifier.";
    WebauthnBadSignature "webauthn.bad_signature" Reject,
        "The passkey's signature does not verify over the authenticator data and the client data.",
        "Something that was signed has been changed, or another key signed it.",
        "Treat the approval as forged.";
    WebauthnClientDataForm "webauthn.client_data_form" Reject,
        "The clientDataJSON is not what a browser writes: not strict JSON, a key twice, a member missing or of the wrong kind.",
        "It was not made by a browser's WebAuthn call.",
        "Ask the service how this assertion was made.";
    WebauthnType "webauthn.type" Reject,
        "The client data are those of another ceremony than webauthn.get; of a registration, than webauthn.create.",
        "The signature of a registration or a payment is being passed off as an approval, or an approval as a registration.",
        "Treat it as forged.";
    WebauthnChallenge "webauthn.challenge" Reject,
        "The challenge is not a nonce followed by the SHA-256 of a payload (48 to 96 bytes in strict base64url), nor, of a refusal, a hash of 32 bytes.",
        "The signature is a login at the same site, not an approval.",
        "Treat it as a login: it approves nothing.";
    WebauthnOrigin "webauthn.origin" Reject,
        "The client data name a web origin that the policy does not list.",
        "A look-alike site, a test system, or a policy that misses an origin.",
        "Compare both origins letter by letter before you change the policy.";
    WebauthnCrossOrigin "webauthn.cross_origin" Reject,
        "The client data say that the page was in a frame of another site, and the policy does not allow that.",
        "The approval page was embedded, possibly to deceive the approver.",
        "Allow it in the policy only if your service really embeds its approval page.";
    WebauthnAuthenticatorData "webauthn.authenticator_data" Reject,
        "The authenticator data does not have the form that WebAuthn prescribes for an assertion.",
        "An authenticator that does not keep to the form, or software posing as one. Where webauthn.signature passed, the data are as the key's holder signed them.",
        "Approve again with another passkey. Where webauthn.signature failed as well, treat the approval as forged.";
    WebauthnRpId "webauthn.rp_id" Reject,
        "The authenticator data are for another relying party id than the entry states or the policy lists.",
        "The approval belongs to another service, or the entry was edited.",
        "Check which service the approval should come from.";
    WebauthnUserPresence "webauthn.user_presence" Reject,
        "The authenticator data do not say that a user was present.",
        "The signature was made silently.",
        "Do not count it as an approval.";
    WebauthnUserVerification "webauthn.user_verification" Reject,
        "The authenticator data do not say that the user was verified (PIN or biometric), and the policy requires it.",
        "The service did not ask for user verification, or the authenticator cannot do it.",
        "Ask for a new approval with user verification.";
    WebauthnAttestation "webauthn.attestation" Reject,
        "The attestation statement of a registration does not have the form of its format, or names another algorithm than the key has.",
        "An authenticator that does not keep to the form, or a registration that was edited.",
        "Register again; if it stays so, use another passkey.";

    PayloadMismatch "payload.mismatch" Reject,
        "The payload is not the one whose hash is in the signed challenge.",
        "It was changed after the approval, or this is another approval's file.",
        "Compare both payloads; if both are at hand and are JSON, the report names the first fields that differ.";
    PayloadMissing "payload.missing" Incomplete,
        "The hash of the payload is known, and the payload is not there.",
        "The bundle does not disclose the payload and none was given.",
        "Give the payload that you expect, or its SHA-256.";

    ContextMissing "context.missing" Incomplete,
        "The policy asks for a signed context, and the evidence carries none.",
        "The approval was made without one, or whoever gave it to you left it out.",
        "Ask for the bundle with its context.";
    ContextForm "context.form" Reject,
        "The context is not canonical JSON of the prescribed form.",
        "It was edited, or made by software that does not follow the format.",
        "Ask the service how this request was made.";
    ContextMismatch "context.mismatch" Reject,
        "The context is not the one whose hash was signed.",
        "It was changed after the approval, or belongs to another request.",
        "Do not rely on anything that the context says.";
    ContextAudience "context.audience" Reject,
        "The context that was signed is for another audience than the policy asks for.",
        "The approval was given for another system.",
        "Check for which system the approval should be.";
    ContextExpired "context.expired" Reject,
        "The earliest proven time of the approval lies after the moment at which the request expired.",
        "It was approved too late, or logged too late to tell.",
        "Ask for a new approval.";
    ContextTimeUnproven "context.time_unproven" Incomplete,
        "The policy wants the request to have been decided before it expired, and nothing proves when it was.",
        "No quorum of witnesses has cosigned the log's head; the service's own times prove nothing.",
        "Get a bundle whose head carries the witnesses' cosignatures.";

    LogMissing "log.missing" Incomplete,
        "The policy requires a log, and the input carries no proof that a log holds the approval.",
        "A service's own confirmation was given instead of a bundle from the log.",
        "Fetch the bundle from the log, or say `log = \"none\"` in the policy if you mean it.";
    LogProofForm "log.proof_form" Reject,
        "The log proof is not a well-formed c2sp.org/tlog-proof.",
        "The proof was damaged or edited.",
        "Get the bundle again from the log.";
    LogNotIncluded "log.not_included" Reject,
        "The entry is not in the tree that the checkpoint stands for.",
        "Entry and proof belong to different approvals, or one of them was edited.",
        "Get the bundle again; if it still fails, report it to the log's monitors.";
    LogInconsistent "log.inconsistent" Reject,
        "Two heads of the log contradict each other: the larger tree does not contain the smaller one.",
        "The log has rewritten its history, or a proof was edited.",
        "Keep both checkpoints: together they are evidence against the log.";
    LogCheckpointForm "log.checkpoint_form" Reject,
        "The checkpoint is not a well-formed c2sp.org/tlog-checkpoint in a signed note.",
        "The checkpoint was damaged or edited.",
        "Get the bundle again from the log.";
    LogUnknownKey "log.unknown_key" Incomplete,
        "No log key in the policy has signed this checkpoint.",
        "The approval is in another log, the log has a new key, or no policy was given.",
        "Compare the log's origin and key with those in the policy.";
    LogBadSignature "log.bad_signature" Reject,
        "The checkpoint names a log key of the policy, but its signature does not verify.",
        "The checkpoint was edited or forged.",
        "Treat the log proof as forged.";
    LogQuorumShort "log.quorum_short" Incomplete,
        "Too few of the policy's witnesses have cosigned the checkpoint. Without a quorum the log could show other people another tree.",
        "Witnesses were down, or the checkpoint was taken before they cosigned it.",
        "Fetch the bundle again later: the log adds cosignatures.";
    LogBadCosignature "log.bad_cosignature" Reject,
        "The checkpoint names a witness of the policy, but that cosignature does not verify.",
        "The checkpoint or the cosignature was edited or forged.",
        "Treat the log proof as forged.";

    AnchorMissing "anchor.missing" Incomplete,
        "The policy requires a Bitcoin anchor and the bundle has none.",
        "The log has not anchored a head that covers this entry yet.",
        "Fetch the bundle again after the log's next anchor.";
    AnchorLog "anchor.log" Reject,
        "The anchored head is not a head of the same log that contains this entry.",
        "The anchor belongs to another log, another entry or another history.",
        "Get the bundle again; if it still fails, keep it as evidence against the log.";
    AnchorPending "anchor.pending" Incomplete,
        "The policy requires a Bitcoin anchor, and the timestamp is only promised: it leads to no block yet.",
        "Calendars wait hours, sometimes days, for a block.",
        "Fetch the bundle again when a day has passed.";
    AnchorBadProof "anchor.bad_proof" Reject,
        "The timestamp is not a well-formed OpenTimestamps proof of the anchored head.",
        "The proof was damaged or edited, or belongs to another checkpoint.",
        "Get the bundle again from the log.";
    AnchorHeaderMissing "anchor.header_missing" Incomplete,
        "The policy requires a Bitcoin anchor, and the header of the block that the timestamp leads to is not there.",
        "No header file was given, or it ends before that block.",
        "Give a file with the headers of the chain.";
    AnchorHeader "anchor.header" Reject,
        "The block header is not what the timestamp leads to, or does not carry its own work.",
        "The header or the proof was edited, or the proof leads to a block that does not exist.",
        "Get the bundle again; compare the header with a block explorer that you trust.";
    AnchorNotPinned "anchor.not_pinned" Incomplete,
        "The policy requires a Bitcoin anchor, and nothing connects the block with a chain that the policy knows. Anybody can make a lone block.",
        "No header file was given, or one of another chain, or one without a pinned block.",
        "Give a file with the headers of the chain, a pinned block among them.";
    AnchorTooShallow "anchor.too_shallow" Incomplete,
        "The policy requires a Bitcoin anchor, and the block does not have enough confirmations yet.",
        "The block is young, or the header file ends too early.",
        "Try again with newer headers.";
    AnchorChain "anchor.chain" Reject,
        "The chain that the policy knows has another block at that height than the bundle shows.",
        "The block was abandoned in a reorganisation, or made to deceive.",
        "Get the bundle again from the log; if it still fails, treat the anchor as forged.";

    DecisionRepeated "decision.repeated" Reject,
        "The same bundle, or the same assertion in two bundles, stands in the decision twice.",
        "One approval was given out as two.",
        "Do not count it as a decision; ask for the bundle that is missing.";
    DecisionOtherPayload "decision.other_payload" Reject,
        "The bundles of the decision are about different payloads.",
        "Approvals of two requests were put together.",
        "Ask for the bundles of one request.";
    DecisionOtherContext "decision.other_context" Reject,
        "The bundles of the decision were signed under different contexts.",
        "Approvals of two requests were put together.",
        "Ask for the bundles of one request.";
    DecisionRefused "decision.refused" Reject,
        "Somebody whom the policy lists has signed that this must not be done.",
        "An approver refused the request.",
        "Do not act on it.";
    DecisionQuorumShort "decision.quorum_short" Incomplete,
        "Fewer people have approved than the policy requires.",
        "An approval is missing, or a person would have to serve two clauses.",
        "Get the approvals that are missing.";

    TimeInFuture "time.in_future" Reject,
        "The evidence contains a time later than the moment you asked about.",
        "A witness or a service with a wrong clock, or a question about the wrong moment.",
        "Check the moment that you asked about, and the clocks involved.";

    CheckMissing "check.missing" Incomplete,
        "A check that the policy requires was not made, and no other check says why.",
        "A defect of this verifier.",
        "Do not count it as an approval; report it with the file to whoever makes this verifier.";

    BreakGlassForm "break_glass.form" Reject,
        "The file is no break-glass file: it or the grant in it is not of the form that the format requires.",
        "Another kind of file, one that was edited, or one of a newer format.",
        "Get the file again from the people who signed it.";
    BreakGlassUnknownKey "break_glass.unknown_key" Reject,
        "The break-glass file carries a signature by somebody whom the policy does not list.",
        "A passkey that is not in the policy, or a policy that is older than the passkey.",
        "Have people sign whom the policy lists; a signature that does not count is left out of the file.";
    BreakGlassKeyLimits "break_glass.key_limits" Reject,
        "A key that has signed the break-glass file does not count for the whole time that the file is for.",
        "The key was retired, or is not valid yet.",
        "Have somebody else sign.";
    BreakGlassOtherPolicy "break_glass.other_policy" Reject,
        "The break-glass file is not for the policy that the settings name.",
        "The policy was changed after the file was made, or the file is for another program.",
        "Make a new file for the policy that is in force; if the policy was changed on purpose, its owner changes the settings as well.";
    BreakGlassAudience "break_glass.audience" Reject,
        "The break-glass file is for another program.",
        "A file of another emergency, or a name that is misspelt.",
        "Make a file that names this program.";
    BreakGlassNotAllowed "break_glass.not_allowed" Reject,
        "The settings allow no break-glass for what the file is for.",
        "An action for which nobody has foreseen an emergency, or a pattern that is too wide.",
        "Do it by a way that does not need this program, or have its owner change the settings.";
    BreakGlassTooLong "break_glass.too_long" Reject,
        "The break-glass file is for a longer time than the settings allow.",
        "The owner of the program allows less than an hour.",
        "Make a file for a shorter time.";
    BreakGlassQuorumShort "break_glass.quorum_short" Reject,
        "Fewer people have signed the break-glass file than the settings ask for.",
        "A signature is missing, a person has signed twice, or one would have to serve two clauses.",
        "Get the signatures that are missing.";
    BreakGlassOtherAction "break_glass.other_action" Reject,
        "The break-glass file is for another action.",
        "A file of another emergency.",
        "Make a file for this action.";
    BreakGlassWindow "break_glass.window" Reject,
        "It is not the time that the break-glass file is for.",
        "The hour is over, it has not begun, or the clock of this machine is wrong.",
        "Compare the clock; if it is right, make a new file.";
    BreakGlassOverused "break_glass.overused" Reject,
        "The break-glass file was used more often than its people have signed, or twice for one payload.",
        "A journal that was not kept, or a program that acts on another machine under the same file.",
        "Find out which of the acts took effect, and who did them.";
    BreakGlassSettings "break_glass.settings" Usage,
        "The settings for break-glass are not of the form that the format requires, so that nothing is permitted.",
        "A typing error, or settings for a newer version.",
        "Correct the member that the message names.";

    HeadersForm "headers.form" Usage,
        "The file of block headers is not one.",
        "Another file, or one that was cut off.",
        "Make it again.";
    HeadersChain "headers.chain" Usage,
        "The block headers are not a chain under the rules of their network.",
        "A damaged file, a file of another network, or a source that lied.",
        "Make the file again from another source.";

    PolicySyntax "policy.syntax" Usage,
        "The policy is not well-formed TOML or JSON.",
        "A typing error.",
        "Correct the line that the message names.";
    PolicyField "policy.field" Usage,
        "A field of the policy is missing, unknown, or has a value that means nothing.",
        "A typing error, or a policy for a newer version.",
        "Correct the field that the message names; docs/spec/policy.md has all of them.";
    PolicyKey "policy.key" Usage,
        "A public key in the policy is not a sound key, or the same key or credential id occurs twice.",
        "A copying error, or one key added twice.",
        "Look at the approver that the message names: leave one of two, or copy the key again from the registration.";
    PolicyLog "policy.log" Usage,
        "The tlog-policy text inside the policy is not well formed.",
        "A typing error in a log, witness, group or quorum line.",
        "Correct the line that the message names.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            let plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '_';
            assert!(code.as_str().chars().all(plain), "{code}");
            let Explanation {
                meaning,
                cause,
                next,
            } = code.explanation();
            for sentence in [meaning, cause, next] {
                assert!(sentence.ends_with('.'), "{code}: {sentence}");
                // How to do it is for the program to say that asked.
                for word in ["cosignet ", "--"] {
                    assert!(!sentence.contains(word), "{code}: {sentence}");
                }
            }
        }
        assert_eq!(Code::parse("no.such_code"), None);
    }
}
