// What no answer of a gate and no caller gets past.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { Denied, Gate, Payload, all, ask, client, evidence, gate, reason } from "./script.mjs";
import * as everything from "./script.mjs";

const policy = JSON.stringify(evidence.policies.good);
const denied = (reason) => (error) => error instanceof Denied && error.reason === reason && error.next !== "";

describe("payload", () => {
  test("has one form, whatever it was written like", () => {
    const canonical = '{"a":[1,19.99,-0.5,true,null],"b":"é\\n","z":{"x":"","y":1e+21}}';
    const text = ' { "z" : {"y":1e+21,"x":""}, "b":"\\u00e9\\u000a",\n"a":[ 1,19.99, -0.5,true,null] }\n';
    for (const payload of [Payload.parse(text), Payload.parse(new TextEncoder().encode(text)), Payload.parse(canonical)]) {
      assert.equal(payload.text, canonical);
      assert.equal(Buffer.from(payload.bytes).toString(), canonical);
    }
    assert.equal(Payload.of({ b: "é\n", a: [1, 19.99, -0.5, true, null], "": [] }).text, '{"":[],"a":[1,19.99,-0.5,true,null],"b":"é\\n"}');
    // Keys are ordered by their UTF-16 code units.
    assert.equal(Payload.of({ "\u{1F600}": 1, "\uFB33": 2, "\u20AC": 3, "\r": 4, 1: 5 }).text, '{"\\r":4,"1":5,"€":3,"\u{1F600}":1,"\uFB33":2}');
    assert.equal(Payload.of(JSON.parse('{"__proto__":1}')).text, '{"__proto__":1}');
  });

  test("of a text is never rewritten", () => {
    for (const text of ["1.0", "1e2", "1E+21", "10.50", "-0", "9007199254740993", "1e400", '{"a":1,"a":2}', "[1,]", "", "\ufeff1", '"\\ud800"', "[".repeat(65) + "]".repeat(65)]) {
      assert.throws(() => Payload.parse(text), denied("denied.invalid"), text);
    }
    for (const text of ["19.99", "10.5", "1e+21", "1e-7", "9007199254740992", "5e-324"]) assert.equal(Payload.parse(text).text, text);
    assert.throws(() => Payload.parse("\ud800"), denied("denied.invalid"));
    assert.throws(() => Payload.parse(JSON.stringify(Array(257).fill(1))), denied("denied.invalid"));
    assert.throws(() => Payload.parse(`"${"a".repeat(512 * 1024)}"`), denied("denied.invalid"));
    assert.equal(Payload.parse(JSON.stringify(Array(256).fill(1))).text.length, 513);
  });

  test("of a value says all of it or nothing", () => {
    class Money {}
    const round = {};
    round.self = round;
    for (const value of [
      undefined, NaN, Infinity, -0, 2 ** 53, 1e21, 1n, () => 1, Symbol("a"), new Date(0), new Map(), new Money(), "\ud800", new Uint8Array(1),
      new String("a"), { a: undefined }, { [Symbol("a")]: 1 }, { "\udc00": 1 }, [1, , 2], [undefined], round, Object.create({ inherited: 1 }),
    ]) {
      for (const inside of [value, { a: [value] }]) assert.throws(() => Payload.of(inside), denied("denied.invalid"), String(typeof value));
    }
  });

  test("is made by reading it alone", () => {
    const payload = Payload.of({ a: 1 });
    assert.throws(() => new Payload(Symbol("payload"), "{}"), TypeError);
    assert.throws(() => Object.create(Payload.prototype).text, TypeError);
    payload.bytes.fill(0);
    assert.equal(payload.text, '{"a":1}');
  });
});

describe("gate", () => {
  let served;
  before(async () => { served = await gate(); });
  after(() => served.close());

  test("is none without an address, keys and a policy of its own", () => {
    const good = { url: "https://gate.example", key: "key", policy };
    assert.ok(new Gate(good));
    assert.ok(new Gate({ ...good, key: { create: "a", claim: "b" }, policy: new TextEncoder().encode(policy) }));
    for (const bad of [
      { url: "gate.example" }, { url: "ftp://gate.example" }, { url: "https://gate.example/?a" }, { url: "https://gate.example/#a" },
      { url: "https://user:word@gate.example" }, { url: undefined }, { key: "" }, { key: "a b" }, { key: "a\nb" }, { key: undefined },
      { key: { create: "a" } }, { policy: "" }, { policy: "{}" }, { policy: undefined }, { policy: evidence.policies.good }, { jornal: {} }, { roster: {} },
      { patience: NaN }, { patience: -1 },
    ]) {
      assert.throws(() => new Gate({ ...good, ...bad }), denied("denied.invalid"), JSON.stringify(bad));
    }
  });

  test("asks with what it was given, and overlooks nothing", async () => {
    const made = client(served.url);
    const act = () => assert.fail("it acted");
    for (const more of [
      { operaton: "x" }, { username: "a", group: "b" }, { expiresIn: 0 }, { expiresIn: 1.5 }, { expiresIn: "60" }, { operation: "" },
      { operation: "a b" }, { operation: "x".repeat(256) }, { action: "" }, { action: 1 }, { action: undefined }, { payload: undefined },
    ]) {
      assert.equal(await reason(made.run(ask(more), act)), "denied.invalid", JSON.stringify(more));
    }
    assert.equal(await reason(made.run(undefined, act)), "denied.invalid");
    assert.equal(await reason(made.run(ask(), "act")), "denied.invalid");
    assert.equal(served.calls.create.length, 0);
    await made.run(ask({ username: "alice", expiresIn: 60 }), () => {});
    assert.equal(served.bodies.create.at(-1), '{"action":"wire_transfer","payload":{"amount":"25.00","to":"Acme GmbH"},"username":"alice","expiresIn":60}');
    assert.match(served.bodies.claim.at(-1), /^\{"payloadHash":"58809b98[0-9a-f]{56}"\}$/);
    assert.equal(served.bodies.result.at(-1), '{"outcome":"done"}');
  });

  test("hands out what was approved, and no way to make it up", async () => {
    const made = client(served.url);
    const payload = { amount: "25.00", to: "Acme GmbH" };
    const running = made.run(ask({ payload }), (approved) => {
      // What the caller changed meanwhile is not what people saw.
      assert.deepEqual(approved.value, { amount: "25.00", to: "Acme GmbH" });
      assert.equal(approved.action, "wire_transfer");
      approved.payload.fill(0);
      assert.equal(Buffer.from(approved.payload).toString(), '{"amount":"25.00","to":"Acme GmbH"}');
      assert.throws(() => { approved.report.verdict = "REJECTED"; }, TypeError);
      assert.equal(approved.report.verdict, "VERIFIED");
      return approved;
    });
    payload.amount = "9999.00";
    const { result: approved, unreported } = await running;
    assert.equal(unreported, null);
    const Approved = approved.constructor;
    for (const make of [() => new Approved(), () => new Approved(Symbol("approved"), {}, "", {})]) assert.throws(make, TypeError);
    assert.throws(() => Object.create(Approved.prototype).payload, TypeError);
    assert.throws(() => structuredClone(approved).payload.length, TypeError);
    assert.equal(everything.Approved, undefined);
  });

  test("acts on a request once", async () => {
    const made = client(served.url);
    const asking = await made.request(ask());
    assert.equal(asking.id, all.bodies.seen.id);
    assert.equal(asking.url, all.bodies.seen.url);
    assert.equal(asking.expiresAt.toISOString(), all.bodies.seen.expiresAt);
    await made.wait(asking);
    let ran = 0;
    const act = () => { ran += 1; };
    const ends = await Promise.all([1, 2, 3].map(() => reason(made.act(asking, act))));
    assert.deepEqual([...ends].sort(), ["denied.outcome_unknown", "denied.outcome_unknown", "ran"]);
    assert.equal(ran, 1);
    assert.equal(await reason(made.act({}, act)), "denied.invalid");
    assert.equal(await reason(made.wait(Object.create(Object.getPrototypeOf(asking)))), "denied.invalid");
  });

  test("finds the request of another process, and that one alone", async () => {
    const { id } = all.bodies.seen;
    const made = client(served.url);
    await made.act(await made.find(id, ask()), () => {});
    assert.equal(await reason(made.find("../x", ask())), "denied.invalid");
    assert.equal(await reason(made.find("00000000-0000-4000-8000-000000000000", ask())), "denied.other_request");
    assert.equal(await reason(made.find(id, ask({ payload: { amount: "1" } }))), "denied.other_payload");
  });

  test("reads no answer without an end", async () => {
    const endless = await gate({ create: [{ status: 201, text: "x".repeat(2 * 1024 * 1024 + 1) }] });
    const made = client(endless.url);
    await assert.rejects(made.request(ask()), (error) => denied("denied.bad_answer")(error) && /longer than/.test(error.message));
    assert.equal(endless.calls.create.length, 1);
    endless.close();
  });

  test("reads an answer as every other reader does", async () => {
    const seen = JSON.stringify({ ...all.bodies.seen, status: "approved" });
    for (const text of [
      seen.replace("{", '{"status":"rejected",'),
      seen.replace("}", ',"note":"\\ud800"}'),
      `\ufeff${seen}`,
      `${seen} ${seen}`,
    ]) {
      const odd = await gate({ look: [{ status: 200, text }] });
      try {
        assert.equal(await reason(client(odd.url).run(ask(), () => assert.fail("it acted"))), "denied.bad_answer", text);
      } finally {
        odd.close();
      }
    }
  });

  test("follows no redirect", async () => {
    const elsewhere = await gate({ create: [{ status: 307, text: "", headers: { location: `${served.url}/api/confirmations` } }] });
    const before = served.calls.create.length;
    assert.equal(await reason(client(elsewhere.url).request(ask())), "denied.bad_answer");
    assert.equal(served.calls.create.length, before);
    elsewhere.close();
  });

  test("shows what comes from outside in quotes, and keeps its keys to itself", async () => {
    const rude = await gate({ look: [{ status: 200, body: "seen", set: { status: "rejected", reason: "no\u202e\u001b[2J", refusedBy: ["bob\n"] } }] });
    const made = client(rude.url, { key: "secret-key" });
    await assert.rejects(made.run(ask(), () => {}), (error) => {
      assert.ok(denied("denied.refused")(error));
      assert.ok(!/[\u202e\u001b\n]/u.test(error.message), error.message);
      return true;
    });
    rude.close();
    const { inspect } = await import("node:util");
    assert.ok(!inspect(made, { depth: 9, showHidden: true }).includes("secret-key"));
    assert.equal(JSON.stringify(made), "{}");
  });

  test("uses each key for its own right", async () => {
    const seen = [];
    const spy = (url, init) => { seen.push([new URL(url).pathname.split("/").at(-1), init.headers["x-api-key"]]); return fetch(url, init); };
    await client(served.url, { key: { create: "creates", claim: "claims" }, fetch: spy }).run(ask(), () => {});
    assert.deepEqual(seen, [["confirmations", "creates"], [all.bodies.seen.id, "creates"], ["claim", "claims"], ["result", "claims"]]);
  });
});

test("reasons are those of the client in Rust", () => {
  const rust = readFileSync(new URL("../../../gate-client/src/denied.rs", import.meta.url), "utf8");
  const rows = [...rust.matchAll(/^ {4}[A-Z]\w+ "(denied\.\w+)" "[^"]*"\s+"([^"]*)";$/gm)].map(([, code, next]) => [code, next]);
  assert.ok(rows.length >= 16);
  for (const [code, next] of rows) assert.equal(new Denied(code, "").next, next, code);
});

test("the version is that of the package", async () => {
  const { version, dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const dist = new URL(process.env.COSIGNET_GATE_DIST ?? "../dist/", import.meta.url);
  assert.equal((await import(new URL("version.js", dist))).VERSION, version);
  const cargo = readFileSync(new URL("../../../Cargo.toml", import.meta.url), "utf8");
  assert.equal(/^version = "([^"]+)"$/m.exec(cargo)[1], version);
  assert.equal(dependencies["@cosignet/verifier"], version);
});
