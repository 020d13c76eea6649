// The list of checks: each with how it ended, why it matters, what was expected and what was found.

import { el, fill, visible } from "./dom.js";
import { moreDifferences } from "./report.js";

const WORDS = {
  pass: ["passed", "✓"],
  fail: ["failed", "✕"],
  incomplete: ["missing", "◐"],
  skipped: ["skipped", "↷"],
  not_checked: ["not asked for", "–"],
};

export function renderChecks(node, report, { about, explain }) {
  const counts = Object.entries(WORDS)
    .map(([status, [word]]) => [report.checks.filter((check) => check.status === status).length, word])
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`);
  fill(node,
    el("h2", { id: "checks-title" }, "Checks"),
    report.checks.length
      ? el("p", { class: "hint" }, counts.join(", "), ". ", el("span", { class: "no-print" }, "Open one to see why it matters."))
      : el("p", {}, "None: the file could not be read as an approval."),
    el("ul", { class: "checks" }, report.checks.map((check) => one(check, about.get(check.id), explain))));
}

function one(check, info, explain) {
  const [word, sign] = WORDS[check.status];
  const bad = check.status === "fail" || check.status === "incomplete";
  const words = bad && check.code ? explain(check.code) : null;
  return el("li", { class: `check ${check.status}` },
    el("details", { open: bad },
      el("summary", {},
        el("span", { class: "sign", "aria-hidden": "true" }, sign),
        el("span", { class: "title" }, info?.title ?? check.id), " ",
        el("span", { class: "state" }, word), " ",
        el("span", { class: "message" }, visible(check.message))),
      el("div", { class: "about" },
        info && el("p", {}, el("strong", {}, "Why it matters: "), info.why),
        (check.expected ?? check.found) !== null && el("dl", { class: "compare" },
          check.expected === null ? null : [el("dt", {}, "Expected"), el("dd", {}, visible(check.expected))],
          check.found === null ? null : [el("dt", {}, "Found"), el("dd", {}, visible(check.found))]),
        check.differences.length ? differences(check.differences, check.differencesLeftOut) : null,
        words && el("p", {}, el("strong", {}, "Where it comes from: "), words.cause),
        words && el("p", {}, el("strong", {}, "What to do: "), words.next),
        el("p", { class: "hint" }, "Check ", el("code", {}, check.id), check.code ? [", code ", el("code", {}, check.code)] : null, ", rule in ", visible(check.spec)))));
}

function differences(list, leftOut) {
  const cell = (text) => (text === null ? el("em", {}, "nothing") : visible(text));
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Differences" }, el("table", {},
    el("caption", {}, "Where the two differ"),
    el("thead", {}, el("tr", {}, ["Place", "You expected", "Was approved"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, list.map((difference) => el("tr", {},
      el("th", { scope: "row" }, visible(difference.path)),
      el("td", {}, cell(difference.expected)),
      el("td", {}, cell(difference.found)))))),
    leftOut > 0 && el("p", { class: "hint" }, moreDifferences(leftOut)));
}
