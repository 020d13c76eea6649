// For those who want to see everything, keep it, and repeat it elsewhere.

import { copyButton, el, fill, saveButton, visible } from "./dom.js";
import { deflate, size, text, toBase64Url, toHex, utf8 } from "./bytes.js";

/// Longer links do not survive every program.
const LONGEST_LINK = 8192;

const MOST_SHOWN = 100_000;
const MOST_DUMPED = 4096;

export function renderRaw(node, { bytes, name, report, reportText, inspected, command, files, link, source }) {
  const raw = text(bytes);
  fill(node,
    el("h2", { id: "raw-title" }, "Repeat it, keep it"),
    el("p", {}, "The same result from the command line, offline, without this page:"),
    el("pre", { class: "command", tabindex: "0", "aria-label": "Command" }, command),
    el("p", { class: "row no-print" }, copyButton("Copy the command", command),
      files.map((file) => saveButton(`Save ${file.name}`, file.name, file.bytes)),
      saveButton("Save the report", "report.json", utf8(`${reportText}\n`)),
      el("button", { type: "button", class: "small", onclick: () => window.print() }, "Print one page"),
      link && linkButton(bytes)),
    hashes(report),
    el("details", { class: "quiet no-print" }, el("summary", {}, "Report as JSON"),
      el("p", { class: "hint" }, "Byte for byte what ", el("code", {}, "cosignet verify --format json"), " prints for the same files", source && source !== "caller" ? ", but for where the policy came from" : "", "."),
      el("pre", { tabindex: "0", "aria-label": "Report as JSON", id: "report-json" }, visible(reportText)),
      copyButton("Copy the report", reportText)),
    el("details", { class: "quiet no-print" }, el("summary", {}, "What the file says, decoded"),
      el("p", { class: "hint" }, "True or not: nothing in this view has been verified."),
      inspected ? el("pre", { tabindex: "0", "aria-label": "Decoded file" }, visible(inspected, true)) : el("p", {}, "It cannot be decoded.")),
    el("details", { class: "quiet no-print" }, el("summary", {}, `The bytes of the file (${size(bytes.length)})`),
      el("pre", { tabindex: "0", "aria-label": "Bytes of the file" }, raw === null ? dump(bytes) : visible(raw.slice(0, MOST_SHOWN), true)),
      cut(raw === null ? [bytes.length, MOST_DUMPED, "bytes"] : [raw.length, MOST_SHOWN, "characters"])));
  node.dataset.name = name;
}

/// The SHA-256 of everything that the result rests on; on paper alone, a screen shows it elsewhere.
function hashes({ inputs, policy }) {
  const row = (label, digits) => digits && [el("dt", {}, label), el("dd", {}, el("code", {}, digits))];
  return el("dl", { class: "paper compare inputs" },
    row("SHA-256 of the file", inputs.bundleSha256),
    row("of the payload you expect", inputs.payloadSha256),
    row("of the policy", policy?.sha256));
}

function linkButton(bytes) {
  const button = copyButton("Copy a link that carries this file", async () => {
    const packed = toBase64Url(await deflate(bytes));
    if (packed.length > LONGEST_LINK) throw new Error("too long");
    const address = new URL(location.href);
    address.hash = `b=${packed}`;
    return address.href;
  });
  button.title = "The file is in the part after #, which browsers do not send. It stays in the history of whoever opens it.";
  return button;
}

/// What is left out is said; saved, the file is whole.
const cut = ([length, most, what]) => length > most
  && el("p", { class: "warning" }, el("strong", {}, `${length - most} more ${what} are not shown here.`), " Save the file to see all of it.");

const dump = (bytes) => toHex(bytes.slice(0, MOST_DUMPED)).replace(/.{64}/g, "$&\n");
