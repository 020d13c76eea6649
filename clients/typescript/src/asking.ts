// A request that people are asked about.

import type { Seen } from "./answer.js";
import { samePayload } from "./approved.js";
import { type Asked, invalid } from "./ask.js";
import { ALLOWANCE, elapsed, shown } from "./clock.js";
import { Denied } from "./denied.js";

/** The longest that a request is waited for, whatever the gate says about its end, in milliseconds. */
const LONGEST = 31 * 24 * 60 * 60 * 1000;

/** What is known about a request. */
export interface State {
  readonly asked: Asked;
  readonly operation: string;
  readonly seen: Seen;
  /** A request that ended before this is another one. */
  readonly began: number;
  /** The end of waiting, on the clock that nobody sets. */
  readonly until: number;
}

const SEAL = Symbol("asking");

/** A request that people are asked about. The gate alone makes one. */
class Asking {
  readonly #state: State;
  #spent = false;

  constructor(seal: typeof SEAL, state: State) {
    if (seal !== SEAL) throw new TypeError("Gate.request makes this");
    this.#state = state;
  }

  /** The gate's id of the request. */
  get id(): string {
    return this.#state.seen.id;
  }

  /** The page on which people decide, as the gate says. */
  get url(): string {
    return this.#state.seen.url;
  }

  /** The end of the time to decide, as the gate says. */
  get expiresAt(): Date {
    return new Date(this.#state.seen.expires);
  }

  static stateOf(asking: Asking): State {
    if (typeof asking !== "object" || asking === null || !(#state in asking)) throw invalid("Only what Gate.request or Gate.find returned can be waited for.");
    return asking.#state;
  }

  static spend(asking: Asking): void {
    if (asking.#spent) throw new Denied("denied.outcome_unknown", `request ${asking.id} was acted on before`);
    asking.#spent = true;
  }
}

export type { Asking };

/** What is known about a request; fails for what no gate has made. */
export const stateOf = (asking: Asking): State => Asking.stateOf(asking);

/** Fails for a request that was acted on before: with the same key, a gate gives the same claim again. */
export const spend = (asking: Asking): void => Asking.spend(asking);

/** The request, if it is that of the payload and the clocks agree about it. */
export function asking(asked: Asked, operation: string, seen: Seen, began: number, age: "earlier" | "new", now: number): Asking {
  samePayload(asked.payload, seen.payloadHash);
  const skewed = (what: string): Denied =>
    new Denied("denied.clock_skew", `the gate says that ${what}`, { expected: `about ${shown(now)}`, found: shown(seen.created) });
  if (now + ALLOWANCE < seen.created) throw skewed("the request was made in the future");
  if (age === "new" && seen.created + ALLOWANCE < began) throw skewed("a request that was made just now is older");
  const left = Math.max(0, seen.expires - now);
  return new Asking(SEAL, {
    asked,
    operation,
    seen,
    // The gate says when it was made: what is older than any request can be is another one.
    began: age === "earlier" ? Math.max(Math.min(began, seen.created), began - LONGEST) : began,
    until: elapsed() + Math.min(left, LONGEST),
  });
}

/** Fails for a request that has ended; says nothing while it is open, or approved. */
export function ended(seen: Seen): void {
  switch (seen.status) {
    case "approved":
    case "pending":
      return;
    case "cancelled":
      throw new Denied("denied.cancelled", "the request was cancelled");
    case "expired":
      throw expired(seen);
    case "rejected":
      throw new Denied("denied.refused", seen.refusal);
  }
}

export const expired = (seen: Seen): Denied => new Denied("denied.expired", `nobody decided until ${shown(seen.expires)}`);
