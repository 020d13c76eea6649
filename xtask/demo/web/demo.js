// Asks the browser for a passkey and hands what it answers to the demo's service, unchanged.

const $ = (id) => document.getElementById(id);
let software = false;

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

/// Runs a step; what goes wrong is shown.
const step = (act) => async () => {
  $("problem").textContent = "";
  try {
    await act();
  } catch (error) {
    $("problem").textContent = error.name === "NotAllowedError"
      ? "The browser was not allowed to use a passkey: it was cancelled, or there is none. You can use one in software."
      : String(error.message ?? error);
  }
};

function enrolled(fingerprint, where) {
  $("enrolled").textContent = `Made ${where}. Its fingerprint: ${fingerprint}`;
  $("approve").disabled = false;
  $("approve").focus();
}

$("register").addEventListener("click", step(async () => {
  const { publicKey } = await call("/register/options");
  const credential = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
  });
  software = false;
  enrolled((await call("/register", credential.toJSON())).fingerprint, "on this device");
}));

$("register-software").addEventListener("click", step(async () => {
  software = true;
  enrolled((await call("/register/software")).fingerprint, "in software");
}));

$("approve").addEventListener("click", step(async () => {
  let done;
  if (software) {
    done = await call("/approve/software");
  } else {
    const { approvalId, options } = await call("/ask");
    const assertion = await navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey),
    });
    done = await call("/approve", { approvalId, assertion: assertion.toJSON() });
  }
  $("verify").href = done.verifyUrl;
  $("command").textContent = done.command;
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
document.documentElement.dataset.ready = "true";
