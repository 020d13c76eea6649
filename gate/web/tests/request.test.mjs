import "./shared.mjs";

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

const { examine } = await import("../request.js");
const { canonical, read } = await import("../reader.js");

const id = "0189b2f4-5a00-7c3e-8d11-2f6a90c4be07";
const place = { id, origin: "https://approvals.example:8443" };
const hex = (text) => createHash("sha256").update(text).digest("hex");
const b64 = (bytes) => Buffer.from(bytes).toString("base64url");
const rule = { name: "payments", text: 'action = "pay *"\n', sha256: hex('action = "pay *"\n') };
const signed = {
  action: "pay", audience: "approvals.example:8443", expiresAt: "2026-03-01T12:00:00.000Z", requestId: id, requester: "agent",
  rule: { name: rule.name, sha256: rule.sha256 }, type: "cosignet.context/v1",
};
const text = (context) => canonical(read(JSON.stringify(context)));
const honest = {
  id, action: "pay", expiresAt: signed.expiresAt, requester: { name: "agent" }, rule,
  context: text(signed), payload: b64('{"amount":"10.50"}'), random: b64(Buffer.alloc(32, 7)),
};

/// The names of the checks that fail; with none of them, there is something to sign.
async function fails(answer, where = place) {
  const { checks, challenges } = await examine(answer, where);
  const failed = checks.filter(({ fits }) => !fits);
  assert.equal(challenges === null, failed.length > 0);
  assert.ok(failed.every(({ expected, found }) => expected !== null && found !== null));
  return failed.map(({ name }) => name);
}

test("an honest answer can be signed, over the bytes that it holds", async () => {
  assert.deepEqual(await fails(honest), []);
  const { challenges, hashes } = await examine(honest, place);
  assert.equal(Buffer.from(challenges.approve).toString("hex"), "07".repeat(32) + hex(honest.context) + hex('{"amount":"10.50"}'));
  assert.equal(hashes.payload, hex('{"amount":"10.50"}'));
});

test("what the service says beside the signed context has to be the same", async () => {
  const cases = [
    [{ id: "0189b2f4-5a00-7c3e-8d11-2f6a90c4be08" }, "The service speaks of the same request"],
    [{ action: "pay nothing" }, "The action is the one that the service names"],
    [{ requester: { name: "another" } }, "The requester is the one that the service names"],
    [{ requester: undefined }, "The requester is the one that the service names"],
    [{ expiresAt: "2026-03-01T13:00:00.000Z" }, "The deadline is the one that the service names"],
    [{ rule: { ...rule, name: "none" } }, "The rule is the one that the service names"],
    [{ rule: { ...rule, sha256: hex("") } }, "The rule has the hash that the service names"],
    [{ rule: { ...rule, text: "" } }, "The text of the rule has the hash that is signed"],
  ];
  for (const [change, name] of cases) assert.deepEqual(await fails({ ...honest, ...change }), [name]);
});

test("another link and another service are not what was signed for", async () => {
  assert.deepEqual(await fails(honest, { ...place, id: "0189b2f4-5a00-7c3e-8d11-2f6a90c4be08" }), ["It is the request of this link"]);
  assert.deepEqual(await fails(honest, { ...place, origin: "https://approvals.example" }), ["It is meant for the system that the service names"]);
  for (const audience of ["approvals.example", "https://approvals.example:8443"]) {
    assert.deepEqual(await fails({ ...honest, context: text({ ...signed, audience }) }), []);
  }
  const elsewhere = { ...honest, context: text({ ...signed, audience: "payments.example" }) };
  assert.deepEqual(await fails({ ...elsewhere, audience: "payments.example" }), []);
  assert.deepEqual(await fails({ ...honest, audience: "payments.example" }), ["It is meant for the system that the service names"]);
  for (const audience of ["", "example", "x@approvals.example:8443", "approvals.example:8443/a", "http://approvals.example:8443"]) {
    assert.deepEqual(await fails({ ...honest, context: text({ ...signed, audience }) }), ["It is meant for the system that the service names"]);
  }
});

test("a context of another form is none", async () => {
  const { type, ...untyped } = signed;
  const contexts = ["", "{}", "null", "[]", JSON.stringify(signed, null, 1), text({ ...signed, more: 1 }), text(untyped), text({ ...signed, type: `${type}2` }),
    text({ ...signed, expiresAt: "soon" }), text({ ...signed, action: 1 }), text({ ...signed, rule: "payments" }), text({ ...signed, rule: { ...signed.rule, text: "" } }),
    text({ ...signed, requestId: id.toUpperCase() }), text({ ...signed, action: "x".repeat(4096) })];
  for (const context of contexts) assert.deepEqual(await fails({ ...honest, context }), ["The signed context has the known form"], context);
});

test("bytes that do not say exactly what is shown are not signed", async () => {
  const payloads = ["", " {}", '{"a":1.0}', '{"b":1,"a":2}', '{"a":1,"a":1}', "\ufeff{}", '{"a":9007199254740993}', "text"];
  for (const payload of payloads) assert.deepEqual(await fails({ ...honest, payload: b64(payload) }), ["The bytes say exactly what is shown"], payload);
  assert.deepEqual(await fails({ ...honest, payload: b64([0x22, 0xff, 0x22]) }), ["The bytes say exactly what is shown"]);
  for (const payload of [undefined, "a+b", "=="]) assert.deepEqual(await fails({ ...honest, payload }), ["The bytes say exactly what is shown"]);
});

test("random has 32 bytes", async () => {
  for (const random of [undefined, "", b64(Buffer.alloc(31)), b64(Buffer.alloc(33)), b64(Buffer.alloc(64))]) {
    assert.deepEqual(await fails({ ...honest, random }), ["The random part has 32 bytes"]);
  }
});
