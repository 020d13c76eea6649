// Files that come in are taken for what their place says. None becomes a policy by that.

import { describePolicy, describeRoster } from "./verifier.js";
import { size } from "./bytes.js";
import { readDescriptor } from "./descriptor.js";
import { MOST, readAll } from "./intake.js";
import { state } from "./question.js";
import { LOOKS, sort } from "./roles.js";

/// Takes what it can. What it refuses: [name, why] each.
export async function take(place, files) {
  const { read, refused } = await readAll(place, files);
  const sorted = sort(place, read, { approvals: state.approvals.length });
  refused.push(...sorted.refused);
  if (sorted.payload?.bytes.length > MOST.payload) {
    refused.push([sorted.payload.name, `has ${size(sorted.payload.bytes.length)}; a payload has at most 512 KiB. Nothing in it was checked`]);
    sorted.payload = null;
  }
  if (sorted.headers && sorted.headers.looks !== "headers") {
    refused.push([sorted.headers.name, "is no file of block headers, as `cosignet headers` writes it"]);
    sorted.headers = null;
  }
  if (sorted.roster) sorted.roster = rosterOf(sorted.roster, refused);
  if (sorted.descriptor) sorted.descriptor = descriptorOf(sorted.descriptor, refused);
  if (sorted.policy) propose(sorted.policy, refused);
  if (sorted.payload) state.payload = sorted.payload;
  if (sorted.headers) state.headers = sorted.headers;
  if (sorted.roster) state.roster = sorted.roster;
  if (sorted.descriptor) state.descriptor = sorted.descriptor;
  for (const file of sorted.waiting) wait(file);
  if (sorted.approvals.length) replaceApprovals(sorted.approvals.map((file) => ({ ...file, id: null })));
  return refused;
}

/// With what it says of itself; null where it is no roster.
function rosterOf(file, refused) {
  try {
    return { ...file, info: JSON.parse(describeRoster(file.bytes)) };
  } catch (error) {
    const looks = lookOf(file);
    refused.push([file.name, looks && file.looks !== "roster" ? `is no roster: it reads as ${looks}` : `is no roster that can be used: ${error.message} (${error.name})`]);
    return null;
  }
}

/// With what it says; null where it is no descriptor, and then the one that is there stays.
function descriptorOf(file, refused) {
  try {
    return { ...file, info: readDescriptor(file.bytes) };
  } catch (error) {
    const looks = lookOf(file);
    refused.push([file.name, looks && file.looks !== "descriptor" ? `is no descriptor: it reads as ${looks}` : `is no descriptor that can be used: ${error.message}`]);
    return null;
  }
}

const lookOf = ({ looks }) => (looks === "approval" ? "an approval" : LOOKS[looks]);

/// What its reader has put in the place of the policy is shown with its fingerprint, and waits for
/// the word.
function propose(file, refused) {
  try {
    state.proposed = { ...file, info: JSON.parse(describePolicy(file.bytes)), from: "reader" };
  } catch (error) {
    state.proposed = null;
    const looks = file.looks !== "policy" && LOOKS[file.looks];
    refused.push([file.name, file.looks === "approval"
      ? "is an approval by its look, not a policy. What is to be checked belongs into the field above"
      : looks ? `is no policy: it reads as ${looks}` : `is no policy that can be used: ${error.message} (${error.name})`]);
  }
}

/// A file that came with the evidence and looks like something else. A policy is offered, no more.
function wait(file) {
  const waiting = { ...file, offer: null, info: null, why: null };
  if (file.looks === "roster") {
    try { waiting.info = JSON.parse(describeRoster(file.bytes)); } catch (error) { waiting.why = error.message; }
  }
  if (file.looks === "policy") {
    try {
      waiting.offer = { ...file, info: JSON.parse(describePolicy(file.bytes)), from: "evidence", waiting };
    } catch (error) {
      waiting.why = error.message;
    }
  }
  state.waiting.push(waiting);
}

export function leave(file) {
  state.waiting = state.waiting.filter((other) => other !== file);
}

/// The payload that is expected stays: it is a question, and shown as one.
/// Whatever is put in is no sample, and is not judged by the policy of one.
export function replaceApprovals(approvals) {
  state.sample = null;
  state.approvals = approvals;
  state.current = null;
}
