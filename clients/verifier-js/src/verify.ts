// From evidence to a verdict.

import { type Bytes, type Question, QuestionError, answered } from "./question.js";
import type { Report } from "./module/report.js";

/** Closes the constructor of {@link Verified} to everybody but `verify`. */
const SEAL = Symbol("verified");

/** An approval that was verified. {@link verify} alone makes one. */
class Verified {
  readonly #report: Report;

  constructor(seal: typeof SEAL, report: Report) {
    if (seal !== SEAL) throw new TypeError("verification alone makes this");
    this.#report = report;
  }

  /** The report; its verdict is VERIFIED. It cannot be changed. */
  get report(): Report {
    return this.#report;
  }
}

export type { Verified };

/** An approval that is not VERIFIED: the report says why. */
export class NotVerified extends Error {
  readonly #report: Report;

  constructor(report: Report) {
    super(`${report.verdict}, ${report.code}: ${report.summary}`);
    this.name = "NotVerified";
    this.#report = report;
  }

  /** The stable code of what failed or is missing. */
  get code(): string {
    return this.#report.code;
  }

  get report(): Report {
    return this.#report;
  }
}

/**
 * Verifies a bundle, an approval service's confirmation or a decision, and throws unless it is
 * VERIFIED. The question has to name the payload, its hash or the approval: without that, any
 * approval by anybody in the policy would do, an old one as well.
 *
 * @throws {@link NotVerified} with the report.
 * @throws {@link QuestionError} if the question cannot be asked.
 */
export function verify(evidence: Bytes, question: Question): Verified {
  // Read once: what is looked at here is what is asked.
  const own = plain(question);
  const { payload, payloadSha256, approvalId } = own;
  if (payload === undefined && payloadSha256 === undefined && approvalId === undefined) {
    throw new QuestionError(
      "usage.expectation",
      "nothing says what the approval has to be about: name the payload, payloadSha256 or approvalId; report() asks for neither",
    );
  }
  const found = report(evidence, own);
  if (found.verdict !== "VERIFIED") throw new NotVerified(found);
  return new Verified(SEAL, found);
}

/**
 * The report on a bundle, a confirmation or a decision, whatever the verdict. It permits nothing:
 * look at `verdict`, or call {@link verify}.
 *
 * @throws {@link QuestionError} if the question cannot be asked.
 */
export function report(evidence: Bytes, question: Question = {}): Report {
  return frozen(JSON.parse(reportText(evidence, question)) as Report);
}

/**
 * The same as one line of JSON, byte for byte what `cosignet verify --format json` prints.
 *
 * @throws {@link QuestionError} if the question cannot be asked.
 */
export function reportText(evidence: Bytes, question: Question = {}): string {
  return answered(evidence, plain(question));
}

/** A copy of what the question itself has. What it inherits would be an expectation that nobody checks. */
function plain(question: Question): Question {
  const parent: unknown = Object.getPrototypeOf(question);
  if (parent !== null && Object.getPrototypeOf(parent) !== null) {
    throw new QuestionError("usage.question", "a question is a plain object, and has all of its members itself");
  }
  return { ...question };
}

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}
