// Several approvals: totals first, then a line for each, with those that need a look on top.

import { el, fill, named, when } from "./dom.js";
import { inSentence } from "./facts.js";
import { approvers } from "./report.js";
import { verdictIcon } from "./verdict.js";

const MOST_ROWS = 500;

const ORDER = ["REJECTED", "MALFORMED", "INCOMPLETE", "VERIFIED"];

const TOTALS = { VERIFIED: "verified", REJECTED: "rejected", INCOMPLETE: "incomplete", MALFORMED: "malformed" };

/// What makes two files one approval.
const marksOf = ({ report }) => [
  ["the same file", report.inputs.bundleSha256],
  ["the same signature", report.subject && report.approver && report.subject.nonce && `${report.approver.keySha256} ${report.subject.nonce} ${report.subject.payloadHash}`],
  ["the same approval id", report.claimedByService.approvalId],
].filter(([, mark]) => mark);

/// Rows in the order of the table: { index, approval, report, repeats: null or { of, same } }.
export function rowsOf(judged) {
  const seen = new Map();
  const rows = judged.map(({ approval, report }, index) => {
    const row = { index, approval, report, repeats: null };
    for (const [same, mark] of marksOf(row)) {
      if (seen.has(mark)) row.repeats ??= { of: seen.get(mark), same };
      else seen.set(mark, approval);
    }
    return row;
  });
  const rank = (row) => ORDER.indexOf(row.report.verdict) * 2 - (row.repeats ? 1 : 0);
  return rows.sort((a, b) => rank(a) - rank(b) || a.index - b.index);
}

/// `chosen` is the filter: a verdict, "duplicate", or "".
export function renderSeveral(node, rows, { current, chosen, payloadOf, onShow, onFilter }) {
  const count = (verdict) => rows.filter(({ report }) => report.verdict === verdict).length;
  const duplicates = rows.filter((row) => row.repeats).length;
  const total = (value, number, word) => number > 0 && el("li", {},
    el("button", { type: "button", class: `total ${word}`, "aria-pressed": String(chosen === value), onclick: () => onFilter(chosen === value ? "" : value) },
      ORDER.includes(value) && verdictIcon(value), el("strong", {}, String(number)), ` ${word}`));
  const matching = rows.filter(({ report, repeats }) => !chosen || (chosen === "duplicate" ? repeats : report.verdict === chosen));
  fill(node,
    el("h2", { id: "several-title", tabindex: "-1" }, `${rows.length} approvals`),
    el("ul", { class: "totals" },
      Object.entries(TOTALS).map(([verdict, word]) => total(verdict, count(verdict), word)),
      total("duplicate", duplicates, duplicates === 1 ? "duplicate" : "duplicates")),
    duplicates > 0 && el("p", { class: "warning" }, "Many copies of one approval are not many approvals: each duplicate repeats a file further up in your selection."),
    el("div", { class: "scroll rows", tabindex: "0", role: "group", "aria-label": "All approvals" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Verdict", "What", "Who", "Not later than", "File"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, matching.slice(0, MOST_ROWS).map((row) => line(row, { current, payloadOf, onShow }))))),
    matching.length > MOST_ROWS && el("p", { class: "warning" }, `${matching.length - MOST_ROWS} more are not in the table. `, el("code", {}, "cosignet report"), " lists all."),
    el("p", { class: "hint" }, "The one that is marked stands below, whole."));
}

function line({ index, approval, report, repeats }, { current, payloadOf, onShow }) {
  const verdict = report.verdict;
  return el("tr", { class: index === current ? "current" : null },
    el("td", { class: verdict.toLowerCase() }, el("span", { class: "word" }, verdict)),
    el("td", {}, payloadOf(approval, report) ?? el("em", {}, "not established")),
    el("td", {}, who(report)),
    el("td", {}, report.notLaterThan ? when(report.notLaterThan) : el("em", {}, "not proven")),
    el("th", { scope: "row" },
      el("button", { type: "button", class: "link", "aria-current": index === current ? "true" : null, onclick: () => onShow(index) }, named(approval.name)),
      repeats && el("span", { class: "tag bad" }, `${repeats.same} as `, named(repeats.of.name))));
}

function who(report) {
  const refused = report.decision?.refusedBy ?? [];
  const names = refused.length ? refused : approvers(report);
  if (!names.length) return el("em", {}, "nobody known");
  return [names.map((name, index) => [index ? ", " : "", named(name)]), refused.length > 0 && [" ", el("span", { class: "tag bad" }, "refused")]];
}

/// A payload in a cell.
export const cell = (info) => el("span", { class: "said" }, inSentence(info));
