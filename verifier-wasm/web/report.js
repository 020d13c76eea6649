// What a report says, for the sentences of this page. None of them goes by anything else.

import { fromHex, toBase64Url } from "./bytes.js";

export const status = (report, id) => checkOf(report, id)?.status ?? null;

/// A check; of a decision, if it has none of that name itself, the one of its bundles that ended worst.
export function checkOf(report, id) {
  const all = [report, ...report.approvals].map((one) => one.checks.find((check) => check.id === id));
  return all[0] ?? all.find((check) => check?.status === "fail") ?? all.find((check) => check && check.status !== "pass") ?? all.find(Boolean) ?? null;
}

/// What was signed, as far as a signature was verified; of a decision, what is the same for all.
export const signedFacts = (report) => report.subject ?? (report.approvals.some(({ subject }) => subject) ? report.decision : null);

/// The SHA-256 of the payload that was signed; `null` unless a signature was verified and names one.
export const signedHash = (report) => signedFacts(report)?.payloadHash ?? null;

/// Whose approvals count.
export const approvers = (report) => (report.approver ? [report.approver.name] : report.decision?.approvedBy ?? []);

/// As keys are shown everywhere: by the SHA-256 of their COSE_Key.
export const fingerprint = ({ keySha256 }) => `SHA256:${toBase64Url(fromHex(keySha256))}`;

/// Whether somebody’s authentic no decided.
export const isRefused = ({ code }) => code === "decision.refused";

/// The part of a decision that decided it, where one alone did; else the report itself.
export const deciding = (report) => (isRefused(report) && report.approvals.find(isRefused)) || report;

/// The context that was signed.
export const requestOf = (report) => report.signed ?? deciding(report).signed;

/// Blocks of other networks than mainnet cost little or nothing.
export const blockName = ({ height, network }) => (network === "mainnet" ? `Bitcoin block ${height}` : `block ${height} of ${network}, a test network`);

/// Reports list the first places at which two payloads differ.
export const moreDifferences = (count) => `${count} more difference${count === 1 ? " is" : "s are"} not listed.`;

/// Whose clock the time is from.
export const timeSource = (report) => ({
  block: () => `by ${blockName(report.anchor)}`,
  quorum: () => "by the clocks of a quorum of witnesses",
  anchoredQuorum: () => "by the clocks of a quorum of witnesses, on the head that was anchored",
}[report.notLaterThanFrom]?.() ?? "as the report says");
