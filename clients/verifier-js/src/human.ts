// A report for people.

import { explain, quote } from "./file.js";
import type { Check, Report } from "./module/report.js";

/** The verdict, its reasons and its limits, one thing a line. */
export function human(report: Report): string {
  const lines = [`${report.verdict}   ${report.summary}${report.code === "ok" ? "" : `  [${report.code}]`}`, ""];
  for (const part of [report, ...report.approvals]) {
    for (const check of part.checks) lines.push(...remarkable(check));
  }
  const passed = report.checks.filter((check) => check.status === "pass").length;
  if (report.checks.length > 0) lines.push(`  ok        ${passed} of ${report.checks.length} checks`, "");
  if (report.notProven.length > 0) lines.push("Not proven:", ...report.notProven.map((sentence) => `  - ${sentence}`), "");
  if (report.policy !== null) lines.push(`policy ${quote(report.policy.name)} sha256 ${report.policy.sha256}`);
  lines.push(`cosignet ${report.verifier.version}   offline`);
  const next = explain(report.code)?.next;
  if (next !== undefined && report.code !== "ok") lines.push(`Next: ${next}`);
  return `${lines.join("\n")}\n`;
}

/** Of a check that failed or could not be made: why. */
function remarkable(check: Check): string[] {
  if (check.status !== "fail" && check.status !== "incomplete") return [];
  const word = check.status === "fail" ? "failed    " : "missing   ";
  const lines = [`  ${word}${check.id}: ${check.message}  [${check.code ?? ""}]`];
  if (check.expected !== null) lines.push(`            expected  ${check.expected}`);
  if (check.found !== null) lines.push(`            found     ${check.found}`);
  for (const { path, expected, found } of check.differences) {
    lines.push(`            differs   ${path}  expected ${expected ?? "nothing"}  signed ${found ?? "nothing"}`);
  }
  return lines;
}
