// The page on which people sign a break-glass file. The file comes from its reader and goes back to them:
// the service keeps nothing, and is asked for nothing but the list of somebody's passkeys. Where it is
// not there, a copy of this page under the same address does without.

import { moment } from "./digits.js";
import { $, copyButton, el, fill, saveButton } from "./dom.js";
import { challenge, MOST_BYTES, readFile, withSignature } from "./glass.js";
import { sign } from "./passkey.js";
import { clearProblem } from "./problem.js";
import { report } from "./refusal.js";
import { Problem, post } from "./service.js";
import { shown } from "./shown.js";

let file = null; // as readFile has it
let busy = false;

start();

function start() {
  $("#service").textContent = location.host;
  $("#file").addEventListener("change", () => take($("#file").files[0]));
  $("#read").addEventListener("click", () => open($("#text").value));
  $("#sign").addEventListener("click", signIt);
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  setInterval(renderTime, 1000);
  document.documentElement.dataset.ready = "true";
}

async function take(given) {
  if (!given) return;
  if (given.size > MOST_BYTES) {
    report(new Problem(0, "page.file", "The file has more than 128 KiB, and so it is no break-glass file."));
    return;
  }
  open(await given.text());
}

function open(text) {
  $("#grant").hidden = $("#signed").hidden = true;
  file = null;
  try {
    file = readFile(text);
  } catch (error) {
    report(new Problem(0, "page.file", `This cannot be signed. ${error.message}`));
    return;
  }
  clearProblem();
  const { grant, signatures } = file;
  const row = (name, ...value) => [el("dt", {}, name), el("dd", {}, ...value)];
  fill($("#facts"),
    row("May be done", el("strong", {}, shown(grant.action)), grant.action.endsWith("*") && " – every action whose name begins like that"),
    row("How often", grant.uses === 1 ? "once" : `${grant.uses} times`),
    row("By the program", shown(grant.audience)),
    row("Why", shown(grant.reason)),
    row("From", moment(grant.notBefore)),
    row("Until", moment(grant.notAfter), " ", el("span", { id: "time" })),
    row("Under the policy", el("code", {}, shown(grant.policySha256))),
    row("Signatures in it", `${signatures.length}. This page does not check them.`));
  renderTime();
  $("#grant").hidden = false;
  $("#grant-title").focus();
}

function renderTime() {
  if (!file || $("#grant").hidden) return;
  const { notBefore, notAfter } = file.grant;
  const now = Date.now();
  const words = now >= Date.parse(notAfter) ? "(over, by the clock of this device)"
    : now < Date.parse(notBefore) ? `(begins in ${span(Date.parse(notBefore) - now)})`
      : `(${span(Date.parse(notAfter) - now)} left)`;
  if ($("#time").textContent !== words) $("#time").textContent = words;
}

function span(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds >= 120 ? `${Math.ceil(seconds / 60)} minutes` : `${seconds} seconds`;
}

async function signIt() {
  if (busy || !file) return;
  busy = true;
  $("#sign").disabled = true;
  clearProblem();
  try {
    const signed = file;
    const assertion = await sign({ challenge: await challenge(signed.grantText), ...(await passkeys($("#name").value.trim())) });
    if (file !== signed) {
      throw new Problem(0, "page.file", "Another file was opened while the passkey was asked. Nothing was kept of the signature.");
    }
    renderSigned(withSignature(signed, assertion));
  } catch (error) {
    report(error instanceof RangeError ? new Problem(0, "page.file", error.message) : error);
  } finally {
    busy = false;
    $("#sign").disabled = false;
  }
}

/// The passkeys of somebody, if the service is there to tell; else the browser looks for them. The challenge
/// of the service's answer is signed by nobody.
async function passkeys(name) {
  try {
    const { allowCredentials, rpId } = await post("/session/options", name ? { name } : {});
    return { allowCredentials, rpId };
  } catch {
    return {};
  }
}

function renderSigned(text) {
  fill($("#signed"),
    el("h2", { tabindex: "-1" }, "Signed"),
    el("p", {}, "Save the file, and give it to whoever signs next, or to whoever acts. Nothing of it is with this service."),
    el("p", {}, saveButton("Save the signed file", "break-glass.json", text), " ", copyButton("Copy", text)),
    el("p", { class: "hint" }, "What is done with it is written down before it is done, and will be reviewed."));
  $("#signed").hidden = false;
  $("#signed h2").focus();
}
