// What the page knows, and what it does when that changes.

import { $, el, fill, named, visible } from "./dom.js";
import { fromBase64Url, inflate, size } from "./bytes.js";
import { SINGLE, loadModule } from "./load.js";
import { LogError, logAddress, lookUp, operatorPolicy } from "./log.js";
import { renderBreak } from "./break.js";
import { renderCards } from "./cards.js";
import { renderChecks } from "./checks.js";
import { commandFor } from "./command.js";
import { emailForm } from "./email.js";
import { renderInputs } from "./inputs.js";
import { MOST, listen, readAll } from "./intake.js";
import { renderPayload } from "./payload.js";
import { renderPolicy } from "./policy.js";
import { renderRaw } from "./raw.js";
import { LOOKS, sort } from "./roles.js";
import { renderTree } from "./tree.js";
import { renderHeld, renderVerdict } from "./verdict.js";
import {
  Verifier, bundledPayload, checks, describePayload, describePolicy, explain, initSync, inspect, merklePath, version,
} from "./verifier.js";

const MOST_FIELDS = 200;

const state = {
  approvals: [], // { name, bytes, id: the id it was asked for by, or null, byLink: whether a link named that id }
  current: 0,
  payload: null, // { name, bytes }
  policy: null, // in force: { name, bytes, info, from: "reader" | "evidence" | "operator" }
  proposed: null, // put in its place by the reader, and not in force yet
  operator: null, // offered beside the page
  waiting: [], // files of which their reader has not said yet what they are
  headers: null,
  expect: {},
  edited: null, // the bytes of the copy that is being edited
};

let about = new Map();
let lookUps = 0;
let typedId = null; // the id that was typed here last; any other came with a link
let taking = Promise.resolve();

async function start() {
  initSync({ module: await loadModule() });
  about = new Map(JSON.parse(checks()).map((check) => [check.id, check]));
  for (const node of document.querySelectorAll("[data-version]")) node.textContent = version();
  const log = SINGLE ? null : logAddress();
  const privacy = SINGLE
    ? "It cannot send anything: the browser blocks every connection of this page (connect-src 'none')."
    : log ? "Nothing that you drop here leaves it; only an id that you look up is sent, to the log." : "Nothing that you drop here leaves it.";
  for (const node of document.querySelectorAll("[data-privacy]")) node.textContent = privacy;
  for (const node of document.querySelectorAll("[data-log-name]")) node.textContent = log ? `the log at ${log.host}` : "";
  $("#lookup").hidden = !log;
  // One after the other, so that no file overtakes another.
  listen((place, files) => { taking = taking.then(() => take(place, files)); });
  forms();
  if (log) await offer();
  inputs();
  document.documentElement.dataset.ready = "true";
  await fromFragment();
}

// What comes in.

function forms() {
  $("#lookup").addEventListener("submit", (event) => {
    event.preventDefault();
    typedId = $("#approval-id").value.trim().toLowerCase();
    const old = location.hash;
    location.hash = `id=${typedId}`;
    if (location.hash === old) fromFragment();
  });
  $("#expect-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    state.expect = Object.fromEntries([...form].map(([key, value]) => [key, value.trim()]).filter(([, value]) => value));
    run({ focus: true });
  });
  $("#expect-now").addEventListener("click", () => {
    $("#expect-form").elements.time.value = new Date().toISOString();
  });
  $("#restore").addEventListener("click", () => run({ focus: true }));
  window.addEventListener("hashchange", fromFragment);
}

async function offer() {
  const bytes = await operatorPolicy();
  if (!bytes) return;
  try {
    state.operator = { name: "policy.json", bytes, info: JSON.parse(describePolicy(bytes)), from: "operator" };
  } catch {
    state.operator = null; // no policy that could be applied, so none to offer
  }
}

/// A link can bring something to check, or an id to ask for; nothing that is believed.
async function fromFragment() {
  const fragment = location.hash.slice(1);
  if (fragment.startsWith("id=")) {
    const id = fragment.slice(3);
    $("#approval-id").value = id;
    await byId(id);
  } else if (fragment.startsWith("b=")) {
    let bytes = null;
    try { bytes = await inflate(fromBase64Url(fragment.slice(2)), MOST.evidence); } catch { /* said below */ }
    if (!bytes) return problem("The link does not carry a whole file.", "It was cut short on its way, or it holds more than 1 MiB. Ask for the file itself.");
    clearProblem();
    replaceApprovals([{ name: "from the link", bytes, id: null }]);
    run({ focus: true });
  }
}

async function byId(id) {
  if (SINGLE || !logAddress()) return problem("This page belongs to no log.", "An id can be looked up only where a log serves the page. Get the file, and drop it here.");
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    return problem("This is not an approval id.", "An id has 36 characters and looks like 0189b2f4-5a00-7c3e-8d11-2f6a90c4be07.");
  }
  // Nothing of the last answer stays while the next one is on its way.
  clearProblem();
  forgetApprovals();
  $("#status").textContent = "Asking the log.";
  lookUps += 1;
  const mine = lookUps;
  try {
    const bytes = await lookUp(id);
    if (mine !== lookUps) return;
    replaceApprovals([{ name: `${id}.json`, bytes, id, byLink: id !== typedId }]);
    run({ focus: true });
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    if (mine === lookUps) problem("Nothing was checked.", visible(error.message));
  }
}

/// Takes files for what their place says.
async function take(place, files) {
  clearProblem();
  const { read, refused } = await readAll(place, files);
  const sorted = sort(place, read, { approvals: state.approvals.length });
  refused.push(...sorted.refused);
  if (sorted.payload?.bytes.length > MOST.payload) {
    refused.push([sorted.payload.name, `has ${size(sorted.payload.bytes.length)}; a payload has at most 512 KiB. Nothing in it was checked`]);
    sorted.payload = null;
  }
  if (sorted.headers && sorted.headers.looks !== "headers") {
    refused.push([sorted.headers.name, "is no file of block headers, as `cosignet headers` writes it"]);
    sorted.headers = null;
  }
  if (sorted.policy) propose(sorted.policy, refused);
  if (sorted.payload) state.payload = sorted.payload;
  if (sorted.headers) state.headers = sorted.headers;
  for (const file of sorted.waiting) wait(file);
  if (sorted.approvals.length) replaceApprovals(sorted.approvals.map((file) => ({ ...file, id: null })));
  const mine = place === "policy" && state.proposed;
  run({ focus: !refused.length && !mine });
  if (refused.length) problem(refused.length === 1 ? "A file was not taken." : "Some files were not taken.", ...refused.map(([name, why]) => [named(name), ` ${why}.`]));
  else if (mine) $("#policy .offer-title")?.focus();
}

/// What its reader has put in the place of the policy is shown with its fingerprint, and waits for
/// the word.
function propose(file, refused) {
  try {
    state.proposed = { ...file, info: JSON.parse(describePolicy(file.bytes)), from: "reader" };
  } catch (error) {
    state.proposed = null;
    const looks = file.looks !== "policy" && LOOKS[file.looks];
    refused.push([file.name, file.looks === "approval"
      ? "is an approval by its look, not a policy. What is to be checked belongs into the field above"
      : looks ? `is no policy: it reads as ${looks}` : `is no policy that can be used: ${error.message} (${error.name})`]);
  }
}

/// A file that came with the evidence and looks like something else. A policy is offered, no more.
function wait(file) {
  const waiting = { ...file, offer: null, why: null };
  if (file.looks === "policy") {
    try {
      waiting.offer = { ...file, info: JSON.parse(describePolicy(file.bytes)), from: "evidence", waiting };
    } catch (error) {
      waiting.why = error.message;
    }
  }
  state.waiting.push(waiting);
}

function leave(file) {
  state.waiting = state.waiting.filter((other) => other !== file);
}

/// The only way in which a policy comes into force.
function use(offer) {
  state.policy = { name: offer.name, bytes: offer.bytes, info: offer.info, from: offer.from };
  if (offer === state.proposed) state.proposed = null;
  leave(offer.waiting);
  run({ focus: "trust" });
}

/// The payload that is expected stays: it is a question, and shown as one.
function replaceApprovals(approvals) {
  state.approvals = approvals;
  state.current = 0;
}

function forgetApprovals() {
  replaceApprovals([]);
  run({});
}

function problem(title, ...paragraphs) {
  const node = $("#problem");
  fill(node, el("h2", {}, title), paragraphs.map((paragraph) => el("p", {}, paragraph)));
  node.hidden = false;
  node.focus();
}

function clearProblem() {
  $("#problem").hidden = true;
  fill($("#problem"));
}

// What goes out.

function verifier(approval) {
  const question = new Verifier();
  const { policy, headers, payload } = state;
  if (policy) question.setPolicy(policy.bytes, policy.from === "operator" ? "operator" : "caller");
  if (headers) question.setHeaders(headers.bytes);
  const { approvalId, approver, rpId, payloadSha256, time } = expected(approval);
  if (approvalId) question.setApprovalId(approvalId);
  if (approver) question.setApprover(approver);
  if (rpId) question.setRpId(rpId);
  if (payloadSha256) question.setPayloadSha256(payloadSha256);
  if (time) question.setTime(time);
  if (payload) question.setPayload(payload.bytes);
  return question;
}

const expected = (approval) => ({ ...state.expect, approvalId: state.expect.approvalId ?? approval.id });

function verifyWith(approval, bytes) {
  const question = verifier(approval);
  try {
    return question.verify(bytes);
  } finally {
    question.free();
  }
}

/// Verifies what is loaded and shows everything anew. Returns the report.
function run({ focus = false, editing = false }) {
  // What is asked anew is asked about the file itself.
  if (!editing) state.edited = null;
  inputs();
  const approval = state.approvals[state.current];
  if (!approval) {
    $("#result").hidden = true;
    document.documentElement.dataset.verdict = "";
    $("#status").textContent = waitingWords();
    if (focus) $(focus === "trust" ? "#trust-title" : "#input-title").focus();
    return null;
  }
  const bytes = state.edited ?? approval.bytes;
  let reportText;
  try {
    reportText = verifyWith(approval, bytes);
  } catch (error) {
    $("#result").hidden = true;
    document.documentElement.dataset.verdict = "";
    problem("The question cannot be asked; nothing was checked.", [visible(error.message), "."]);
    return null;
  }
  const report = JSON.parse(reportText);
  const held = report.verdict === "VERIFIED" && state.waiting.length > 0;
  $("#result").hidden = false;
  $("#result").classList.toggle("is-held", held);
  document.documentElement.dataset.verdict = held ? "HELD" : report.verdict;
  if (held) renderHeld($("#verdict"), state.waiting);
  else show(approval, bytes, report, reportText, { editing });
  announce(report, { focus, held });
  return report;
}

function show(approval, bytes, report, reportText, { editing }) {
  const facts = factsOf(bytes);
  const command = commandFor({
    approval: state.edited ? { name: "edited-copy.json", bytes } : approval,
    policy: state.policy, payload: state.payload, headers: state.headers, expect: options(approval),
  });
  $("#edited").hidden = !state.edited;
  $("#result").classList.toggle("is-edited", Boolean(state.edited));
  renderVerdict($("#verdict"), report, {
    policy: state.policy, name: approval.name, next: nextStep(report), expected: expectations(approval),
  });
  const payload = payloadFor(bytes);
  renderCards($("#cards"), report, { ...facts, payload }, facts.commitment ? emailForm(bytes) : null);
  renderPayload($("#payload"), report, payload);
  renderChecks($("#checks"), report, { about, explain: (code) => JSON.parse(explain(code) ?? "null") });
  const path = merklePath(bytes);
  renderTree($("#tree"), report, path && JSON.parse(path), facts);
  fill($("#unproven"), el("h2", { id: "unproven-title" }, "What this does not prove"),
    report.notProven.length
      ? el("ul", {}, report.notProven.map((sentence) => el("li", {}, visible(sentence))))
      : el("p", {}, "Anything: nothing could be concluded from this file."));
  renderRaw($("#raw"), {
    bytes, name: approval.name, reportText, inspected: facts.text, command: command.text,
    files: command.files, link: !SINGLE, adopted: report.policy?.source === "operator",
  });
  if (!editing) {
    renderBreak($("#break"), approval.bytes, (edited) => {
      state.edited = edited;
      return run({ editing: true });
    });
  }
}

/// What the file says of itself; for showing, never for judging.
function factsOf(bytes) {
  let value = null;
  try { value = JSON.parse(inspect(bytes)); } catch { return { text: null }; }
  const bundle = value.bundle;
  const entry = bundle?.entry;
  return {
    text: JSON.stringify(value, null, 2),
    confirmation: value.confirmation ?? null,
    key: entry?.credentialPublicKey?.fingerprint ?? null,
    commitment: Boolean(entry?.approver),
    proof: bundle?.logProof?.error ? null : bundle?.logProof ?? null,
  };
}

/// The payload to show: the one in the file, else the one that is expected.
function payloadFor(bytes) {
  const own = bundledPayload(bytes);
  const shown = own ?? state.payload?.bytes;
  if (!shown) return null;
  return { from: own ? "bundle" : "caller", info: JSON.parse(describePayload(shown, MOST_FIELDS)) };
}

function nextStep(report) {
  if (report.verdict === "VERIFIED") return null;
  if (!report.policy && report.verdict === "INCOMPLETE") {
    if (state.proposed || state.waiting.some((file) => file.offer)) return "Look at the policy that is offered under “Whom you trust”, and at its fingerprint.";
    return state.operator
      ? "Choose your policy under “Whom you trust”, or compare the fingerprint of the operator’s and adopt it."
      : "Choose the policy that says whose keys and which log you trust, under “Whom you trust”.";
  }
  return JSON.parse(explain(report.code) ?? "null")?.next ?? null;
}

/// What is asked for, and who asks for it.
function expectations(approval) {
  const { approvalId, approver, rpId, payloadSha256, time } = expected(approval);
  const byLink = approval.byLink && !state.expect.approvalId;
  return {
    link: byLink ? approvalId : null,
    reader: [
      approvalId && !byLink && ["approval ", approvalId],
      state.payload && ["the payload ", named(state.payload.name)],
      approver && ["approver ", named(approver)],
      rpId && ["relying party ", named(rpId)],
      payloadSha256 && ["payload hash ", payloadSha256],
      time && ["nothing later than ", time],
    ].filter(Boolean),
  };
}

function options(approval) {
  const { approvalId, approver, rpId, payloadSha256, time } = expected(approval);
  return { "--approval-id": approvalId, "--approver": approver, "--rp-id": rpId, "--payload-sha256": payloadSha256, "--at": time };
}

/// Verdicts are spoken; the focus goes there when the user has asked for one.
function announce(report, { focus, held }) {
  const verdict = held ? "There is no verdict yet." : `${state.edited ? "Edited copy. " : ""}${report.verdict}. ${report.summary}`;
  const words = `${verdict}${waitingWords()}`;
  const bad = report.verdict === "REJECTED";
  $("#alert").textContent = bad ? words : "";
  $("#status").textContent = bad ? "" : words;
  if (focus) $("#verdict-title").focus({ preventScroll: false });
}

const waitingWords = () => (state.waiting.length
  ? ` ${state.waiting.length === 1 ? "One file is" : `${state.waiting.length} files are`} not used yet: say what it is for.` : "");

function inputs() {
  const again = (act) => (...given) => { act(...given); run({ focus: true }); };
  const usePayload = again((file) => {
    if (file.bytes.length > MOST.payload) return problem("A file was not taken.", [named(file.name), ` has ${size(file.bytes.length)}; a payload has at most 512 KiB.`]);
    leave(file);
    state.payload = file;
    return null;
  });
  const held = state.waiting.length > 0;
  renderInputs($("#items"), { ...state, word: (approval) => (held ? "" : wordFor(approval)) }, {
    show: again((index) => { state.current = index; }),
    removeApproval: again((index) => { state.approvals.splice(index, 1); state.current = 0; }),
    removePayload: again(() => { state.payload = null; }),
    removeHeaders: again(() => { state.headers = null; }),
    useHeaders: again((file) => { leave(file); state.headers = file; }),
    leave: again(leave),
    usePayload,
  });
  const offers = [state.proposed, ...state.waiting.map((file) => file.offer), state.policy ? null : state.operator];
  renderPolicy($("#policy"), {
    chosen: state.policy,
    offers: offers.filter(Boolean),
    onUse: use,
    onLeave: again((offer) => { if (offer === state.proposed) state.proposed = null; else leave(offer.waiting); }),
    onPayload: (offer) => usePayload(offer.waiting),
    onRemove: () => { state.policy = null; run({ focus: "trust" }); },
  });
}

function wordFor(approval) {
  try {
    return JSON.parse(verifyWith(approval, approval.bytes)).verdict;
  } catch {
    return "?";
  }
}

start().catch((error) => {
  problem("The verifier did not start; nothing was checked.", String(error.message ?? error));
});
