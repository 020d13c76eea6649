// What the caller remembers over a crash: one record before each act, one behind it.

import { Denied, why } from "./denied.js";

/** One record. */
export interface JournalRecord {
  /** When it was written, by the clock of this machine. */
  readonly at: string;
  /** `claimed`, `done` or `failed`. */
  readonly event: string;
  /** The id of the operation. */
  readonly operation: string;
  /** The SHA-256 of the payload. */
  readonly payloadHash: string;
  /** The id of the request. */
  readonly requestId: string;
}

/**
 * A place that keeps records over a crash. {@link FileJournal} is one; a table with a unique
 * operation and a unique request would be another. What it throws ends in a denial before the act.
 */
export interface Journal {
  /** The newest record of this operation, or `"new"` if there is none. */
  find(operation: string): Promise<JournalRecord | "new">;

  /**
   * Keeps `record`, and returns `"kept"` once it would outlive a loss of power. If there is a record
   * of the same operation or of the same request, keeps nothing and returns the newest of these. Of
   * two calls at the same time, also of two processes, one at most is told `"kept"`.
   */
  begin(record: JournalRecord): Promise<JournalRecord | "kept">;

  /** Keeps a record of what became of it. */
  end(record: JournalRecord): Promise<void>;
}

/** Fails if the operation has been claimed before. */
export async function isNew(journal: Journal, operation: string): Promise<void> {
  const found = await kept(() => journal.find(operation));
  if (found !== "new") throw unknown(found);
}

/** Remembers that the act is about to begin. */
export async function begin(journal: Journal, record: JournalRecord): Promise<void> {
  const found = await kept(() => journal.begin(record));
  if (found !== "kept") throw unknown(found);
}

/** Remembers what became of it. */
export async function end(journal: Journal, record: JournalRecord): Promise<void> {
  await kept(() => journal.end(record));
}

async function kept<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Denied) throw error;
    throw new Denied("denied.journal", `the journal cannot be used: ${why(error)}`, { cause: error });
  }
}

/** What is known of an earlier act. */
function unknown(last: JournalRecord | unknown): Denied {
  if (typeof last !== "object" || last === null || !("event" in last)) return new Denied("denied.journal", "the journal did not say that the record is kept");
  const { at, event, requestId } = last as JournalRecord;
  const message = event === "claimed"
    ? `request ${requestId} was claimed at ${at}, and nothing was written behind that: the outcome of the act is unknown`
    : `request ${requestId} was acted on before: the act ended at ${at} as ${event}`;
  return new Denied("denied.outcome_unknown", message);
}
