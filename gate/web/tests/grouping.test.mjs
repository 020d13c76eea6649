import assert from "node:assert/strict";
import { test } from "node:test";

import { grouped, ibanRemainder } from "../grouping.js";

test("groups put together are the text", () => {
  const cases = [["1234567.25", "number"], ["-1000000", "number"], ["1e+21", "number"], ["1234567e+30", "number"], ["12345", "string"],
    ["DE89370400440532013000", "string"], ["DE89 3704 0044 0532 0130 00", "string"], ["a".repeat(64), "string"], [`0x${"1f".repeat(20)}`, "string"]];
  for (const [text, kind] of cases) assert.equal(grouped(text, kind).groups.join(""), text);
});

test("amounts are in threes from the decimal point", () => {
  assert.deepEqual(grouped("1234567.25", "number").groups, ["1", "234", "567.25"]);
  assert.deepEqual(grouped("-100000", "number").groups, ["-100", "000"]);
  assert.deepEqual(grouped("1250000.00", "string").groups, ["1", "250", "000.00"]);
});

test("short numbers, codes with leading zeros and words have no groups", () => {
  for (const [text, kind] of [["2026", "number"], ["0.12345", "number"], ["0012345678", "string"], ["12-34567", "string"], ["DE89", "string"], ["true", "boolean"], ["", "string"]]) {
    assert.equal(grouped(text, kind), null, text);
  }
});

test("an exponent is put into words", () => {
  assert.match(grouped("1e+21", "number").hint, /21 places to the right/);
  assert.match(grouped("5e-7", "number").hint, /7 places to the left/);
});

test("an IBAN is in fours, and its check digits are a hint", () => {
  assert.deepEqual(grouped("DE89370400440532013000", "string").groups, ["DE89", "3704", "0044", "0532", "0130", "00"]);
  assert.match(grouped("DE89370400440532013000", "string").hint, /digits fit/);
  assert.match(grouped("DE89370400440532013001", "string").hint, /do not fit/);
  assert.equal(ibanRemainder("GB82WEST12345698765432"), 1);
  assert.equal(ibanRemainder("FR1420041010050500013M02606"), 1);
});
