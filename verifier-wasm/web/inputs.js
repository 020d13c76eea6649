// The files that are loaded, what each is for, and those of which that is not yet said.

import { el, fill, hash, named, quoted } from "./dom.js";
import { size } from "./bytes.js";
import { LOOKS } from "./roles.js";

/// `acts` are what its reader can do with a file.
export function renderInputs(node, { approvals, payload, headers, roster, descriptor, waiting }, acts) {
  const button = (words, label, act) => el("button", { type: "button", class: "small", "aria-label": label, onclick: act }, words);
  const remove = (file, act) => button("Remove", `Remove ${file.name}`, act);
  const row = (role, file, ...rest) => el("li", {}, el("span", { class: "role" }, role), el("span", { class: "file" }, named(file.name)), rest);
  fill(node,
    waiting.map((file) => row("Not used yet", file,
      el("span", { class: "why" }, `It reads as ${LOOKS[file.looks]}. `, whereTo(file)),
      file.looks === "headers" && button("Use these headers", null, () => acts.useHeaders(file)),
      file.info && button("Use this roster", null, () => acts.useRoster(file)),
      button("It is the payload I expect", null, () => acts.usePayload(file)),
      button("Leave it out", null, () => acts.leave(file)))),
    approvals.length === 1 && row("Approval", approvals[0], remove(approvals[0], acts.removeApprovals)),
    approvals.length > 1 && el("li", {}, el("span", { class: "role" }, "Approvals"), el("span", { class: "file" }, `${approvals.length} files`),
      button("Remove", "Remove all approvals", acts.removeApprovals)),
    payload && row("Payload you expect", payload,
      payload.looks in LOOKS && el("span", { class: "why" }, `It reads as ${LOOKS[payload.looks]}, and is compared like any other payload.`),
      remove(payload, acts.removePayload)),
    roster && row("Roster", roster,
      el("span", { class: "why" }, rosterWords(roster.info)),
      remove(roster, acts.removeRoster)),
    descriptor && row("Labels", descriptor,
      el("span", { class: "why" }, "A descriptor for the action ", quoted(descriptor.info.action), `; fields: ${descriptor.info.fields.length}; SHA-256 `, el("code", { class: "hash" }, descriptor.sha256)),
      remove(descriptor, acts.removeDescriptor)),
    headers && row("Bitcoin headers", headers,
      el("span", { class: "why" }, `${size(headers.bytes.length)}, SHA-256 `, el("code", { class: "hash" }, headers.sha256)),
      remove(headers, acts.removeHeaders)));
}

/// The one line that stands for all of it, once there is a result.
export function renderLoaded(node, { approvals, payload, headers, descriptor }, policy, roster) {
  const one = approvals.length === 1;
  fill(node,
    one ? named(approvals[0].name) : `${approvals.length} files`,
    policy
      ? [` · ${WHOSE[policy.from] ?? "your policy"} `, named(policy.info.name), " ", hash(policy.info.sha256)]
      : " · no policy yet",
    payload && [" · payload you expect: ", named(payload.name)],
    roster && [" · roster ", named(roster.info.name), ` ${roster.info.version} `, hash(roster.info.sha256)],
    headers && [" · headers ", named(headers.name)],
    descriptor && [" · labels ", named(descriptor.name), " ", hash(descriptor.sha256)]);
}

/// A roster by its own words. Whether it holds, the check of that name says.
export const rosterWords = ({ name, sha256, version }) => [
  "It says that it is ", named(name), `, version ${version}, SHA-256 `, el("code", { class: "hash" }, sha256), "."];

const WHOSE = { operator: "the operator’s policy", evidence: "a policy that came with it,", sample: "the sample’s policy" };

function whereTo(file) {
  if (file.offer) return "It is offered under “Whom you trust”, and is not in force.";
  if (file.why) return ["It cannot be used: ", file.why, "."];
  if (file.info) return rosterWords(file.info);
  if (file.looks === "descriptor") return "From here it gives no labels. It has a place of its own, “Labels for the fields of a payload”.";
  if (file.looks === "headers") return ["SHA-256 ", el("code", { class: "hash" }, file.sha256), "."];
  return "This page has no use for it but to compare it.";
}
