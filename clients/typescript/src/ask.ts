// What somebody is asked to approve.

import { quote } from "@cosignet/verifier";

import { Denied } from "./denied.js";
import { type JsonValue, Payload } from "./payload.js";

/** A request in the making. */
export interface Ask {
  /** The kind of act, as the gate's rules name it. */
  action: string;
  /** What is to be done: a value, or a text by way of `Payload.parse`. */
  payload: JsonValue | Payload;
  /** Asks this person alone, as far as the rule allows it. */
  username?: string | undefined;
  /** Asks this group alone, as far as the rule allows it. */
  group?: string | undefined;
  /** The time to decide, in whole seconds; else it is that of the rule. */
  expiresIn?: number | undefined;
  /**
   * The caller's own id of the operation, the same whenever it is tried again: 1 to 255 visible
   * characters. Only a caller with a journal can have one, since without it a second try would act a
   * second time.
   */
  operation?: string | undefined;
}

/** A request that can be sent. */
export interface Asked {
  readonly action: string;
  readonly payload: Payload;
  readonly operation: string | null;
  /** The body of the request. */
  readonly body: string;
}

const MEMBERS = ["action", "payload", "username", "group", "expiresIn", "operation"];

/** Reads a request, each member once. */
export function asked(ask: Ask): Asked {
  known("A request", ask, MEMBERS);
  const { action, payload, username, group, expiresIn, operation } = ask;
  if (username !== undefined && group !== undefined) throw invalid("A request names a username or a group, and not both.");
  if (expiresIn !== undefined && (!Number.isSafeInteger(expiresIn) || expiresIn < 1)) throw invalid("The time to decide is a whole number of seconds.");
  const canonical = payload instanceof Payload ? payload : Payload.of(payload);
  const members = [`"action":${text("action", action)}`, `"payload":${canonical.text}`];
  if (group !== undefined) members.push(`"group":${text("group", group)}`);
  if (username !== undefined) members.push(`"username":${text("username", username)}`);
  if (expiresIn !== undefined) members.push(`"expiresIn":${expiresIn}`);
  return {
    action,
    payload: canonical,
    operation: operation === undefined ? null : operationId(operation),
    body: `{${members.join(",")}}`,
  };
}

/** Fails for a member that would be overlooked: a misspelt `operation` would allow a second act. */
export function known(what: string, value: object, names: string[]): void {
  if (typeof value !== "object" || value === null) throw invalid(`${what} is an object.`);
  const other = Object.keys(value).find((name) => !names.includes(name));
  if (other !== undefined) throw invalid(`${what} has no member ${quote(other)}; it has ${names.join(", ")}.`);
}

function text(name: string, value: string): string {
  if (typeof value !== "string" || value === "" || /\p{Surrogate}/u.test(value)) throw invalid(`The member ${name} of a request is a text.`);
  return JSON.stringify(value);
}

function operationId(id: string): string {
  // The form of an `Idempotency-Key`.
  if (typeof id !== "string" || !/^[\x21-\x7e]{1,255}$/.test(id)) throw invalid("The id of the operation is not 1 to 255 visible ASCII characters.");
  return id;
}

export const invalid = (message: string): Denied => new Denied("denied.invalid", message);
