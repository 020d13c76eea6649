// The payload field by field, as it was signed, with what does not show made visible.

import { el, fill, hasHidden, visible } from "./dom.js";
import { size } from "./bytes.js";

export function renderPayload(node, report, payload) {
  const binding = report.checks.find((check) => check.id === "payload.binding");
  const heading = el("h2", { id: "payload-title" }, "Payload");
  if (!payload) {
    const hash = report.subject?.payloadHash;
    fill(node, heading, el("p", {}, "The payload itself is not at hand. ",
      hash ? ["What was signed has the SHA-256 ", el("code", { class: "hash" }, hash), ". "] : null,
      "Drop the payload that you expect, and it is compared."));
    return;
  }
  const differences = new Map((binding?.differences ?? []).map((difference) => [difference.path, difference]));
  fill(node, heading, said(binding, payload), body(payload, differences));
}

function said(binding, payload) {
  const from = payload.from === "bundle" ? "This payload came with the approval" : "This is the payload that you gave";
  const parts = `${from}: ${size(payload.info.length)}.`;
  switch (binding?.status) {
    case "pass":
      return el("p", {}, parts, " Its hash is the one that was signed.");
    case "fail":
      return el("p", { class: "warning" }, parts, " ", el("strong", {}, binding.differences.length
        ? "It differs from the payload you expect."
        : "It is not what was signed."));
    default:
      return el("p", { class: "warning" }, parts, " ", el("strong", {}, "Whether it was signed is not established."));
  }
}

function body({ info }, differences) {
  const strange = hasHidden(info.fields ? info.fields.map((field) => field.path + field.text).join("") : (info.text ?? "").replaceAll("\n", ""));
  const warning = strange && el("p", { class: "warning" }, el("strong", {}, "There are characters in it that do not show or that reorder the text. "), "They are marked like ", el("span", { class: "hidden-char" }, "U+202E"), ".");
  if (info.fields) return [warning, table(info, differences)];
  if (info.text !== null) {
    return [el("p", { class: "hint" }, "It is not JSON that all parsers read alike, so it is shown as text."), warning, el("pre", { tabindex: "0", "aria-label": "Payload as text" }, visible(info.text.slice(0, 20_000), true))];
  }
  return [el("p", { class: "hint" }, "It is not text; these are its first bytes."), el("pre", { tabindex: "0", "aria-label": "Payload in hex" }, info.hex)];
}

function table(info, differences) {
  const rows = info.fields.map((field) => ({ path: field.path, kind: field.kind, text: field.text, difference: differences.get(field.path) }));
  const known = new Set(info.fields.map((field) => field.path));
  for (const difference of differences.values()) {
    if (!known.has(difference.path)) rows.push({ path: difference.path, kind: "", text: null, difference });
  }
  const differ = differences.size > 0;
  const head = differ ? ["Field", "Was approved", "You expected"] : ["Field", "Value"];
  return [
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Fields of the payload" }, el("table", { class: "fields" },
      el("thead", {}, el("tr", {}, head.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, rows.map((row) => el("tr", { class: row.difference ? "differs" : null },
        el("th", { scope: "row" }, visible(row.path.replace(/^\$\.?/, "") || "(the whole)"), row.difference && el("span", { class: "tag bad" }, "differs")),
        el("td", {}, value(row)),
        differ && el("td", {}, row.difference
          ? row.difference.expected === null ? el("em", {}, "nothing") : visible(unquoted(row.difference.expected))
          : "the same")))))),
    info.more && el("p", { class: "hint" }, `Only the first ${info.fields.length} fields are shown.`),
  ];
}

// The report quotes strings; beside a value without quotes that would look like a difference.
const unquoted = (text) => (/^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : text);

function value({ kind, text }) {
  if (text === null) return el("em", {}, "nothing");
  return [visible(text), kind === "string" ? null : el("span", { class: "tag" }, kind)];
}
