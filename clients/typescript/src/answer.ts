// What a gate says, read into types. Nothing of it is believed: it decides for how long is waited,
// and in which words nothing is done.
//
//   {"id","url","status","payloadHash","createdAt","expiresAt","refusedBy"?,"reason"?,…}   a request
//   {"id","status","payload","payloadHash","decision",…}                                   a claim
//   {"code","detail",…}                                                                    a refusal

import { Buffer } from "node:buffer";

import { canonicalJson, quote } from "@cosignet/verifier";

import { time } from "./clock.js";
import { Denied, why } from "./denied.js";

const STATUSES = ["approved", "cancelled", "expired", "pending", "rejected"] as const;

/** The state of a request, as the gate has it. None of them is a permission to act. */
export type Status = (typeof STATUSES)[number];

/** An answer of a gate. */
export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** A request, as the gate shows it. */
export interface Seen {
  readonly id: string;
  readonly url: string;
  readonly status: Status;
  readonly payloadHash: string;
  /** Milliseconds of the Unix epoch, as is `expires`. */
  readonly created: number;
  readonly expires: number;
  /** Who refused and why, fit to print. */
  readonly refusal: string;
}

/** What a claim brings. */
export interface Claimed {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly payloadHash: string;
  readonly decision: string;
}

export function readSeen(body: Uint8Array): Seen {
  const members = Members.of(body);
  const id = members.text("id");
  if (!isRequestId(id)) throw members.wrong("id", "a lower-case UUID", id);
  const word = members.text("status");
  const status = STATUSES.find((known) => known === word);
  if (status === undefined) throw members.wrong("status", "a state that is known here", word);
  return {
    id,
    url: members.text("url"),
    status,
    payloadHash: members.hash("payloadHash"),
    created: members.time("createdAt"),
    expires: members.time("expiresAt"),
    refusal: status === "rejected" ? refusal(members) : "",
  };
}

export function readClaimed(body: Uint8Array): Claimed {
  const members = Members.of(body);
  const status = members.text("status");
  if (status !== "approved") throw members.wrong("status", "approved", status);
  return {
    id: members.text("id"),
    payload: members.bytes("payload"),
    payloadHash: members.hash("payloadHash"),
    // What is verified is what is kept: this text, and no other reading of the answer.
    decision: canonicalJson(JSON.stringify(members.value("decision"))),
  };
}

/** Whether a text has the form of an id of a request. It becomes part of an address. */
export const isRequestId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

/** The code of a refusal, empty if there is none. */
export function code(answer: Answer): string {
  try {
    return Members.of(answer.body).text("code");
  } catch {
    return "";
  }
}

/** The id of the use that the gate says it has recorded, and whether it holds it for one that its people have signed. */
export function readUse(body: Uint8Array): { useId: string; isValid: boolean } {
  const members = Members.of(body);
  return { useId: members.text("useId"), isValid: members.has("valid") && members.value("valid") === true };
}

/** The gate's own words in an answer, in quotes; empty if there are none. */
export function words(answer: Answer): string {
  try {
    return quote(Members.of(answer.body).text("detail"));
  } catch {
    return "";
  }
}

function refusal(members: Members): string {
  const names = members.has("refusedBy") ? members.texts("refusedBy").map(quote) : [];
  const people = names.length === 0 ? "somebody" : names.join(", ");
  // A refusal without words has null here.
  const reason = members.has("reason") ? members.value("reason") : null;
  return typeof reason === "string" ? `${people} refused: ${quote(reason)}` : `${people} refused`;
}

/** The members of an object, each of the kind that is asked for. */
class Members {
  readonly #members: ReadonlyMap<string, unknown>;

  private constructor(members: ReadonlyMap<string, unknown>) {
    this.#members = members;
  }

  static of(body: Uint8Array): Members {
    let value: unknown;
    try {
      // The verifier's reader first: JavaScript's own takes the last of two members with one key.
      value = JSON.parse(canonicalJson(body));
    } catch (error) {
      throw new Denied("denied.bad_answer", `the gate's answer is ${why(error)}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Denied("denied.bad_answer", "the gate's answer is no object");
    return new Members(new Map(Object.entries(value)));
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  value(name: string): unknown {
    if (!this.#members.has(name)) throw new Denied("denied.bad_answer", `the gate's answer has no member ${name}`);
    return this.#members.get(name);
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== "string") throw this.wrong(name, "a text", JSON.stringify(value));
    return value;
  }

  texts(name: string): string[] {
    const value = this.value(name);
    if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw this.wrong(name, "a list of texts", JSON.stringify(value));
    return value;
  }

  hash(name: string): string {
    const value = this.text(name);
    if (!/^[0-9a-f]{64}$/.test(value)) throw this.wrong(name, "a SHA-256 in lower-case hex", value);
    return value;
  }

  time(name: string): number {
    const value = this.text(name);
    return time(value) ?? fail(this.wrong(name, "a time such as 2026-03-01T12:00:00.000Z", value));
  }

  bytes(name: string): Uint8Array {
    const value = this.text(name);
    if (!/^[A-Za-z0-9_-]*$/.test(value)) throw this.wrong(name, "base64url without padding", value);
    return Buffer.from(value, "base64url");
  }

  wrong(name: string, expected: string, found: string): Denied {
    return new Denied("denied.bad_answer", `the gate's answer is not as it should be: ${name}`, { expected, found: quote(found) });
  }
}

function fail(denied: Denied): never {
  throw denied;
}
