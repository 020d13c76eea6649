// What, who, how, when, logged: what was found, and how far it is proven.

import { el, fill, visible, when } from "./dom.js";

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
  const label = report.claimedByService.action;
  const words = {
    bundle: "the payload in this file",
    exact: "your payload, byte for byte",
    canonical: "your payload, the same JSON in another layout",
    sha256: "the hash that you named",
  };
  const binding = report.checks.find((check) => check.id === "payload.binding");
  if (!subject) {
    rows.push(row("Approved", "Unknown: no signature was verified."));
  } else {
    if (binding?.status === "fail") rows.push(row("Approved", proven(facts.expected ? "not the payload that you expect" : "another payload than the one at hand")));
    else rows.push(row("Approved", subject.payloadMatch ? proven(words[subject.payloadMatch]) : "a payload of which only the hash is known"));
    if (facts.payload?.fields && binding?.status === "pass") {
      for (const field of facts.payload.fields.slice(0, 4)) rows.push(row(field.path.replace(/^\$\./, ""), proven(visible(clip(field.text)))));
      const rest = facts.payload.fields.length - 4;
      if (rest > 0 || facts.payload.more) rows.push(row("", el("a", { href: "#payload-title" }, "all fields")));
    }
    if (subject.payloadHash) rows.push(row("SHA-256", el("code", { class: "hash" }, subject.payloadHash)));
  }
  if (label) rows.push(row("Service calls it", claim(visible(label))));
  return card("What", rows);
}

const clip = (text) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);

function who(report, facts, emailForm) {
  const key = facts.key;
  const rows = [];
  if (report.approver) rows.push(row("Key of", proven(visible(report.approver.name)), note("as your policy names it")));
  else if (report.policy && report.subject) rows.push(row("Key of", "nobody whom the policy lists"));
  else if (report.subject) rows.push(row("Key of", "unknown: only a policy says whose key it is"));
  else rows.push(row("Key of", "unknown: no signature was verified"));
  if (key) rows.push(row("Fingerprint", el("code", { class: "hash" }, key)));
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
    subject.origin && row("On the site", proven(visible(subject.origin))),
    subject.rpId && row("Relying party", proven(visible(subject.rpId))),
    row("Passkey", subject.backedUp ? "synced to several devices" : subject.backupEligible ? "may be synced to other devices" : "stays on one device"),
    subject.crossOrigin ? row("Embedded", proven("in a frame of another site")) : null);
}

function whenCard(report) {
  const rows = [];
  if (report.notLaterThan) {
    const block = report.anchor && report.anchor.notLaterThan === report.notLaterThan;
    rows.push(row("Not later than", proven(when(report.notLaterThan)), note(block ? `by Bitcoin block ${report.anchor.height}` : "by the clocks of a quorum of witnesses")));
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
    rows.push(row("Bitcoin", `block ${anchor.height} (${anchor.network})`, note(strength)));
    if (anchor.hash) rows.push(row("Block hash", el("code", { class: "hash" }, anchor.hash)));
  }
  if (report.at) rows.push(row("Asked about", when(report.at)));
  return card("When", rows);
}

function logged(report, facts) {
  const log = report.log;
  if (log) {
    return card("Logged",
      row("In", proven(visible(log.origin))),
      row("Entry", proven(`${log.index} of ${log.treeSize}`), note("counted from 0")),
      log.witnesses.length
        ? row("Witnesses", el("ul", { class: "plain" }, log.witnesses.map((witness) => el("li", {}, proven(visible(witness.name)), " ", el("span", { class: "hint" }, when(witness.time))))))
        : row("Witnesses", "none that the policy knows"));
  }
  if (facts.confirmation) return card("Logged", row("In", "no log: this is the service’s own answer"));
  if (!facts.proof) return card("Logged", row("In", "the log proof cannot be read"));
  return card("Logged",
    row("The file says", claim(visible(facts.proof.checkpoint.origin), `, entry ${facts.proof.index} of ${facts.proof.checkpoint.size}`)),
    row("Checked", report.policy ? "not established under this policy" : "only a policy says which log to trust"));
}

