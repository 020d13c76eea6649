// Files of lines that are never taken back: journals.
//
// Node has no locks on files: `PATH.lock` exists while somebody reads or writes.

import { Buffer } from "node:buffer";
import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import process from "node:process";

import { quote } from "@cosignet/verifier";

import { elapsed, sleep } from "./clock.js";
import { Denied, why } from "./denied.js";

/** The longest journal, in bytes: it is read before each act. */
const LONGEST = 64 * 1024 * 1024;

/** How long others are waited for who read or write it, in milliseconds: they need a few of them, on a disk at rest. */
const PATIENCE = 10_000;
const PAUSE = 10;

/** Reads the lines of one file, one after the other; returns nothing for one that is damaged. */
export type Reader<T> = (line: Uint8Array) => T | undefined;

/** A file of lines. */
export class Lines<T> {
  readonly #path: string;
  readonly #reader: () => Reader<T>;
  readonly #patience: number;

  /** `reader` makes a reader for each time that the file is read. */
  constructor(path: string, reader: () => Reader<T>, patience: number = PATIENCE) {
    // The same file, wherever the process goes.
    this.#path = resolve(path);
    this.#reader = reader;
    this.#patience = patience;
  }

  /** All lines, in their order; none if there is no file. */
  async all(): Promise<T[]> {
    let file: FileHandle;
    try {
      file = await open(this.#path, "r");
    } catch (error) {
      if (isCode(error, "ENOENT")) return [];
      throw this.#failed(error);
    }
    try {
      const unlock = await this.#lockToRead();
      try {
        return await this.#read(file);
      } finally {
        await unlock();
      }
    } finally {
      await file.close();
    }
  }

  /** Writes the line that `make` makes of those that are there, if it makes one. Nobody else writes at the same time. */
  async append(make: (lines: T[]) => string | undefined): Promise<void> {
    const unlock = await this.#lock();
    try {
      const file = await open(this.#path, "a+", 0o600);
      try {
        const line = make(await this.#read(file));
        if (line === undefined) return;
        await file.appendFile(line);
        await file.sync();
      } finally {
        await file.close();
      }
      await syncName(this.#path);
    } catch (error) {
      throw error instanceof Denied ? error : this.#failed(error);
    } finally {
      await unlock();
    }
  }

  /** Whoever may read the file and write nothing beside it reads it all the same. */
  async #lockToRead(): Promise<() => Promise<void>> {
    try {
      return await this.#lock();
    } catch (error) {
      if (error instanceof Denied && ["EACCES", "EPERM", "EROFS"].some((code) => isCode(error.cause, code))) return async () => {};
      throw error;
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
          throw new Denied("denied.journal", `another process uses the journal ${quote(this.#path)}, or ended while it did`, {
            next: `If no process uses the journal any more, look at its last line, and remove ${quote(path)}.`,
          });
        }
      }
    }
  }

  async #read(file: FileHandle): Promise<T[]> {
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
    const read = this.#reader();
    return lines.map((text, at) => read(text) ?? this.#fail(this.#damaged(at + 1)));
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
