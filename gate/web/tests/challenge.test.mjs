import "./shared.mjs";

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

const { challenges } = await import("../challenge.js");
const { toHex, utf8 } = await import("../../../verifier-wasm/web/bytes.js");

const hash = (...parts) => createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const random = Uint8Array.from({ length: 32 }, (_, index) => index);
const context = utf8('{"action":"pay"}');
const payload = utf8('{"amount":"10.50"}');

test("an approval signs random, context and payload, in 96 bytes", async () => {
  const { approve } = await challenges(random, context, payload);
  assert.equal(toHex(approve), Buffer.concat([random, hash(context), hash(payload)]).toString("hex"));
  assert.equal(approve.length, 96);
});

test("a refusal signs other bytes, which are 32", async () => {
  const { refuse } = await challenges(random, context, payload);
  assert.equal(toHex(refuse), hash("cosignet.refusal/v1", [0], random, hash(context), hash(payload)).toString("hex"));
  assert.equal(refuse.length, 32);
});

test("each byte of each part changes both", async () => {
  const first = await challenges(random, context, payload);
  const changed = (bytes) => Uint8Array.from(bytes, (byte, index) => (index === 7 ? byte ^ 1 : byte));
  for (const parts of [[changed(random), context, payload], [random, changed(context), payload], [random, context, changed(payload)]]) {
    const other = await challenges(...parts);
    assert.notEqual(toHex(other.approve), toHex(first.approve));
    assert.notEqual(toHex(other.refuse), toHex(first.refuse));
  }
});

test("random of another length is refused", async () => {
  for (const length of [0, 31, 33, 64]) await assert.rejects(challenges(new Uint8Array(length), context, payload), RangeError);
});
