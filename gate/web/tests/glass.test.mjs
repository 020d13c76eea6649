import "./shared.mjs";

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const { challenge, isPattern, readFile, withSignature } = await import("../glass.js");
const { toHex } = await import("../../../verifier-wasm/web/bytes.js");

const cases = JSON.parse(readFileSync(new URL("../../../gate-client/cases/break-glass.json", import.meta.url)));
const text = cases.files["two people"];
const grantOf = (file) => JSON.parse(JSON.parse(file).grant);

/// The file with its grant changed, in canonical form.
function changed(members) {
  const grant = { ...grantOf(text), ...members };
  const sorted = Object.fromEntries(Object.entries(grant).filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ ...JSON.parse(text), grant: JSON.stringify(sorted) });
}

test("the challenge has 44 bytes, and begins like no other", async () => {
  const { grant } = JSON.parse(text);
  const found = await challenge(grant);
  const hash = createHash("sha256").update(`cosignet.break-glass/v1\0${grant}`).digest();
  assert.equal(toHex(found), Buffer.concat([Buffer.from("break-glass\0"), hash]).toString("hex"));
  assert.equal(found.length, 44);
});

test("it is what people have signed in the files of the clients", async () => {
  for (const { clientDataJSON } of readFile(text).signatures) {
    const signed = JSON.parse(Buffer.from(clientDataJSON, "base64url")).challenge;
    assert.equal(Buffer.from(signed, "base64url").toString("hex"), toHex(await challenge(JSON.parse(text).grant)));
  }
});

test("a file is read and shown as it stands", () => {
  const { grant, grantText, signatures } = readFile(text);
  assert.equal(grantText, JSON.parse(text).grant);
  assert.equal(grant.action, "payment.send");
  assert.equal(grant.uses, 1);
  assert.equal(signatures.length, 2);
});

test("one more signature leaves the others and the grant as they are", () => {
  const empty = readFile(cases.files.nobody);
  const response = { authenticatorData: "AA", clientDataJSON: "AQ", signature: "Ag" };
  const once = readFile(withSignature(empty, { rawId: "Aw", response }));
  assert.equal(once.grantText, empty.grantText);
  assert.deepEqual(once.signatures, [{ authenticatorData: "AA", clientDataJSON: "AQ", credentialId: "Aw", signature: "Ag" }]);
  const twice = readFile(withSignature(once, { rawId: "BA", response }));
  assert.deepEqual(twice.signatures[0], once.signatures[0]);
  assert.throws(() => withSignature({ ...once, signatures: Array(16).fill(once.signatures[0]) }, { rawId: "Aw", response }), RangeError);
});

test("what no client would open is not signed", () => {
  const bad = [
    "{}", "[]", "1", "", text.slice(0, -1), `${text}x`, text.replace("break-glass-file/v1", "break-glass-file/v2"),
    text.replace('"signatures"', '"signature"'), text.replace('"type"', '"more":1,"type"'),
    JSON.stringify({ ...JSON.parse(text), grant: JSON.parse(text).grant.replace("{", "{ ") }),
    cases.files["longer than an hour"],
    ...[{ action: "*" }, { action: "" }, { action: "pay*" }, { action: "a*.b" }, { action: 7 }, { uses: 0 }, { uses: 101 }, { uses: "1" }, { uses: 1.5 }, { reason: "" }, { audience: "" },
      { policySha256: "00" }, { random: "AA" }, { type: "cosignet.context/v1" }, { notAfter: "2026-03-01T12:00:00.000Z" }, { notAfter: "tomorrow" }, { reason: undefined }, { more: "x" }].map(changed),
  ];
  for (const file of bad) assert.throws(() => readFile(file), file);
  assert.equal(readFile(changed({ uses: 100 })).grant.uses, 100);
  assert.throws(() => readFile(" ".repeat(128 * 1024) + text), RangeError);
});

test("a pattern is an action, or the beginning of some", () => {
  for (const good of ["payment.send", "payment.*", "a"]) assert.ok(isPattern(good), good);
  for (const bad of ["", "*", ".*", "pay*", "*.send", "a.*.b", "a".repeat(121)]) assert.ok(!isPattern(bad), bad);
});
