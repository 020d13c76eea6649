// What callers of the package, and of its command, see.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import * as everything from "../dist/index.js";

const { NotVerified, QuestionError, canonicalJson, describePolicy, explain, inspect, quote, report, reportText, sha256, verify, version } = everything;

const { decisions, policies } = JSON.parse(readFileSync(new URL("../../../gate-client/cases/evidence.json", import.meta.url), "utf8"));
const good = JSON.stringify(decisions.good);
const policy = JSON.stringify(policies.good);
const payload = '{"amount":"25.00","to":"Acme GmbH"}';
const other = '{"amount":"9999.00"}';

const broken = (code) => (error) => error instanceof QuestionError && error.code === code && error.message !== "";

describe("verify", () => {
  test("returns what is VERIFIED", () => {
    for (const evidence of [good, new TextEncoder().encode(good)]) {
      const { report: found } = verify(evidence, { policy, payload });
      assert.equal(found.verdict, "VERIFIED");
      assert.deepEqual(found.decision.approvedBy, ["alice"]);
      assert.equal(found.signed.action, "wire_transfer");
      assert.deepEqual(found, JSON.parse(reportText(evidence, { policy, payload })));
    }
    verify(good, { policy, payloadSha256: sha256(payload), at: new Date("2026-03-01T12:00:10Z") });
  });

  test("throws for everything else, with the report", () => {
    for (const [evidence, question, verdict, code] of [
      [good, { policy, payload: other }, "REJECTED", "payload.mismatch"],
      [JSON.stringify(decisions["bad signature"]), { policy, payload }, "REJECTED", undefined],
      [good, { payload }, "INCOMPLETE", undefined],
      [good, { policy: JSON.stringify(policies.strangers), payload }, "INCOMPLETE", undefined],
      ["{}", { policy, payload }, "MALFORMED", undefined],
      ["", { policy, payload }, "MALFORMED", undefined],
      [good, { policy, payload, at: "2026-02-01T00:00:00.000Z" }, "REJECTED", "time.in_future"],
    ]) {
      assert.throws(() => verify(evidence, question), (error) => {
        assert.ok(error instanceof NotVerified, error.stack);
        assert.equal(error.report.verdict, verdict);
        assert.equal(error.code, error.report.code);
        if (code !== undefined) assert.equal(error.code, code);
        assert.ok(error.message.startsWith(`${verdict}, `));
        return true;
      });
    }
  });

  test("asks for something, and overlooks nothing", () => {
    assert.throws(() => verify(good, { policy }), broken("usage.expectation"));
    assert.throws(() => verify(good, { policy, approver: "alice" }), broken("usage.expectation"));
    for (const [bad, code] of [
      [{ paylod: payload }, "usage.question"], [{ policy: "" }, undefined], [{ policy: "name = 1" }, undefined], [{ policy: 1 }, "usage.type"],
      [{ policy: policies.good }, "usage.type"], [{ payloadSha256: "00" }, "usage.expectation"], [{ approvalId: "1" }, "usage.expectation"],
      [{ at: "today" }, "usage.expectation"], [{ at: new Date(NaN) }, "usage.expectation"], [{ headers: "x" }, undefined],
      [{ payload: "a".repeat(512 * 1024 + 1) }, undefined], [{ approver: "\ud800" }, "usage.text"], [{ constructor: 1 }, "usage.question"],
    ]) {
      for (const call of [verify, report, reportText]) {
        assert.throws(() => call(good, { policy, payload, ...bad }), code === undefined ? QuestionError : broken(code), JSON.stringify(bad).slice(0, 99));
      }
    }
    assert.throws(() => verify(decisions.good, { policy, payload }), broken("usage.type"));
    // What a question inherits would be looked at, and not asked.
    class Inherits { policy = policy; get payload() { return "{}"; } }
    for (const question of [new Inherits(), Object.assign(Object.create({ payload: "{}" }), { policy })]) {
      for (const call of [verify, report, reportText]) assert.throws(() => call(good, question), broken("usage.question"));
    }
    let reads = 0;
    const turning = { policy, get payload() { return reads++ ? "{}" : payload; } };
    assert.ok(verify(good, turning));
    assert.equal(reads, 1);
  });

  test("alone makes what it returns", () => {
    const verified = verify(good, { policy, payload });
    assert.equal(everything.Verified, undefined);
    assert.throws(() => new verified.constructor(Symbol("verified"), {}), TypeError);
    assert.throws(() => Object.create(verified.constructor.prototype).report, TypeError);
    assert.throws(() => { verified.report.verdict = "x"; }, TypeError);
    assert.throws(() => { verified.report.decision.approvedBy.push("bob"); }, TypeError);
  });

  test("answers as often as it is asked", () => {
    const question = { policy, payloadSha256: sha256(payload) };
    const first = reportText(good, question);
    for (let turn = 0; turn < 50; turn += 1) assert.equal(reportText(good, question), first);
  });
});

test("what is said about files and texts", () => {
  assert.equal(describePolicy(policy).approvers[0].name, "alice");
  assert.throws(() => describePolicy("{}"), QuestionError);
  assert.equal(explain("payload.mismatch").effect, "REJECTED");
  assert.equal(explain("no.such"), null);
  assert.equal(typeof inspect(good), "object");
  assert.equal(canonicalJson('{"b":1.50, "a":"\\u00e9"}'), '{"a":"é","b":1.50}');
  assert.throws(() => canonicalJson('{"a":1,"a":2}'), broken("usage.json"));
  assert.ok(!/[\u202e]/u.test(quote("a\u202eb")));
  assert.equal(version(), JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
});

describe("command", () => {
  const folder = mkdtempSync(join(tmpdir(), "cosignet-verifier-"));
  const file = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const files = {
    good: file("good.json", good),
    bad: file("bad.json", JSON.stringify(decisions["bad signature"])),
    short: file("short.json", JSON.stringify(decisions["few witnesses"])),
    none: file("none.json", "{}"),
    policy: file("policy.json", policy),
    toml: file("policy.toml", 'name = "x"\n\n[webauthn]\n'),
    payload: file("payload.json", payload),
  };
  const program = fileURLToPath(new URL("../dist/command.js", import.meta.url));
  const run = (args, input = "") => spawnSync(process.execPath, [program, ...args], { encoding: "utf8", input });

  test("says the verdict with its exit code", () => {
    const trust = ["--policy", files.policy, "--payload", files.payload];
    for (const [args, code, said] of [
      [["verify", files.good, ...trust], 0, /^VERIFIED /],
      [["verify", files.good, ...trust, "--require-expectation"], 0, /^VERIFIED /],
      [["verify", ...trust, "--", files.good], 0, /^VERIFIED /],
      [["verify", files.bad, ...trust], 1, /^REJECTED .*\[[a-z_.]+\]\n[^]*\n  failed /],
      [["verify", files.none, ...trust], 3, /^MALFORMED /],
      [["verify", files.short, ...trust], 4, /^INCOMPLETE /],
      [["verify", files.good], 4, /^INCOMPLETE /],
      [["verify", files.good, ...trust, "--at", "2026-02-01T00:00:00Z"], 1, /time\.in_future/],
      [["verify", files.good, "--quiet", ...trust], 0, /^$/],
      [["inspect", files.good], 0, /^\{/],
      [["explain", "payload.mismatch"], 0, /^payload\.mismatch\n {2}meaning /],
      [["--version"], 0, /^cosignet-verifier \d/],
      [["--help"], 0, /--policy/],
    ]) {
      const { status, stdout, stderr } = run(args);
      assert.equal(status, code, `${args}: ${stderr}`);
      assert.match(stdout, said);
    }
  });

  test("says what is wrong with the question, and verifies nothing", () => {
    const trust = ["--policy", files.policy, "--payload", files.payload];
    for (const [args, code, said] of [
      [[], 2, /no command/],
      [["vrify"], 2, /no command "vrify"/],
      [["verify"], 2, /takes one file/],
      [["verify", files.good, files.bad, ...trust], 2, /takes one file/],
      [["verify", files.good, ...trust, "--polcy", "x"], 2, /polcy/],
      [["verify", files.good, ...trust, "--policy", files.policy], 2, /--policy is given twice/],
      [["verify", files.good, "--policy"], 2, /policy/],
      [["verify", files.good, ...trust, "--format", "xml"], 2, /--format/],
      [["verify", files.good, "--policy", files.policy, "--require-expectation"], 2, /usage\.expectation/],
      [["verify", files.good, "--policy", files.toml], 2, /policy show/],
      [["verify", files.good, "--policy", files.none], 2, /\[policy\./],
      [["verify", "-", "--policy", "-"], 2, /only one/],
      [["verify", files.good, ...trust, "--at", "soon"], 2, /usage\.expectation/],
      [["verify", join(folder, "gone.json"), ...trust], 5, /io\.unreadable/],
      [["verify", files.good, "--policy", join(folder, "gone")], 5, /io\.unreadable/],
      [["verify", folder, ...trust], 5, /io\.unreadable/],
      [["explain", "no.such"], 2, /no code/],
    ]) {
      const { status, stdout, stderr } = run(args);
      assert.equal(status, code, `${args}: ${stderr}${stdout}`);
      assert.equal(stdout, "");
      assert.match(stderr, said);
    }
  });

  test("prints a report for programs", () => {
    const { status, stdout } = run(["verify", "-", "--policy", files.policy, "--payload", files.payload, "--format", "json"], good);
    assert.equal(status, 0);
    assert.equal(stdout, `${reportText(good, { policy, payload })}\n`);
    const failed = run(["verify", files.good, "--policy", files.none, "--format=json"]);
    assert.equal(failed.status, 2);
    assert.deepEqual(Object.keys(JSON.parse(failed.stderr)), ["code", "exitCode", "message", "next"]);
  });
});
