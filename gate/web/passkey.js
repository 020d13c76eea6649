// Passkeys, from and into the JSON of WebAuthn Level 3. The members are written one by one: not every
// browser knows `toJSON` and `parseCreationOptionsFromJSON`.

import { fromBase64Url, toBase64Url } from "./bytes.js";
import { Problem } from "./service.js";

/// Has a passkey sign a challenge (bytes); an `AuthenticationResponseJSON`.
export async function sign({ challenge, rpId, allowCredentials = [], timeout = 300_000 }) {
  const credential = await ask(() => navigator.credentials.get({
    publicKey: { challenge, rpId, timeout, userVerification: "required", allowCredentials: allowCredentials.map(descriptor) },
  }));
  const { authenticatorData, clientDataJSON, signature, userHandle } = credential.response;
  return {
    ...common(credential),
    response: {
      authenticatorData: base64Url(authenticatorData),
      clientDataJSON: base64Url(clientDataJSON),
      signature: base64Url(signature),
      ...(userHandle && { userHandle: base64Url(userHandle) }),
    },
  };
}

/// Makes a passkey after a `PublicKeyCredentialCreationOptionsJSON`; a `RegistrationResponseJSON`.
export async function make(options) {
  const credential = await ask(() => navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: (options.excludeCredentials ?? []).map(descriptor),
    },
  }));
  const { attestationObject, clientDataJSON } = credential.response;
  return {
    ...common(credential),
    response: {
      attestationObject: base64Url(attestationObject),
      clientDataJSON: base64Url(clientDataJSON),
      transports: credential.response.getTransports?.() ?? [],
    },
  };
}

const common = (credential) => ({
  id: credential.id,
  rawId: base64Url(credential.rawId),
  type: credential.type,
  ...(credential.authenticatorAttachment && { authenticatorAttachment: credential.authenticatorAttachment }),
  clientExtensionResults: {},
});

const descriptor = ({ id, transports }) => ({ type: "public-key", id: bytes(id), ...(transports && { transports }) });

const base64Url = (buffer) => toBase64Url(new Uint8Array(buffer));

function bytes(text) {
  const out = typeof text === "string" ? fromBase64Url(text) : null;
  if (out === null) throw new Problem(0, "page.answer", "The service sent something that is not base64url.");
  return out;
}

const WORDS = {
  NotAllowedError: "No passkey was used: it was cancelled, took too long, or there is none for this service on this device.",
  InvalidStateError: "This device already has a passkey for you here. Use another device or a security key.",
  SecurityError: "The browser does not allow passkeys on this page: its address does not belong to the service, or the connection is not secure.",
  NotSupportedError: "This device cannot make a passkey of a kind that the service accepts.",
  AbortError: "The browser stopped asking for the passkey.",
};

async function ask(act) {
  if (!globalThis.PublicKeyCredential) throw new Problem(0, "page.passkey", "This browser cannot use passkeys. Open the link in a current browser.");
  try {
    return await act();
  } catch (error) {
    throw new Problem(0, "page.passkey", WORDS[error.name] ?? `The passkey was not used: ${error.name}.`);
  }
}
