// A policy that its reader asked this browser to remember. It comes back as an offer, with its name
// and fingerprint; nothing of it is in force before its reader says so again.

import { utf8 } from "./bytes.js";
import { describePolicy } from "./verifier.js";

const PLACE = "cosignet.policy";

export function kept() {
  try {
    const { name, policy } = JSON.parse(localStorage.getItem(PLACE));
    const bytes = utf8(policy);
    return { name: String(name), bytes, info: JSON.parse(describePolicy(bytes)), from: "device" };
  } catch {
    return null; // none, or none that could be applied
  }
}

/// Whether it is remembered now: browsers may refuse.
export function keep({ name, info }) {
  try {
    localStorage.setItem(PLACE, JSON.stringify({ name, policy: info.canonicalJson }));
  } catch { /* said by what is there afterwards */ }
  return kept();
}

export function forget() {
  try { localStorage.removeItem(PLACE); } catch { /* then there was none */ }
  return kept();
}
