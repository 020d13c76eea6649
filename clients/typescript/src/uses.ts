// The journal of break-glass: what was done without an approval, before it is done.
//
//   {"action":text,"at":time,"event":"used","file":text,"grantSha256":hex,"payloadHash":hex,
//    "reason":text,"signers":[name,…],"type":"cosignet.break-glass-use/v1","useId":uuid}
//   {"at":time,"event":"done","type":"cosignet.break-glass-use/v1","useId":uuid}   or "failed", or "reported"

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
  /** Whether a gate has been told. */
  readonly reported: boolean;
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
    this.#lines = new Lines(path, parsed);
  }

  /** All uses, in the order in which they began. @throws {@link Denied}, `denied.journal`, for a damaged file. */
  async all(): Promise<Use[]> {
    return uses(await this.#lines.all());
  }

  /** @internal Writes down that the act is about to begin. Nobody else does so at the same time. */
  async begin(begun: Begun, most: number, now: number): Promise<void> {
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
    await this.#lines.append(`${JSON.stringify(line)}\n`, (events) => {
      requireClock(events, now);
      requireUnused(uses(events), begun, most);
    });
  }

  /** @internal Writes down what became of it. */
  async end(useId: string, event: "done" | "failed" | "reported", now: number): Promise<void> {
    await this.#lines.append(`${JSON.stringify({ at: shown(now), event, type: TYPE, useId })}\n`, () => undefined);
  }
}

function uses(events: readonly Event[]): Use[] {
  const all = new Map<string, Use>();
  for (const { event, useId, used } of events) {
    const known = all.get(useId);
    if (used !== undefined) all.set(useId, used);
    else if (known !== undefined) all.set(useId, event === "reported" ? { ...known, reported: true } : { ...known, outcome: event });
  }
  return [...all.values()];
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
    if (before.outcome === null) throw new Denied("denied.outcome_unknown", `${began}, and nothing was written behind that: the outcome of the act is unknown`);
    throw new Denied("denied.break_glass_used", `${began}, and ended as ${before.outcome}`);
  }
  if (same.length >= most) {
    throw new Denied("denied.break_glass_used", "the break-glass file was used as often as its people have signed", { expected: `at most ${most}`, found: String(same.length) });
  }
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
