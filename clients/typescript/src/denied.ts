// Why nothing was done.

/** The next step for each reason. The codes are those of every client, and stay. */
const NEXT = {
  "denied.bad_answer": "Check the address of the gate; if it is right, ask its operator.",
  "denied.break_glass": "Look at the code: the break-glass file permits nothing here.",
  "denied.break_glass_off": "Do it by a way that does not need this program; its owner can set break-glass up for the next time.",
  "denied.break_glass_used": "Have a new file signed if it is to be done once more.",
  "denied.cancelled": "Ask again if it is still wanted.",
  "denied.claim_expired": "Ask again, and claim sooner.",
  "denied.claim_taken": "Find out which one: an approval is good for one act.",
  "denied.clock_skew": "Set the clock of this machine, or have that of the gate set.",
  "denied.expired": "Ask again, with more time or when the approvers are there.",
  "denied.invalid": "Change the request as the message says.",
  "denied.journal": "Look at the file of the journal and the rights to it.",
  "denied.key_refused": "Use a key with the rights to create and to claim, and one that the rule lets claim.",
  "denied.no_rule": "Have a rule written for it, or ask for something that a rule covers.",
  "denied.not_approved": "Wait for the decision.",
  "denied.not_verified": "Ask the verifier about its own code.",
  "denied.other_payload": "Treat the gate as broken or hostile: it has shown an approval of other bytes.",
  "denied.other_request": "Treat the gate as broken or hostile: it has shown an approval of something else.",
  "denied.outcome_unknown": "Look whether the act took effect. If it did not, ask again with another operation id.",
  "denied.refused": "Do not do it. Talk to the person who refused.",
  "denied.unreachable": "Check the network and the address of the gate.",
} as const;

/** The kinds of denials. */
export type Reason = keyof typeof NEXT;

/** What a denial can say beside its reason. */
export interface Details {
  expected?: string | undefined;
  found?: string | undefined;
  next?: string | undefined;
  verifier?: string | undefined;
  cause?: unknown;
}

/** Nothing was done, and why. */
export class Denied extends Error {
  /** The stable code. */
  readonly reason: Reason;
  /** The verifier's own code, where the decision or the break-glass file does not verify. */
  readonly verifier: string | null;
  /** What would have been right. */
  readonly expected: string | null;
  /** What was there instead. */
  readonly found: string | null;
  /** What to do about it. */
  readonly next: string;

  /** @internal */
  constructor(reason: Reason, message: string, details: Details = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.name = "Denied";
    this.reason = reason;
    this.verifier = details.verifier ?? null;
    this.expected = details.expected ?? null;
    this.found = details.found ?? null;
    this.next = details.next ?? NEXT[reason];
  }
}

/** The message of whatever was thrown. */
export function why(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // `fetch` puts what happened into the cause.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
