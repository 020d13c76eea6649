// The time of this machine.

/** How far the clocks of a gate and of its callers may differ, in milliseconds; that of the verifier. */
export const ALLOWANCE = 120_000;

/** A clock that is read once and then goes on by itself, whatever anybody sets. */
export class Clock {
  readonly #start: number;
  readonly #since = elapsed();

  /** A clock that shows this time now, in milliseconds of the Unix epoch. */
  constructor(start: number = Date.now()) {
    this.#start = start;
  }

  now(): number {
    return this.#start + Math.floor(elapsed() - this.#since);
  }
}

/** Milliseconds that nobody can set. */
export const elapsed = (): number => performance.now();

/** A time as the formats have it, `2026-03-01T12:00:00.000Z`. */
export const shown = (millis: number): string => new Date(millis).toISOString();

/** The milliseconds of such a text, and of no other. */
export function time(text: string): number | null {
  const millis = Date.parse(text);
  return Number.isFinite(millis) && shown(millis) === text ? millis : null;
}

/** Waits, in milliseconds. */
export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));
