import assert from "node:assert/strict";
import { test } from "node:test";

import { apart, compare, leaves } from "../diff.js";
import { read } from "../reader.js";

const of = (text) => leaves(read(text));
const changes = (before, now) => {
  const { rows, gone } = compare(of(before), of(now));
  return [rows.map(({ change }) => change), gone.map(({ text }) => text)];
};

test("every value is a leaf, empty ones too", () => {
  const found = of('{"a":{"b":[1,{"c":"x"}]},"d":{},"e":[],"f":"","g":null}');
  assert.deepEqual(found.map(({ kind, text }) => `${kind} ${text}`), ["number 1", "string x", "object ", "array ", "string ", "null null"]);
  assert.deepEqual(found[1].path, [{ key: "a" }, { key: "b" }, { place: 2, of: 2 }, { key: "c" }]);
  assert.deepEqual(of("7"), [{ path: [], kind: "number", text: "7" }]);
});

test("what is new, changed, the same and gone is told apart", () => {
  assert.deepEqual(changes('{"a":1,"b":2,"c":3}', '{"a":1,"b":9,"d":4}'), [["same", "changed", "new"], ["3"]]);
});

test("a text that became a number has changed", () => {
  assert.deepEqual(changes('{"a":"1"}', '{"a":1}'), [["changed"], []]);
});

test("keys with dots or digits are no paths and no places", () => {
  assert.deepEqual(changes('{"a":{"b":1}}', '{"a.b":1}'), [["new"], ["1"]]);
  assert.deepEqual(changes('{"a":[1]}', '{"a":{"1":1}}'), [["new"], ["1"]]);
});

test("a list that grew has one item more", () => {
  assert.deepEqual(changes("[1,2]", "[1,2,3]"), [["same", "same", "new"], []]);
});

test("two texts are taken apart where they differ", () => {
  assert.deepEqual(apart("DE89 3704", "DE89 3904"), { before: ["DE89 3", "7", "04"], now: ["DE89 3", "9", "04"] });
  assert.deepEqual(apart("aa", "aaa"), { before: ["aa", "", ""], now: ["aa", "a", ""] });
  assert.deepEqual(apart("", "x"), { before: ["", "", ""], now: ["", "x", ""] });
  assert.deepEqual(apart("😀", "😁"), { before: ["", "😀", ""], now: ["", "😁", ""] });
});
