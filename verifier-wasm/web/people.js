// Those who decide: a row for each, a refusal first, and behind them who is missing.

import { el, named, visible, when } from "./dom.js";
import { fingerprint } from "./report.js";

const WORDS = {
  refused: ["✕", "refused"],
  bad: ["✕", "does not hold"],
  approved: ["✓", "approved"],
  open: ["◐", "does not count"],
  missing: ["…", "missing"],
};

const ORDER = Object.keys(WORDS);

/// How many people of which groups it takes.
export const clauses = (list) => list.map(({ atLeast, group }, index) => [index ? " and " : "", `${atLeast} of `, named(group)]);

/// The card; nothing where the report is about no decision.
export function peopleCard(report) {
  const { decision } = report;
  if (!decision) return null;
  const rows = [...partsOf(report), ...missing(decision)].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  return el("article", { class: "card people" },
    el("h3", {}, "Who"),
    el("p", { class: "hint" }, decision.clauses.length ? ["It takes ", clauses(decision.clauses), "."] : "One approval of anybody whom the policy lists is enough."),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "People" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Answer", "Who", "For", "Not later than", "Key"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, rows.map(line)))));
}

/// One row for each bundle: whether it counts is what the report says of it.
function partsOf(report) {
  const { decision } = report;
  if (!report.approvals.length) {
    const failed = report.checks.some(({ id, status }) => status === "fail" && !id.startsWith("decision."));
    const state = decision.refusedBy.length ? "refused" : failed ? "bad" : decision.approvedBy.length ? "approved" : "open";
    return [{ state, report, notes: [], serves: state === "approved" ? served(decision, report) : null, why: state === "bad" ? report.summary : null }];
  }
  const seen = new Set();
  return report.approvals.map((part) => {
    const state = part.code === "decision.refused" ? "refused" : { VERIFIED: "approved", REJECTED: "bad" }[part.verdict] ?? "open";
    const notes = [];
    if (part.subject && decision.payloadHash && part.subject.payloadHash !== decision.payloadHash) notes.push("another payload");
    if (part.signed && report.signed && part.signed.contextSha256 !== report.signed.contextSha256) notes.push("another request");
    if (state === "approved" && seen.has(part.approver.person)) notes.push("the same person, who counts once");
    if (state === "approved") seen.add(part.approver.person);
    return { state, report: part, notes, serves: state === "approved" ? served(decision, part) : null, why: state === "bad" || state === "open" ? part.summary : null };
  });
}

/// The group for which this person counts, if the person serves a clause.
const served = ({ clauses: all }, { approver }) => all.find(({ servedBy }) => approver && servedBy.includes(approver.person))?.group ?? null;

function missing({ approvedBy, clauses: all }) {
  const short = all.filter(({ missing: count }) => count > 0).map(({ group, missing: count }) => ({ state: "missing", group, count }));
  return short.length || all.length || approvedBy.length ? short : [{ state: "missing", group: null, count: 1 }];
}

function line(row) {
  const [sign, word] = WORDS[row.state];
  const answer = el("td", { class: "answer" }, el("span", { "aria-hidden": "true" }, sign), " ", el("strong", {}, word));
  if (row.state === "missing") {
    return el("tr", { class: "missing" }, answer,
      el("td", {}, row.count === 1 ? "1 more person" : `${row.count} more people`),
      el("td", {}, row.group === null ? "anybody whom the policy lists" : named(row.group)), el("td"), el("td"));
  }
  const { approver, notLaterThan } = row.report;
  return el("tr", { class: row.state }, answer,
    el("th", { scope: "row" }, approver ? named(approver.person) : el("em", {}, "nobody known"),
      approver && approver.name !== approver.person && el("span", { class: "hint" }, " ", named(approver.name)),
      row.notes.map((note) => el("span", { class: "tag bad" }, note)),
      row.why && el("span", { class: "why" }, visible(row.why))),
    el("td", {}, row.serves !== null ? named(row.serves) : row.state === "approved" ? el("em", {}, "no clause") : ""),
    el("td", {}, notLaterThan ? when(notLaterThan) : el("em", {}, "not proven")),
    el("td", {}, approver && el("code", { class: "hash" }, fingerprint(approver))));
}
