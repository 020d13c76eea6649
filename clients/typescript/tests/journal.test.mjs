// An act happens once at most, over restarts as well.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { ActFailed, Denied, FileJournal, ask, client, gate, reason } from "./script.mjs";

const folder = () => mkdtempSync(join(tmpdir(), "cosignet-journal-"));

describe("journal", () => {
  let served;
  // The gate gives the same answers to everybody, as a hostile one would.
  before(async () => { served = await gate(); });
  after(() => served.close());

  /** A caller that counts its acts. */
  function caller(journal, options = {}) {
    const made = client(served.url, { journal, ...options });
    const counted = {
      ran: 0,
      run: (operation) => reason(made.run(ask({ operation }), () => { counted.ran += 1; })),
    };
    return counted;
  }

  test("an operation and a request are acted on once", async () => {
    const path = join(folder(), "journal");
    const journal = new FileJournal(path);
    const one = caller(journal);
    assert.equal(await one.run("one"), "ran");
    assert.deepEqual((await journal.records()).map(({ event }) => event), ["claimed", "done"]);
    const created = served.calls.create.length;
    assert.equal(await one.run("one"), "denied.outcome_unknown");
    assert.equal(served.calls.create.length, created, "it is known before anybody is asked");
    // The approval of an earlier request is no approval of another operation.
    assert.equal(await one.run("two"), "denied.outcome_unknown");
    assert.equal(await one.run(undefined), "denied.outcome_unknown");
    assert.equal(one.ran, 1);
    if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o077, 0, "nobody else reads it");
  });

  test("the line is on the disk before the act, and another one behind it", async () => {
    const path = join(folder(), "journal");
    const journal = new FileJournal(path);
    const cause = new Error("no money");
    let lines;
    const acting = client(served.url, { journal }).run(ask({ operation: "one" }), (approved) => {
      lines = readFileSync(path, "utf8");
      const [record] = lines.trim().split("\n").map(JSON.parse);
      assert.equal(record.event, "claimed");
      assert.equal(record.operation, "one");
      assert.equal(record.requestId, approved.requestId);
      throw cause;
    });
    await assert.rejects(acting, (error) => error instanceof ActFailed && error.cause === cause && error.unreported === null);
    const text = readFileSync(path, "utf8");
    assert.ok(text.startsWith(lines));
    assert.equal(JSON.parse(text.trim().split("\n")[1]).event, "failed");
    assert.match(text, /^\{"at":"[^"]+","event":"claimed","operation":"one","payloadHash":"[0-9a-f]{64}","requestId":"[^"]+"\}\n/);
    assert.equal(served.bodies.result.at(-1), '{"outcome":"failed"}');
  });

  test("without a journal that can be kept nothing is done", async () => {
    const path = join(folder(), "journal");
    const line = (more) => `${JSON.stringify({ at: "2026-03-01T12:00:00.000Z", event: "done", operation: "a", payloadHash: "0".repeat(64), requestId: "b", ...more })}\n`;
    for (const damage of [
      "x\n", '{"event":"claimed"', line().trim(), "{}\n", "\n", line({ at: "2026-03-01" }), line({ payloadHash: "" }), line({ operation: 1 }),
      line().replace("{", '{"operation":"c",'),
    ]) {
      writeFileSync(path, damage);
      const one = caller(new FileJournal(path));
      assert.equal(await one.run("one"), "denied.journal", damage);
      assert.equal(await one.run(undefined), "denied.journal", damage);
      assert.equal(one.ran, 0);
      assert.equal(readFileSync(path, "utf8"), damage);
    }
    const nowhere = caller(new FileJournal(join(folder(), "none", "journal")));
    assert.equal(await nowhere.run(undefined), "denied.journal");
    assert.equal(nowhere.ran, 0);
    // An operation that could be tried again, and nobody remembers it.
    const without = caller(undefined);
    assert.equal(await without.run("one"), "denied.journal");
    assert.equal(without.ran, 0);
  });

  test("neither an operation nor a request is kept twice", async () => {
    const journal = new FileJournal(join(folder(), "journal"));
    const record = (operation, requestId) => ({ at: "2026-03-01T12:00:00.000Z", event: "claimed", operation, payloadHash: "0".repeat(64), requestId });
    assert.equal(await journal.find("one"), "new");
    assert.equal(await journal.begin(record("one", "a")), "kept");
    assert.deepEqual(await journal.begin(record("one", "b")), record("one", "a"));
    assert.deepEqual(await journal.begin(record("two", "a")), record("one", "a"));
    assert.equal(await journal.begin(record("two", "b")), "kept");
    assert.deepEqual(await journal.find("one"), record("one", "a"));
    assert.equal((await journal.records()).length, 2);
  });

  test("a journal in other hands is believed in its own words alone", async () => {
    const record = { at: "2026-03-01T12:00:00.000Z", event: "claimed", operation: "one", payloadHash: "", requestId: "id" };
    const other = (methods) => caller({ find: async () => "new", begin: async () => "kept", end: async () => {}, ...methods });
    const fails = async () => { throw new Error("the database is away"); };
    for (const [methods, expected] of [
      [{ find: fails }, "denied.journal"],
      [{ find: async () => undefined }, "denied.journal"],
      [{ find: async () => record }, "denied.outcome_unknown"],
      [{ begin: fails }, "denied.journal"],
      [{ begin: async () => undefined }, "denied.journal"],
      [{ begin: async () => true }, "denied.journal"],
      [{ begin: async () => record }, "denied.outcome_unknown"],
    ]) {
      const one = other(methods);
      assert.equal(await one.run("one"), expected);
      assert.equal(one.ran, 0);
    }
    // The act has happened, and is said to have.
    const made = client(served.url, { journal: { find: async () => "new", begin: async () => "kept", end: fails } });
    const { result, unreported } = await made.run(ask(), () => 7);
    assert.equal(result, 7);
    assert.equal(unreported.reason, "denied.journal");
  });

  test("of many at once one acts", async () => {
    const path = join(folder(), "journal");
    const callers = Array.from({ length: 6 }, () => caller(new FileJournal(path)));
    const ends = await Promise.all(callers.map((one) => one.run("one")));
    assert.equal(callers.reduce((sum, { ran }) => sum + ran, 0), 1, ends.join(" "));
    assert.deepEqual(ends.filter((end) => end !== "denied.outcome_unknown"), ["ran"]);
    assert.deepEqual(readdirSync(join(path, "..")), ["journal"], "no lock is left");
  });

  test("of many processes at once one acts", async () => {
    const path = join(folder(), "journal");
    const program = fileURLToPath(new URL("one_act.mjs", import.meta.url));
    const ends = await Promise.all(Array.from({ length: 4 }, () => ended(program, served.url, path)));
    assert.deepEqual(ends.map(({ out }) => out).filter((out) => out !== "denied.outcome_unknown"), ["acted"], JSON.stringify(ends));
  });

  test("a process that is killed in the act is not repeated", async () => {
    const path = join(folder(), "journal");
    const program = fileURLToPath(new URL("one_act.mjs", import.meta.url));
    const { signal } = await ended(program, served.url, path, "die");
    assert.equal(signal, "SIGKILL");
    const again = caller(new FileJournal(path));
    assert.equal(await again.run("one"), "denied.outcome_unknown");
    assert.equal(again.ran, 0);
  });

  test("a lock that nobody holds any more is for people to look at", async () => {
    const path = join(folder(), "journal");
    writeFileSync(`${path}.lock`, "1\n");
    const journal = new FileJournal(path, { patience: 300 });
    const acting = client(served.url, { journal }).run(ask(), () => assert.fail("it acted"));
    await assert.rejects(acting, (error) => error instanceof Denied && error.reason === "denied.journal" && error.next.includes(".lock"));
    assert.equal(readFileSync(`${path}.lock`, "utf8"), "1\n");
  });
});

async function ended(...args) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (part) => { out += part; });
  return new Promise((resolve) => child.on("close", (code, signal) => resolve({ out: out.trim(), code, signal })));
}
