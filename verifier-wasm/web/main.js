// What the page knows, and what it does when that changes.

import { $, el, fill, visible } from "./dom.js";
import { fromBase64Url, inflate, size, text } from "./bytes.js";
import { SINGLE, loadModule } from "./load.js";
import { LogError, logAddress, lookUp, operatorPolicy } from "./log.js";
import { renderBreak } from "./break.js";
import { renderCards } from "./cards.js";
import { renderChecks } from "./checks.js";
import { renderPayload } from "./payload.js";
import { renderPolicy } from "./policy.js";
import { quoted, renderRaw } from "./raw.js";
import { renderTree } from "./tree.js";
import { renderVerdict } from "./verdict.js";
import {
  Verifier, checkEmail, checks, describePayload, describePolicy, explain, initSync, inspect, kind, merklePath, version,
} from "./verifier.js";

const MOST_APPROVAL = 1024 * 1024;
const MOST_PAYLOAD = 512 * 1024;
const MOST_HEADERS = 256 * 1024 * 1024;
const MOST_FIELDS = 200;

const state = {
  approvals: [], // { name, bytes, id: the id it was asked for by, or null }
  current: 0,
  payload: null, // { name, bytes }
  policy: null, // { name, bytes, info, source: "caller" | "operator" }
  offered: null,
  headers: null,
  expect: {},
  edited: null, // the bytes of the copy that is being edited
};

let about = new Map();
let lookUps = 0;

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
  listen();
  if (log) await offer();
  inputs();
  document.documentElement.dataset.ready = "true";
  await fromFragment();
}

// What comes in.

function listen() {
  $("#lookup").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = $("#approval-id").value.trim().toLowerCase();
    const old = location.hash;
    location.hash = `id=${id}`;
    if (location.hash === old) fromFragment();
  });
  $("#files").addEventListener("change", async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    await take(files);
  });
  document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dragging"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    const files = [...event.clipboardData.files];
    const pasted = event.clipboardData.getData("text/plain");
    if (!files.length && !pasted) return;
    event.preventDefault();
    take(files.length ? files : [new File([pasted], "pasted text")]);
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
    state.offered = { name: "policy.json", bytes, info: JSON.parse(describePolicy(bytes)), source: "operator" };
  } catch {
    state.offered = null; // no policy that could be applied, so none to offer
  }
}

async function fromFragment() {
  const fragment = location.hash.slice(1);
  if (fragment.startsWith("id=")) {
    const id = fragment.slice(3);
    $("#approval-id").value = id;
    await byId(id);
  } else if (fragment.startsWith("b=")) {
    let bytes = null;
    try { bytes = await inflate(fromBase64Url(fragment.slice(2)), MOST_APPROVAL); } catch { /* said below */ }
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
    replaceApprovals([{ name: `${id}.json`, bytes, id }]);
    run({ focus: true });
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    if (mine === lookUps) problem("Nothing was checked.", visible(error.message));
  }
}

/// Puts each file in its place, by its content.
async function take(files) {
  clearProblem();
  const approvals = [];
  const unknown = [];
  const refused = [];
  for (const file of files) {
    if (file.size > MOST_HEADERS) { refused.push([file.name, `has ${size(file.size)}; nothing that belongs to an approval is that large`]); continue; }
    const bytes = new Uint8Array(await file.arrayBuffer());
    switch (kind(bytes)) {
      case "approval": approvals.push({ name: file.name, bytes, id: null }); break;
      case "policy": choosePolicy(file.name, bytes, refused); break;
      case "headers": state.headers = { name: file.name, bytes }; break;
      default: unknown.push({ name: file.name, bytes });
    }
  }
  const haveApproval = approvals.length > 0 || state.approvals.length > 0;
  for (const file of unknown) {
    const most = haveApproval ? MOST_PAYLOAD : MOST_APPROVAL;
    if (file.bytes.length > most) {
      refused.push([file.name, `has ${size(file.bytes.length)}; an approval has at most 1 MiB, a payload at most 512 KiB. Nothing in it was checked`]);
    } else if (haveApproval) {
      state.payload = file;
    } else if (unknown.length === 1) {
      // Alone, it is meant to be an approval: the verifier says why it is none.
      approvals.push({ ...file, id: null });
    } else {
      state.payload = file;
    }
  }
  if (approvals.length) replaceApprovals(approvals);
  if (refused.length) problem(refused.length === 1 ? "A file was not taken." : "Some files were not taken.", ...refused.map(([name, why]) => [visible(name), ` ${why}.`]));
  run({ focus: !refused.length });
}

function choosePolicy(name, bytes, refused) {
  try {
    state.policy = { name, bytes, info: JSON.parse(describePolicy(bytes)), source: "caller" };
  } catch (error) {
    refused.push([name, `looks like a policy and is none: ${error.message} (${error.name})`]);
  }
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
  if (state.policy) question.setPolicy(state.policy.bytes, state.policy.source);
  if (state.headers) question.setHeaders(state.headers.bytes);
  const { approvalId, approver, rpId, payloadSha256, time } = state.expect;
  const id = approvalId ?? approval.id;
  if (id) question.setApprovalId(id);
  if (approver) question.setApprover(approver);
  if (rpId) question.setRpId(rpId);
  if (payloadSha256) question.setPayloadSha256(payloadSha256);
  if (time) question.setTime(time);
  if (state.payload) question.setPayload(state.payload.bytes);
  return question;
}

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
    return null;
  }
  const bytes = state.edited ?? approval.bytes;
  let reportText;
  try {
    reportText = verifyWith(approval, bytes);
  } catch (error) {
    $("#result").hidden = true;
    problem("The question cannot be asked; nothing was checked.", [visible(error.message), "."]);
    return null;
  }
  const report = JSON.parse(reportText);
  show(approval, bytes, report, reportText, { editing });
  announce(report, focus);
  return report;
}

function show(approval, bytes, report, reportText, { editing }) {
  const facts = factsOf(bytes);
  const command = commandFor(approval);
  $("#result").hidden = false;
  $("#edited").hidden = !state.edited;
  $("#result").classList.toggle("is-edited", Boolean(state.edited));
  document.documentElement.dataset.verdict = report.verdict;
  renderVerdict($("#verdict"), report, {
    policy: state.policy, name: approval.name, next: nextStep(report), expected: expectations(approval),
  });
  const shown = payloadOf(facts, report);
  renderCards($("#cards"), report, { ...facts, payload: shown?.info, expected: Boolean(state.payload ?? state.expect.payloadSha256) }, emailForm(bytes, facts));
  renderPayload($("#payload"), report, shown);
  renderChecks($("#checks"), report, { about, explain: (code) => JSON.parse(explain(code) ?? "null") });
  const path = merklePath(bytes);
  renderTree($("#tree"), report, path && JSON.parse(path), facts);
  fill($("#unproven"), el("h2", { id: "unproven-title" }, "What this does not prove"),
    report.notProven.length
      ? el("ul", {}, report.notProven.map((sentence) => el("li", {}, visible(sentence))))
      : el("p", {}, "Anything: nothing could be concluded from this file."));
  renderRaw($("#raw"), {
    bytes, name: approval.name, reportText, inspected: facts.text, command: command.text,
    files: command.files, link: !SINGLE, adopted: state.policy?.source === "operator",
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
  try { value = JSON.parse(inspect(bytes)); } catch { return { text: null, payload: null }; }
  const bundle = value.bundle;
  const entry = bundle?.entry;
  return {
    text: JSON.stringify(value, null, 2),
    confirmation: value.confirmation ?? null,
    key: entry?.credentialPublicKey?.fingerprint ?? null,
    commitment: Boolean(entry?.approver),
    reveal: Boolean(bundle?.evidence?.approver),
    proof: bundle?.logProof?.error ? null : bundle?.logProof ?? null,
    evidencePayload: bundle ? fromBase64Url(raw(bytes)?.evidence?.payload ?? "") : null,
  };
}

function raw(bytes) {
  try { return JSON.parse(text(bytes)); } catch { return null; }
}

function payloadOf(facts) {
  const own = facts.evidencePayload?.length ? facts.evidencePayload : null;
  const bytes = own ?? state.payload?.bytes;
  if (!bytes) return null;
  return { from: own ? "bundle" : "caller", info: JSON.parse(describePayload(bytes, MOST_FIELDS)) };
}

function nextStep(report) {
  if (report.verdict === "VERIFIED") return null;
  if (!state.policy && report.verdict === "INCOMPLETE") {
    return state.offered
      ? "Drop your policy, or compare the fingerprint of the operator’s and adopt it."
      : "Drop the policy that says whose keys and which log you trust.";
  }
  return JSON.parse(explain(report.code) ?? "null")?.next ?? null;
}

function expectations(approval) {
  const { approvalId, approver, rpId, payloadSha256, time } = state.expect;
  const id = approvalId ?? approval.id;
  return [
    id && `approval ${id}`,
    state.payload && `the payload ${state.payload.name}`,
    approver && `approver ${approver}`,
    rpId && `relying party ${rpId}`,
    payloadSha256 && `payload hash ${payloadSha256}`,
    time && `nothing later than ${time}`,
  ].filter(Boolean);
}

/// The command that comes to the same, and the files that it needs.
function commandFor(approval) {
  const plain = (name, otherwise) => (/^[\w.-]+$/.test(name) ? name : otherwise);
  const files = [{ name: plain(approval.name, "approval.json"), bytes: state.edited ?? approval.bytes }];
  if (state.edited) files[0].name = "edited-copy.json";
  const words = ["cosignet", "verify", files[0].name];
  const file = (flag, loaded, otherwise) => {
    if (!loaded) return;
    const name = plain(loaded.name, otherwise);
    files.push({ name, bytes: loaded.bytes });
    words.push(flag, name);
  };
  file("--policy", state.policy, kindOfPolicy());
  file("--payload", state.payload, "payload");
  const { approvalId, approver, rpId, payloadSha256, time } = state.expect;
  for (const [flag, value] of [
    ["--approval-id", approvalId ?? approval.id], ["--approver", approver], ["--rp-id", rpId],
    ["--payload-sha256", payloadSha256], ["--at", time],
  ]) if (value) words.push(flag, value);
  if (state.headers) words.push("--headers", plain(state.headers.name, "headers"));
  return { text: words.map(quoted).join(" "), files };
}

const kindOfPolicy = () => (text(state.policy?.bytes ?? new Uint8Array())?.trimStart().startsWith("{") ? "policy.json" : "policy.toml");

function emailForm(bytes, facts) {
  if (!facts.commitment) return null;
  const input = el("input", { id: "email", type: "text", inputmode: "email", autocomplete: "off", spellcheck: "false" });
  const outcome = el("p", { role: "status", class: "outcome" });
  const form = el("form", { class: "email no-print" },
    el("label", { for: "email" }, "Is it this e-mail address?"),
    el("div", { class: "row" }, input, el("button", { type: "submit" }, "Check")),
    el("p", { class: "hint" }, "The log entry commits to one. What you type stays here."), outcome);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fill(outcome, "Checking …");
    // After the next frame, so that the words above are seen: this takes a moment.
    setTimeout(() => {
      try {
        fill(outcome, checkEmail(bytes, input.value)
          ? [el("strong", {}, "Yes. "), "The entry commits to this address. The service said so; the approver did not sign it."]
          : [el("strong", {}, "No. "), "The entry commits to another address."]);
      } catch (error) {
        fill(outcome, "It cannot be checked: ", visible(error.message), ".");
      }
    }, 50);
  });
  return form;
}

/// Verdicts are spoken; the focus goes there when the user has asked for one.
function announce(report, focus) {
  const words = `${state.edited ? "Edited copy. " : ""}${report.verdict}. ${report.summary}`;
  const bad = report.verdict === "REJECTED";
  $("#alert").textContent = bad ? words : "";
  $("#status").textContent = bad ? "" : words;
  if (focus) $("#verdict-title").focus({ preventScroll: false });
}

function inputs() {
  const remove = (what, act) => el("button", { type: "button", class: "small", "aria-label": `Remove ${what}`, onclick: () => { act(); run({}); } }, "Remove");
  const many = state.approvals.length > 1;
  fill($("#items"),
    state.approvals.map((approval, index) => el("li", { class: index === state.current ? "current" : null },
      el("span", { class: "role" }, "Approval"), el("span", { class: "file" }, visible(approval.name)),
      many && el("span", { class: "word" }, wordFor(approval)),
      many && el("button", { type: "button", class: "small", "aria-pressed": String(index === state.current), onclick: () => { state.current = index; run({ focus: true }); } }, "Show"),
      remove(approval.name, () => { state.approvals.splice(index, 1); state.current = 0; }))),
    state.payload && el("li", {}, el("span", { class: "role" }, "Payload you expect"), el("span", { class: "file" }, visible(state.payload.name)), remove(state.payload.name, () => { state.payload = null; })),
    state.headers && el("li", {}, el("span", { class: "role" }, "Bitcoin headers"), el("span", { class: "file" }, visible(state.headers.name)), remove(state.headers.name, () => { state.headers = null; })));
  renderPolicy($("#policy"), {
    chosen: state.policy,
    offered: state.offered,
    onAdopt: () => { state.policy = state.offered; run({ focus: true }); },
    onRemove: () => { state.policy = null; run({ focus: true }); },
    chooser: el("label", { class: "button", for: "files" }, "choose it"),
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
