// Every case of gate-client/cases/break-glass.json ends as the file says.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { Denied, Gate, Payload, gate, reason } from "./script.mjs";

const dist = new URL(process.env.COSIGNET_GATE_DIST ?? "../dist/", import.meta.url);
const { BreakGlass, BreakGlassSettings, EmergencyFailed } = await import(new URL("index.js", dist));
const { setGlassClock } = await import(new URL("break_glass.js", dist));
const { ownFile } = await import(new URL("own.js", dist));
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

/** A file that is root's on every Unix, in folders that are. */
const ROOTS = "/etc/passwd";

/** Whether settings come of it; of what is root's and has another form nothing comes, for another reason. */
const load = (path) => reason(BreakGlassSettings.load(path));

test("what others than root can have put there is no settings", async () => {
  const { settings, folder, end } = world({});
  const path = join(folder, "settings.json");
  assert.equal(await load(path), "denied.break_glass_off");
  writeFileSync(path, JSON.stringify(settings), { mode: 0o644 });
  assert.equal(await load(path), "denied.break_glass_off", "anybody may write into the folder of temporary files");
  assert.equal(await load(ROOTS), "denied.break_glass");
  const link = join(folder, "link");
  symlinkSync(ROOTS, link);
  assert.equal(await load(link), "denied.break_glass", "a link is where it leads to");
  // Of root, of mode 0444, and what its process likes.
  if (process.platform === "linux") assert.equal(await load("/proc/1/cmdline"), "denied.break_glass_off");
  assert.throws(() => BreakGlassSettings.inCode({ ...settings, journal: "uses" }), { reason: "denied.break_glass_off" });
  assert.throws(() => new BreakGlass({ file: "{}", policy: "{}", settings }), { reason: "denied.break_glass_off" });
  // What a later verifier knows of settings is its own matter.
  assert.equal(JSON.parse(BreakGlassSettings.inCode({ ...settings, minRosterVersion: 3 }).text).minRosterVersion, 3);
  await assert.rejects(ownFile(ROOTS, 3), /more than 3 bytes/);
  assert.equal(Buffer.from(await ownFile(ROOTS, 1 << 20)).toString(), readFileSync(ROOTS, "utf8"));
  end();
});

test("one thing after the other makes it somebody else's", { skip: process.getuid?.() !== 0 && "root alone can make files of root's" }, async () => {
  const { settings, folder: anybodys, end } = world({});
  const top = mkdtempSync(join(userInfo().homedir, ".glass-"));
  const folder = join(top, "below");
  mkdirSync(folder);
  const path = join(folder, "settings.json");
  const is = async (expected, message) => assert.equal(await load(path), expected ? "ran" : "denied.break_glass_off", message);
  writeFileSync(path, JSON.stringify(settings), { mode: 0o644 });
  await is(true);
  for (const [one, modes] of [[path, [0o664, 0o646, 0o644]], [folder, [0o775, 0o757, 0o1777, 0o755]], [top, [0o775, 0o757, 0o700]]]) {
    for (const mode of modes) {
      chmodSync(one, mode);
      await is(mode === modes.at(-1), `${one} ${mode.toString(8)}`);
    }
    chownSync(one, 1000, 0);
    await is(false, one);
    chownSync(one, 0, 0);
    await is(true, one);
  }
  writeFileSync(path, "");
  await is(false, "it is empty");
  rmSync(path);
  // Nobody writes into it, and nobody waits for that.
  spawnSync("mkfifo", ["-m", "644", path]);
  await is(false, "a pipe");
  rmSync(path);
  mkdirSync(path);
  await is(false, "a folder");
  rmSync(path, { recursive: true });
  // A file whose size is not that of what is in it.
  const odd = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (existsSync(odd)) assert.equal(await load(odd), "denied.break_glass_off");
  symlinkSync(join(anybodys, "settings.json"), path);
  writeFileSync(join(anybodys, "settings.json"), JSON.stringify(settings), { mode: 0o644 });
  await is(false, "a link into a folder of anybody's");
  rmSync(top, { recursive: true });
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
