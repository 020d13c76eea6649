// The verdict: a word, a shape and a colour, and one sentence.

import { el, fill, hash, named, svg, visible, when } from "./dom.js";
import { compared, isBad } from "./checks.js";
import { inSentence } from "./facts.js";
import { approvers, deciding, isRefused, signedHash, timeSource } from "./report.js";

const SHAPES = {
  VERIFIED: () => [
    svg("path", { d: "M32 4 56 13v18c0 14-9 24-24 29C17 55 8 45 8 31V13z", class: "shape" }),
    svg("path", { d: "m20 32 9 9 16-18", class: "mark" }),
  ],
  REJECTED: () => [
    svg("path", { d: "M22 4h20l18 18v20L42 60H22L4 42V22z", class: "shape" }),
    svg("path", { d: "m22 22 20 20m0-20L22 42", class: "mark" }),
  ],
  INCOMPLETE: () => [
    svg("circle", { cx: 32, cy: 32, r: 27, class: "outline" }),
    svg("path", { d: "M32 5a27 27 0 0 0 0 54z", class: "shape" }),
  ],
  MALFORMED: () => [
    svg("rect", { x: 6, y: 6, width: 52, height: 52, class: "outline dashed" }),
    svg("path", { d: "M24 24c0-11 17-11 17 0 0 8-9 7-9 15m0 7v1", class: "mark dark" }),
  ],
};

const ADVICE = {
  VERIFIED: "Everything that the policy requires was checked and holds. You may rely on it, within what it proves.",
  borrowed: "Everything that these rules require was checked and holds. They are not yours: rely on it as far as you rely on those who wrote them.",
  REJECTED: "Something was checked and is wrong. Do not act on this.",
  refused: "Somebody who was asked has said no, and signed it. Do not act on this.",
  INCOMPLETE: "Nothing is wrong, but something is missing. Do not act on this until it is there.",
  MALFORMED: "This is no approval file that can be read. Get the file again from its source.",
};

export function verdictIcon(verdict) {
  return svg("svg", { viewBox: "0 0 64 64", class: `icon ${verdict.toLowerCase()}`, "aria-hidden": "true" }, SHAPES[verdict]());
}

/// Whose rules are met, where they are not the reader’s own: the words and the look differ.
const BORROWED = {
  operator: "by the operator’s own rules",
  evidence: "by rules that came with the approval",
  sample: "in a sample of this page",
};

/// One sentence that names the policy, or its absence.
function policySentence(report, policy) {
  if (!report.policy) return ["Checked without any trust policy."];
  const name = [named(report.policy.name), " (SHA-256 ", hash(report.policy.sha256), ")"];
  return {
    operator: ["Checked under the operator’s own policy ", name, ", which you adopted: it says what the operator wants you to trust."],
    evidence: ["Checked under the policy ", name, ", which you took over from ", named(policy.name), ", a file that came with what is checked."],
    sample: ["Checked under the policy ", name, " of the sample. Its keys are public: anybody can sign with them."],
  }[policy.from] ?? ["Checked under your policy ", name, "."];
}

/// Who approved what, and when at the latest; only of a payload that is shown to be the signed one.
function contentSentence(report, payload) {
  const refused = isRefused(report);
  const who = refused ? report.decision?.refusedBy ?? approvers(report) : approvers(report);
  if (!(refused || report.verdict === "VERIFIED") || !who.length) return null;
  const timed = deciding(report);
  const says = payload && payload.info.sha256 === signedHash(report) ? inSentence(payload.info) : null;
  if (!says) return null;
  return [who.map((name, index) => [index ? index === who.length - 1 ? " and " : ", " : "", named(name)]), refused ? " refused: " : " approved: ", says,
    timed.notLaterThan && [", no later than ", when(timed.notLaterThan), " ", el("span", { class: "aside" }, "(", timeSource(timed), ")")], "."];
}

/// In place of a VERIFIED that would leave out what its reader has put here.
export function renderHeld(node, waiting) {
  node.className = "verdict held";
  fill(node,
    verdictIcon("MALFORMED"),
    el("div", {},
      el("h2", { id: "verdict-title", tabindex: "-1" },
        el("span", { class: "word" }, "NO VERDICT YET"), " ",
        el("span", { class: "sentence" }, "Say first what you gave ", waiting.map((file, i) => [i ? ", " : "", named(file.name)]), " for.")),
      el("p", { class: "advice" }, "It came with what is checked, and is not used. A result that leaves it out could be mistaken for one about it.")));
}

/// Expected and found of the check that decided.
function cause(report) {
  const check = report.checks.find((one) => isBad(one) && one.code === report.code);
  return check ? compared(check, " cause") : null;
}

export function renderVerdict(node, report, { policy, name, next, expected, payload }) {
  const content = contentSentence(report, payload);
  const borrowed = report.verdict === "VERIFIED" ? BORROWED[policy?.from] : null;
  node.className = `verdict ${report.verdict.toLowerCase()}${borrowed ? " borrowed" : ""}`;
  fill(node,
    verdictIcon(report.verdict),
    el("div", {},
      el("h2", { id: "verdict-title", tabindex: "-1" },
        el("span", { class: "word" }, report.verdict), " ",
        borrowed && [el("span", { class: "byline" }, borrowed), " "],
        el("span", { class: "sentence" }, content ?? visible(report.summary))),
      el("p", { class: "advice" }, content && [visible(report.summary), " "], borrowed ? ADVICE.borrowed : ADVICE[isRefused(report) ? "refused" : report.verdict]),
      cause(report),
      next && el("p", { class: "next" }, el("strong", {}, "Next: "), next),
      el("p", { class: "basis" }, policySentence(report, policy), " ",
        expected.link && `The link asked for approval ${expected.link}. `,
        expected.reader.length ? ["You expected: ", expected.reader.map((words, i) => [i ? "; " : "", words]), ". "] : null,
        "File: ", named(name), ", SHA-256 ", hash(report.inputs.bundleSha256), ".",
        report.code === "ok" ? null : el("span", { class: "code no-print" }, " Code ", el("code", {}, report.code), "."))));
}
