// What, who, when, logged: what was found, and how far it is proven.

import { el, fill, named, visible, when } from "./dom.js";
import { payloadFacts } from "./facts.js";
import { labelsLine } from "./labels.js";
import { peopleCard } from "./people.js";
import { blockName, deciding, requestOf, signedFacts, signedHash, status, timeSource } from "./report.js";

const card = (title, kind, rows, ...rest) =>
  el("article", { class: `card ${kind}` }, el("h3", {}, title), el("dl", {}, rows), rest);

const row = (label, ...value) => [el("dt", {}, label), el("dd", {}, value)];
const proven = (...value) => el("span", { class: "fact" }, value);
const claim = (...value) => [el("span", { class: "claim" }, value), el("span", { class: "tag" }, "not proven")];
const note = (...value) => el("span", { class: "hint" }, " ", value);
const code = (text) => el("code", { class: "hash" }, text);

export function renderCards(node, report, facts) {
  const people = peopleCard(report);
  node.classList.toggle("several-people", Boolean(people));
  fill(node, what(report, facts), people ?? who(report, facts), whenCard(report), logged(report, facts));
}

const MATCHES = {
  bundle: "the one in this file",
  exact: "yours, byte for byte",
  canonical: "yours, the same JSON in another layout",
  sha256: "the one with the hash that you named",
};

function what(report, { payload, labelActs }) {
  const subject = signedFacts(report);
  const label = report.claimedByService.action;
  const signed = signedHash(report);
  const isSigned = signed !== null && payload?.info.sha256 === signed;
  const rows = [];
  if (!subject) {
    rows.push(row("Payload", "Unknown: no signature was verified."));
  } else if (signed === null) {
    rows.push(row("Payload", "Unknown: what was signed names none."));
  } else {
    if (subject.payloadMatch) rows.push(row("Payload", proven(MATCHES[subject.payloadMatch])));
    else if (status(report, "payload.binding") === "fail") rows.push(row("Payload", proven(isSigned || payload?.from === "caller" ? "not the one that you expect" : "not the one in this file")));
    else rows.push(row("Payload", "one of which only the hash is known"));
  }
  if (label) rows.push(row("Service calls it", claim(visible(label))));
  const asked = requestOf(report);
  if (asked) rows.push(request(asked));
  return card("What", "what", rows,
    isSigned && [payloadFacts(payload.info, payload.labels?.labels), labelsLine(payload.labels, labelActs)]);
}

/// The service’s words about the request, which were signed with the payload.
function request({ action, audience, requestId, requester, rule }) {
  return [
    row("Request", proven(visible(requestId)), note("as they signed it: ", named(action))),
    row("Asked by", proven(named(requester)), note("under rule ", named(rule.name))),
    row("Meant for", proven(named(audience))),
  ];
}

function who(report, { key, policyName }) {
  const { approver, policy, subject } = report;
  const rows = [];
  if (approver) rows.push(row("Key of", proven(named(approver.name)), note(report.roster ? `as version ${report.roster.version} of the roster names it` : `as ${policyName} names it`)));
  else if (policy && subject) rows.push(row("Key of", nobody(status(report, "roster"))));
  else if (subject) rows.push(row("Key of", "unknown: only a policy says whose key it is"));
  else rows.push(row("Key of", "unknown: no signature was verified"));
  if (key) rows.push(row("Fingerprint", subject ? code(key) : claim(code(key))));
  if (subject) rows.push(row("User", subject.userVerified ? proven("verified") : proven("not verified"), subject.userVerified && note("PIN or biometric, says the authenticator")));
  if (report.claimedByService.approverEmail) {
    rows.push(row("E-mail", claim(visible(report.claimedByService.approverEmail)), note("the log entry commits to this address")));
  }
  return card("Who", "who", rows);
}

/// `roster` is how that check ended; null where the policy lists its approvers itself.
const nobody = (roster) => ({ null: "nobody whom the policy lists", pass: "nobody whom the roster lets approve" })[roster] ?? "unknown: only a roster that holds says whose key it is";

function whenCard(report) {
  const { anchor } = report;
  const timed = deciding(report);
  const asked = requestOf(report);
  const rows = [timed.notLaterThan
    ? row("Not later than", proven(when(timed.notLaterThan)), note(timeSource(timed)))
    : row("Not later than", "no time is proven")];
  if (report.claimedByService.decidedAt) rows.push(row("Decided", claim(when(report.claimedByService.decidedAt)), note("says the service")));
  if (anchor) {
    const strength = {
      path: "named by the timestamp; its header is not known",
      header: "a lone header with its own work: compare the hash with a source of yours",
      chain: "in the chain that the policy knows",
    }[anchor.strength];
    rows.push(row("Bitcoin", blockName(anchor), note(strength)));
    if (anchor.hash) rows.push(row("Block hash", code(anchor.hash)));
  }
  if (asked) rows.push(row("Open until", when(asked.expiresAt), note(inTime(report))));
  if (report.at) rows.push(row("Asked about", when(report.at)));
  return card("When", "when", rows);
}

/// Whether all that count were made before the request expired, as far as that is proven.
function inTime(report) {
  const counted = report.approvals.filter(({ verdict, signed }) => verdict === "VERIFIED" && signed);
  const all = (counted.length ? counted : [deciding(report)]).map(({ signed }) => signed?.inTime);
  if (all.includes(false)) return "that it was decided by then is not shown: only a later moment is proven";
  return all.every((one) => one === true) ? "decided by then, as is proven" : "whether it was decided by then is not proven";
}

function logged(report, facts) {
  const { log } = report;
  const rows = [];
  if (report.approvals.length) {
    rows.push(...ofSeveral(report.approvals));
  } else if (log) {
    rows.push(
      row("In", proven(named(log.origin))),
      row("Entry", proven(`${log.index} of ${log.treeSize}`), note("counted from 0")),
      log.witnesses.length
        ? row("Witnesses", el("ul", { class: "plain" }, log.witnesses.map((witness) => el("li", {}, proven(named(witness.name)), note(when(witness.time))))))
        : row("Witnesses", "none that the policy knows"));
  } else if (facts.confirmation) {
    rows.push(row("In", "no log: this is the service’s own answer"));
  } else if (!facts.proof) {
    rows.push(row("In", "the log proof cannot be read"));
  } else {
    rows.push(
      row("The file says", claim(named(facts.proof.checkpoint.origin), `, entry ${facts.proof.index} of ${facts.proof.checkpoint.size}`)),
      row("Checked", report.policy ? "not established under this policy" : "only a policy says which log to trust"));
  }
  return card("Logged", "logged", rows);
}

/// Where the bundles of a decision are, log by log.
function ofSeveral(approvals) {
  const logs = new Map();
  for (const { log } of approvals.filter((one) => one.log)) logs.set(log.origin, [...logs.get(log.origin) ?? [], log]);
  const out = [...logs].map(([origin, all]) => {
    const witnesses = new Map(all.flatMap((log) => log.witnesses).map((witness) => [`${witness.name} ${witness.time}`, witness]));
    return [
      row("In", proven(named(origin))),
      row("Entries", proven(all.map(({ index }) => index).join(", ")), note("counted from 0")),
      row("Witnesses", witnesses.size
        ? el("ul", { class: "plain" }, [...witnesses.values()].map(({ name, time }) => el("li", {}, proven(named(name)), note(when(time)))))
        : "none that the policy knows"),
    ];
  });
  const without = approvals.filter(({ log }) => !log).length;
  if (without) out.push(row("Not in a log", `${without} of ${approvals.length}`, note("as far as is shown under this policy")));
  return out;
}

/// How it was signed, for those who look closer.
export function renderHow(node, report, emailForm) {
  const parts = report.approvals.length ? report.approvals : [report];
  fill(node, el("h2", { id: "how-title" }, "How it was signed"),
    parts.map((part) => [parts.length > 1 && el("h3", {}, part.approver ? named(part.approver.person) : "Nobody known"), how(part)]),
    emailForm);
}

function how({ subject }) {
  return el("dl", { class: "compare" }, subject
    ? [
      row("Signature", proven(`passkey, ${subject.algorithm}`)),
      subject.origin && row("On the site", proven(named(subject.origin))),
      subject.rpId && row("Relying party", proven(named(subject.rpId))),
      row("Passkey", subject.backedUp ? "synced: on several devices, it may be" : subject.backupEligible ? "may be synced to other devices" : "kept on one device", note("says the authenticator")),
      subject.crossOrigin ? row("Embedded", proven("in a frame of another site")) : null,
    ]
    : row("Signature", "not verified"));
}
