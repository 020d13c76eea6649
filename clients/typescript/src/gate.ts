// From a question to an act, or to the reason why there is none.

import { randomBytes } from "node:crypto";

import { type Bytes, describePolicy, quote, sha256 } from "@cosignet/verifier";

import { type Answer, type Seen, code, isRequestId, readClaimed, readSeen, readUse } from "./answer.js";
import { type Approved, type Trust, samePayload, sameRequest, verifyClaim } from "./approved.js";
import { type Ask, asked, invalid, known } from "./ask.js";
import { type Asking, asking, ended, expired, spend, stateOf } from "./asking.js";
import type { BreakGlassSettings } from "./break_glass.js";
import { Clock, elapsed, shown, sleep } from "./clock.js";
import { type Call, Connection, plainKey } from "./connection.js";
import { Denied, type Reason, why } from "./denied.js";
import { type Journal, type JournalRecord, begin, end, isNew } from "./journal.js";
import type { Reported, Use } from "./uses.js";

/** How long the gate is asked to wait with an answer, in seconds: below the 60 of most proxies. */
const LONG_POLL = 25;

/** The time between two looks at a gate that answers at once, in milliseconds. */
const BETWEEN_LOOKS = 500;

/** How long a question is repeated that nobody has to think about, in milliseconds. */
const PATIENCE = 60_000;

/** Two keys, of which neither can do what the other one can. */
export interface Keys {
  create: string;
  claim: string;
}

/** A gate, the keys for it, and the policy that decides. */
export interface GateOptions {
  /** The address, such as `https://gate.example`. */
  url: string;
  /** A key that may create and claim, or one for each. */
  key: string | Keys;
  /** The policy as JSON, which is the caller's own and never the gate's. */
  policy: Bytes;
  /** The roster's file, for a policy that leaves it to a roster who may approve. */
  roster?: Bytes | undefined;
  /** Remembers acts over restarts. */
  journal?: Journal | undefined;
  /** How long asking, claiming and reporting are repeated, in milliseconds; 60,000 if nothing is said. */
  patience?: number | undefined;
  /** Asks in place of the `fetch` of this runtime, for a proxy or certificates of one's own. */
  fetch?: typeof fetch | undefined;
}

/** An act that was allowed, and happened. */
export interface Ran<T> {
  /** What the act returned. */
  readonly result: T;
  /** Why the gate, or the journal, does not know it; `null` if both do. */
  readonly unreported: Denied | null;
}

/** The act was allowed and began, and then threw: `cause` is what it threw. */
export class ActFailed extends Error {
  /** Why the gate, or the journal, does not know it; `null` if both do. */
  readonly unreported: Denied | null;

  constructor(cause: unknown, unreported: Denied | null) {
    super(`the act failed: ${why(cause)}`, { cause });
    this.name = "ActFailed";
    this.unreported = unreported;
  }
}

const MEMBERS = ["url", "key", "policy", "roster", "journal", "patience", "fetch"];

/** For the tests of this package: a clock that shows this time now. No caller can reach it. */
export let setClock: (gate: Gate, now: number) => void;

export class Gate {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #trust: Trust;
  readonly #journal: Journal | undefined;
  readonly #patience: number;
  #clock = new Clock();

  /** @throws {@link Denied}, `denied.invalid`, for an address, a key or a policy that is none. */
  constructor(options: GateOptions) {
    known("A gate", options, MEMBERS);
    const { url, key, policy, roster, journal, patience = PATIENCE, fetch: own = fetch } = options;
    this.#connection = new Connection(url, own);
    const keys = typeof key === "string" ? { create: key, claim: key } : key;
    this.#keys = { create: plainKey(keys?.create), claim: plainKey(keys?.claim) };
    this.#trust = { policy: pinned(policy), roster: roster === undefined ? undefined : copied("roster", roster) };
    this.#journal = journal;
    if (!Number.isFinite(patience) || patience < 0) throw invalid("The patience is a number of milliseconds.");
    this.#patience = patience;
  }

  /**
   * Asks, waits for people to decide, claims the approval, verifies it, and only then calls `act`,
   * once. Its end is reported to the gate as done or failed.
   *
   * @throws {@link Denied} with the reason; `act` was not called then.
   * @throws {@link ActFailed} if `act` threw.
   */
  async run<T>(ask: Ask, act: (approved: Approved) => T | Promise<T>): Promise<Ran<T>> {
    callable(act);
    return this.act(await this.request(ask), act);
  }

  /**
   * The rest of {@link Gate.run}, for a request that was made.
   *
   * @throws as {@link Gate.run}.
   */
  async act<T>(asking: Asking, act: (approved: Approved) => T | Promise<T>): Promise<Ran<T>> {
    callable(act);
    const approved = await this.#claim(asking);
    spend(asking);
    let result: T;
    try {
      result = await act(approved);
    } catch (error) {
      throw new ActFailed(error, await this.#report(approved, "failed"));
    }
    return { result, unreported: await this.#report(approved, "done") };
  }

  /**
   * Makes the request, and waits for nobody.
   *
   * @throws {@link Denied} with the reason.
   */
  async request(ask: Ask): Promise<Asking> {
    const request = asked(ask);
    const operation = await this.#operation(request.operation);
    const began = this.#clock.now();
    const call: Call = { key: this.#keys.create, path: "", operation, body: request.body };
    const answer = await this.#connection.ask(call, this.#soon());
    if (answer.status !== 200 && answer.status !== 201) throw this.#notAsked(call, answer);
    const seen = readSeen(answer.body);
    // Only an operation that was tried before can have made its request before.
    const resumed = request.operation !== null && answer.status === 200;
    return asking(request, operation, seen, began, resumed ? "earlier" : "new", this.#clock.now());
  }

  /**
   * The request with this id, which was made for the same payload, perhaps by another process.
   *
   * @throws {@link Denied} with the reason.
   */
  async find(id: string, ask: Ask): Promise<Asking> {
    if (typeof id !== "string" || !isRequestId(id)) throw invalid(`${quote(String(id))} is not the id of a request`);
    const request = asked(ask);
    const operation = await this.#operation(request.operation);
    const call: Call = { key: this.#keys.claim, path: `/${id}` };
    const seen = this.#seen(call, await this.#connection.ask(call, this.#soon()));
    sameRequest(id, seen.id);
    const now = this.#clock.now();
    return asking(request, operation, seen, now, "earlier", now);
  }

  /**
   * Waits until the gate says that it is approved, which permits nothing yet.
   *
   * @throws {@link Denied} with the reason: it ended otherwise, or its own time is over.
   */
  async wait(asking: Asking): Promise<void> {
    const { asked, until, seen: first } = stateOf(asking);
    for (let seen = first; ; ) {
      ended(seen);
      if (seen.status === "approved") return;
      const left = until - elapsed();
      if (left <= 0) throw expired(first);
      // The gate is the one that says that the time is over, a moment later.
      const wait = Math.min(LONG_POLL, Math.ceil(left / 1000) + 1);
      const call: Call = { key: this.#keys.create, path: `/${first.id}`, wait };
      const looked = elapsed();
      seen = this.#seen(call, await this.#connection.ask(call, until));
      sameRequest(first.id, seen.id);
      samePayload(asked.payload, seen.payloadHash);
      // A gate that does not wait is not asked all the time.
      if (seen.status === "pending" && elapsed() - looked < BETWEEN_LOOKS) await sleep(BETWEEN_LOOKS);
    }
  }

  /** Waits, claims, verifies, and writes into the journal that the act begins. */
  async #claim(asking: Asking): Promise<Approved> {
    const { asked, began, operation, seen } = stateOf(asking);
    await this.wait(asking);
    const body = JSON.stringify({ payloadHash: asked.payload.sha256 });
    const call: Call = { key: this.#keys.claim, path: `/${seen.id}/claim`, operation, body };
    const answer = await this.#connection.ask(call, this.#soon());
    if (answer.status !== 200) throw this.#unexpected(call, answer);
    const expected = { id: seen.id, action: asked.action, payload: asked.payload, operation, began, now: this.#clock.now() };
    const approved = verifyClaim(readClaimed(answer.body), expected, this.#trust);
    if (this.#journal !== undefined) await begin(this.#journal, this.#record(approved, "claimed"));
    return approved;
  }

  /** Tells the journal and the gate what became of it; returns why one of them does not know. */
  async #report(approved: Approved, outcome: "done" | "failed"): Promise<Denied | null> {
    const journal = this.#journal;
    const written = journal === undefined ? null : await denial(() => end(journal, this.#record(approved, outcome)));
    const told = await denial(async () => {
      const call: Call = { key: this.#keys.claim, path: `/${approved.requestId}/result`, body: JSON.stringify({ outcome }) };
      const answer = await this.#connection.ask(call, this.#soon());
      if (answer.status !== 200) throw this.#unexpected(call, answer);
    });
    return written ?? told;
  }

  /**
   * Tells the gate about uses of break-glass files that it does not know all of yet. Look at `invalid` of
   * what it returns.
   *
   * @throws {@link Denied} with the first reason why it does not know one of them. The others were told,
   * unless it is `denied.unreachable`: a gate that does not answer is not asked about the others.
   */
  async reportBreakGlass({ uses }: BreakGlassSettings): Promise<Reported> {
    let [told, invalid] = [0, 0];
    let failed: Denied | null = null;
    for (const use of (await uses.all()).filter(({ reported }) => !reported)) {
      const denied = await denial(async () => {
        const isValid = await this.#tellUse(use);
        await uses.markReported(use, this.#clock.now());
        told += 1;
        if (!isValid) invalid += 1;
      });
      failed ??= denied;
      if (denied?.reason === "denied.unreachable") break;
    }
    if (failed !== null) throw failed;
    return { told, invalid };
  }

  /** Whether the gate holds the use for one that its people have signed. */
  async #tellUse({ action, file, outcome, payloadHash, at: usedAt, useId }: Use): Promise<boolean> {
    const body = JSON.stringify({ action, file, outcome, payloadHash, usedAt, useId });
    const call: Call = { key: this.#keys.claim, path: "/v1/break-glass", fromRoot: true, body };
    const answer = await this.#connection.ask(call, this.#soon());
    if (answer.status !== 200 && answer.status !== 201) throw this.#unexpected(call, answer);
    const { useId: found, isValid } = readUse(answer.body);
    if (found !== useId) throw new Denied("denied.bad_answer", "the answer is about another use", { expected: useId, found: quote(found) });
    return isValid;
  }

  #record(approved: Approved, event: string): JournalRecord {
    const { operation, payload, requestId } = approved;
    return { at: shown(this.#clock.now()), event, operation, payloadHash: sha256(payload), requestId };
  }

  /** The caller's id of the operation, if it may act; else a new one. */
  async #operation(own: string | null): Promise<string> {
    if (own === null) return randomBytes(16).toString("hex");
    if (this.#journal === undefined) {
      throw new Denied("denied.journal", "an operation that can be tried again needs a journal, which remembers whether it has acted");
    }
    await isNew(this.#journal, own);
    return own;
  }

  #seen(call: Call, answer: Answer): Seen {
    if (answer.status !== 200) throw this.#unexpected(call, answer);
    return readSeen(answer.body);
  }

  #soon(): number {
    return elapsed() + this.#patience;
  }

  /** A request that the gate does not take. */
  #notAsked(call: Call, answer: Answer): Denied {
    const { status } = answer;
    let reason: Reason = "denied.bad_answer";
    if (status === 403 && code(answer) === "rule.none") reason = "denied.no_rule";
    else if (status === 401 || status === 403) reason = "denied.key_refused";
    else if ([400, 409, 413, 422].includes(status)) reason = "denied.invalid";
    return this.#connection.said(reason, call, answer);
  }

  /** An answer other than that to a request that exists and is approved. */
  #unexpected(call: Call, answer: Answer): Denied {
    const reason = REFUSALS[`${answer.status} ${code(answer)}`];
    const other = answer.status === 401 || answer.status === 403 ? "denied.key_refused" : "denied.bad_answer";
    return this.#connection.said(reason ?? other, call, answer);
  }

  static {
    setClock = (gate, now) => {
      gate.#clock = new Clock(now);
    };
  }
}

const REFUSALS: Partial<Record<string, Reason>> = {
  "409 claim.not_approved": "denied.not_approved",
  "409 claim.taken": "denied.claim_taken",
  "410 claim.expired": "denied.claim_expired",
  "422 claim.mismatch": "denied.other_payload",
};

async function denial(call: () => Promise<void>): Promise<Denied | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return error instanceof Denied ? error : new Denied("denied.unreachable", why(error), { cause: error });
  }
}

function callable(act: unknown): void {
  if (typeof act !== "function") throw invalid("The act is a function.");
}

/** A policy that is one; nobody changes it later. */
function pinned(policy: Bytes): Bytes {
  const copy = copied("policy", policy);
  try {
    describePolicy(copy);
  } catch (error) {
    throw invalid(`The policy is none: ${why(error)}`);
  }
  return copy;
}

function copied(name: string, bytes: Bytes): Bytes {
  if (typeof bytes === "string") return bytes;
  if (!(bytes instanceof Uint8Array)) throw invalid(`The ${name} is a JSON text, or the bytes of one.`);
  return Uint8Array.from(bytes);
}
