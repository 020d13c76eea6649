// Every case of gate-client/cases/break-glass.json ends as the file says.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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

const never = () => assert.fail("it acted");
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));
const doneBefore = all.cases.find(({ name }) => name === "done before");
const [used, done] = doneBefore.journal.split(/(?<=\n)/);

test("what is over when the journal is free is not done", async () => {
  // The verifier has judged a moment within the hour, and then somebody holds the journal.
  for (const then of ["2026-03-01T12:30:00.000Z", "2026-03-01T11:59:00.000Z"]) {
    const { events, open, settings, end } = world({});
    writeFileSync(`${settings.journal}.lock`, "1\n");
    const glass = open();
    const running = glass.run({ action: "payment.send", payload: {} }, never).catch((error) => error);
    await sleep(200);
    setGlassClock(glass, Date.parse(then));
    rmSync(`${settings.journal}.lock`);
    const denied = await running;
    assert.ok(denied instanceof Denied, String(denied));
    assert.deepEqual([denied.reason, denied.verifier], ["denied.break_glass", "break_glass.window"]);
    assert.equal(denied.expected, "2026-03-01T12:00:00.000Z to 2026-03-01T12:30:00.000Z");
    assert.deepEqual(events(), []);
    end();
  }
});

test("an action that no gate takes is not done", async () => {
  const { events, open, end } = world({ file: "pattern" });
  for (const more of ["a".repeat(106), "é".repeat(53)]) {
    await assert.rejects(open().run({ action: `payment.refund.${more}`, payload: {} }, never), { reason: "denied.break_glass", verifier: "break_glass.other_action" });
  }
  assert.deepEqual(events(), []);
  await open().run({ action: `payment.refund.${"a".repeat(105)}`, payload: {} }, () => {});
  assert.deepEqual(events(), ["used", "done"]);
  end();
});

test("what may have been done needs a new file", async () => {
  const { one, open, end } = world(all.cases.find(({ expect }) => expect === "denied.outcome_unknown"));
  const running = open().run({ action: one.action, payload: Payload.parse(one.payload) }, never);
  await assert.rejects(running, (error) => error.reason === "denied.outcome_unknown" && error.next.includes("a new file"));
  end();
});

test("a use is used once, and nothing ends that was not used", async () => {
  const stranger = done.replace("-000000000001", "-000000000002");
  const reported = done.replace('"done"', '"reported"');
  for (const [line, journal] of [[2, used + used], [3, used + done + used], [1, done], [1, reported + used], [2, used + stranger + done]]) {
    const { settings, text, open, end } = world({ journal });
    for (const look of [() => BreakGlassSettings.inCode(settings).uses.all(), () => open().run({ action: "payment.send", payload: {} }, never)]) {
      await assert.rejects(look(), (error) => error.reason === "denied.journal" && error.message.includes(`line ${line} of`));
    }
    assert.equal(text(), journal);
    end();
  }
});

test("those who read the journal wait for one who writes it", async () => {
  const { settings, end } = world({ journal: used.slice(0, -9) });
  writeFileSync(`${settings.journal}.lock`, "1\n");
  const reading = BreakGlassSettings.inCode(settings).uses.all();
  await sleep(200);
  writeFileSync(settings.journal, used);
  rmSync(`${settings.journal}.lock`);
  assert.equal((await reading).length, 1);
  assert.ok(!existsSync(`${settings.journal}.lock`));
  end();
});

describe("reports", () => {
  const first = "00000000-0000-4000-8000-000000000001";
  const second = first.replace(/1$/, "2");
  const knows = (status, useId = first, valid = true) => ({ status, text: JSON.stringify({ useId, valid }) });

  /** A journal, and a gate that answers so. */
  async function telling(journal, answers) {
    const { settings, events, end } = world({ journal });
    const own = BreakGlassSettings.inCode(settings);
    const served = await gate({ other: answers });
    const asks = { during: () => {} };
    const spy = async (...args) => {
      const answer = await fetch(...args);
      asks.during();
      return answer;
    };
    const client = new Gate({ url: served.url, key: "key", policy: JSON.stringify(all.policies.good), patience: 100, fetch: spy });
    return {
      asks, events, own,
      add: (text) => appendFileSync(settings.journal, text),
      report: async () => (await client.reportBreakGlass(own)).told,
      reported: () => client.reportBreakGlass(own),
      told: () => served.bodies.other.map(JSON.parse),
      end: () => { served.close(); end(); },
    };
  }

  test("the gate is told once of each use", async () => {
    const { report, events, told, end } = await telling(used + done, [knows(200, "x"), { status: 403, text: "{}" }, knows(201)]);
    assert.equal(await reason(report()), "denied.bad_answer");
    assert.equal(await reason(report()), "denied.key_refused");
    assert.deepEqual(events(), ["used", "done"]);
    assert.equal(await report(), 1);
    assert.equal(await report(), 0);
    assert.deepEqual(events(), ["used", "done", "reported"]);
    const { useId, outcome, usedAt } = told().at(-1);
    assert.deepEqual([useId, outcome, usedAt], [first, "done", "2026-03-01T12:05:00.000Z"]);
    end();
  });

  test("what came of a use is told later", async () => {
    const { report, events, told, own, add, end } = await telling(used, [knows(201), knows(200)]);
    assert.equal(await report(), 1);
    assert.equal(await report(), 0, "there is nothing new");
    add(done);
    assert.equal((await own.uses.all())[0].reported, false);
    assert.equal(await report(), 1);
    assert.equal(await report(), 0);
    assert.deepEqual(told().map(({ outcome }) => outcome), [null, "done"]);
    assert.deepEqual(events(), ["used", "reported", "done", "reported"]);
    end();
  });

  test("what ends while the gate is told is told as well", async () => {
    const { report, events, told, asks, add, end } = await telling(used, [knows(201), knows(200)]);
    asks.during = () => add(done);
    await report();
    asks.during = () => {};
    assert.equal(await report(), 1);
    assert.equal(await report(), 0);
    assert.deepEqual(told().map(({ outcome }) => outcome), [null, "done"]);
    assert.deepEqual(events(), ["used", "done", "reported"]);
    end();
  });

  test("what the gate does not hold for valid is told", async () => {
    for (const [valid, invalid] of [[true, 0], [false, 1], [1, 1], [null, 1]]) {
      const { reported, events, end } = await telling(used, [knows(201, first, valid)]);
      assert.deepEqual(await reported(), { told: 1, invalid });
      assert.deepEqual(events(), ["used", "reported"]);
      end();
    }
  });

  test("a gate that does not answer is asked once", async () => {
    const { report, told, end } = await telling(used + used.replaceAll(first, second), [{ status: 503, text: "" }, { status: 403, text: "{}" }, knows(201, second), knows(201)]);
    assert.equal(await reason(report()), "denied.unreachable");
    assert.equal(told().length, 1);
    // One that answers is asked about all.
    assert.equal(await reason(report()), "denied.key_refused");
    assert.equal(await report(), 1);
    assert.deepEqual(told().map(({ useId }) => useId), [first, first, second, first]);
    end();
  });
});
