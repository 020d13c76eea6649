// Whose keys and which log are trusted: chosen by the user, in a place of its own, by an act of its
// own. Nothing else puts a policy in force or out of it.

import { el, fill, named, visible } from "./dom.js";
import { clauses } from "./people.js";

/// `chosen` is in force, or null. `offers` are not: { name, bytes, info, from }, where `from` says
/// who brought it: "reader" (put here), "evidence" (came with what is checked), "operator", or
/// "device" (remembered at the reader’s wish).
/// `sample` is the policy of a sample that is looked at: the reader’s own rests as long.
/// `remembered` is the fingerprint of the policy that this device keeps, or null.
export function renderPolicy(node, { chosen, sample, remembered, offers, acts }) {
  fill(node,
    sample ? ofSample(sample) : chosen ? inForce(chosen, remembered, acts) : none(),
    sample ? null : offers.map((offer) => card(offer, chosen, acts)));
}

function ofSample(sample) {
  return el("div", { class: "policy offer" },
    el("h3", {}, "The sample’s policy: ", named(sample.info.name)),
    el("p", {}, "It holds for the sample alone: its keys are public, and anybody can sign with them. With the first file of yours it is gone."),
    fingerprint("SHA-256 of this policy", sample.info),
    details(sample.info));
}

function none() {
  return el("div", { class: "policy none" },
    el("h3", {}, "No trust policy yet"),
    el("p", {}, "A policy says whose keys, which site and which log you trust. Without one nobody can tell whose key has signed, so every result stays INCOMPLETE."));
}

function inForce(chosen, remembered, acts) {
  const own = chosen.from === "reader" || chosen.from === "device";
  const same = remembered === chosen.info.sha256;
  return el("div", { class: `policy chosen${own ? "" : " borrowed"}` },
    el("h3", {}, chosen.from === "operator" ? "The operator’s trust policy, adopted: " : "Your trust policy: ", named(chosen.info.name)),
    el("p", {}, {
      operator: "It is the operator’s, and you adopted it. A result under it says that the operator’s own rules are met.",
      evidence: ["You took it over from ", named(chosen.name), ", which came with what is checked here."],
      reader: ["From ", named(chosen.name), "."],
      device: ["From ", named(chosen.name), ", as this device remembered it."],
    }[chosen.from]),
    fingerprint("SHA-256 of the policy", chosen.info),
    details(chosen.info),
    el("p", { class: "row" },
      el("button", { type: "button", onclick: acts.onRemove }, "Stop trusting this policy"),
      own && el("button", { type: "button", onclick: same ? acts.onForget : () => acts.onKeep(chosen) }, same ? "Forget it on this device" : "Remember it on this device")));
}

function card(offer, chosen, { onUse, onLeave, onPayload, onForget }) {
  const same = chosen?.info.sha256 === offer.info.sha256;
  const use = offer.from === "operator" ? "Adopt this policy" : chosen ? "Replace my policy" : "Use as my policy";
  const button = (words, act) => el("button", { type: "button", onclick: () => act(offer) }, words);
  return el("div", { class: "policy offer" },
    el("h3", { tabindex: "-1", class: "offer-title" }, "Not in force: ", title(offer)),
    el("p", {}, {
      operator: "A page that trusts the policy of whom it checks goes in circles. Compare the fingerprint with one that you got in another way: from the approver, a contract, a colleague.",
      evidence: [named(offer.name), " came with what is checked, and reads as a trust policy. Whoever hands over a forged approval can hand over the policy that accepts it. Take it over only if you know its fingerprint from elsewhere."],
      device: ["You asked this device to remember it, from ", named(offer.name), ". Is this still its fingerprint, as you know it?"],
      reader: ["From ", named(offer.name), ". Is this its fingerprint, as you know it from elsewhere?"],
    }[offer.from]),
    fingerprint("SHA-256 of this policy", offer.info),
    chosen && !same && fingerprint(["It would replace ", named(chosen.info.name), ", which has"], chosen.info),
    same && el("p", {}, el("strong", {}, "It is the policy that is in force.")),
    details(offer.info),
    el("p", { class: "row" },
      !same && button(use, onUse),
      offer.from === "evidence" && button("It is the payload I expect", onPayload),
      offer.from === "device" && button("Forget it on this device", onForget),
      ["reader", "evidence"].includes(offer.from) && button("Leave it out", onLeave)));
}

const title = ({ from, info }) => [
  { operator: "The operator of this page offers ", evidence: "A file offers ", reader: "You chose ", device: "This device remembers " }[from],
  named(info.name)];

const fingerprint = (words, info) =>
  el("p", {}, words, ": ", el("code", { class: "hash fingerprint" }, info.sha256));

/// Every rule of the policy, so that it can be read before it is taken over.
function details(info) {
  const { anchor, approvers, decision, log, payload, roster, webauthn } = JSON.parse(info.canonicalJson);
  const list = (items) => (items.length ? el("ul", { class: "plain" }, items.map((item) => el("li", {}, item))) : "none");
  const row = (label, value) => [el("dt", {}, label), el("dd", {}, value)];
  const valid = ({ notBefore, notAfter }) => [notBefore && ` from ${notBefore}`, notAfter && ` until ${notAfter}`];
  const holders = (shown, all) => list(shown.map((one, index) => [
    named(one.name), ` (${one.algorithm}) `, el("code", { class: "hash" }, one.fingerprint), person(all[index]), valid(all[index]),
  ]));
  return el("details", { class: "quiet" }, el("summary", {}, "What it trusts"),
    el("dl", { class: "compare" },
      row("Approvers", roster ? "those of the roster" : holders(info.approvers, approvers)),
      roster && [
        row("Roster", [named(roster.name), roster.minVersion ? `, version ${roster.minVersion} or newer` : "", "; version 1 takes ", clauses(roster.require)]),
        row("Admins", holders(info.admins, roster.admins))],
      row("Decision", decision?.require.length ? clauses(decision.require) : "one approver is enough"),
      decision && row("Context", context(decision)),
      row("Sites", list(info.origins.map(named))),
      row("Relying parties", list(info.rpIds.map(named))),
      row("User", webauthn.userVerification === "required" ? "has to be verified by the device" : "need not be verified by the device"),
      webauthn.crossOrigin && row("Embedding", ["allowed; a browser that names the outermost site has to name one of these: ", list(webauthn.topOrigins.map(named))]),
      row("Payload", payload === "required" ? "has to be there" : "its hash is enough"),
      row("Logs", info.quorum === null ? "none is required: approvals can be denied, dropped and back-dated" : list(info.logs.map(named))),
      info.quorum !== null && [
        row("Witnesses", info.quorum === "none" ? "none required: the log could show others another tree" : visible(info.quorum)),
        row("Logged within", log.maxAppendDelay)],
      row("Bitcoin anchor", anchored(anchor))));
}

/// Whose key it is, where that is not its name, and for which groups that person can speak.
const person = ({ person: holder, groups }) => [
  holder && [" of ", named(holder)], groups?.length && [", for ", groups.map((group, index) => [index ? ", " : "", named(group)])]];

function context({ audience, context: rule, expiry }) {
  const enforced = expiry === "enforced";
  return [
    rule === "required" || audience || enforced ? "required" : "judged if it is there",
    audience && [", for ", named(audience)],
    enforced ? "; an approval that is not proven to be in time is rejected" : "; the report says whether it was in time",
  ];
}

function anchored({ minChainWork, minConfirmations, network, pinnedBlocks, required }) {
  return [
    required ? "required" : "not required",
    `, ${minConfirmations} block${minConfirmations === 1 ? "" : "s"} deep`,
    network === "mainnet" ? "" : `, on ${network}, a test network: its blocks cost little or nothing`,
    pinnedBlocks.length ? `, in a chain with ${pinnedBlocks.length === 1 ? "a block" : `${pinnedBlocks.length} blocks`} that the policy names itself` : "",
    minChainWork ? `, in a chain with work of ${minChainWork}` : "",
  ];
}
