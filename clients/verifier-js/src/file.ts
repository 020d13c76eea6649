// What can be said about a file, a code or a text without verifying anything.

import { ask } from "./engine.js";
import { type Bytes, bytes, usage } from "./question.js";
import type { CheckInfo, Explanation, PayloadInfo, PolicyInfo } from "./module/report.js";

/** What a file says, true or not. @throws `QuestionError` for a file that says nothing. */
export function inspect(file: Bytes): unknown {
  return JSON.parse(usage(() => ask((engine) => engine.inspect(bytes(file)))));
}

/** Meaning, cause and next step of a code; `null` for an unknown one. */
export function explain(code: string): Explanation | null {
  const found = ask((engine) => engine.explain(code));
  return found === undefined ? null : (JSON.parse(found) as Explanation);
}

/** Every check with its title and its purpose, in the order of reports. */
export function checks(): CheckInfo[] {
  return JSON.parse(ask((engine) => engine.checks())) as CheckInfo[];
}

/** A policy: its SHA-256, its names, the fingerprints of its keys. @throws `QuestionError` for none. */
export function describePolicy(policy: Bytes): PolicyInfo {
  return JSON.parse(usage(() => ask((engine) => engine.describePolicy(bytes(policy))))) as PolicyInfo;
}

/** A payload field by field, at most `most` fields. Texts in it are as they are. */
export function describePayload(payload: Bytes, most: number): PayloadInfo {
  return JSON.parse(ask((engine) => engine.describePayload(bytes(payload), most))) as PayloadInfo;
}

/**
 * A JSON text as RFC 8785 lays it out, with every number token as it stands.
 *
 * @throws `QuestionError` for what readers disagree about, such as a key that stands twice.
 */
export function canonicalJson(text: Bytes): string {
  return usage(() => ask((engine) => engine.canonicalJson(bytes(text))));
}

/** A text from outside in quotes, fit to be shown: what is hidden in it is escaped, a long one cut. */
export function quote(text: string): string {
  return ask((engine) => engine.quote(text));
}

/** SHA-256 in lower-case hex. */
export function sha256(of: Bytes): string {
  return ask((engine) => engine.sha256(bytes(of)));
}

/** The version of the verifier, as in reports. */
export function version(): string {
  return ask((engine) => engine.version());
}
