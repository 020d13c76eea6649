// What a passkey is asked to sign, made of what the page shows. A challenge that a server sends is
// never signed here, but for logins, which have 32 bytes.
//
//   approve   random[32] ‖ SHA-256(context) ‖ SHA-256(payload)                        96 bytes
//   refuse    SHA-256("cosignet.refusal/v1" ‖ 0x00 ‖ random ‖ SHA-256(context) ‖ SHA-256(payload))
//                                                                                     32 bytes

import { utf8 } from "./bytes.js";

export const RANDOM_LENGTH = 32;

const REFUSAL = "cosignet.refusal/v1\0";

export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/// Both challenges, and the hashes in them. `context` and `payload` are bytes.
export async function challenges(random, context, payload) {
  if (random.length !== RANDOM_LENGTH) throw new RangeError(`random has ${random.length} bytes, not ${RANDOM_LENGTH}`);
  const contextHash = await sha256(context);
  const payloadHash = await sha256(payload);
  const approve = joined(random, contextHash, payloadHash);
  return { approve, refuse: await sha256(joined(utf8(REFUSAL), approve)), contextHash, payloadHash };
}

function joined(...parts) {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
