// What, who, how, when, logged: what was found, and how far it is proven.

import { el, fill, named, visible, when } from "./dom.js";
import { blockName, signedHash, status } from "./report.js";

function card(title, ...rows) {
  return el("article", { class: "card" }, el("h3", {}, title), el("dl", {}, rows));
}

const row = (label, ...value) => [el("dt", {}, label), el("dd", {}, value)];
const proven = (...value) => el("span", { class: "fact" }, value);
const claim = (...value) => [el("span", { class: "claim" }, value), el("span", { class: "tag" }, "not proven")];
const note = (...value) => el("p", { class: "hint" }, value);

export function renderCards(node, report, facts, emailForm) {
  fill(node,
    what(report, facts), who(report, facts, emailForm), how(report), whenCard(report), logged(report, facts));
}

function what(report, facts) {
  const subject = report.subject;
  const rows = [];
  const payload = facts.payload;
  const label = report.claimedByService.action;
  const words = {
    bundle: "the one in this file",
    exact: "yours, byte for byte",
    canonical: "yours, the same JSON in another layout",
    sha256: "the one with the hash that you named",
  };
  const signed = signedHash(report);
  const isSigned = signed !== null && payload?.info.sha256 === signed;
  if (!subject) {
    rows.push(row("Payload", "Unknown: no signature was verified."));
  } else if (signed === null) {
    rows.push(row("Payload", "Unknown: what was signed names none."));
  } else {
    if (subject.payloadMatch) rows.push(row("Payload", proven(words[subject.payloadMatch])));
    else if (status(report, "payload.binding") === "fail") rows.push(row("Payload", proven(isSigned || payload?.from === "caller" ? "not the one that you expect" : "not the one in this file")));
    else rows.push(row("Payload", "one of which only the hash is known"));
    rows.push(row("SHA-256", el("code", { class: "hash" }, signed)));
  }
  if (label) rows.push(row("Service calls it", claim(visible(label))));
  const result = card("What", rows);
  if (isSigned && payload.info.fields?.length) result.append(inside(payload.info));
  return result;
}

/// The first fields of a payload. They are its words, so they stand apart from those of this page.
function inside(info) {
  const first = info.fields.slice(0, 4);
  return el("div", { class: "inside" },
    el("h4", {}, "The payload itself says"),
    el("dl", {}, first.map((field) => [el("dt", {}, visible(place(field.path))), el("dd", {}, clip(field.text))])),
    (info.fields.length > first.length || info.more) && el("p", {}, el("a", { href: "#payload-title" }, "all fields")));
}

const place = (path) => path.replace(/^\$\.?/, "") || "(the whole)";

const clip = (text) => (text.length > 80 ? [visible(text.slice(0, 80)), el("span", { class: "tag" }, `${text.length - 80} characters more`)] : visible(text));

function who(report, facts, emailForm) {
  const key = facts.key;
  const rows = [];
  if (report.approver) rows.push(row("Key of", proven(named(report.approver.name)), note("as your policy names it")));
  else if (report.policy && report.subject) rows.push(row("Key of", "nobody whom the policy lists"));
  else if (report.subject) rows.push(row("Key of", "unknown: only a policy says whose key it is"));
  else rows.push(row("Key of", "unknown: no signature was verified"));
  if (key) rows.push(row("Fingerprint", report.subject ? el("code", { class: "hash" }, key) : claim(el("code", { class: "hash" }, key))));
  if (report.claimedByService.approverEmail) {
    rows.push(row("E-mail", claim(visible(report.claimedByService.approverEmail)), note("the log entry commits to this address")));
  }
  const result = card("Who", rows);
  if (emailForm) result.append(emailForm);
  return result;
}

function how(report) {
  const subject = report.subject;
  if (!subject) return card("How", row("Signature", "not verified"));
  return card("How",
    row("Signature", proven(`passkey, ${subject.algorithm}`)),
    row("User", subject.userVerified ? proven("verified: PIN or biometric, says the authenticator") : proven("not verified")),
    subject.origin && row("On the site", proven(named(subject.origin))),
    subject.rpId && row("Relying party", proven(named(subject.rpId))),
    row("Passkey", subject.backedUp ? "synced: on several devices, it may be" : subject.backupEligible ? "may be synced to other devices" : "kept on one device", note("says the authenticator")),
    subject.crossOrigin ? row("Embedded", proven("in a frame of another site")) : null);
}

function whenCard(report) {
  const rows = [];
  if (report.notLaterThan) {
    const whose = {
      block: () => `by ${blockName(report.anchor)}`,
      quorum: () => "by the clocks of a quorum of witnesses",
      anchoredQuorum: () => "by the clocks of a quorum of witnesses, on the head that was anchored",
    }[report.notLaterThanFrom];
    rows.push(row("Not later than", proven(when(report.notLaterThan)), note(whose())));
  } else {
    rows.push(row("Not later than", "no time is proven"));
  }
  if (report.claimedByService.decidedAt) rows.push(row("Decided", claim(when(report.claimedByService.decidedAt)), note("says the service")));
  const anchor = report.anchor;
  if (anchor) {
    const strength = {
      path: "named by the timestamp; its header is not known",
      header: "a lone header with its own work: compare the hash with a source of yours",
      chain: "in the chain that the policy knows",
    }[anchor.strength];
    rows.push(row("Bitcoin", blockName(anchor), note(strength)));
    if (anchor.hash) rows.push(row("Block hash", el("code", { class: "hash" }, anchor.hash)));
  }
  if (report.at) rows.push(row("Asked about", when(report.at)));
  return card("When", rows);
}

function logged(report, facts) {
  const log = report.log;
  if (log) {
    return card("Logged",
      row("In", proven(named(log.origin))),
      row("Entry", proven(`${log.index} of ${log.treeSize}`), note("counted from 0")),
      log.witnesses.length
        ? row("Witnesses", el("ul", { class: "plain" }, log.witnesses.map((witness) => el("li", {}, proven(named(witness.name)), " ", el("span", { class: "hint" }, when(witness.time))))))
        : row("Witnesses", "none that the policy knows"));
  }
  if (facts.confirmation) return card("Logged", row("In", "no log: this is the service’s own answer"));
  if (!facts.proof) return card("Logged", row("In", "the log proof cannot be read"));
  return card("Logged",
    row("The file says", claim(named(facts.proof.checkpoint.origin), `, entry ${facts.proof.index} of ${facts.proof.checkpoint.size}`)),
    row("Checked", report.policy ? "not established under this policy" : "only a policy says which log to trust"));
}

