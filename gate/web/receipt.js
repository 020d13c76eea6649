// After the signature: what the person keeps, and when it is in the log.

import { deflate, toBase64Url, toHex, utf8 } from "./bytes.js";
import { digits } from "./digits.js";
import { copyButton, el, fill, saveButton } from "./dom.js";
import { get } from "./service.js";
import { shown } from "./shown.js";

/// Longer links are none.
const LONGEST_LINK = 100_000;

const PAUSES = [1000, 1000, 2000, 2000, 4000, 4000, 8000, 8000, 15_000, 15_000, 30_000, 30_000];

/// Shows what came of a signature. `signed` has `kind`, `assertion`, `answer` (of the request), `examined`;
/// `missing` is how many people have to approve still. `changed` is called once it is
/// in the log.
export function renderReceipt(node, outcome, signed, missing, changed) {
  const approved = signed.kind === "approve";
  const { hashes } = signed.examined;
  const sameHash = outcome.payloadHash === hashes.payload;
  const next = el("p", {}, NEXT[outcome.status]?.(approved, missing) ?? "");
  const state = el("p", { role: "status" });
  const links = el("p", { class: "row" });
  const keep = el("p", { class: "row" });
  const name = `${approved ? "approval" : "refusal"}-${signed.answer.id}.json`;
  const renew = (now) => fill(keep, saveButton("Save what you signed", name, keepsake(now, signed)), printButton());
  renew(outcome);
  const id = String(outcome.approvalId);
  fill(node,
    el("h2", { id: "receipt-title", tabindex: "-1" }, approved ? "You have approved this" : "You have refused this"),
    next,
    !sameHash && el("p", { class: "warning" }, el("strong", {}, "The service names another payload hash than the one that you signed. "), "Keep what you signed, and tell those who run this service."),
    el("dl", { class: "facts wide" },
      el("dt", {}, approved ? "Approval" : "Refusal"), el("dd", {}, el("code", {}, shown(id)), " ", copyButton("Copy", id)),
      el("dt", {}, "Payload hash"), el("dd", {}, digits(hashes.payload))),
    state, links,
    el("div", { class: "keep" },
      el("h3", {}, "Keep this"),
      el("p", {}, "It is your own copy of what you signed: the values, the context and your signature. It helps if anybody says later that you signed something else. It has the values in it, so keep it where they may be kept."),
      keep));
  node.hidden = false;
  node.querySelector("h2").focus();
  follow(signed.answer, outcome, { state, links }, (now) => {
    fill(next, NEXT[now.status]?.(approved, missing) ?? "");
    renew(now);
    changed();
  });
}

const NEXT = {
  pending: (approved, missing) => {
    if (!approved) return "Nothing may be done because of this request any more, once your refusal is in the log.";
    return missing > 0 ? "Others have to approve, too, before anything may be done." : "Enough people have approved. The requester may go on once it is in the log.";
  },
  approved: () => "With that, the request is approved. The requester may go on, once.",
  rejected: (approved) => (approved ? "The request was refused in the meantime, by somebody else." : "With that, the request is refused. Nothing may be done because of it."),
  expired: () => "The time for this request is over.",
  cancelled: () => "The requester has withdrawn the request.",
};

/// A confirmation may have further members (docs/spec/bundle.md): of an approved request, this file can be
/// verified as it is.
function keepsake(outcome, { kind, assertion, answer, examined }) {
  const file = {
    id: answer.id,
    approvalId: outcome.approvalId,
    kind,
    status: outcome.status,
    payloadHash: examined.hashes.payload,
    credentialId: assertion.id,
    rawAssertion: assertion,
    context: answer.context,
    payload: answer.payload,
    random: answer.random,
    challenge: toHex(examined.challenges[kind]),
    verifyUrl: outcome.verifyUrl ?? null,
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

function printButton() {
  const button = el("button", { type: "button", class: "small no-print" }, "Print");
  button.addEventListener("click", () => print());
  return button;
}

/// Asks until the signature is in the log, less and less often.
async function follow(answer, outcome, { state, links }, changed) {
  show(links, outcome, answer);
  if (outcome.waitingForLog) fill(state, "Your signature is being written into the log. You may close this page; that changes nothing.");
  for (let now = outcome, place = 0; ; place += 1) {
    if (isLogged(now)) {
      show(links, now, answer);
      fill(state, "Your signature is in the log: everybody with the proof can verify it.");
      if (now !== outcome) changed(now);
      return;
    }
    if (place === PAUSES.length) break;
    await new Promise((resolve) => { setTimeout(resolve, PAUSES[place]); });
    now = await get(`/a/${answer.id}/receipt`).catch(() => now);
  }
  fill(state, "Your signature is not in the log yet. The service keeps trying. Open this link again later to look.");
}

const isLogged = ({ waitingForLog }) => waitingForLog === false;

/// Nothing to verify before it is in the log. The link then carries the proof to the verify page, in the
/// part of the address that browsers do not send.
async function show(node, outcome, answer) {
  fill(node);
  const bytes = proofOf(outcome, answer);
  const page = bytes && address(outcome.verifyUrl);
  if (!bytes) return;
  const packed = toBase64Url(await deflate(bytes));
  if (page && packed.length <= LONGEST_LINK) page.hash = `b=${packed}`;
  fill(node,
    page && el("a", { class: "button", href: page.href, rel: "noreferrer" }, "Verify it"),
    saveButton("Save the proof", `proof-${answer.id}.json`, bytes));
}

/// The bundle, as the log answered, with the payload, which no log gets; `null` before there is one.
function proofOf({ bundle }, { payload }) {
  try {
    const file = JSON.parse(bundle);
    return file && utf8(JSON.stringify({ ...file, evidence: { ...file.evidence, payload } }));
  } catch {
    return null;
  }
}

/// An address of the web, or `null`.
function address(text) {
  if (!text) return null;
  try {
    const url = new URL(text, location.href);
    return ["http:", "https:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}
