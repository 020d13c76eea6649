// Every case of gate-client/cases/cases.json ends as the file says.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Denied, Payload, all, ask, client, gate } from "./script.mjs";

async function play(one) {
  const served = await gate(one.answers);
  let ran = 0;
  let found = "ran";
  let verifier = null;
  try {
    const payload = one.payloadText === undefined ? all.ask.payload : Payload.parse(one.payloadText);
    // What has an answer gets it, however slow this machine is.
    const patience = one.expect === "denied.unreachable" ? all.patienceMillis : 30 * all.patienceMillis;
    const made = client(one.url ?? served.url, { policy: one.policy, now: one.now, patience });
    await made.run(ask({ payload }), (approved) => {
      ran += 1;
      assert.equal(Buffer.from(approved.payload).toString(), Payload.of(all.ask.payload).text);
    });
  } catch (error) {
    assert.ok(error instanceof Denied, String(error.stack));
    found = error.reason;
    verifier = error.verifier;
    assert.ok(error.message !== "" && error.next !== "");
  } finally {
    served.close();
  }
  return { found, ran, verifier, calls: served.calls };
}

describe("cases", { concurrency: 4 }, () => {
  for (const one of all.cases) {
    test(one.name, async () => {
      const { found, ran, verifier, calls } = await play(one);
      assert.equal(found, one.expect);
      assert.equal(ran, found === "ran" ? 1 : 0, "how often it acted");
      if (one.code !== undefined) assert.equal(verifier, one.code);
      for (const [call, count] of Object.entries(one.calls ?? {})) assert.equal(calls[call].length, count, call);
      assert.ok(calls.look.length <= 10, "a gate that does not wait is not asked all the time");
      assert.equal(calls.other.length, 0);
      // Whatever is repeated is the same question.
      for (const call of ["create", "claim"]) {
        assert.ok(calls[call].every((key) => key !== ""), `${call}: a key`);
        assert.ok(new Set(calls[call]).size <= 1, `${call}: one key`);
      }
    });
  }
});
