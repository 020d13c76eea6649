// When the gate is not there: an act that several people have permitted in a file of their own. It has
// names and types of its own: nothing here makes an `Approved`.

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { isAbsolute } from "node:path";
import process from "node:process";

import { type BreakGlassReport, type Bytes, QuestionError, canonicalJson, explain, openBreakGlass, quote } from "@cosignet/verifier";

import { invalid, known } from "./ask.js";
import { Clock, shown } from "./clock.js";
import { Denied, why } from "./denied.js";
import { ownFile } from "./own.js";
import { type JsonValue, Payload } from "./payload.js";
import { Uses } from "./uses.js";

/** The longest settings, in bytes. */
const MOST_SETTINGS = 64 * 1024;

/** The longest action that a gate takes, in bytes. */
const MOST_ACTION = 120;

const SEAL = Symbol("break-glass");

/** Who may break the glass here, for what, and where it is written down. Without settings there is no break-glass. */
export class BreakGlassSettings {
  /** @internal */
  readonly text: string;
  /** The journal. */
  readonly uses: Uses;

  private constructor(text: string) {
    let journal: unknown;
    try {
      journal = (JSON.parse(canonicalJson(text)) as { journal?: unknown } | null)?.journal;
    } catch (error) {
      throw settings(why(error));
    }
    if (typeof journal !== "string") throw settings("journal: missing, or no text");
    if (!isAbsolute(journal)) throw off(`${quote(journal)} is not where a journal can be`);
    this.text = text;
    this.uses = new Uses(journal);
  }

  /**
   * The settings in a file of root's: it and every folder above it, without links, have to belong to
   * root, and nobody else may write them. So neither an argument nor a file of the user's own switches
   * anything on.
   *
   * This holds against whoever chooses the path, and not against whoever chooses how the process
   * starts: with another user namespace, `LD_PRELOAD` or `NODE_OPTIONS` nobody needs settings. Every
   * file of root's that has this form counts, an old copy as well: keep none.
   */
  static async load(path: string): Promise<BreakGlassSettings> {
    let bytes: Uint8Array;
    try {
      bytes = await ownFile(path, MOST_SETTINGS);
    } catch (error) {
      throw off(`${quote(path)} cannot be used: ${why(error)}`);
    }
    return new BreakGlassSettings(Buffer.from(bytes).toString("utf8"));
  }

  /** Settings that are part of the program. Never make them of anything that comes with a request. */
  static inCode(value: JsonValue): BreakGlassSettings {
    return new BreakGlassSettings(JSON.stringify(value));
  }
}

/** An act that goes ahead without an approval, permitted and written down. {@link BreakGlass} alone makes one. */
class Emergency {
  /** The id of this use: an idempotency key for whatever is to be done. */
  readonly useId: string = randomUUID();
  /** What is done. */
  readonly action: string;
  /** Why, as those say who signed. */
  readonly reason: string;
  /** The people who signed, each once, in the order of their names. */
  readonly people: readonly string[];
  /** The file, as it was used. */
  readonly file: string;
  /** The hash of what people signed. */
  readonly grantSha256: string;
  readonly #payload: Payload;

  constructor(seal: typeof SEAL, report: BreakGlassReport, file: string, payload: Payload) {
    if (seal !== SEAL) throw new TypeError("BreakGlass alone makes this");
    this.action = report.action;
    this.reason = report.reason;
    this.people = Object.freeze([...report.people]);
    this.file = file;
    this.grantSha256 = report.grantSha256;
    this.#payload = payload;
    Object.freeze(this);
  }

  /** The bytes that the act is about. */
  get payload(): Uint8Array {
    return new TextEncoder().encode(this.#payload.text);
  }

  /** The value in them, read anew each time. */
  get value(): JsonValue {
    return JSON.parse(this.#payload.text) as JsonValue;
  }

  /** The hash of them. */
  get payloadSha256(): string {
    return this.#payload.sha256;
  }
}

export type { Emergency };

/** An act that went ahead without an approval. */
export interface Broken<T> {
  /** What the act returned. */
  readonly result: T;
  /** The id of the use: in the journal, and later in the gate's events. */
  readonly useId: string;
  /** Why the journal was not told what came of it; `null` if it was. */
  readonly unwritten: Denied | null;
}

/** The act was permitted and began, and then threw: `cause` is what it threw. */
export class EmergencyFailed extends Error {
  /** The id of the use. */
  readonly useId: string;
  /** Why the journal was not told; `null` if it was. */
  readonly unwritten: Denied | null;

  constructor(cause: unknown, useId: string, unwritten: Denied | null) {
    super(`the act failed: ${why(cause)}`, { cause });
    this.name = "EmergencyFailed";
    this.useId = useId;
    this.unwritten = unwritten;
  }
}

/** A file, and what it is judged by. */
export interface BreakGlassOptions {
  /** The text of the file that people have signed. */
  file: string;
  /** The policy as JSON: the one that the settings name. */
  policy: Bytes;
  settings: BreakGlassSettings;
  /** The roster's file, for a policy that leaves it to a roster who may sign. */
  roster?: Bytes | undefined;
}

/** For the tests of this package: a clock that shows this time now. No caller can reach it. */
export let setGlassClock: (glass: BreakGlass, now: number) => void;

/** A file that several people have signed. It permits acts for an hour at most; each is written down before. */
export class BreakGlass {
  readonly #options: BreakGlassOptions;
  #clock = new Clock();
  #isSystem = true;

  constructor(options: BreakGlassOptions) {
    known("Break-glass", options, ["file", "policy", "settings", "roster"]);
    const { file, policy, settings: own, roster } = options;
    if (!(own instanceof BreakGlassSettings)) throw off("it needs BreakGlassSettings");
    if (typeof file !== "string") throw invalid("The break-glass file is a text.");
    this.#options = { file, policy, settings: own, roster };
  }

  /**
   * Writes into the journal that this is about to be done, says so on standard error, and only then
   * calls `act`, once.
   *
   * @throws {@link Denied} with the reason; `act` was not called then.
   * @throws {@link EmergencyFailed} if `act` threw.
   */
  async run<T>(
    { action, payload }: { action: string; payload: JsonValue | Payload },
    act: (emergency: Emergency) => T | Promise<T>,
  ): Promise<Broken<T>> {
    if (typeof act !== "function") throw invalid("The act is a function.");
    const { uses } = this.#options.settings;
    const emergency = await this.#begin(action, payload instanceof Payload ? payload : Payload.of(payload));
    let result: T;
    try {
      result = await act(emergency);
    } catch (error) {
      throw new EmergencyFailed(error, emergency.useId, await denial(() => uses.end(emergency.useId, "failed", this.#clock.now())));
    }
    const unwritten = await denial(() => uses.end(emergency.useId, "done", this.#clock.now()));
    return { result, useId: emergency.useId, unwritten };
  }

  /** What ends does not come back when somebody sets the clock, nor after a sleep. */
  #latest(): number {
    return this.#isSystem ? Math.max(this.#clock.now(), Date.now()) : this.#clock.now();
  }

  async #begin(action: string, payload: Payload): Promise<Emergency> {
    const { file, policy, settings: own, roster } = this.#options;
    const now = this.#latest();
    let report: BreakGlassReport;
    try {
      report = openBreakGlass(file, { policy, roster, settings: own.text, action, at: shown(now) });
    } catch (error) {
      if (!(error instanceof QuestionError)) throw new Denied("denied.break_glass", `the break-glass file cannot be judged: ${why(error)}`, { cause: error });
      throw new Denied("denied.break_glass", error.message, { verifier: error.code, next: explain(error.code)?.next, cause: error });
    }
    // A longer one could never be reported.
    const length = Buffer.byteLength(report.action);
    if (length < 1 || length > MOST_ACTION) {
      throw new Denied("denied.break_glass", "the action is none that a gate could be told of", { verifier: "break_glass.other_action", expected: `1 to ${MOST_ACTION} bytes`, found: `${length} bytes` });
    }
    const emergency = new Emergency(SEAL, report, file, payload);
    const allowed = { at: now, notBefore: Date.parse(report.notBefore), notAfter: Date.parse(report.notAfter), uses: report.uses };
    await own.uses.begin(emergency, allowed, () => this.#latest());
    shout(emergency, own.uses.path);
    return emergency;
  }

  static {
    setGlassClock = (glass, now) => {
      glass.#clock = new Clock(now);
      glass.#isSystem = false;
    };
  }
}

/** Whoever looks at this program has to see it. That nobody may be looking changes nothing. */
function shout(emergency: Emergency, path: string): void {
  const people = emergency.people.map((name) => quote(name)).join(", ");
  try {
    process.stderr.write(
      `BREAK-GLASS: ${quote(emergency.action)} is done WITHOUT AN APPROVAL, signed for by ${people}, because: ${quote(emergency.reason)}\n` +
        `BREAK-GLASS: use ${emergency.useId} is in ${quote(path)}, and will be reviewed.\n`,
    );
  } catch {
    // Nobody reads it.
  }
}

async function denial(call: () => Promise<void>): Promise<Denied | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return error instanceof Denied ? error : new Denied("denied.journal", why(error), { cause: error });
  }
}

const off = (message: string): Denied => new Denied("denied.break_glass_off", `break-glass is not set up here: ${message}`);

const settings = (message: string): Denied =>
  new Denied("denied.break_glass", `the settings for break-glass do not follow their format: ${message}`, { verifier: "break_glass.settings" });
