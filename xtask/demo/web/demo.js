// Asks the browser for a passkey and hands what it answers to the demo's service, unchanged.

const $ = (id) => document.getElementById(id);
const buttons = ["register", "register-software", "approve"].map($);
let passkey = null; // { fingerprint, inSoftware }
let approved = false;
let busy = false;

async function call(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body ?? null),
  });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.message);
  return value;
}

/// Runs a step, and no other beside it; what goes wrong is shown.
const step = (act) => async () => {
  if (busy) return;
  busy = true;
  show();
  $("problem").textContent = "";
  try {
    await act();
  } catch (error) {
    $("problem").textContent = error.name === "NotAllowedError"
      ? "The browser was not allowed to use a passkey: it was cancelled, or there is none. You can use one in software."
      : String(error.message ?? error);
  }
  busy = false;
  show();
};

/// What is done looks done, and only the next step can be taken.
function show() {
  $("register").disabled = $("register-software").disabled = busy || passkey !== null;
  $("approve").disabled = busy || passkey === null || approved;
  $("step-register").classList.toggle("done", passkey !== null);
  $("step-approve").classList.toggle("done", approved);
  $("enrolled").textContent = passkey
    ? `Made ${passkey.inSoftware ? "in software" : "on this device"}. Its fingerprint: ${passkey.fingerprint}` : "";
}

async function enrol(inSoftware, fingerprint) {
  passkey = { fingerprint, inSoftware };
  show();
  $("approve").disabled = false;
  $("approve").focus();
}

$("register").addEventListener("click", step(async () => {
  const { publicKey } = await call("/register/options");
  const credential = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
  });
  await enrol(false, (await call("/register", credential.toJSON())).fingerprint);
}));

$("register-software").addEventListener("click", step(async () => {
  await enrol(true, (await call("/register/software")).fingerprint);
}));

$("approve").addEventListener("click", step(async () => {
  let done;
  if (passkey.inSoftware) {
    done = await call("/approve/software");
  } else {
    const { approvalId, options } = await call("/ask");
    const assertion = await navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey),
    });
    done = await call("/approve", { approvalId, assertion: assertion.toJSON() });
  }
  approved = true;
  $("verify").href = done.verifyUrl;
  $("policy").textContent = done.policySha256;
  $("command").textContent = done.command;
  for (const name of done.files) {
    const link = document.createElement("a");
    link.href = `/files/${name}`;
    link.download = link.textContent = name;
    $("files").append(link, " ");
  }
  $("step-verify").hidden = false;
  $("verify-title").focus();
}));

const payload = await (await fetch("/payload")).json();
for (const { name, text } of payload.fields) {
  const row = $("fields").insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  row.append(head);
  row.insertCell().textContent = text;
}
$("hash").textContent = payload.sha256;
passkey = payload.passkey;
show();
if (location.origin !== payload.address) {
  // Browsers tie passkeys to a name; the service takes nothing from elsewhere.
  for (const button of buttons) button.disabled = true;
  const link = document.createElement("a");
  link.href = link.textContent = `${payload.address}/`;
  $("problem").append("Passkeys belong to a name, not to an address, so this page works only as ", link, ". Open it there.");
}
document.documentElement.dataset.ready = "true";
