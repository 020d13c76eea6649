//! The codes that the command lines need beyond those of the verifier, in one table: `cosignet
//! explain` explains those of the witness, too.

use verifier_core::Code;

use crate::exit::Exit;

/// One row a code: name, text, exit, meaning, likely cause, what to do.
macro_rules! codes {
    ($($name:ident $text:literal $exit:ident, $meaning:literal, $cause:literal, $next:literal;)+) => {
        /// A code of the command lines. Its text never changes.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum CliCode {
            $(#[doc = $meaning] $name,)+
        }

        impl CliCode {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The text that reports show.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The end of a process that fails with it.
            pub const fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit,)+ }
            }

            /// The code in plain words.
            pub const fn explanation(self) -> Explanation {
                match self {
                    $(Self::$name => Explanation { meaning: $meaning, cause: $cause, next: $next },)+
                }
            }
        }
    };
}

codes! {
    AlarmForm "alarm.form" Malformed,
        "The file is not an alarm.",
        "Another kind of file, a damaged one, or one made by a newer version.",
        "Get the file again from whoever raised the alarm.";
    AlarmOpen "alarm.open" Incomplete,
        "What would decide about the alarm is not at hand.",
        "No file of block headers, a policy without a log, or an entry of a newer format.",
        "Give what is missing, for a Bitcoin block `--headers FILE`.";
    AlarmUnproven "alarm.unproven" Rejected,
        "The alarm does not prove what it says.",
        "A false alarm, an edited file, or another policy than that of whoever raised it.",
        "Do not hold it against anybody.";
    DeniedBadAnswer "denied.bad_answer" Denied,
        "The gate's answer is none that a gate gives, so nothing was done.",
        "The address of something else, a proxy in between, or a gate of another version.",
        "Check the address of the gate; if it is right, ask its operator.";
    DeniedBreakGlass "denied.break_glass" Denied,
        "The break-glass file permits nothing here, so nothing was done.",
        "Too few people have signed, the hour is over, or it is for something else.",
        "Look at the code in the message: `cosignet explain CODE`; `cosignet break-glass check` says more.";
    DeniedBreakGlassOff "denied.break_glass_off" Denied,
        "Break-glass is not set up here, so nothing was done.",
        "There are no settings, or the file with them is not root's own.",
        "Have the owner of the program set it up for the next time; do it now by a way that does not need this program.";
    DeniedBreakGlassUsed "denied.break_glass_used" Denied,
        "The break-glass file was used for this, or as often as it may be, so nothing was done.",
        "The command was run twice, or there is more to be done than its people have signed for.",
        "Look into the journal; have a new file signed if it is to be done once more.";
    DeniedCancelled "denied.cancelled" Refused,
        "The request was cancelled, so nothing was done.",
        "The program that asked has taken it back.",
        "Ask again if it is still wanted.";
    DeniedClaimExpired "denied.claim_expired" Expired,
        "It was approved and not claimed in time, so nothing was done.",
        "The rule gives too little time to claim, or the claim came late.",
        "Ask again, and claim sooner.";
    DeniedClaimTaken "denied.claim_taken" Denied,
        "Another operation has claimed the approval, so nothing was done here.",
        "Two programs wait for the same request, or one that was started again without its operation id.",
        "Find out which one acted: an approval is good for one act.";
    DeniedClockSkew "denied.clock_skew" Denied,
        "The clocks of this machine and of the gate or the witnesses differ too much, so nothing was done.",
        "A clock that is wrong, or a gate that shows an old request as a new one.",
        "Set the clock of this machine, or have that of the gate set.";
    DeniedExpired "denied.expired" Expired,
        "Nobody decided in time, so nothing was done.",
        "Nobody saw the request, or the time was too short.",
        "Ask again, with more time or when the approvers are there.";
    DeniedInvalid "denied.invalid" Usage,
        "The request cannot be put before anybody, so nothing was done.",
        "A payload that is not strict JSON or has a number that readers take for another; or the gate refuses a member of it.",
        "Change the request as the message says.";
    DeniedJournal "denied.journal" Denied,
        "The journal cannot be kept, so nothing was done.",
        "Missing rights, a full disk, another process that holds it, or a crash in the middle of a line.",
        "Look at the file of the journal and the rights to it.";
    DeniedKeyRefused "denied.key_refused" Denied,
        "The gate does not let this key do that, so nothing was done.",
        "A key without the right, one that was revoked, or a rule that lets other keys claim.",
        "Use a key with the rights to create and to claim, and one that the rule lets claim.";
    DeniedNoRule "denied.no_rule" Denied,
        "No rule of the gate covers the request, so nobody was asked and nothing was done.",
        "An action or a payload that nobody has thought of, or a word that is misspelt.",
        "Have a rule written for it, or ask for something that a rule covers.";
    DeniedNotApproved "denied.not_approved" Denied,
        "It is not approved, so nothing was done.",
        "A claim that came before the decision.",
        "Wait for the decision.";
    DeniedNotVerified "denied.not_verified" Denied,
        "The decision does not verify under the policy, so nothing was done.",
        "A policy that is out of date, a gate that asks other people, or a gate that lies.",
        "Look at the code in the message: `cosignet explain CODE`.";
    DeniedOtherPayload "denied.other_payload" Denied,
        "Something else was approved, so nothing was done.",
        "A gate that is broken or hostile.",
        "Trust nothing that this gate says until that is explained.";
    DeniedOtherRequest "denied.other_request" Denied,
        "What was signed is about another request, so nothing was done.",
        "A gate that is broken or hostile, or one that shows an old approval again.",
        "Trust nothing that this gate says until that is explained.";
    DeniedOutcomeUnknown "denied.outcome_unknown" Denied,
        "The operation was begun before, so nothing was done again.",
        "A crash between the claim and the end of the act, or the same operation id twice.",
        "Look whether the act took effect. If it did not, ask again with another operation id.";
    DeniedRefused "denied.refused" Refused,
        "Somebody refused, so nothing was done.",
        "What was asked for is not wanted.",
        "Do not do it. Talk to the person who refused.";
    DeniedUnreachable "denied.unreachable" Unreachable,
        "The gate could not be reached for as long as it mattered, so nothing was done.",
        "No network, a wrong address, or a gate that is down.",
        "Check the network and the address of the gate.";
    EntryUnlistedKey "entry.unlisted_key" Rejected,
        "The log holds an entry for a relying party of the policy by a key that no version of the roster in force there lists.",
        "A key that was never enrolled, or was removed; or the roster's file is older than the entry.",
        "Get the newest file of the roster; if the key is not in it, ask whoever runs the approval service.";
    FetchUnknown "fetch.unknown" Incomplete,
        "The log says that it does not have this approval.",
        "It was not appended, it is not published yet, or the log denies it.",
        "Whoever has the approval's bundle can show that a log denies it; otherwise ask the approval service.";
    GateCommand "gate.command" Io,
        "It was approved and claimed, and the command could not be started.",
        "A wrong name of a program, or missing rights.",
        "Correct the command, and ask again: this approval is used up.";
    GateDamaged "gate.damaged" Rejected,
        "What the gate has kept is not what was written.",
        "A damaged disk, an edited file, or a copy that was made while the gate ran.",
        "Keep everything as it is, and restore a backup into another directory.";
    GateRefused "gate.refused" Usage,
        "The gate does not do what the command asked for, and says why.",
        "A name that is taken or unknown, or a clock that is wrong.",
        "Do what the message says, and run the command again.";
    GateUnreachable "gate.unreachable" Io,
        "The gate, its database or its socket cannot be used.",
        "Another user than the one who runs the gate, a full disk, or a gate of another version.",
        "Run the command as the user who runs the gate; look into its messages.";
    IoChanged "io.changed" Io,
        "Somebody else changed the file while it was being edited; it was left as they wrote it.",
        "An editor, or another program that takes no lock.",
        "Run the command again: it then starts from the file as it is now.";
    IoExists "io.exists" Io,
        "The file to be written exists already, and nothing is ever overwritten.",
        "The command was run twice, or the name is taken.",
        "Choose another name, or move the old file away.";
    IoHeld "io.held" Io,
        "Another process is changing the file, and two at once would lose what one of them wrote.",
        "The command was started twice, perhaps by a timer.",
        "Wait until it has ended, and run the command again.";
    IoListen "io.listen" Io,
        "The address cannot be listened on.",
        "Another program uses the port, or the port needs more rights.",
        "Choose another address with --listen, or end the other program.";
    IoNoFiles "io.no_files" Io,
        "The folder holds no approval: no file in it ends in .json.",
        "The wrong folder, or approvals in folders below it, which are not read.",
        "Name the folder that holds the files themselves.";
    IoOutput "io.output" Io,
        "The result could not be written.",
        "The reader of the output went away, or the disk is full.",
        "Run the command again; exit codes other than 0 never mean VERIFIED.";
    IoTooLarge "io.too_large" Io,
        "The file is larger than what it should contain can be, so it was not read to its end.",
        "The wrong file.",
        "Check that you picked the right file; for a payload, give its hash instead: `--payload-sha256 HEX`.";
    IoTwoPayloads "io.two_payloads" Io,
        "Beside X.json there are both X.payload and X.payload.json, and only one can be the payload.",
        "Files of two deliveries in one folder.",
        "Remove the one that does not belong there.";
    IoUnreachable "io.unreachable" Io,
        "A server could not be reached, or did not answer as it should, so nothing was checked.",
        "No network, a wrong address, a server that is down or busy, or one of another kind.",
        "Check the address and try again; what the server says is never taken for a verdict.";
    IoUnreadable "io.unreadable" Io,
        "A file could not be read, so nothing was checked.",
        "A wrong name, missing rights, or a folder where a file is needed.",
        "Check the name of the file and the rights to it.";
    KeyAmbiguous "key.ambiguous" Usage,
        "The approver has several keys, and it was not said which of them is meant.",
        "The approver uses several devices, or has changed one.",
        "Say which: `--key` and its fingerprint, as `cosignet policy show FILE` prints it; or `--all`.";
    KeyForm "key.form" Usage,
        "The text or file is not a public key that a passkey can have.",
        "A private key, a certificate, a damaged copy, another kind of file, or an algorithm that is not accepted.",
        "Give what `PublicKeyCredential.toJSON()` returns at the registration, or a public key as PEM, DER, JWK or COSE_Key.";
    KeyRetired "key.retired" Usage,
        "The validity of the key ends in the policy already, no later than you said.",
        "The command was run twice.",
        "Look at the keys with `cosignet policy show FILE`; an end is moved back by hand only.";
    KeyTwice "key.twice" Usage,
        "The policy has this key or credential id already.",
        "The approver was added before, perhaps under another name.",
        "Look at the keys with `cosignet policy show FILE`.";
    KeyUnknown "key.unknown" Usage,
        "The policy has no such key.",
        "Another spelling of the name, another policy, or a key that was never added.",
        "Look at the keys with `cosignet policy show FILE`.";
    MonitorBehind "monitor.behind" Incomplete,
        "The log shows an older head than it, or somebody else, has shown before. The heads do not contradict each other.",
        "A cache or mirror that lags, a log restored from a backup, or one that hides its newest entries from you.",
        "Try again later; if it stays so, ask the log's operator. It is no proof against the log's key: anybody can serve an old head.";
    MonitorBudget "monitor.budget" Io,
        "The round has read as much as a round may. What was read is judged, and nothing is known to be wrong with it.",
        "A first audit of a long log, a slow log, or one that signs a larger tree than anybody can read.",
        "Run it again: it goes on where it stopped. Give more with --round-seconds, --round-entries or --round-mib.";
    MonitorHead "monitor.head" Incomplete,
        "The head that the log serves does not satisfy the policy, so nothing new was checked.",
        "A wrong address, a log or witness that the policy does not know, witnesses that were down, or somebody in between.",
        "Compare the log's origin, key and witnesses with the policy. It is no proof against the log's key: anybody can serve such a text.";
    MonitorHeads "monitor.heads" Incomplete,
        "The log has signed so many heads larger than what it shows that no more of them can be kept.",
        "A log that signs heads of trees that it does not have.",
        "Keep the state folder: each of these heads is signed, and may become evidence. Ask the log's operator.";
    MonitorHook "monitor.hook" Incomplete,
        "A command or webhook that was to be told of an alarm or an entry failed. It says nothing about the log.",
        "A wrong command or address, or a receiver that is down.",
        "Correct it; the next round tells it again. A chat system may want `--webhook-format slack`.";
    MonitorNoState "monitor.no_state" Usage,
        "There is no state to go on from, and a monitor never starts over silently.",
        "A first run, a wrong --state, or a folder that was lost.",
        "If this is the first run, add `--init`: it reads the whole log. If it is not, restore the folder.";
    MonitorStale "monitor.stale" Incomplete,
        "The newest head that witnesses have cosigned is older than you accept.",
        "A log or witnesses that have stopped, or somebody who shows you an old head.",
        "Ask the log's operator; compare with a witness: `--compare URL`.";
    MonitorState "monitor.state" Usage,
        "The folder given as --state cannot be used.",
        "Another monitor runs on it, it is of another log or version, or it was edited.",
        "Do what the message says; a folder of an older version starts over with `--init`.";
    MonitorOverdue "monitor.overdue" Incomplete,
        "An entry was published later after its decision than the policy allows.",
        "The log could not reach its witnesses or write its files, or it held the entry back, or the service dated it back. Nothing proves which: witnesses confirm an old head as long as they know no newer one.",
        "Ask the log's operator about an outage at that time. Look whether `maxAppendDelay` in your policy is what the log promises.";
    MonitorUnknownEntries "monitor.unknown_entries" Incomplete,
        "The log holds entries of a type that this version does not know. They are in the tree; nothing else about them was checked.",
        "The log holds entries of a newer format.",
        "Update the monitor, and start over with a new --state folder.";
    RulesForm "rules.form" Usage,
        "The file is not a file of rules for approvals.",
        "A misspelt member, a value of another form, or a file of another kind.",
        "Correct the line; `cosignet-gate rules check FILE` reads it again.";
    ServedMismatch "served.mismatch" Incomplete,
        "The log serves bytes that do not fit the head that it signed.",
        "A damaged or lagging mirror or cache, or somebody in between; or a log that lies clumsily.",
        "Try again later or from another mirror. It is no proof against the log's key: anybody between you and the log could have changed the bytes.";
    ServedMissing "served.missing" Incomplete,
        "The log does not serve something that the head that it signed needs.",
        "A log in the middle of publishing, a mirror that lags, or a log that withholds entries.",
        "Try again later or from another mirror; if it stays so, ask the log's operator.";
    Usage "usage" Usage,
        "The command line does not make sense, so nothing was checked.",
        "A missing or misspelt argument, or arguments that exclude each other.",
        "See `--help`.";
    VectorsEmpty "vectors.empty" Rejected,
        "The vector files hold no case that could be run, and nothing run is nothing passed.",
        "The wrong folder, or only kinds that this version does not know.",
        "Name the folder that holds the vectors.";
    VectorsForm "vectors.form" Malformed,
        "The file is not a vector file.",
        "Another kind of JSON, or a damaged file.",
        "Compare it with the form: {\"kind\",\"description\",\"source\",\"cases\":[{\"name\",\"input\",\"expect\"}]}.";
    WitnessDamaged "witness.damaged" Rejected,
        "A file in which the witness remembers what it has cosigned cannot be trusted.",
        "A damaged disk, a change by hand, or a policy without the key that signed the log's last checkpoint.",
        "Put the log's key back into the policy, or bring back a copy of the file that is known to be the newest. Do not delete it: the witness would then cosign any history of that log.";
    WitnessExists "witness.exists" Usage,
        "There is a witness in this directory already, or there was one.",
        "The command was run twice, or the name of the directory is wrong.",
        "Choose another directory. A key is never replaced.";
    WitnessNone "witness.none" Usage,
        "There is no witness in this directory.",
        "The name of the directory is wrong, or part of it was lost.",
        "Create a witness with `cosignet-witness init`, or bring back witness.key and logs from the place where they are.";
    WitnessRolledBack "witness.rolled_back" Rejected,
        "The witness has cosigned more than it remembers: going on could make it cosign a second history.",
        "Its directory was restored from an old copy, or a copy of the witness runs elsewhere.",
        "Bring back the newest directory. If it is lost, create a witness with a new key and have the old one taken out of policies.";
    WitnessRunning "witness.running" Usage,
        "Another process runs a witness on this directory.",
        "The witness was started twice.",
        "End the other process first; two of them could cosign two histories.";
}

/// The next step behind one of the core's codes, with the commands for it where there are some.
pub const fn next(code: Code) -> &'static str {
    match code {
        Code::ExpectationApprover => {
            "Compare the approver's name with the policy: `cosignet policy show`."
        }
        Code::ApproverUnknownKey => {
            "Ask the approver for the fingerprint of the key over another channel, then add it: `cosignet policy add-approver`."
        }
        Code::PayloadMissing => {
            "Give the payload you expect: `--payload FILE` or `--payload-sha256 HEX`."
        }
        Code::AnchorHeaderMissing => "Give a file with the headers of the chain: `--headers FILE`.",
        Code::AnchorNotPinned => {
            "Give a file with the headers of the chain, a pinned block among them: `--headers FILE`."
        }
        Code::AnchorTooShallow => "Try again with newer headers: `cosignet headers sync`.",
        Code::TimeInFuture => "Check the value of `--at` and the clocks involved.",
        Code::HeadersForm => "Make it again: `cosignet headers sync`.",
        Code::HeadersChain => "Make the file again from another source: `cosignet headers sync`.",
        other => other.explanation().next,
    }
}

/// A code in plain words.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_explained_in_sentences() {
        for (i, code) in CliCode::ALL.iter().enumerate() {
            let text = code.as_str();
            assert!(Code::parse(text).is_none(), "{text}");
            assert!(CliCode::ALL[..i].iter().all(|other| other.as_str() != text));
            let Explanation {
                meaning,
                cause,
                next,
            } = code.explanation();
            for sentence in [meaning, cause, next] {
                assert!(sentence.ends_with('.'), "{text}: {sentence}");
            }
        }
    }
}
