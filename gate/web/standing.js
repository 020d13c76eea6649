// Who asks, under which rule, how far the request has come, and how much time is left.

import { leaves } from "./diff.js";
import { digits, moment } from "./digits.js";
import { el, fill } from "./dom.js";
import { fields } from "./fields.js";
import { read } from "./reader.js";
import { names } from "./request.js";
import { quoted, remarks, shown } from "./shown.js";

/// Who asks for what. The texts are those of the signed context.
export function renderAsker(node, answer, context, reading) {
  const seen = (part) => { reading.watch(part); return part; };
  fill(node,
    el("h2", {}, "Who asks"),
    seen(el("div", {},
      el("p", { class: "asker" }, quoted(context.requester), el("span", { class: "hint" }, ", with a key of this name",
        answer.requester?.since ? ` that the service knows since ${moment(answer.requester.since)}` : "")),
      remarks(context.requester))),
    !names(location).includes(context.audience) && seen(el("div", {}, el("p", {}, "For use at ", quoted(context.audience)), remarks(context.audience))),
    seen(el("div", { class: "label" },
      el("p", { class: "hint" }, "Text from the requester for this request, not verified:"),
      el("blockquote", {}, quoted(context.action)),
      remarks(context.action))));
}

export function renderStanding(node, answer, context) {
  const count = (kind) => answer.signatures.filter((signature) => signature.kind === kind).length;
  fill(node,
    el("h2", {}, "What it takes"),
    el("p", {}, "Rule ", quoted(context.rule.name), ". ", needed(answer)),
    answer.clauses.length > 0 && el("ul", { class: "clauses" }, answer.clauses.map(({ group, atLeast, missing }) => el("li", {},
      `${atLeast} of `, quoted(group), ": ", missing > 0 ? el("strong", {}, `${missing} more needed`) : "complete"))),
    answer.signatures.length > 0 && el("ul", { class: "signatures", "aria-label": `Signed so far: ${count("approve")} approved, ${count("refuse")} refused` }, answer.signatures.map(({ person, kind, at }) => el("li", {},
      quoted(person), kind === "refuse" ? " refused" : " approved", `, ${moment(at)}`))),
    answer.claimWithinSeconds > 0 && answer.status === "pending" && el("p", { class: "hint" }, `Once approved, the requester can act on it once, within ${span(answer.claimWithinSeconds * 1000)}.`),
    el("details", { class: "quiet" }, el("summary", {}, "The text of the rule"),
      rule(String(answer.rule?.text ?? "")),
      el("p", { class: "hint" }, "SHA-256, as it is signed: ", digits(context.rule.sha256))));
}

/// A rule is canonical JSON, as the payload is; one that is not is shown as it stands.
function rule(text) {
  const node = el("div", {}, el("pre", { tabindex: "0", "aria-label": "Rule as text" }, shown(text)));
  try {
    const nothingToSee = { watch() {}, replace() {} };
    fields(leaves(read(text)), null, nothingToSee).then((rows) => fill(node, rows));
  } catch { /* then it stays text */ }
  return node;
}

function needed({ clauses, status }) {
  if (status !== "pending") return "";
  const missing = clauses.reduce((sum, clause) => sum + clause.missing, 0);
  if (missing === 0) return "Enough people have approved.";
  return missing === 1 ? "One more person has to approve; one refusal ends it." : `${missing} more people have to approve; one refusal ends it.`;
}

const STATES = {
  approved: ["Approved", "Enough people have approved this request. Nothing more is asked of anybody."],
  rejected: ["Refused", "This request was refused, and it stays so."],
  expired: ["Too late", "The time for this request is over. Nothing can be signed any more; the requester can ask again."],
  cancelled: ["Withdrawn", "The requester has withdrawn this request. Nothing can be signed any more."],
};

const RIGHTS = {
  done: ["You have signed", "Your signature on this request is here already. You need not do anything more."],
  requester: ["Not for you to decide", "This request was made in your name. Nobody approves what they ask for themselves."],
  "not-asked": ["You are not asked", "The rule of this request asks other people. You can look at it, and not sign it."],
  "synced-key": ["Another passkey is needed", "The rule asks for a passkey that cannot leave its device, such as a security key. Yours may be copied to other devices. Sign in with another one, or ask for an invitation to make it."],
  enough: ["Enough people have signed", "The request is being written into the log. Your signature is not needed."],
};

/// Why nothing can be signed, as a title and a sentence; `null` if something can.
export function obstacle({ status, may }) {
  if (status !== "pending") return STATES[status] ?? ["Unknown state", "The service names a state that this page does not know."];
  return may === "decide" ? null : RIGHTS[may] ?? ["Not for you", "The service does not say that you may sign."];
}

/// The time left, by the clock of the service.
export class Clock {
  #ends;

  constructor({ now, expiresAt }) {
    this.#ends = performance.now() + (Date.parse(expiresAt) - Date.parse(now));
  }

  get left() { return Math.max(0, this.#ends - performance.now()); }
}

/// A span of milliseconds as people say it, never more than there is.
export function span(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 4) return `${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
