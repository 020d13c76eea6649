import "./shared.mjs";

import assert from "node:assert/strict";
import { test } from "node:test";

const { pieces, warnings } = await import("../shown.js");

const marks = (text) => pieces(text).filter(({ mark }) => mark).map(({ mark }) => `${mark.kind} ${mark.number} ${mark.name}`);
const isPlain = (text) => assert.deepEqual(marks(text), [], text);

test("the pieces put together are the text", () => {
  for (const text of ["", "plain", "a\u202eb\nc  d ", "раураl", "e\u0301 \ud83d\ude00 Ω", "\u0301x", "１２３"]) {
    assert.equal(pieces(text).map(({ text: piece }) => piece).join(""), text);
  }
});

test("ordinary writing has no marks", () => {
  for (const text of ["Acme GmbH, Köln", "Müller & Söhne – seit 1890", "Привет, мир: а с о", "Ελλάδα και α", "東京タワー", "서울 Seoul", "iPhone用ケース", "नमस्ते दुनिया", "สวัสดี", "שלום עולם", "مرحبا", "10.50 €", "a-b_c@d.example/e?f=g", "it's “quoted” … ™"]) isPlain(text);
});

test("characters that do not show stand there by number and name", () => {
  assert.deepEqual(marks("a\u202eb"), ["hidden U+202E right-to-left override"]);
  assert.deepEqual(marks("a\u200bb"), ["hidden U+200B zero width space"]);
  assert.deepEqual(marks("\ufeffa\u00a0b\u3164"), ["hidden U+FEFF byte order mark", "hidden U+00A0 no-break space", "hidden U+3164 hangul filler"]);
  assert.deepEqual(marks("\u{e0041}"), ["hidden U+E0041 does not show"]);
});

test("spaces that nobody sees are marked", () => {
  assert.deepEqual(marks(" a b  c "), ["space U+0020 space", "space U+0020 space", "space U+0020 space"]);
});

test("a line feed is a line feed", () => {
  assert.deepEqual(marks("a\nb"), ["line U+000A line feed"]);
});

test("a mark on a letter of another kind is named, one of the script itself is not", () => {
  assert.deepEqual(marks("e\u0301"), ["strange U+0301 combining acute accent"]);
  assert.deepEqual(marks("1\u0338"), ["strange U+0338 combining long solidus overlay"]);
  assert.deepEqual(marks("a\u093f"), ["strange U+093F combining mark"]);
});

test("a mark that is named stays on its letter", () => {
  assert.deepEqual(pieces("ae\u0301").map(({ text }) => text), ["a", "e\u0301"]);
  // One that does not show stands for itself alone: what stands for it would hide the letter.
  assert.deepEqual(pieces("e\ufe0f\u034f").map(({ text }) => text), ["e", "\ufe0f", "\u034f"]);
  assert.deepEqual(pieces("e\u0301\u0302").map(({ text }) => text), ["e\u0301", "\u0302"]);
});

test("letters of two scripts in one word are marked where they differ from the rest", () => {
  assert.deepEqual(marks("p\u0430ypal"), ["strange U+0430 cyrillic small letter a, looks like a, in one word with others"]);
  assert.deepEqual(marks("Москвa"), ["strange U+0061 Latin character, of another script in one word"]);
  assert.deepEqual(warnings("p\u0430ypal"), ["letters of two scripts in one word", "characters that look like others"]);
});

test("a word that only looks plain is marked as a whole", () => {
  const whole = "\u0440\u0430\u0443\u0440\u0430"; // looks like "paypa"
  assert.equal(marks(whole).length, 5);
  assert.equal(marks(`${whole}.com`).length, 5);
  assert.equal(marks("оса Привет").length, 0);
});

test("other forms of plain characters are marked", () => {
  assert.deepEqual(marks("１"), ["strange U+FF11 unusual character, looks like 1"]);
  assert.deepEqual(marks("²"), ["strange U+00B2 unusual character, looks like 2"]);
  assert.deepEqual(marks("\u{1d41a}"), ["strange U+1D41A unusual character, looks like a"]);
  assert.deepEqual(marks("٣"), ["strange U+0663 Arabic character"]);
});

test("signs that pass for plain ones are marked", () => {
  assert.deepEqual(marks("\u2212100"), ["strange U+2212 minus sign, looks like -"]);
  assert.deepEqual(marks("example.com\u2215login"), ["strange U+2215 division slash, looks like /"]);
  assert.deepEqual(marks("acme\u2013bank"), ["strange U+2013 en dash, looks like -"]);
  assert.deepEqual(marks("example.com\uff0flogin"), ["strange U+FF0F unusual character, looks like /"]);
  isPlain("Acme \u2013 Bank");
});

test("a text that can be reordered is said to be", () => {
  assert.deepEqual(warnings("x\u202ey"), ["characters that can reorder the text", "characters that do not show"]);
  assert.deepEqual(warnings("x\u061cy"), ["characters that can reorder the text", "characters that do not show"]);
  assert.deepEqual(warnings("\ufeffx"), ["characters that do not show"]);
  assert.deepEqual(warnings("plain"), []);
  assert.deepEqual(warnings("trailing "), ["a space at the beginning or the end"]);
  assert.deepEqual(warnings("a:\n  b"), []);
});
