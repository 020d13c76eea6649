/**
 * Verifies approvals offline, with the verifier of the command `cosignet` as a WebAssembly module
 * that is part of this package. Nothing here has a network, a clock or randomness.
 *
 * @module
 */

export { QuestionError } from "./question.js";
export type { Bytes, Question } from "./question.js";
export { openBreakGlass } from "./glass.js";
export type { BreakGlassQuestion } from "./glass.js";
export { NotVerified, report, reportText, verify } from "./verify.js";
export type { Verified } from "./verify.js";
export { canonicalJson, checks, describePayload, describePolicy, explain, inspect, quote, sha256, version } from "./file.js";
export type {
  BreakGlassReport,
  Check,
  CheckInfo,
  Explanation,
  PayloadInfo,
  PolicyInfo,
  Report,
  Verdict,
} from "./module/report.js";
