// The page: what it does when something comes in, or is asked anew.

import { $, el, fill, named, visible } from "./dom.js";
import { fromBase64Url, inflate, size } from "./bytes.js";
import { SINGLE, loadModule } from "./load.js";
import { LogError, logAddress, lookUp, operatorPolicy } from "./log.js";
import { forget, keep, kept } from "./device.js";
import { leave, replaceApprovals, take } from "./files.js";
import { renderInputs, renderLoaded } from "./inputs.js";
import { MOST, listen } from "./intake.js";
import { renderPolicy } from "./policy.js";
import { clearProblem, problem } from "./problem.js";
import { ask, inForce, rosterInForce, state } from "./question.js";
import { signedHash } from "./report.js";
import { payloadFor, show } from "./result.js";
import { SAMPLES, sampleOf } from "./samples.js";
import { cell, renderSeveral, rowsOf } from "./several.js";
import { renderHeld } from "./verdict.js";
import { describePolicy, describeRoster, initSync, version } from "./verifier.js";

/// The most bytes that a link carries.
const MOST_IN_LINK = 1024 * 1024;

let lookUps = 0;
let typedId = null; // the id that was typed here last; any other came with a link
let taking = Promise.resolve();
let opened = false; // whether its reader keeps files and policy in view
let filter = "";
let judged = { question: [], reports: new Map(), cells: new Map() };

async function start() {
  initSync({ module: await loadModule() });
  for (const node of document.querySelectorAll("[data-version]")) node.textContent = version();
  const log = SINGLE ? null : logAddress();
  const privacy = SINGLE
    ? "It cannot send anything: the browser blocks every connection of this page (connect-src 'none')."
    : log ? "Nothing that you drop here leaves it; only an id that you look up is sent, to the log." : "Nothing that you drop here leaves it.";
  for (const node of document.querySelectorAll("[data-privacy]")) node.textContent = privacy;
  for (const node of document.querySelectorAll("[data-log-name]")) node.textContent = log ? `the log at ${log.host}` : "";
  $("#lookup").hidden = !log;
  // One after the other, so that no file overtakes another.
  listen((place, files) => { taking = taking.then(() => takeIn(place, files)); });
  forms();
  state.kept = kept();
  if (log) await offer();
  run({});
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
  $("#change").addEventListener("click", () => {
    opened = !opened;
    inputs();
    if (opened) $("#input-title").focus();
  });
  fill($("#samples"), Object.entries(SAMPLES).map(([kind, words]) =>
    el("button", { type: "button", class: "small", onclick: () => showSample(kind) }, words)));
  $("#end-sample").addEventListener("click", () => { endSample(); run({ focus: true }); });
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
    startOver();
    let bytes = null;
    const mine = lookUps;
    try { bytes = await inflate(fromBase64Url(fragment.slice(2)), MOST_IN_LINK); } catch { /* said below */ }
    if (mine !== lookUps) return;
    if (!bytes) return problem("The link does not carry a whole file.", "It was cut short on its way, or it holds more than 1 MiB. Ask for the file itself.");
    replaceApprovals([{ name: "from the link", bytes, id: null }]);
    run({ focus: true });
  }
}

/// Nothing of the last answer stays while the next one is on its way, and no answer that was asked
/// for before comes in later.
function startOver() {
  clearProblem();
  endSample();
  replaceApprovals([]);
  lookUps += 1;
  run({});
}

async function byId(id) {
  startOver();
  if (SINGLE || !logAddress()) return problem("This page belongs to no log.", "An id can be looked up only where a log serves the page. Get the file, and drop it here.");
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    return problem("This is not an approval id.", "An id has 36 characters and looks like 0189b2f4-5a00-7c3e-8d11-2f6a90c4be07.");
  }
  $("#status").textContent = "Asking the log.";
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

async function takeIn(place, files) {
  clearProblem();
  // Labels are no evidence: they can be tried on a sample.
  if (place !== "descriptor") endSample();
  lookUps += 1;
  const refused = await take(place, files);
  const mine = place === "policy" && state.proposed;
  run({ focus: !refused.length && !mine });
  if (refused.length) problem(refused.length === 1 ? "A file was not taken." : "Some files were not taken.", ...refused.map(([name, why]) => [named(name), ` ${why}.`]));
  else if (mine) $("#policy .offer-title")?.focus();
}

// A sample has a policy of its own, whose keys anybody can sign with. Nothing else is ever judged by it.

function showSample(kind) {
  const { approval, policy, roster } = sampleOf(kind);
  clearProblem();
  lookUps += 1;
  replaceApprovals([{ ...approval, id: null }]);
  state.sample = { ...policy, info: JSON.parse(describePolicy(policy.bytes)), from: "sample", roster: roster && { ...roster, info: JSON.parse(describeRoster(roster.bytes)) } };
  state.payload = null;
  state.expect = {};
  run({ focus: true });
}

function endSample() {
  if (!state.sample) return;
  state.sample = null;
  replaceApprovals([]);
}

// What goes out.

/// Verifies what is loaded and shows everything anew. Returns the report.
function run({ focus = false, editing = false }) {
  // What is asked anew is asked about the file itself.
  if (!editing) state.edited = null;
  const several = state.approvals.length > 1;
  const rows = several && !state.waiting.length ? judge() : null;
  if (several) state.current ??= rows?.[0].index ?? 0;
  $("#several").hidden = !rows;
  if (rows && !editing) overview(rows);
  inputs();
  const approval = state.approvals[state.current ?? 0];
  if (!approval) return nothing(focus);
  const bytes = state.edited ?? approval.bytes;
  let reportText;
  try {
    reportText = ask(approval, bytes);
  } catch (error) {
    nothing(false);
    problem("The question cannot be asked; nothing was checked.", [visible(error.message), "."]);
    return null;
  }
  const report = JSON.parse(reportText);
  const held = report.verdict === "VERIFIED" && state.waiting.length > 0;
  $("#result").hidden = false;
  $("#more").hidden = held;
  $("#result").classList.toggle("is-held", held);
  document.documentElement.dataset.verdict = held ? "HELD" : report.verdict;
  if (held) {
    renderHeld($("#verdict"), state.waiting);
    $("#edited").hidden = true;
  }
  if (!held) show(approval, bytes, report, reportText, { editing, onEdit, labelActs });
  announce(report, { focus, held, several: Boolean(rows) });
  return report;
}

const removeLabels = () => { state.descriptor = null; run({ focus: true }); };

/// Another file is chosen where the first one was.
function changeLabels() {
  opened = true;
  inputs();
  $("#descriptor").open = true;
  $("#descriptor-file").focus();
}

const labelActs = { change: changeLabels, remove: removeLabels };

function onEdit(edited) {
  state.edited = edited;
  return run({ editing: true });
}

function nothing(focus) {
  for (const part of ["#result", "#more", "#edited", "#sample"]) $(part).hidden = true;
  document.documentElement.dataset.verdict = "";
  document.title = "Verify an approval";
  fill($("#paper-title"));
  $("#status").textContent = waitingWords();
  if (focus) $(focus === "trust" ? "#trust-title" : "#input-title").focus();
  return null;
}

/// A row for each approval. They are verified anew only if the question has changed.
function judge() {
  const question = [inForce(), rosterInForce(), state.payload, state.headers, JSON.stringify(state.expect)];
  if (question.some((part, index) => part !== judged.question[index])) judged = { question, reports: new Map(), cells: new Map() };
  const all = state.approvals.map((approval) => {
    if (!judged.reports.has(approval)) {
      try { judged.reports.set(approval, JSON.parse(ask(approval, approval.bytes))); } catch { return null; }
    }
    return { approval, report: judged.reports.get(approval) };
  });
  return all.every(Boolean) ? rowsOf(all) : null;
}

function overview(rows) {
  renderSeveral($("#several"), rows, {
    current: state.current,
    chosen: filter,
    payloadOf,
    onShow: (index) => { state.current = index; run({ focus: "verdict" }); },
    onFilter: (verdict) => { filter = verdict; overview(rows); $("#several .total[aria-pressed=true]")?.focus(); },
  });
}

/// The payload as its row shows it. Made once for each question: parsing takes long where there are many.
function payloadOf(approval, report) {
  if (!judged.cells.has(approval)) {
    const payload = payloadFor(approval.bytes);
    judged.cells.set(approval, payload && payload.info.sha256 === signedHash(report) ? cell(payload.info) : null);
  }
  return judged.cells.get(approval);
}

/// Verdicts are spoken; the focus goes there when the user has asked for one.
function announce(report, { focus, held, several }) {
  const copy = state.edited ? "Edited copy. " : state.sample ? "Sample. " : "";
  const verdict = held ? "There is no verdict yet." : `${copy}${report.verdict}. ${report.summary}`;
  const words = `${verdict}${waitingWords()}`;
  const bad = report.verdict === "REJECTED";
  $("#alert").textContent = bad ? words : "";
  $("#status").textContent = bad ? "" : words;
  if (!focus) return;
  const title = several && focus !== "verdict" ? $("#several-title") : $("#verdict-title");
  title.focus({ preventScroll: true });
  // The first screen begins with the line that says what was checked.
  (several && focus === "verdict" ? title : $("#problem").hidden ? $("#loaded") : title).scrollIntoView({ block: "start" });
}

const waitingWords = () => (state.waiting.length
  ? ` ${state.waiting.length === 1 ? "One file is" : `${state.waiting.length} files are`} not used yet: say what it is for.` : "");

/// Files and policy: in view while they are wanted, else one line.
function inputs() {
  const again = (act) => (...given) => { act(...given); run({ focus: true }); };
  const usePayload = again((file) => {
    if (file.bytes.length > MOST.payload) return problem("A file was not taken.", [named(file.name), ` has ${size(file.bytes.length)}; a payload has at most 512 KiB.`]);
    leave(file);
    state.payload = file;
    return null;
  });
  const empty = !state.approvals.length;
  const offers = [state.proposed, ...state.waiting.map((file) => file.offer), ...(state.policy ? [] : [state.kept, state.operator])].filter(Boolean);
  const wanted = offers.some(({ from }) => from === "reader" || from === "evidence");
  if (empty) opened = false;
  $("#loaded").hidden = empty;
  $("#input").hidden = !(empty || opened || state.waiting.length);
  const rooted = inForce() !== null && JSON.parse(inForce().info.canonicalJson).roster;
  const needed = rooted && !rosterInForce();
  $("#trust").hidden = !(empty || opened || wanted || needed || !inForce());
  if (needed) $("#roster").open = true;
  fill($("#roster-words"), rooted ? ["The policy in force leaves it to the roster ", named(rooted.name), " who may approve."] : "It is read under a policy that leaves it to a roster who may approve.");
  $("#change").textContent = opened ? "Done" : "Change";
  $("#change").setAttribute("aria-expanded", String(opened));
  $("#empty").hidden = !empty;
  if (!empty) renderLoaded($("#loaded-words"), state, inForce(), rosterInForce());
  renderInputs($("#items"), state, {
    removeApprovals: again(() => { endSample(); replaceApprovals([]); }),
    removePayload: again(() => { state.payload = null; }),
    removeHeaders: again(() => { state.headers = null; }),
    removeRoster: again(() => { state.roster = null; }),
    removeDescriptor: removeLabels,
    useRoster: again((file) => { leave(file); state.roster = file; }),
    useHeaders: again((file) => { leave(file); state.headers = file; }),
    leave: again(leave),
    usePayload,
  });
  renderPolicy($("#policy"), {
    chosen: state.policy,
    sample: state.sample,
    remembered: state.kept?.info.sha256 ?? null,
    offers,
    acts: {
      onUse: use,
      onLeave: again((offer) => { if (offer === state.proposed) state.proposed = null; else leave(offer.waiting); }),
      onPayload: (offer) => usePayload(offer.waiting),
      onRemove: () => { state.policy = null; run({ focus: true }); },
      onKeep: (policy) => {
        state.kept = keep(policy);
        inputs();
        if (!state.kept) problem("It is not remembered.", "This browser lets no page keep anything here.");
      },
      onForget: () => { state.kept = forget(); inputs(); },
    },
  });
}

/// The only way in which a policy comes into force.
function use(offer) {
  state.policy = { name: offer.name, bytes: offer.bytes, info: offer.info, from: offer.from };
  if (offer === state.proposed) state.proposed = null;
  leave(offer.waiting);
  run({ focus: state.approvals.length ? true : "trust" });
}

start().catch((error) => {
  problem("The verifier did not start; nothing was checked.", String(error.message ?? error));
});
