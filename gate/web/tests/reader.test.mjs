import assert from "node:assert/strict";
import { test } from "node:test";

import { canonical, isCanonicalNumber, read } from "../reader.js";

const code = (text) => {
  try {
    read(text);
    return null;
  } catch (error) {
    return error.code;
  }
};

test("number tokens stay the text that they are", () => {
  for (const token of ["0", "-1", "19.99", "1.0", "1e2", "9007199254740993", "0.1000000000000000055"]) {
    assert.deepEqual(read(token), { kind: "number", text: token });
  }
});

test("members keep the order of the bytes", () => {
  const keys = read('{"b":1,"a":2,"10":3,"9":4}').members.map(({ key }) => key);
  assert.deepEqual(keys, ["b", "a", "10", "9"]);
});

test("two members with one key are refused, however the key is written", () => {
  assert.equal(code('{"a":1,"a":2}'), "json.duplicate_key");
  assert.equal(code('{"a":1,"\\u0061":2}'), "json.duplicate_key");
  assert.equal(code('{"x":{"a":1},"a":2}'), null);
});

test("a key of every object is an ordinary key", () => {
  assert.equal(read('{"__proto__":1,"constructor":2}').members.length, 2);
});

test("nesting ends at 64", () => {
  const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
  assert.equal(code(nested(65)), null); // the outermost lies in nothing
  assert.equal(code(nested(66)), "json.depth");
  assert.equal(code(nested(100_000)), "json.depth");
});

test("what is no JSON is refused", () => {
  const cases = ["", " ", "01", "-", "1.", ".5", "+1", "0x10", "1e", "NaN", "Infinity", "tru", "nulll", "'a'", '"a', '"\\x"', '"\n"', '"\\u12"',
    "[1,]", "[,1]", "[1 2]", "{a:1}", '{"a"1}', '{"a":1,}', '{"a":1', "[1]]", "1 2", "\ufeff1", "[1]//", "\u00a01"];
  for (const text of cases) assert.equal(code(text), "json.syntax", JSON.stringify(text));
});

test("half a character and a number without a value are refused", () => {
  assert.equal(code('"\\ud800"'), "json.surrogate");
  assert.equal(code('"\\udc00\\ud800"'), "json.surrogate");
  assert.equal(read('"\\ud83d\\ude00"').text, "😀");
  assert.equal(code("1e999"), "json.number");
});

test("more values than a page can show are refused", () => {
  assert.equal(code(`[${"1,".repeat(65_534)}1]`), null);
  assert.equal(code(`[${"1,".repeat(65_535)}1]`), "json.values");
});

test("a canonical text comes back as it was, any other does not", () => {
  const same = ['{"a":[1,2.5,-3,true,null],"b":"é\\n\\"\\\\/"}', '{"€":1,"😀":2,"\ufb33":3}', "1e+21", "5e-324", '""', "[]", "{}", '"\u007f\u2028"', '"\\u0001"'];
  for (const text of same) assert.equal(canonical(read(text)), text);
  const other = ['{"b":1,"a":2}', '{"a": 1}', "1.0", "1e2", "-0", "9007199254740993", "10.50", '"\\u0061"', '"\\/"', '"\\u000a"', '{"\ufb33":3,"😀":2}', "1 "];
  for (const text of other) assert.notEqual(canonical(read(text)), text);
});

test("a number is canonical if ECMAScript writes it so", () => {
  for (const token of ["0", "19.99", "1e+21", "9007199254740992"]) assert.ok(isCanonicalNumber(token), token);
  for (const token of ["-0", "1.0", "1e21", "1E+21", "0.10", "9007199254740993"]) assert.ok(!isCanonicalNumber(token), token);
});
