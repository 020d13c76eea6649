// Whose keys and which log are trusted: chosen by the user, never by the page.

import { el, fill, visible } from "./dom.js";

/// `chosen` and `offered` are { name, bytes, info, source }, or null.
export function renderPolicy(node, { chosen, offered, onAdopt, onRemove, chooser }) {
  if (chosen) {
    fill(node, el("div", { class: "policy chosen" },
      el("h3", {}, "Your trust policy: ", visible(chosen.info.name)),
      el("p", {}, chosen.source === "operator"
        ? "It is the operator’s, and you adopted it. A result under it says that the operator’s own rules are met."
        : ["From ", visible(chosen.name), "."]),
      fingerprint(chosen.info),
      details(chosen.info),
      el("button", { type: "button", onclick: onRemove }, "Stop trusting this policy")));
    return;
  }
  fill(node, el("div", { class: "policy none" },
    el("h3", {}, "No trust policy yet"),
    el("p", {}, "A policy says whose keys, which site and which log you trust. Without one nobody can tell whose key has signed, so every result stays INCOMPLETE. Drop yours, as JSON, or ", chooser, "."),
    offered && el("div", { class: "offer" },
      el("h4", {}, "The operator of this page offers a policy: ", visible(offered.info.name)),
      el("p", {}, "A page that trusts the policy of whom it checks goes in circles. Compare the fingerprint with one that you got in another way: from the approver, a contract, a colleague."),
      fingerprint(offered.info),
      details(offered.info),
      el("button", { type: "button", onclick: onAdopt }, "Adopt this policy"))));
}

const fingerprint = (info) =>
  el("p", {}, "SHA-256 of the policy: ", el("code", { class: "hash fingerprint" }, info.sha256));

function details(info) {
  const list = (items) => (items.length ? el("ul", { class: "plain" }, items.map((item) => el("li", {}, item))) : "none");
  return el("details", { class: "quiet" }, el("summary", {}, "What it trusts"),
    el("dl", { class: "compare" },
      el("dt", {}, "Approvers"), el("dd", {}, list(info.approvers.map((approver) => [visible(approver.name), ` (${approver.algorithm}) `, el("code", { class: "hash" }, approver.fingerprint)]))),
      el("dt", {}, "Sites"), el("dd", {}, list(info.origins.map((origin) => visible(origin)))),
      el("dt", {}, "Relying parties"), el("dd", {}, list(info.rpIds.map((id) => visible(id)))),
      el("dt", {}, "Logs"), el("dd", {}, info.quorum === null ? "none is required: approvals can be denied, dropped and back-dated" : list(info.logs.map((log) => visible(log)))),
      info.quorum === null ? null : [el("dt", {}, "Witnesses"), el("dd", {}, info.quorum === "none" ? "none required: the log could show others another tree" : visible(info.quorum))],
      el("dt", {}, "Bitcoin anchor"), el("dd", {}, info.anchorRequired ? "required" : "not required")));
}
