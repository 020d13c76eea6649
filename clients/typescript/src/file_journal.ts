// A journal in a file, as the clients in other languages write it.
//
//   {"at":time,"event":"claimed","operation":text,"payloadHash":hex,"requestId":uuid}
//   {"at":time,"event":"done","operation":text,"payloadHash":hex,"requestId":uuid}     or "failed"
//
// The first line is on the disk before the act begins. A crash behind it leaves an outcome that
// nobody can know from here, so that neither the operation nor the request is ever acted on again.

import { canonicalJson } from "@cosignet/verifier";

import { time } from "./clock.js";
import type { Journal, JournalRecord } from "./journal.js";
import { Lines } from "./lines.js";

/** A file of lines that are never taken back. */
export class FileJournal implements Journal {
  readonly #lines: Lines<JournalRecord>;

  /**
   * The journal in this file, which is made with the first line. Others who use it are waited for
   * as long as `patience` says, in milliseconds; 10,000 if nothing is said.
   */
  constructor(path: string, { patience }: { patience?: number } = {}) {
    this.#lines = new Lines(path, () => parsed, patience);
  }

  /**
   * All lines, in their order; none if there is no file.
   *
   * @throws {@link Denied}, `denied.journal`, if it cannot be read, or is damaged: half a line is what
   * a crash leaves while a line is written, and it is for people to look at.
   */
  async records(): Promise<JournalRecord[]> {
    return this.#lines.all();
  }

  async find(operation: string): Promise<JournalRecord | "new"> {
    return newest(await this.records(), (record) => record.operation === operation) ?? "new";
  }

  async begin(record: JournalRecord): Promise<JournalRecord | "kept"> {
    const same = (other: JournalRecord): boolean => other.operation === record.operation || other.requestId === record.requestId;
    let found: JournalRecord | undefined;
    await this.#lines.append((records) => {
      found = newest(records, same);
      return found === undefined ? line(record) : undefined;
    });
    return found ?? "kept";
  }

  async end(record: JournalRecord): Promise<void> {
    await this.#lines.append(() => line(record));
  }
}

function line({ at, event, operation, payloadHash, requestId }: JournalRecord): string {
  return `${JSON.stringify({ at, event, operation, payloadHash, requestId })}\n`;
}

function parsed(line: Uint8Array): JournalRecord | undefined {
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(canonicalJson(line)) as typeof value;
  } catch {
    return undefined;
  }
  const text = (name: string): string | undefined => (typeof value?.[name] === "string" ? value[name] : undefined);
  const [at, event, operation, payloadHash, requestId] = ["at", "event", "operation", "payloadHash", "requestId"].map(text);
  if (at === undefined || event === undefined || operation === undefined || payloadHash === undefined || requestId === undefined) return undefined;
  return time(at) === null || !/^[0-9a-f]{64}$/.test(payloadHash) ? undefined : { at, event, operation, payloadHash, requestId };
}

function newest(records: JournalRecord[], same: (record: JournalRecord) => boolean): JournalRecord | undefined {
  return records.filter(same).at(-1);
}
