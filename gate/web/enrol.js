// An invitation becomes a passkey. The token stands behind the `#` of the address, which no browser sends
// along; opening the page uses nothing up.

import { moment } from "./digits.js";
import { $, copyButton, el, fill, saveButton } from "./dom.js";
import { make } from "./passkey.js";
import { clearProblem } from "./problem.js";
import { report } from "./refusal.js";
import { Problem, post } from "./service.js";
import { shown } from "./shown.js";

const token = location.hash.slice(1);

start();

async function start() {
  $("#service").textContent = location.host;
  // Another invitation in the same tab is another page.
  addEventListener("hashchange", () => location.reload());
  try {
    if (token === "") throw new Problem(0, "page.token", "This address has no invitation in it. Open the whole link that you were sent, with everything behind the #.");
    const invitation = await post("/enrol/options", { token });
    renderInvitation(invitation);
    $("#make").addEventListener("click", () => enrol(invitation));
  } catch (error) {
    report(error);
  }
  $("#loading").hidden = true;
  document.documentElement.dataset.ready = "true";
}

function renderInvitation({ person, expiresAt, keys }) {
  const groups = person.groups.map((group, index) => [index > 0 && ", ", shown(group)]);
  fill($("#facts"),
    el("dt", {}, "For"), el("dd", {}, shown(person.name)),
    person.groups.length > 0 && [el("dt", {}, person.groups.length === 1 ? "Group" : "Groups"), el("dd", {}, groups)],
    el("dt", {}, "Service"), el("dd", {}, location.host),
    el("dt", {}, "Passkeys so far"), el("dd", {}, String(keys)),
    el("dt", {}, "Invitation until"), el("dd", {}, moment(expiresAt)));
  $("#invitation").hidden = false;
  $("#title").focus();
}

async function enrol(invitation) {
  const button = $("#make");
  if (button.disabled) return;
  button.disabled = true;
  clearProblem();
  try {
    const credential = await make(invitation.publicKey);
    renderDone(await post("/enrol/finish", { token, credential }), credential, invitation);
    // It is used up; nothing is gained by keeping it in the history.
    history.replaceState(null, "", location.pathname);
  } catch (error) {
    report(error);
    button.disabled = false;
  }
}

function renderDone({ person, fingerprint, synced }, credential, { keys }) {
  $("#invitation").hidden = true;
  fill($("#done"),
    el("dl", { class: "facts wide" },
      el("dt", {}, "For"), el("dd", {}, shown(String(person?.name ?? person))),
      el("dt", {}, "Fingerprint of the key"), el("dd", {}, el("code", { class: "fingerprint" }, shown(fingerprint)), " ", copyButton("Copy", fingerprint)),
      el("dt", {}, "Where it lives"), el("dd", {}, synced
        ? "The device says that it may be copied to your other devices, by the account that keeps your passkeys."
        : "The device says that it cannot leave it.")),
    el("h2", {}, "What to do now"),
    el("ol", {},
      el("li", {}, el("strong", {}, "Tell the fingerprint"), " to those who keep the policy or the roster of your organisation, and not by way of this service: in person, or on the phone. They trust your key because of that, and not because this service says so."),
      el("li", {}, el("strong", {}, "Keep the registration."), " They may ask you for this file. There is no secret in it. ", saveButton("Save the registration", "registration.json", `${JSON.stringify(credential, null, 1)}\n`)),
      el("li", {}, el("strong", {}, keys > 0 ? "You have another passkey here." : "Ask for a second invitation,"), keys > 0 ? " If you lose one, you can go on with the other." : " and make a second passkey on another device or a security key: an invitation is for one, and with one alone you are locked out when you lose it.")));
  $("#done").hidden = false;
  $("#title").textContent = "Your passkey is made";
  $("#title").focus();
}
