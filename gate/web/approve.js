// The page of one request: who is there, what is asked, and the one signature that answers it.

import { renderBadge, renderHashes } from "./badge.js";
import { fromBase64Url, text as decoded } from "./bytes.js";
import { leaves } from "./diff.js";
import { moment } from "./digits.js";
import { $, el, fill } from "./dom.js";
import { fields, summary } from "./fields.js";
import { sign } from "./passkey.js";
import { clearProblem } from "./problem.js";
import { read } from "./reader.js";
import { renderReceipt } from "./receipt.js";
import { offer, report } from "./refusal.js";
import { examine } from "./request.js";
import { Reading } from "./seen.js";
import { Problem, get, post } from "./service.js";
import { signIn, signOut } from "./session.js";
import { shown } from "./shown.js";
import { Clock, obstacle, renderAsker, renderStanding, span } from "./standing.js";

/// How often an open page asks whether the request still waits for its reader.
const LOOK_AGAIN = 15_000;

const id = location.pathname.split("/").at(-1);

let current = null; // { answer, examined, reading, clock }
let unsent = null; // { kind, assertion, body }: signed, and nobody knows whether it has arrived
let busy = false;

start();

async function start() {
  $("#service").textContent = location.host;
  $("#refuse").addEventListener("click", () => decide("refuse"));
  $("#approve").addEventListener("click", () => decide("approve"));
  $("#next").addEventListener("click", showNext);
  $("#sign-out").addEventListener("click", leave);
  document.addEventListener("visibilitychange", lookAgain);
  setInterval(lookAgain, LOOK_AGAIN);
  setInterval(tick, 1000);
  await open();
}

/// Shows the request, once its reader is known.
async function open() {
  $("#loading").hidden = false;
  try {
    await show(await withSession(() => get(`/a/${id}/request`)));
    clearProblem();
  } catch (error) {
    report(error);
    if (error.status === 0) offer("Try again", open);
  }
  $("#loading").hidden = true;
  document.documentElement.dataset.ready = "true";
}

async function withSession(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error.status !== 401) throw error;
      $("#loading").hidden = true;
      $("#request").hidden = true;
      document.documentElement.dataset.ready = "true";
      await signIn((reason) => (reason ? report(reason) : clearProblem()));
    }
  }
}

async function show(answer) {
  const examined = await examine(answer, { id, origin: location.origin });
  current?.reading.stop();
  const reading = new Reading(renderUnread);
  current = { answer, examined, reading, clock: new Clock(answer) };
  renderBadge($("#badge"), examined);
  renderHashes($("#hashes"), examined);
  // What is not signed is not shown as if it were.
  $("#asker").hidden = $("#standing").hidden = examined.context === null;
  if (examined.context) renderAsker($("#asker"), answer, examined.context, reading);
  await renderPayload(answer, examined, reading);
  $("#person").hidden = false;
  fill($("#person-name"), shown(String(answer.person)), answer.groups.length > 0 && [" (", answer.groups.map((group, index) => [index > 0 && ", ", shown(group)]), ")"]);
  $("#request").hidden = false;
  renderState();
  $("#title").focus();
}

async function renderPayload({ previous, createdAt }, { payload }, reading) {
  if (payload.value === null) {
    fill($("#payload-hint"), "These bytes cannot be shown as values. They are:");
    fill($("#fields"), el("pre", {}, payload.text === null ? [...payload.bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ") : shown(payload.text)));
    return;
  }
  const now = leaves(payload.value);
  const last = previousLeaves(previous);
  const length = `${payload.bytes.length} bytes, ${now.length} ${now.length === 1 ? "value" : "values"}. Asked ${moment(createdAt)}.`;
  fill($("#payload-hint"), length, " ", el("strong", {}, last
    ? `Against the last time that this requester got an approval for this action (${moment(previous.decidedAt)}): ${summary(now, last)}.`
    : "This requester never got an approval for this action before."));
  fill($("#fields"), await fields(now, last, reading));
}

/// Only for comparison: nothing of it is signed.
function previousLeaves(previous) {
  try {
    return previous && leaves(read(decoded(fromBase64Url(previous.payload))));
  } catch {
    return null;
  }
}

/// What may change while the page is open.
function renderState() {
  const { answer, examined } = current;
  if (examined.context) renderStanding($("#standing"), answer, examined.context);
  const reason = obstacle(answer);
  // A receipt says it better.
  const decided = !$("#receipt").hidden || answer.may === "done";
  $("#obstacle").hidden = reason === null || !$("#receipt").hidden;
  if (reason) fill($("#obstacle"), el("strong", {}, reason[0], ". "), reason[1]);
  $("#title").textContent = reason === null ? "Approve or refuse?" : decided ? "Your decision is made" : "What was asked";
  $("#decision").hidden = reason !== null;
  renderUnread();
  tick();
}

/// Why nothing can be signed now, or nothing.
function why({ reading, examined, clock }) {
  if (unsent && !busy) return "You have signed, and it is not known whether it has arrived. Send it again, above.";
  if (examined.challenges === null) return "The display is not verified, so nothing can be signed.";
  if (clock.left === 0) return "The time for this request is over.";
  if (reading.unseen > 0) return `${reading.unseen} of ${reading.all} parts of this request have not been on your screen yet.`;
  return "";
}

function renderUnread() {
  if (!current) return;
  const { reading, examined } = current;
  const words = why(current);
  if ($("#unread-words").textContent !== words) $("#unread-words").textContent = words;
  $("#unread").hidden = words === "";
  $("#next").hidden = reading.unseen === 0 || examined.challenges === null;
  for (const button of [$("#refuse"), $("#approve")]) {
    // They keep the focus, and say why nothing happens.
    button.setAttribute("aria-disabled", String(busy || words !== ""));
  }
}

function showNext() {
  const part = current.reading.next;
  if (!part) return;
  part.scrollIntoView({ block: "center" });
  const stop = part.querySelector("button") ?? part;
  if (stop === part && !part.hasAttribute("tabindex")) part.setAttribute("tabindex", "-1");
  stop.focus({ preventScroll: true });
}

let announced = null;

function tick() {
  if (!current || $("#decision").hidden) return;
  const { clock, answer } = current;
  const left = clock.left;
  fill($("#time"), left > 0 ? [el("strong", {}, span(left)), ` left, until ${moment(answer.expiresAt)}`] : el("strong", {}, "The time for this request is over."));
  $("#time").classList.toggle("urgent", left < 120_000);
  for (const limit of [60_000, 300_000]) {
    if (left > limit || announced === limit) continue;
    if (announced === null || announced > limit) $("#status").textContent = `${span(left)} left to decide.`;
    announced = limit;
    break;
  }
  if (left === 0) renderUnread();
}

/// Whether the request still waits. The values on the screen stay as they are.
async function lookAgain() {
  if (!current || busy || unsent || document.visibilityState !== "visible" || current.answer.status !== "pending" || !$("#login").hidden) return;
  let answer;
  try {
    answer = await get(`/a/${id}/request`);
  } catch (error) {
    if (error.status === 401) await open();
    return;
  }
  if (busy || unsent || !current) return;
  const before = current.answer;
  if (answer.payload !== before.payload || answer.context !== before.context) {
    await show(answer);
    report(new Problem(0, "page.changed", "The request was changed while you had it open. Look at it again from the beginning, and tell those who run this service."));
    return;
  }
  const examined = await examine(answer, { id, origin: location.origin });
  const state = ({ status, may, clauses, signatures }) => JSON.stringify([status, may, clauses, signatures]);
  const changed = state(answer) !== state(before) || (examined.challenges === null) !== (current.examined.challenges === null);
  current = { ...current, answer, examined, clock: new Clock(answer) };
  if (!changed) return;
  renderBadge($("#badge"), examined);
  renderState();
  $("#status").textContent = "The state of this request has changed.";
}

async function decide(kind) {
  const { answer, examined, reading } = current;
  if (busy) return;
  if (why(current) !== "") {
    if (reading.unseen > 0) showNext();
    return;
  }
  await whileBusy(async () => {
    const assertion = await sign({ challenge: examined.challenges[kind], rpId: answer.rpId, allowCredentials: answer.allowCredentials });
    const reason = $("#reason").value.trim();
    unsent = { kind, assertion, answer, examined, body: { kind, assertion, ...(reason && { reason }) } };
    await send();
  });
}

/// Sends what was signed. The same signature may arrive twice; it counts once.
async function send() {
  const signed = unsent;
  try {
    await finish(await withSession(() => post(`/a/${id}/decision`, signed.body)), signed);
  } catch (error) {
    await renewState();
    const arrived = error.status === 409 && current.answer.signatures.some(({ person, kind }) => person === signed.answer.person && kind === signed.kind);
    if (arrived) {
      await finish(await get(`/a/${id}/receipt`), signed);
      return;
    }
    report(error);
    if (error.status === 0 || error.status === 429 || error.status >= 500) {
      $("#problem").append(el("p", {}, "You have signed, and this page does not know whether the service has got it. Sending it again does no harm."));
      offer("Send it again", () => whileBusy(send));
      return;
    }
    unsent = null;
  }
}

async function finish(outcome, signed) {
  unsent = null;
  current.reading.stop();
  current.answer = { ...current.answer, status: outcome.status, may: "done" };
  await renewState();
  const missing = current.answer.clauses.reduce((sum, clause) => sum + clause.missing, 0);
  renderReceipt($("#receipt"), outcome, signed, missing, renewState);
  renderState();
}

/// What the service says now, if it says anything; else what is known.
async function renewState() {
  const answer = await get(`/a/${id}/request`).catch(() => null);
  if (answer) current.answer = { ...current.answer, status: answer.status, may: answer.may, clauses: answer.clauses, signatures: answer.signatures };
  $("#request").hidden = false;
  renderState();
}

async function whileBusy(act) {
  busy = true;
  clearProblem();
  renderUnread();
  try {
    await act();
  } catch (error) {
    report(error);
  }
  busy = false;
  renderUnread();
}

async function leave() {
  await signOut().catch(() => {});
  location.reload();
}
