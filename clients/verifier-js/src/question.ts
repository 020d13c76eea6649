// What somebody wants to know about an approval, as the module takes it.

import { ask } from "./engine.js";
import type * as glue from "./module/verifier.js";

/** Bytes, or a text that stands for its UTF-8. */
export type Bytes = Uint8Array | string;

/** Whom to trust, and what to expect. Trust is the caller's own: nothing in an approval adds to it. */
export interface Question {
  /** The policy as JSON: `cosignet policy show policy.toml --format json` makes it from TOML. Without one nothing is VERIFIED. */
  policy?: Bytes | undefined;
  /** The payload that should have been approved, at most 512 KiB. */
  payload?: Bytes | undefined;
  /** The SHA-256 of that payload, in lower-case hex. */
  payloadSha256?: string | undefined;
  /** The approval that this should be. */
  approvalId?: string | undefined;
  /** The approver, as named in the policy, that it should be from. */
  approver?: string | undefined;
  /** The relying party id that it should be for. */
  rpId?: string | undefined;
  /** Bitcoin's block headers: a file of `cosignet headers`. */
  headers?: Bytes | undefined;
  /** The roster's file, for a policy that leaves it to a roster who may approve. */
  roster?: Bytes | undefined;
  /** A moment that no time in the evidence may lie after; a text looks like `2026-03-01T12:00:00.000Z`. */
  at?: Date | string | undefined;
}

/** A question that cannot be asked: a policy that is none, an id that is none. Nothing was checked. */
export class QuestionError extends Error {
  /** The stable code, such as `policy.syntax`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "QuestionError";
    this.code = code;
  }
}

type Setters = { [K in keyof Question]-?: (verifier: glue.Verifier, value: NonNullable<Question[K]>) => void };

const SETTERS: Setters = {
  // The module believes its caller about the source; it is a word in the report.
  policy: (verifier, value) => verifier.setPolicy(bytes(value), "caller"),
  payload: (verifier, value) => verifier.setPayload(bytes(value)),
  payloadSha256: (verifier, value) => verifier.setPayloadSha256(text(value)),
  approvalId: (verifier, value) => verifier.setApprovalId(text(value)),
  approver: (verifier, value) => verifier.setApprover(text(value)),
  rpId: (verifier, value) => verifier.setRpId(text(value)),
  headers: (verifier, value) => verifier.setHeaders(bytes(value)),
  roster: (verifier, value) => verifier.setRoster(bytes(value)),
  at: (verifier, value) => verifier.setTime(moment(value)),
};

/** The report on `evidence`, as the module writes it. */
export function answered(evidence: Bytes, question: Question): string {
  return usage(() => ask((engine) => {
    const verifier = new engine.Verifier();
    try {
      // A member that is misspelt would be an expectation that nobody checks.
      for (const [name, value] of Object.entries(question)) {
        const set = Object.hasOwn(SETTERS, name) ? SETTERS[name as keyof Question] : undefined;
        if (set === undefined) throw new QuestionError("usage.question", `a question has no member ${engine.quote(name)}`);
        if (value !== undefined) set(verifier, value as never);
      }
      return verifier.verify(bytes(evidence));
    } finally {
      verifier.free();
    }
  }));
}

/** Calls the module, whose own errors have their code as a name. */
export function usage<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && /^[a-z_]+(\.[a-z0-9_]+)+$/.test(error.name)) {
      throw new QuestionError(error.name, error.message);
    }
    throw error;
  }
}

/** The bytes of a value that is some, or a text for some. */
export function bytes(value: Bytes): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return new TextEncoder().encode(text(value));
}

function text(value: string): string {
  if (typeof value !== "string") throw new QuestionError("usage.type", `expected a text or bytes, found ${typeof value}`);
  // Half a character would become another one in UTF-8.
  if (/\p{Surrogate}/u.test(value)) throw new QuestionError("usage.text", "the text has half a surrogate pair in it");
  return value;
}

function moment(value: Date | string): string {
  if (!(value instanceof Date)) return text(value);
  if (Number.isNaN(value.getTime())) throw new QuestionError("usage.expectation", "the moment to ask about is an invalid Date");
  return value.toISOString();
}
