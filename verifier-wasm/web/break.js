// Try to break it: change a part of the loaded approval and watch which check fails.

import { el, fill, visible } from "./dom.js";
import { WORDS, isBad } from "./checks.js";
import { fromBase64Url, fromHex, text, toBase64Url, toHex, utf8 } from "./bytes.js";

// Each part can be read from the file, and written back into a copy of it.
const textPart = (name, get, set) => ({ name, kind: "text", read: get, write: set });
const bytesPart = (name, get, set) => ({
  name,
  kind: "hex",
  read: (file) => { const bytes = typeof get(file) === "string" ? fromBase64Url(get(file)) : null; return bytes && toHex(bytes); },
  write: (file, digits) => { const bytes = fromHex(digits); if (!bytes) return false; set(file, toBase64Url(bytes)); },
});
const encodedText = (name, get, set) => ({
  name,
  kind: "text",
  read: (file) => { const bytes = typeof get(file) === "string" ? fromBase64Url(get(file)) : null; return bytes && text(bytes); },
  write: (file, value) => set(file, toBase64Url(utf8(value))),
});
const entryPart = (name, key) => bytesPart(name,
  (file) => entry(file)?.[key],
  (file, value) => { file.entry = JSON.stringify({ ...entry(file), [key]: value }); });

function entry(file) {
  try { return JSON.parse(file.entry); } catch { return null; }
}

const BUNDLE = [
  encodedText("the payload", (file) => file.evidence?.payload, (file, value) => { file.evidence.payload = value; }),
  entryPart("the passkey’s signature", "signature"),
  textPart("the time of decision, in the log entry", (file) => entry(file)?.decidedAt, (file, value) => { file.entry = JSON.stringify({ ...entry(file), decidedAt: value }); }),
  encodedText("what the browser signed (clientDataJSON)", (file) => file.evidence?.clientDataJSON, (file, value) => { file.evidence.clientDataJSON = value; }),
  entryPart("the authenticator’s data", "authenticatorData"),
  entryPart("the public key", "credentialPublicKey"),
  textPart("the log’s proof and signed checkpoint", (file) => file.logProof, (file, value) => { file.logProof = value; }),
  textPart("the whole log entry", (file) => file.entry, (file, value) => { file.entry = value; }),
];

const CONFIRMATION = [
  textPart("the status", (file) => file.status, (file, value) => { file.status = value; }),
  textPart("the payload’s hash", (file) => file.payloadHash, (file, value) => { file.payloadHash = value; }),
  bytesPart("the passkey’s signature", (file) => file.rawAssertion?.response?.signature, (file, value) => { file.rawAssertion.response.signature = value; }),
  encodedText("what the browser signed (clientDataJSON)", (file) => file.rawAssertion?.response?.clientDataJSON, (file, value) => { file.rawAssertion.response.clientDataJSON = value; }),
  bytesPart("the authenticator’s data", (file) => file.rawAssertion?.response?.authenticatorData, (file, value) => { file.rawAssertion.response.authenticatorData = value; }),
];

/// The parts of a decision, and those of each bundle that are worth a try.
function partsOfDecision({ bundles }) {
  return [
    encodedText("the payload", (file) => file.payload, (file, value) => { file.payload = value; }),
    textPart("the context", (file) => file.context, (file, value) => { file.context = value; }),
    ...bundles.flatMap((_, index) => BUNDLE.map((part) => ({
      ...part,
      name: `bundle ${index + 1}: ${part.name}`,
      read: (file) => part.read(file.bundles[index]),
      write: (file, value) => part.write(file.bundles[index], value),
    }))),
  ];
}

function partsOf(file) {
  if (Array.isArray(file?.bundles)) return partsOfDecision(file);
  return file?.type ? BUNDLE : file?.rawAssertion ? CONFIRMATION : [];
}

/// Builds the section once per approval. `report` is of the file itself; `onEdit` gets the bytes of
/// the edited copy, and returns the report on it.
export function renderBreak(node, bytes, { report: before, about, onEdit }) {
  const heading = el("h2", { id: "break-title" }, "Try to break it");
  let file = null;
  try { file = JSON.parse(text(bytes)); } catch { /* not JSON: nothing to edit by parts */ }
  const parts = partsOf(file).filter((part) => typeof part.read(file) === "string");
  if (!parts.length) {
    fill(node, heading, el("p", {}, "There is nothing in this file that could be edited by its parts."));
    return;
  }
  const select = el("select", { id: "break-part" }, parts.map((part, index) => el("option", { value: String(index) }, part.name)));
  const area = el("textarea", { id: "break-text", rows: "6", spellcheck: "false", autocomplete: "off" });
  const outcome = el("div", { class: "outcome", role: "status" });
  const part = () => parts[Number(select.value)];
  const show = () => { area.value = part().read(file); fill(outcome); };
  const edit = () => {
    const copy = structuredClone(file);
    const done = part().write(copy, area.value);
    if (done === false) {
      fill(outcome, "These are not bytes in hex: an even number of the digits 0–9 and a–f.");
      return;
    }
    const report = onEdit(utf8(JSON.stringify(copy)));
    fill(outcome, report ? changes(before, report, about) : "It cannot be checked.");
  };
  const flip = () => {
    area.value = flipped(area.value, part().kind);
    edit();
  };
  select.addEventListener("change", () => { show(); onEdit(null); });
  area.addEventListener("input", edit);
  fill(node, heading,
    el("p", {}, "Change anything in a copy of this approval, be it one bit, and see which check notices. Your file stays as it is."),
    el("div", { class: "row" }, el("label", { for: "break-part" }, "Change"), select,
      el("button", { type: "button", onclick: flip }, "Flip one bit")),
    el("label", { for: "break-text", class: "visually-hidden" }, "Content of that part"),
    el("div", { class: "beside" }, area, outcome));
  show();
}

/// The checks that end differently now, each with before and after.
function changes(before, report, about) {
  const verdict = el("p", {}, el("strong", {}, `${before.verdict} → ${report.verdict}`));
  if (report.verdict === "MALFORMED") return [verdict, el("p", {}, visible(report.summary))];
  const old = new Map(everyCheck(before).map(({ key, status }) => [key, status]));
  const changed = everyCheck(report).filter(({ key, status }) => old.get(key) !== status);
  if (!changed.length) return [verdict, el("p", {}, "No check ends differently. Not every change is one: what nobody signed, a verdict does not rest on.")];
  const word = (status) => WORDS[status]?.[0] ?? "not made";
  const line = (check) => el("li", { class: isBad(check) ? "bad" : null },
    check.of, el("strong", {}, about.get(check.id)?.title ?? check.id), `: ${word(old.get(check.key))} → `, el("strong", {}, word(check.status)),
    isBad(check) && [el("br"), visible(check.message),
      check.expected !== null && [el("br"), "Expected ", visible(check.expected)],
      check.found !== null && [el("br"), "Found ", visible(check.found)]]);
  const sorted = [...changed.filter(isBad), ...changed.filter((check) => !isBad(check))];
  return [verdict, el("ul", { class: "changes" }, sorted.map(line))];
}

/// The checks of the report, and behind them those of each bundle of a decision.
const everyCheck = (report) => [report, ...report.approvals].flatMap(({ checks }, index) =>
  checks.map((check) => ({ ...check, key: `${index} ${check.id}`, of: index ? `bundle ${index}, ` : null })));

// Somewhere in the middle; of a text, in a letter or digit, so that it stays a text.
function flipped(value, kind) {
  const middle = Math.floor(value.length / 2);
  if (kind === "hex") {
    const at = middle - (middle % 2) + 1;
    return value.slice(0, at) + (parseInt(value[at], 16) ^ 1).toString(16) + value.slice(at + 1);
  }
  for (let distance = 0; distance <= middle; distance += 1) {
    for (const at of [middle + distance, middle - distance]) {
      if (/[A-Za-z0-9]/.test(value[at] ?? "")) {
        return value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1);
      }
    }
  }
  return `${value} `;
}
