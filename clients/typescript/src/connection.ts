// Questions to the gate, repeated while it makes sense.

import { quote } from "@cosignet/verifier";

import { type Answer, words } from "./answer.js";
import { invalid } from "./ask.js";
import { elapsed, sleep } from "./clock.js";
import { Denied, type Reason, why } from "./denied.js";
import { VERSION } from "./version.js";

/** For all of one answer, if nothing is waited for, in milliseconds. */
const TIMEOUT = 30_000;

/** The first pause before a question is repeated; each is twice the one before. */
const PAUSE = 200;

/** The longest pause. */
const LONGEST_PAUSE = 5_000;

/** The longest answer, in bytes: a decision, its payload once more, and what the gate says beside. */
const LONGEST_ANSWER = 2 * 1024 * 1024;

/** A question, without the address. */
export interface Call {
  readonly key: string;
  /** Behind that of all requests; with `fromRoot` from the root of the gate on. */
  readonly path: string;
  readonly fromRoot?: boolean;
  readonly operation?: string;
  readonly body?: string;
  /** How long the gate is asked to wait with its answer, in whole seconds. */
  readonly wait?: number;
}

export class Connection {
  readonly #url: string;
  readonly #fetch: typeof fetch;

  constructor(url: string, own: typeof fetch) {
    this.#url = plainAddress(url);
    this.#fetch = own;
  }

  /** One answer to `call`, asked again until `until` while the network or the gate fails. */
  async ask(call: Call, until: number): Promise<Answer> {
    for (let pause = PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      let problem: string;
      try {
        const answer = await this.#once(call, until);
        if (!isPassing(answer.status)) return answer;
        problem = this.#refused(call, answer);
      } catch (error) {
        if (error instanceof Denied) throw error;
        problem = `${this.#address(call)}: ${why(error)}`;
      }
      if (until - elapsed() <= pause) throw new Denied("denied.unreachable", problem);
      await sleep(pause);
    }
  }

  /** The denial that an answer is. */
  said(reason: Reason, call: Call, answer: Answer): Denied {
    return new Denied(reason, this.#refused(call, answer));
  }

  async #once(call: Call, until: number): Promise<Answer> {
    const headers: Record<string, string> = { "x-api-key": call.key, "user-agent": `cosignet-gate-client-js/${VERSION}` };
    if (call.operation !== undefined) headers["idempotency-key"] = call.operation;
    if (call.body !== undefined) headers["content-type"] = "application/json";
    // An answer that is under way at the end may still come.
    const left = Math.max(0, until - elapsed()) + PAUSE;
    const timeout = Math.min(TIMEOUT, left) + 1000 * (call.wait ?? 0);
    // Some runtimes want theirs called without an object.
    const ask = this.#fetch;
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(new Error(`no answer within ${Math.ceil(timeout / 1000)} s`)), timeout);
    try {
      const response = await ask(this.#address(call), {
        method: call.body === undefined ? "GET" : "POST",
        headers,
        body: call.body ?? null,
        // Another address is another gate.
        redirect: "manual",
        signal: ending.signal,
      });
      return { status: response.status, body: await whole(response) };
    } finally {
      clearTimeout(timer);
    }
  }

  #refused(call: Call, answer: Answer): string {
    const said = words(answer);
    return `${this.#address(call)} answered ${answer.status}${said === "" ? "" : `: ${said}`}`;
  }

  #address(call: Call): string {
    const wait = call.wait === undefined || call.wait === 0 ? "" : `?wait=${call.wait}`;
    const below = call.fromRoot === true ? "" : "/api/confirmations";
    return `${this.#url}${below}${call.path}${wait}`;
  }
}

/** Whether the same question may have another answer soon. */
const isPassing = (status: number): boolean => status === 408 || status === 429 || (status >= 500 && status <= 599);

async function whole(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  if (response.body === null) return new Uint8Array();
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += part.length;
    // Leaving the loop ends the connection.
    if (length > LONGEST_ANSWER) throw new Denied("denied.bad_answer", `the gate's answer is longer than ${LONGEST_ANSWER} bytes`);
    parts.push(part);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function plainAddress(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid(`The address of the gate, ${quote(String(text))}, is not a URL such as https://gate.example.`);
  }
  const plain = ["http:", "https:"].includes(url.protocol) && [url.search, url.hash, url.username, url.password].every((part) => part === "");
  if (!plain) throw invalid("The address of the gate is not a plain http or https URL such as https://gate.example.");
  return url.href.replace(/[?#]*$/, "").replace(/\/+$/, "");
}

/** A key as a header can carry it. */
export function plainKey(key: string): string {
  const trimmed = typeof key === "string" ? key.trim() : "";
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw invalid("A key of a gate is one line of visible ASCII characters.");
  return trimmed;
}
