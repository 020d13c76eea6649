// What a file is for: decided by the place where its reader put it, and by nothing in the file.

/// Words for files that are neither an approval nor a payload. Their look holds them back; it never
/// gives them a role.
export const LOOKS = {
  policy: "a trust policy",
  headers: "a file of Bitcoin block headers",
  roster: "a roster",
  descriptor: "a descriptor of payloads",
  logPolicy: "a policy for logs",
  registration: "the registration of a passkey",
  logProof: "a log proof without its approval",
  checkpoint: "a signed checkpoint",
};

const SEVERAL = {
  policy: "several policies came at once, so none was taken. Decide which one is yours, and give that one alone",
  payload: "only one payload can be expected, and several files came that could be it, so none was taken. Give that one alone",
  headers: "several files came at once, so none was taken. Give one",
  roster: "several files came at once, so none was taken. Give one",
  descriptor: "several files came at once, so none was taken. Give one",
};

/// The roles of files ({ name, bytes, looks }) that were put in one place together.
///
/// `evidence` is the place of whatever is checked, and of everything that has no other: approvals,
/// and one payload to compare with them. Neither is believed. A file that looks like anything else
/// waits there until its reader says what it is. Every other place is of one file, which is taken
/// for what belongs there, whatever it looks like.
export function sort(place, files, { approvals }) {
  const out = { approvals: [], payload: null, policy: null, headers: null, roster: null, descriptor: null, waiting: [], refused: [] };
  const one = (role, candidates) => {
    if (candidates.length === 1) [out[role]] = candidates;
    else for (const file of candidates) out.refused.push([file.name, SEVERAL[role]]);
  };
  if (place !== "evidence") {
    one(place, files);
    return out;
  }
  const looking = (look) => files.filter((file) => file.looks === look);
  out.approvals = looking("approval");
  const policies = looking("policy");
  if (policies.length > 1) for (const file of policies) out.refused.push([file.name, SEVERAL.policy]);
  else out.waiting.push(...policies);
  out.waiting.push(...files.filter((file) => file.looks !== "policy" && file.looks in LOOKS));
  const rest = looking("unknown");
  // Alone, it is meant to be an approval: the verifier says why it is none.
  if (rest.length === 1 && !approvals && !out.approvals.length && !out.waiting.length) out.approvals = rest;
  else one("payload", rest);
  return out;
}
