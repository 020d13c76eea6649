// An approval that has been verified.

import { NotVerified, type Report, explain, quote, sha256, verify } from "@cosignet/verifier";

import type { Claimed } from "./answer.js";
import { ALLOWANCE, shown, time } from "./clock.js";
import { Denied, type Reason, why } from "./denied.js";
import type { JsonValue, Payload } from "./payload.js";

/** The caller's trust: whatever a gate says, it decides. */
export interface Trust {
  readonly policy: string | Uint8Array;
  readonly roster: string | Uint8Array | undefined;
}

/** What was asked, and when, in milliseconds of the Unix epoch. */
export interface Expected {
  readonly id: string;
  readonly action: string;
  readonly payload: Payload;
  readonly operation: string;
  readonly began: number;
  readonly now: number;
}

/** Closes the constructor of {@link Approved} to everybody but `verifyClaim`. */
const SEAL = Symbol("approved");

/**
 * An approval of exactly what was asked, claimed by this caller and verified under its policy.
 * Verification alone makes one; reading anything from a look-alike throws a `TypeError`.
 */
class Approved {
  readonly #expected: Expected;
  readonly #decision: string;
  readonly #report: Report;

  constructor(seal: typeof SEAL, expected: Expected, decision: string, report: Report) {
    if (seal !== SEAL) throw new TypeError("verification alone makes this");
    this.#expected = expected;
    this.#decision = decision;
    this.#report = report;
  }

  /** The bytes that were approved, which are those that were asked for; a copy. */
  get payload(): Uint8Array {
    return this.#expected.payload.bytes;
  }

  /** The value that these bytes are, read anew: act on this, and not on what was handed to `run`. */
  get value(): JsonValue {
    return JSON.parse(this.#expected.payload.text) as JsonValue;
  }

  /** The id of the request: an idempotency key for whatever is to be done. */
  get requestId(): string {
    return this.#expected.id;
  }

  /** The action that was approved. */
  get action(): string {
    return this.#expected.action;
  }

  /** The id of the operation that has claimed the approval. */
  get operation(): string {
    return this.#expected.operation;
  }

  /** The decision, which everybody can verify again: a `cosignet.decision/v1`. */
  get decision(): string {
    return this.#decision;
  }

  /** The verifier's report on it. */
  get report(): Report {
    return this.#report;
  }
}

export type { Approved };

/** Verifies what a claim has brought. */
export function verifyClaim(claimed: Claimed, expected: Expected, trust: Trust): Approved {
  sameRequest(expected.id, claimed.id);
  samePayload(expected.payload, sha256(claimed.payload));
  samePayload(expected.payload, claimed.payloadHash);
  const report = verified(claimed.decision, expected, trust);
  // An old approval of the same payload is authentic as well. The context says which request it was
  // for.
  const signed = report.signed;
  if (signed === null) throw new Denied("denied.other_request", "the decision does not say which request it was for");
  sameRequest(expected.id, signed.requestId);
  if (signed.action !== expected.action) {
    throw new Denied("denied.other_request", "another action was approved", { expected: quote(expected.action), found: quote(signed.action) });
  }
  const latest = time(signed.expiresAt);
  if (latest === null || latest + ALLOWANCE < expected.began) {
    throw new Denied("denied.other_request", "the decision is about a request that had ended before this one began", {
      expected: `after ${shown(expected.began)}`,
      found: signed.expiresAt,
    });
  }
  return new Approved(SEAL, expected, claimed.decision, report);
}

/** Fails unless an id of the gate's is that of the request. */
export function sameRequest(expected: string, found: string): void {
  if (expected !== found) throw new Denied("denied.other_request", "the answer is about another request", { expected, found: quote(found) });
}

/** Fails unless a hash is that of the payload. */
export function samePayload(payload: Payload, found: string): void {
  const expected = payload.sha256;
  if (expected !== found) throw new Denied("denied.other_payload", "the answer is about another payload", { expected, found });
}

const REASONS: Partial<Record<string, Reason>> = {
  "time.in_future": "denied.clock_skew",
  "payload.mismatch": "denied.other_payload",
};

function verified(decision: string, expected: Expected, trust: Trust): Report {
  try {
    // With the hash as well these bytes have to be signed, and not the same value in another layout.
    const { text: payload, sha256: payloadSha256 } = expected.payload;
    const question = { policy: trust.policy, roster: trust.roster, payload, payloadSha256, at: shown(expected.now) };
    return verify(decision, question).report;
  } catch (error) {
    if (!(error instanceof NotVerified)) throw new Denied("denied.not_verified", `the decision cannot be verified: ${why(error)}`, { cause: error });
    const { code } = error;
    const reason = REASONS[code] ?? "denied.not_verified";
    const own = reason === "denied.not_verified" ? { verifier: code, next: explain(code)?.next } : {};
    throw new Denied(reason, `the decision is ${error.message}`, { ...own, cause: error });
  }
}
