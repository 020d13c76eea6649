// The checks in groups. Those that failed or miss something stand above them, open.

import { el, fill, named, visible } from "./dom.js";
import { isRefused, moreDifferences } from "./report.js";

export const WORDS = {
  pass: ["passed", "✓"],
  fail: ["failed", "✕"],
  incomplete: ["missing", "◐"],
  skipped: ["skipped", "↷"],
  not_checked: ["not asked for", "–"],
};

// A check is in the first group that its id begins with; one that is new here, in the last.
const GROUPS = [
  ["Site", ["webauthn.origin", "webauthn.cross_origin", "webauthn.rp_id"]],
  ["Signature", ["webauthn.", "approver.", "roster"]],
  ["Payload", ["payload.", "expectation", "context"]],
  ["Time", ["anchor.", "time"]],
  ["Log", ["log.", "entry.", "evidence."]],
  ["People", ["decision."]],
  ["Others", [""]],
];

const ORDER = ["People", "Signature", "Site", "Payload", "Log", "Time", "Others"];

const groupOf = ({ id }) => GROUPS.find(([, starts]) => starts.some((start) => id.startsWith(start)))[0];

export const isBad = ({ status }) => status === "fail" || status === "incomplete";

export function renderChecks(node, report, { about, explain }) {
  fill(node, el("h2", { id: "checks-title" }, "Checks"), listed(report, { about, explain }),
    report.approvals.map((part, index) => el("details", { class: "quiet part", open: part.checks.some(isBad) && !isRefused(part) },
      el("summary", {}, part.approver ? named(part.approver.person) : `Bundle ${index + 1}`, `: ${part.verdict}`),
      listed(part, { about, explain }))));
}

function listed(report, { about, explain }) {
  const bad = [...report.checks.filter(({ status }) => status === "fail"), ...report.checks.filter(({ status }) => status === "incomplete")];
  const one = (check) => item(check, about.get(check.id), explain);
  return [
    report.checks.length
      ? el("p", { class: "hint" }, counts(report.checks), ".")
      : el("p", {}, "None: the file could not be read as an approval."),
    bad.length > 0 && el("ul", { class: "checks bad" }, bad.map(one)),
    el("div", { class: "groups" }, ORDER.map((title) => {
      const all = report.checks.filter((check) => groupOf(check) === title);
      return all.length > 0 && group(title, all, one);
    })),
  ];
}

function counts(checks) {
  return Object.entries(WORDS)
    .map(([status, [word]]) => [checks.filter((check) => check.status === status).length, word])
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}

/// Folded on a screen, open on paper; a check that is shown above is not repeated.
function group(title, all, one) {
  const rest = all.filter((check) => !isBad(check));
  const bad = rest.length < all.length;
  const list = el("ul", { class: "checks folded" }, rest.map(one));
  const button = el("button", { type: "button", class: "fold", "aria-expanded": "false", disabled: !rest.length },
    el("span", { class: "title" }, title), " ", el("span", { class: bad ? "state bad" : "state" }, counts(all)));
  button.addEventListener("click", () => {
    const open = !list.classList.toggle("folded");
    button.setAttribute("aria-expanded", String(open));
  });
  return el("div", { class: "group" }, el("h3", {}, button), rest.length > 0 && list);
}

function item(check, info, explain) {
  const [word, sign] = WORDS[check.status];
  const words = isBad(check) && check.code ? explain(check.code) : null;
  return el("li", { class: `check ${check.status}` },
    el("details", { open: isBad(check) },
      el("summary", {},
        el("span", { class: "sign", "aria-hidden": "true" }, sign),
        el("span", { class: "title" }, info?.title ?? check.id), " ",
        el("span", { class: "state" }, word), " ",
        el("span", { class: "message" }, visible(check.message))),
      el("div", { class: "about" },
        compared(check),
        check.differences.length ? differences(check.differences, check.differencesLeftOut) : null,
        info && el("p", {}, el("strong", {}, "Why it matters: "), info.why),
        words && el("p", {}, el("strong", {}, "Where it comes from: "), words.cause),
        words && el("p", {}, el("strong", {}, "What to do: "), words.next),
        el("p", { class: "hint" }, "Check ", el("code", {}, check.id), check.code ? [", code ", el("code", {}, check.code)] : null, ", rule in ", visible(check.spec)))));
}

/// Expected and found of a check, as far as it names them.
export function compared({ expected, found }, look = "") {
  const row = (label, text) => text !== null && [el("dt", {}, label), el("dd", {}, visible(text))];
  return (expected ?? found) !== null && el("dl", { class: `compare${look}` }, row("Expected", expected), row("Found", found));
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
