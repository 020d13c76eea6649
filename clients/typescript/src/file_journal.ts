// A journal in a file, as the clients in other languages write it.
//
//   {"at":time,"event":"claimed","operation":text,"payloadHash":hex,"requestId":uuid}
//   {"at":time,"event":"done","operation":text,"payloadHash":hex,"requestId":uuid}     or "failed"
//
// The first line is on the disk before the act begins. A crash behind it leaves an outcome that
// nobody can know from here, so that neither the operation nor the request is ever acted on again.
//
// Node has no locks on files: `PATH.lock` exists while somebody writes.

import { Buffer } from "node:buffer";
import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import process from "node:process";

import { canonicalJson, quote } from "@cosignet/verifier";

import { elapsed, sleep, time } from "./clock.js";
import { Denied, why } from "./denied.js";
import type { Journal, JournalRecord } from "./journal.js";

/** The longest journal, in bytes: it is read before each act. */
const LONGEST = 64 * 1024 * 1024;

/** How long another writer is waited for, in milliseconds: it needs a few of them, on a disk at rest. */
const PATIENCE = 30_000;
const PAUSE = 10;

/** A file of lines that are never taken back. */
export class FileJournal implements Journal {
  readonly #path: string;
  readonly #patience: number;

  /**
   * The journal in this file, which is made with the first line. Others who write it are waited for
   * as long as `patience` says, in milliseconds; 30,000 if nothing is said.
   */
  constructor(path: string, { patience = PATIENCE }: { patience?: number } = {}) {
    // The same file, wherever the process goes.
    this.#path = resolve(path);
    this.#patience = patience;
  }

  /**
   * All lines, in their order; none if there is no file.
   *
   * @throws {@link Denied}, `denied.journal`, if it cannot be read, or is damaged: half a line is what
   * a crash leaves while a line is written, and it is for people to look at.
   */
  async records(): Promise<JournalRecord[]> {
    let file: FileHandle;
    try {
      file = await open(this.#path, "r");
    } catch (error) {
      if (isCode(error, "ENOENT")) return [];
      throw this.#failed(error);
    }
    try {
      return await this.#read(file);
    } finally {
      await file.close();
    }
  }

  async find(operation: string): Promise<JournalRecord | "new"> {
    return newest(await this.records(), (record) => record.operation === operation) ?? "new";
  }

  async begin(record: JournalRecord): Promise<JournalRecord | "kept"> {
    const same = (other: JournalRecord): boolean => other.operation === record.operation || other.requestId === record.requestId;
    return (await this.#append(record, (records) => newest(records, same))) ?? "kept";
  }

  async end(record: JournalRecord): Promise<void> {
    await this.#append(record, () => undefined);
  }

  /** Writes a line, unless there is one that speaks against it. */
  async #append(record: JournalRecord, against: (records: JournalRecord[]) => JournalRecord | undefined): Promise<JournalRecord | undefined> {
    const unlock = await this.#lock();
    try {
      const file = await open(this.#path, "a+", 0o600);
      try {
        const found = against(await this.#read(file));
        if (found !== undefined) return found;
        await file.appendFile(line(record));
        await file.sync();
      } finally {
        await file.close();
      }
      await syncName(this.#path);
      return undefined;
    } catch (error) {
      throw error instanceof Denied ? error : this.#failed(error);
    } finally {
      await unlock();
    }
  }

  async #lock(): Promise<() => Promise<void>> {
    const path = `${this.#path}.lock`;
    for (const begun = elapsed(); ; await sleep(PAUSE)) {
      try {
        const file = await open(path, "wx", 0o600);
        await file.appendFile(`${process.pid}\n`);
        await file.close();
        return () => rm(path);
      } catch (error) {
        if (!isCode(error, "EEXIST")) throw this.#failed(error);
        if (elapsed() - begun >= this.#patience) {
          throw new Denied("denied.journal", `another process writes the journal ${quote(this.#path)}, or ended while it did`, {
            next: `If no process uses the journal any more, look at its last line, and remove ${quote(path)}.`,
          });
        }
      }
    }
  }

  async #read(file: FileHandle): Promise<JournalRecord[]> {
    const { size } = await file.stat();
    if (size > LONGEST) throw new Denied("denied.journal", "the journal is too long: begin another one, and keep this one");
    const bytes = Buffer.alloc(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, start)) {
      lines.push(bytes.subarray(start, at));
      start = at + 1;
    }
    if (start < filled || filled < size) throw this.#damaged(lines.length + 1);
    return lines.map((text, at) => parsed(text) ?? this.#fail(this.#damaged(at + 1)));
  }

  #damaged(number: number): Denied {
    return new Denied("denied.journal", `line ${number} of the journal ${quote(this.#path)} is damaged`);
  }

  #failed(error: unknown): Denied {
    return new Denied("denied.journal", `the journal ${quote(this.#path)} cannot be used: ${why(error)}`, { cause: error });
  }

  #fail(denied: Denied): never {
    throw denied;
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

/** A new file is there after a loss of power only once its folder is on the disk as well. */
async function syncName(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const isCode = (error: unknown, code: string): boolean => error instanceof Error && "code" in error && error.code === code;
