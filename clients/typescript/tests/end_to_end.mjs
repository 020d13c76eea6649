// Asks a real gate, whose people decide as each action says: `end_to_end.mjs FIXTURE`, a file with the
// line that `cargo xtask gate-fixture` prints, in a folder in which the packages are installed.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

import { Denied, FileJournal, Gate } from "@cosignet/gate";
import { NotVerified, verify } from "@cosignet/verifier";

const { actions, keys, policies, url } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const policy = { one: readFileSync(policies.one), two: readFileSync(policies.two) };
const payload = { amount: "25.00", currency: "EUR", to: "Acme GmbH" };

const path = join(tmpdir(), `cosignet-journal-${process.pid}`);
const journal = new FileJournal(path);
const key = { create: keys.create, claim: keys.claim };
const gate = new Gate({ url, key, policy: policy.one, journal });

const reason = async (promise) => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Denied) return error.reason;
    throw error;
  }
  return "ran";
};
const never = () => assert.fail("it acted");

// Nobody decides, for the shortest time that a gate gives.
const ignored = reason(gate.run({ action: actions.ignore, payload, expiresIn: 10 }, never));

try {
  // Somebody approves at once, and somebody thinks about it.
  for (const action of [actions.approve, actions.late]) {
    const { result, unreported } = await gate.run({ action, payload, operation: `invoice-${action}` }, (approved) => {
      assert.deepEqual(approved.value, payload);
      assert.equal(approved.action, action);
      return approved;
    });
    assert.equal(unreported, null);
    // Whoever has the decision finds the same.
    assert.deepEqual(verify(result.decision, { policy: policy.one, payload: result.payload }).report.decision.approvedBy, ["ann"]);
    assert.throws(() => verify(result.decision, { policy: policy.two, payload: result.payload }), NotVerified);
    assert.equal(await reason(gate.run({ action, payload, operation: `invoice-${action}` }, never)), "denied.outcome_unknown");
  }
  const { result } = await new Gate({ url, key: keys.both, policy: policy.two }).run({ action: actions.two, payload }, ({ report }) => report.decision.approvedBy);
  assert.deepEqual(result, ["ann", "bob"]);
  // An act that fails is known to have.
  await assert.rejects(gate.run({ action: actions.approve, payload }, () => { throw new Error("no money"); }), { name: "ActFailed", unreported: null });

  assert.equal(await reason(gate.run({ action: actions.refuse, payload }, never)), "denied.refused");
  assert.equal(await reason(gate.run({ action: actions.noRule, payload }, never)), "denied.no_rule");
  // One person approved, and this policy wants two.
  const strict = new Gate({ url, key, policy: policy.two });
  assert.equal(await reason(strict.run({ action: actions.approve, payload }, never)), "denied.not_verified");
  const stranger = new Gate({ url, key: "nobody's", policy: policy.one });
  assert.equal(await reason(stranger.run({ action: actions.approve, payload }, never)), "denied.key_refused");
  const asker = new Gate({ url, key: keys.create, policy: policy.one });
  assert.equal(await reason(asker.run({ action: actions.approve, payload }, never)), "denied.key_refused");
  // A second operation cannot have what the first one claimed.
  const asking = await gate.request({ action: actions.approve, payload });
  await gate.act(asking, () => {});
  const other = new Gate({ url, key, policy: policy.one });
  assert.equal(await reason(other.act(await other.find(asking.id, { action: actions.approve, payload }), never)), "denied.claim_taken");

  assert.equal(await ignored, "denied.expired");

  const events = (await journal.records()).map(({ event }) => event);
  assert.deepEqual(events, ["claimed", "done", "claimed", "done", "claimed", "failed", "claimed", "done"]);
  console.log("end to end: as it should be");
} finally {
  rmSync(path, { force: true });
}
