// One result, from the verdict down to the bytes.

import { $, el, fill, visible } from "./dom.js";
import { text, utf8 } from "./bytes.js";
import { SINGLE } from "./load.js";
import { renderBreak } from "./break.js";
import { renderCards, renderHow } from "./cards.js";
import { renderChecks } from "./checks.js";
import { commandFor } from "./command.js";
import { applied } from "./descriptor.js";
import { emailForm } from "./email.js";
import { renderPayload } from "./payload.js";
import { expectations, inForce, options, policyName, rosterInForce, state } from "./question.js";
import { renderRaw } from "./raw.js";
import { requestOf } from "./report.js";
import { renderTree } from "./tree.js";
import { renderVerdict } from "./verdict.js";
import { bundledPayload, checks, describePayload, explain, inspect, merklePath } from "./verifier.js";

const MOST_FIELDS = 200;

/// More than a payload of 512 KiB can have.
const ALL_FIELDS = 1 << 19;

let known = null;

/// Title and reason of every check, by its id.
const about = () => (known ??= new Map(JSON.parse(checks()).map((check) => [check.id, check])));

const explained = (code) => JSON.parse(explain(code) ?? "null");

/// Shows a report. `onEdit` verifies an edited copy and returns its report; `labelActs` are what its reader
/// can do with labels.
export function show(approval, bytes, report, reportText, { editing, onEdit, labelActs }) {
  const payload = payloadFor(bytes);
  if (payload && state.descriptor) payload.labels = applied(state.descriptor, payload, requestOf(report));
  const facts = { ...factsOf(bytes), payload, labelActs, policyName: policyName() };
  const policy = inForce();
  const command = commandFor({
    approval: state.edited ? { name: "edited-copy.json", bytes } : approval,
    policy, payload: state.payload, headers: state.headers, roster: rosterInForce(), expect: options(approval),
  });
  $("#edited").hidden = !state.edited;
  $("#sample").hidden = !state.sample;
  $("#result").classList.toggle("is-edited", Boolean(state.edited));
  renderVerdict($("#verdict"), report, {
    policy, name: approval.name, next: nextStep(report), expected: expectations(approval), payload: facts.payload,
  });
  renderCards($("#cards"), report, facts);
  renderUnproven($("#unproven"), report);
  renderPayload($("#payload"), report, facts.payload, labelActs);
  renderHow($("#how"), report, facts.commitment ? emailForm(bytes) : null);
  renderChecks($("#checks"), report, { about: about(), explain: explained });
  renderTree($("#tree"), waysOf(bytes, report, facts), { policyName: facts.policyName, several: report.approvals.length > 0 });
  renderRaw($("#raw"), {
    bytes, name: approval.name, report, reportText, inspected: facts.text, command: command.text,
    files: command.files, link: !SINGLE, source: report.policy?.source,
  });
  if (!editing) renderBreak($("#break"), approval.bytes, { report, about: about(), onEdit });
  titles(report);
}

/// Into the log, from each bundle that has a proof that can be read.
function waysOf(bytes, report, { proof }) {
  const way = (part, own, stated) => {
    const path = merklePath(part);
    return path && { report: own, path: JSON.parse(path), proof: stated };
  };
  if (!report.approvals.length) return [way(bytes, report, proof)].filter(Boolean);
  const parts = JSON.parse(text(bytes)).bundles.map((bundle) => utf8(JSON.stringify(bundle)));
  return report.approvals.map((own, index) => way(parts[index], own, factsOf(parts[index]).proof)).filter(Boolean);
}

/// The name under which a print is kept.
function titles(report) {
  const id = report.claimedByService.approvalId ?? requestOf(report)?.requestId;
  const plain = id && /^[0-9a-f-]{36}$/.test(id) ? ` ${id}` : "";
  document.title = `Verification report${plain}`;
  fill($("#paper-title"), "Verification report", plain && el("code", {}, plain));
}

function renderUnproven(node, report) {
  fill(node, el("h2", { id: "unproven-title" }, "What this does not prove"),
    report.notProven.length
      ? el("ul", {}, report.notProven.map((sentence) => el("li", {}, visible(sentence))))
      : el("p", {}, "Anything: nothing could be concluded from this file."));
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
export function payloadFor(bytes) {
  const own = bundledPayload(bytes);
  const shown = own ?? state.payload?.bytes;
  if (!shown) return null;
  const info = JSON.parse(describePayload(shown, ALL_FIELDS));
  info.all = info.fields;
  info.fields = info.all?.slice(0, MOST_FIELDS) ?? null;
  return { from: own ? "bundle" : "caller", bytes: shown, labels: null, info };
}

function nextStep(report) {
  if (report.verdict === "VERIFIED") return null;
  if (!report.policy && report.verdict === "INCOMPLETE") {
    if (state.proposed || state.kept || state.waiting.some((file) => file.offer)) return "Look at the policy that is offered under “Whom you trust”, and at its fingerprint.";
    return state.operator
      ? "Choose your policy under “Whom you trust”, or compare the fingerprint of the operator’s and adopt it."
      : "Choose the policy that says whose keys and which log you trust, under “Whom you trust”.";
  }
  return explained(report.code)?.next ?? null;
}
