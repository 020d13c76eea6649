// Every case of gate-client/cases/break-glass.json ends as the file says.

import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { Denied, Gate, Payload, gate, reason } from "./script.mjs";

const dist = new URL(process.env.COSIGNET_GATE_DIST ?? "../dist/", import.meta.url);
const { BreakGlass, BreakGlassSettings, EmergencyFailed } = await import(new URL("index.js", dist));
const { setGlassClock } = await import(new URL("break_glass.js", dist));
const all = JSON.parse(readFileSync(new URL("../../../gate-client/cases/break-glass.json", import.meta.url), "utf8"));

function world(case_) {
  const one = { ...all.usual, ...case_ };
  const folder = mkdtempSync(join(tmpdir(), "glass-"));
  const journal = one.journal === "unwritable" ? join(folder, "none", "uses") : join(folder, "uses");
  if (one.journal !== undefined && one.journal !== "unwritable") writeFileSync(journal, one.journal);
  const settings = { ...all.settings[one.settings], journal };
  const text = () => (existsSync(journal) ? readFileSync(journal, "utf8") : "");
  return {
    one,
    folder,
    settings,
    text,
    events: () => text().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).event),
    open: () => {
      const glass = new BreakGlass({ file: all.files[one.file], policy: JSON.stringify(all.policies[one.policy]), settings: BreakGlassSettings.inCode(settings) });
      setGlassClock(glass, Date.parse(one.now));
      return glass;
    },
    end: () => rmSync(folder, { recursive: true }),
  };
}

describe("break-glass", { concurrency: 4 }, () => {
  for (const case_ of all.cases) {
    test(case_.name, async () => {
      const { one, text, events, open, end } = world(case_);
      const before = text();
      let ran = 0;
      let found = "ran";
      let verifier = null;
      let during = [];
      try {
        await open().run({ action: one.action, payload: Payload.parse(one.payload) }, (emergency) => {
          ran += 1;
          during = events();
          assert.equal(Buffer.from(emergency.payload).toString(), one.payload);
        });
      } catch (error) {
        assert.ok(error instanceof Denied, String(error.stack));
        ({ reason: found, verifier } = error);
        assert.ok(error.message !== "" && error.next !== "");
      }
      assert.equal(found, one.expect);
      assert.equal(ran, found === "ran" ? 1 : 0, "how often it acted");
      assert.equal(verifier, one.code ?? null);
      if (one.events === undefined) assert.equal(text(), before);
      else {
        assert.deepEqual(events(), one.events);
        assert.deepEqual(during, one.events.slice(0, -1), "it was written before");
      }
      end();
    });
  }
});

test("an act that throws is written down as failed", async () => {
  const { open, events, end } = world({});
  const failed = await open().run({ action: "payment.send", payload: {} }, () => { throw new Error("no"); }).catch((error) => error);
  assert.ok(failed instanceof EmergencyFailed && !(failed instanceof Denied));
  assert.equal(failed.unwritten, null);
  assert.deepEqual(events(), ["used", "failed"]);
  end();
});

test("settings are those of root alone", async () => {
  const { settings, folder, end } = world({});
  const path = join(folder, "settings.json");
  const load = () => reason(BreakGlassSettings.load(path));
  assert.equal(await load(), "denied.break_glass_off");
  writeFileSync(path, JSON.stringify(settings));
  chmodSync(path, 0o646);
  assert.equal(await load(), "denied.break_glass_off");
  chmodSync(path, 0o644);
  if (statSync(path).uid === 0) {
    assert.equal(await load(), "ran");
    chownSync(path, 1000, 1000);
  }
  assert.equal(await load(), "denied.break_glass_off");
  assert.throws(() => BreakGlassSettings.inCode({ ...settings, journal: "uses" }), { reason: "denied.break_glass_off" });
  assert.throws(() => new BreakGlass({ file: "{}", policy: "{}", settings }), { reason: "denied.break_glass_off" });
  end();
});

test("the gate is told once of each use", async () => {
  const { settings, events, end } = world(all.cases.find(({ name }) => name === "done before"));
  const own = BreakGlassSettings.inCode(settings);
  const useId = "00000000-0000-4000-8000-000000000001";
  const served = await gate({ other: [{ status: 200, text: '{"useId":"x"}' }, { status: 403, text: "{}" }, { status: 201, text: JSON.stringify({ useId }) }] });
  const client = new Gate({ url: served.url, key: "key", policy: JSON.stringify(all.policies.good), patience: 1000 });
  assert.equal(await reason(client.reportBreakGlass(own)), "denied.bad_answer");
  assert.equal(await reason(client.reportBreakGlass(own)), "denied.key_refused");
  assert.deepEqual(events(), ["used", "done"]);
  assert.equal(await client.reportBreakGlass(own), 1);
  assert.equal(await client.reportBreakGlass(own), 0);
  assert.deepEqual(events(), ["used", "done", "reported"]);
  const told = JSON.parse(served.bodies.other.at(-1));
  assert.deepEqual([told.useId, told.outcome, told.usedAt], [useId, "done", "2026-03-01T12:05:00.000Z"]);
  served.close();
  end();
});
