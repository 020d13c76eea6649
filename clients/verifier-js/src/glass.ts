// Whether a break-glass file permits an act. It is no approval, and nothing here makes a `Verified`.

import { ask } from "./engine.js";
import { type Bytes, bytes, usage } from "./question.js";
import type { BreakGlassReport } from "./module/report.js";

/** Whom to trust, what is to be done, and when. */
export interface BreakGlassQuestion {
  /** The policy as JSON: the one that the settings name. */
  policy: Bytes;
  /** The settings of the program that acts. */
  settings: Bytes;
  /** What is to be done. */
  action: string;
  /** The moment, such as `2026-03-01T12:00:00.000Z`. */
  at: string;
  /** The roster's file, for a policy that leaves it to a roster who may sign. */
  roster?: Bytes | undefined;
}

/**
 * What is known of a break-glass file that permits this act at this moment.
 *
 * @throws `QuestionError`, with the stable code, if it does not.
 */
export function openBreakGlass(file: Bytes, { policy, settings, action, at, roster }: BreakGlassQuestion): BreakGlassReport {
  const text = usage(() => ask((engine) => {
    const verifier = new engine.Verifier();
    try {
      verifier.setPolicy(bytes(policy), "caller");
      verifier.setTime(at);
      if (roster !== undefined) verifier.setRoster(bytes(roster));
      return verifier.openBreakGlass(bytes(file), bytes(settings), action);
    } finally {
      verifier.free();
    }
  }));
  return JSON.parse(text) as BreakGlassReport;
}
