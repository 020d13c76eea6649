// The journal of break-glass: what was done without an approval, before it is done.
//
//   {"action":text,"at":time,"event":"used","file":text,"grantSha256":hex,"payloadHash":hex,
//    "reason":text,"signers":[name,…],"type":"cosignet.break-glass-use/v1","useId":uuid}
//   {"at":time,"event":"done","type":"cosignet.break-glass-use/v1","useId":uuid}   or "failed", or "reported"
//
// A use is `used` once, and nothing is written of one that is not. `reported` says that a gate knows what
// stands before it: it has to be told once more of an outcome that stands behind.

import { canonicalJson } from "@cosignet/verifier";

import { isRequestId } from "./answer.js";
import { ALLOWANCE, shown, time } from "./clock.js";
import { Denied } from "./denied.js";
import { Lines } from "./lines.js";

const TYPE = "cosignet.break-glass-use/v1";

/** A use, with what came of it. */
export interface Use {
  readonly useId: string;
  /** When it began, by the clock of this machine. */
  readonly at: string;
  readonly action: string;
  /** The file, as it was used. */
  readonly file: string;
  readonly grantSha256: string;
  readonly payloadHash: string;
  readonly reason: string;
  readonly signers: readonly string[];
  /** `done` or `failed`; `null` if the program ended before it could be written. */
  readonly outcome: string | null;
  /** Whether a gate has been told, of the outcome as well. */
  readonly reported: boolean;
}

/** What a gate was told about uses. */
export interface Reported {
  /** How many it did not know of before, or not how they ended. */
  readonly told: number;
  /** How many of these it recorded as not valid: its own people have not signed for them. */
  readonly invalid: number;
}

/** What a use is about, before it is written down. */
export interface Begun {
  readonly useId: string;
  readonly action: string;
  readonly file: string;
  readonly grantSha256: string;
  readonly payloadSha256: string;
  readonly reason: string;
  readonly people: readonly string[];
}

/** What the file permits, as it was judged. */
export interface Allowed {
  /** The moment that was judged. */
  readonly at: number;
  /** The first moment, and the one behind the last. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly uses: number;
}

interface Event {
  readonly at: number;
  readonly event: string;
  readonly useId: string;
  readonly used: Use | undefined;
}

/** A journal of uses: a file of lines that are never taken back. */
export class Uses {
  readonly #lines: Lines<Event>;
  /** Where it is. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    this.#lines = new Lines(path, reader);
  }

  /** All uses, in the order in which they began. @throws {@link Denied}, `denied.journal`, for a damaged file. */
  async all(): Promise<Use[]> {
    return uses(await this.#lines.all());
  }

  /**
   * @internal Writes down that the act is about to begin. Nobody else does so at the same time, and it is
   * permitted by the clock of then.
   */
  async begin(begun: Begun, allowed: Allowed, clock: () => number): Promise<void> {
    await this.#lines.append((events) => {
      const now = clock();
      requireClock(events, allowed.at);
      requireTime(allowed, now);
      requireUnused(uses(events), begun, allowed.uses);
      const line = {
        action: begun.action,
        at: shown(now),
        event: "used",
        file: begun.file,
        grantSha256: begun.grantSha256,
        payloadHash: begun.payloadSha256,
        reason: begun.reason,
        signers: begun.people,
        type: TYPE,
        useId: begun.useId,
      };
      return `${JSON.stringify(line)}\n`;
    });
  }

  /** @internal Writes down what became of it. */
  async end(useId: string, event: "done" | "failed", now: number): Promise<void> {
    await this.#lines.append(() => ending(useId, event, now));
  }

  /** @internal Writes down that a gate knows all of this, unless more was written meanwhile. */
  async markReported(told: Use, now: number): Promise<void> {
    await this.#lines.append((events) => {
      const isAll = uses(events).some(({ useId, outcome }) => useId === told.useId && outcome === told.outcome);
      return isAll ? ending(told.useId, "reported", now) : undefined;
    });
  }
}

const ending = (useId: string, event: string, now: number): string => `${JSON.stringify({ at: shown(now), event, type: TYPE, useId })}\n`;

function uses(events: readonly Event[]): Use[] {
  const all = new Map<string, Use>();
  for (const { event, useId, used } of events) {
    const known = used ?? all.get(useId);
    if (known === undefined) continue;
    // What a gate was told before an outcome did not have it.
    const news = used !== undefined ? {} : event === "reported" ? { reported: true } : { outcome: event, reported: false };
    all.set(useId, { ...known, ...news });
  }
  return [...all.values()];
}

/** The verifier has judged a moment that has passed: somebody may have held the journal. */
function requireTime({ notBefore, notAfter }: Allowed, now: number): void {
  if (notBefore <= now && now < notAfter) return;
  const found = shown(now);
  throw new Denied("denied.break_glass", `the break-glass file permits nothing at ${found}`, {
    verifier: "break_glass.window",
    expected: `${shown(notBefore)} to ${shown(notAfter)}`,
    found,
  });
}

/** A clock that was set back opens a window again. */
function requireClock(events: readonly Event[], now: number): void {
  const last = events.reduce((latest, { at }) => Math.max(latest, at), 0);
  if (now + ALLOWANCE >= last) return;
  throw new Denied("denied.clock_skew", "the clock of this machine stands before a line of the journal", { expected: `${shown(last)} or later`, found: shown(now) });
}

/** What identifies a file is the grant: signatures can be left out. */
function requireUnused(all: readonly Use[], begun: Begun, most: number): void {
  const same = all.filter(({ grantSha256 }) => grantSha256 === begun.grantSha256);
  const before = same.find(({ payloadHash }) => payloadHash === begun.payloadSha256);
  if (before !== undefined) {
    const began = `use ${before.useId} of this file began at ${before.at} with the same payload`;
    if (before.outcome === null) throw new Denied("denied.outcome_unknown", `${began}, and nothing was written behind that: the outcome of the act is unknown`, {
      next: "Look whether the act took effect. If it did not, have a new file signed.",
    });
    throw new Denied("denied.break_glass_used", `${began}, and ended as ${before.outcome}`);
  }
  if (same.length >= most) {
    throw new Denied("denied.break_glass_used", "the break-glass file was used as often as its people have signed", { expected: `at most ${most}`, found: String(same.length) });
  }
}

/** Reads the lines of a journal, of which each has to fit those before it. */
function reader(): (line: Uint8Array) => Event | undefined {
  const known = new Set<string>();
  return (line) => {
    const event = parsed(line);
    if (event === undefined || (event.used !== undefined) === known.has(event.useId)) return undefined;
    known.add(event.useId);
    return event;
  };
}

function parsed(line: Uint8Array): Event | undefined {
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(canonicalJson(line)) as typeof value;
  } catch {
    return undefined;
  }
  const text = (name: string): string => (typeof value?.[name] === "string" ? (value[name] as string) : "");
  const at = time(text("at"));
  const [event, useId] = [text("event"), text("useId")];
  if (value?.["type"] !== TYPE || at === null || !isRequestId(useId)) return undefined;
  if (["done", "failed", "reported"].includes(event)) return { at, event, useId, used: undefined };
  const { signers } = value;
  const [action, file, grantSha256, payloadHash, reason] = ["action", "file", "grantSha256", "payloadHash", "reason"].map(text) as [string, string, string, string, string];
  const isHash = (digits: string): boolean => /^[0-9a-f]{64}$/.test(digits);
  const named = Array.isArray(signers) && signers.every((name) => typeof name === "string");
  if (event !== "used" || !isHash(grantSha256) || !isHash(payloadHash) || !named || action === "" || file === "" || reason === "") return undefined;
  return { at, event, useId, used: { useId, at: text("at"), action, file, grantSha256, payloadHash, reason, signers: signers as string[], outcome: null, reported: false } };
}
