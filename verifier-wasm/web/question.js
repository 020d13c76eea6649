// What is asked: about which files, under which policy, with which expectations.

import { named } from "./dom.js";
import { Verifier } from "./verifier.js";

export const state = {
  approvals: [], // { name, bytes, id: the id it was asked for by, or null, byLink: whether a link named that id }
  current: null, // its place in the list; null: the page chooses the one that needs a look most
  payload: null, // { name, bytes }
  policy: null, // in force: { name, bytes, info, from: "reader" | "evidence" | "operator" | "device" }
  proposed: null, // put in its place by the reader, and not in force yet
  operator: null, // offered beside the page
  kept: null, // offered by the reader's own device
  sample: null, // a policy that holds for a sample of this page, and for nothing else
  waiting: [], // files of which their reader has not said yet what they are
  headers: null,
  roster: null, // { name, bytes, info: what it says of itself }; it counts as far as the policy says
  descriptor: null, // { name, bytes, sha256, info }: labels for fields, and no part of the question
  expect: {},
  edited: null, // the bytes of the copy that is being edited
};

/// The policy that is applied.
export const inForce = () => state.sample ?? state.policy;

/// The roster that is read; a sample has its own, or none.
export const rosterInForce = () => (state.sample ? state.sample.roster ?? null : state.roster);

/// What it may be called: only a policy that its reader brought is theirs.
export const policyName = () => (["reader", "device"].includes(inForce()?.from) ? "your policy" : "the policy");

const expected = (approval) => ({ ...state.expect, approvalId: state.expect.approvalId ?? approval.id });

// One verifier for all approvals that are asked about alike: it reads policy and roster once.
let verifier = null;
let asked = [];

/// The report on these bytes, as text.
export function ask(approval, bytes) {
  const parts = [inForce(), rosterInForce(), state.headers, state.payload, JSON.stringify(expected(approval))];
  if (!verifier || parts.some((part, index) => part !== asked[index])) {
    verifier?.free();
    verifier = null;
    verifier = verifierFor(approval);
    asked = parts;
  }
  return verifier.verify(bytes);
}

function verifierFor(approval) {
  const question = new Verifier();
  try {
    const { headers, payload } = state;
    const policy = inForce();
    const roster = rosterInForce();
    if (policy) question.setPolicy(policy.bytes, { operator: "operator", sample: "sample" }[policy.from] ?? "caller");
    if (headers) question.setHeaders(headers.bytes);
    if (roster) question.setRoster(roster.bytes);
    const { approvalId, approver, rpId, payloadSha256, time } = expected(approval);
    if (approvalId) question.setApprovalId(approvalId);
    if (approver) question.setApprover(approver);
    if (rpId) question.setRpId(rpId);
    if (payloadSha256) question.setPayloadSha256(payloadSha256);
    if (time) question.setTime(time);
    if (payload) question.setPayload(payload.bytes);
    return question;
  } catch (error) {
    question.free();
    throw error;
  }
}

/// What is asked for, and who asks for it.
export function expectations(approval) {
  const { approvalId, approver, rpId, payloadSha256, time } = expected(approval);
  const byLink = approval.byLink && !state.expect.approvalId;
  return {
    link: byLink ? approvalId : null,
    reader: [
      approvalId && !byLink && ["approval ", approvalId],
      state.payload && ["the payload ", named(state.payload.name)],
      approver && ["approver ", named(approver)],
      rpId && ["relying party ", named(rpId)],
      payloadSha256 && ["payload hash ", payloadSha256],
      time && ["nothing later than ", time],
    ].filter(Boolean),
  };
}

/// The same as options of the command.
export function options(approval) {
  const { approvalId, approver, rpId, payloadSha256, time } = expected(approval);
  return { "--approval-id": approvalId, "--approver": approver, "--rp-id": rpId, "--payload-sha256": payloadSha256, "--at": time };
}
