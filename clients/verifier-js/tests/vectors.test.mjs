// The package says about every vector what its file expects.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { report } from "../dist/index.js";

const vectors = new URL("../../../test-vectors/", import.meta.url);

const fromBase64Url = (text) => Uint8Array.from(Buffer.from(text, "base64url"));

function question({ policy, payload, headers, at, expectations = {}, roster }) {
  return {
    policy: policy === null ? undefined : JSON.stringify(policy),
    payload: payload === undefined ? undefined : fromBase64Url(payload),
    headers: headers === undefined ? undefined : fromBase64Url(headers),
    at,
    roster,
    ...expectations,
  };
}

for (const [kind, text] of [["bundle", "bundleText"], ["decision", "decisionText"]]) {
  const folder = new URL(`${kind}/`, vectors);
  for (const file of readdirSync(folder)) {
    test(`${kind}/${file}`, () => {
      const { cases } = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
      assert.ok(cases.length > 0);
      for (const { name, input, expect } of cases) {
        const found = report(input[text], question(input));
        assert.equal(found.verdict, expect.verdict, name);
        assert.equal(found.code, expect.code, name);
        if (expect.checks !== undefined) {
          assert.deepEqual(found.checks.map(({ id, status, code }) => ({ id, status, code })), expect.checks, name);
        }
        if (expect.notLaterThan !== undefined) assert.equal(found.notLaterThan, expect.notLaterThan, name);
      }
    });
  }
}
