// The payload field by field, as it was signed, with what does not show made visible.

import { el, fill, hasHidden, visible } from "./dom.js";
import { size } from "./bytes.js";
import { plainPath } from "./facts.js";
import { labelled, labelsLine, listedFirst } from "./labels.js";
import { checkOf, moreDifferences, signedFacts, signedHash } from "./report.js";

export function renderPayload(node, report, payload, acts) {
  const binding = checkOf(report, "payload.binding");
  const heading = el("h2", { id: "payload-title" }, "Payload");
  const signed = signedHash(report);
  if (!payload) {
    fill(node, heading, el("p", {}, "The payload itself is not at hand. ",
      signed ? ["What was signed has the SHA-256 ", el("code", { class: "hash" }, signed), ". "] : null,
      "Give the payload that you expect, and it is compared."));
    return;
  }
  fill(node, heading, said(report, binding, payload), labelsLine(payload.labels, acts), body(payload, binding));
}

function said(report, binding, payload) {
  const from = payload.from === "bundle" ? "This payload came with the approval" : "This is the payload that you gave";
  const parts = `${from}: ${size(payload.info.length)}.`;
  const warning = (words) => el("p", { class: "warning" }, parts, " ", el("strong", {}, words));
  const signed = signedHash(report);
  if (!signedFacts(report)) return warning("No signature was verified, so nobody is shown to have approved it.");
  if (signed === null) return warning("Whether it was signed is not established.");
  if (payload.info.sha256 !== signed) return warning("It is not what was signed.");
  if (binding?.status === "fail") return warning("It is what was signed, and not what you expect.");
  return el("p", {}, parts, " Its hash is the one that was signed: ", el("code", { class: "hash" }, signed));
}

function body({ info, labels }, binding) {
  const strange = hasHidden(info.fields ? info.fields.map((field) => field.path + field.text).join("") : (info.text ?? "").replaceAll("\n", ""));
  const warning = strange && el("p", { class: "warning" }, el("strong", {}, "There are characters in it that do not show or that reorder the text. "), "They are marked like ", el("span", { class: "hidden-char" }, "U+202E"), ".");
  if (info.fields) return [warning, table(info, binding, labels?.labels ?? new Map())];
  if (info.text !== null) {
    return [el("p", { class: "hint" }, "It is not JSON that all parsers read alike, so it is shown as text, all of it."), warning, el("pre", { tabindex: "0", "aria-label": "Payload as text" }, visible(info.text, true))];
  }
  const shown = info.hex.length / 2;
  const more = info.length - shown;
  return [el("p", { class: more ? "warning" : "hint" }, more ? `It is not text. These are its first ${shown} bytes; ${more} more are not shown.` : "It is not text; these are its bytes."), el("pre", { tabindex: "0", "aria-label": "Payload in hex" }, info.hex)];
}

function table(info, binding, labels) {
  const differences = new Map((binding?.differences ?? []).map((difference) => [difference.path, difference]));
  // Only a complete list says of a field that it is the same.
  const missing = binding?.differencesLeftOut ?? 0;
  // Those with labels come on top of the first ones, so that none is hidden by them.
  const fields = listedFirst(labels, info.fields);
  const rows = fields.map((field) => ({ path: field.path, kind: field.kind, text: field.text, label: labels.get(field), difference: differences.get(field.path) }));
  const known = new Set(fields.map((field) => field.path));
  for (const difference of differences.values()) {
    if (!known.has(difference.path)) rows.push({ path: difference.path, kind: "", text: null, difference });
  }
  const differ = differences.size > 0;
  const head = differ ? ["Field", "In this file", "You expected"] : ["Field", "Value"];
  return [
    missing > 0 && el("p", { class: "warning" }, el("strong", {}, moreDifferences(missing), " "), "Fields without an entry below may differ, too."),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Fields of the payload" }, el("table", { class: "fields" },
      el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, rows.map((row) => el("tr", { class: row.difference ? "differs" : null },
        el("th", { scope: "row" }, labelled(row.label, visible(plainPath(row.path))), row.difference && el("span", { class: "tag bad" }, "differs")),
        el("td", {}, value(row)),
        differ && el("td", {}, row.difference ? side(row.difference.expected) : missing ? el("em", {}, "not compared here") : "the same")))))),
    fields.length < info.all.length && el("p", { class: "warning" }, el("strong", {}, fields.length > info.fields.length ? `Only ${fields.length} of ${info.all.length} fields are shown.` : `Only the first ${fields.length} fields are shown.`), " Save the file to see all of it."),
  ];
}

const side = (text) => (text === null ? el("em", {}, "nothing") : visible(unquoted(text)));

// The report quotes strings; beside a value without quotes that would look like a difference.
const unquoted = (text) => (/^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : text);

function value({ kind, text }) {
  if (text === null) return el("em", {}, "nothing");
  return [visible(text), kind === "string" ? null : el("span", { class: "tag" }, kind)];
}
