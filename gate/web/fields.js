// The payload value by value, as it was read from the bytes whose hash is signed.

import { toHex, utf8 } from "./bytes.js";
import { sha256 } from "./challenge.js";
import { apart, compare } from "./diff.js";
import { digits } from "./digits.js";
import { copyButton, el, fill } from "./dom.js";
import { grouped } from "./grouping.js";
import { pieces, remarks, shown } from "./shown.js";

/// Longer values show their beginning and their end, until their reader asks for all.
const LONG = 200;
const END = 80;

/// A text that is long or full of marks is seen in parts of so many characters: each fits on a small screen.
const PART = 160;

/// The rows of these leaves, beside those of the last approval (or `null`). `reading` is told of each.
export async function fields(leaves, last, reading) {
  const { rows, gone } = last ? compare(last, leaves) : { rows: leaves.map((leaf) => ({ leaf, change: null, before: null })), gone: [] };
  const hashes = new Map(await Promise.all(leaves.filter(isLong).map(async (leaf) => [leaf, toHex(await sha256(utf8(leaf.text)))])));
  const groups = [];
  for (const row of rows) {
    const parent = row.leaf.path.slice(0, -1);
    if (groups.length === 0 || !isSamePath(groups.at(-1).parent, parent)) groups.push({ parent, rows: [] });
    groups.at(-1).rows.push(row);
  }
  return [
    groups.map(({ parent, rows: own }) => el("section", { class: parent.length > 0 ? "inner" : null },
      parent.length > 0 && heading(parent, reading),
      el("dl", { class: "fields" }, own.map((row) => field(row, hashes.get(row.leaf), reading))))),
    gone.length > 0 && el("section", { class: "gone" },
      watched(el("h3", {}, "There the last time, and not any more"), reading),
      el("dl", { class: "fields" }, gone.map((leaf) => watched(el("div", { class: "field" }, el("dt", {}, path(leaf.path)), el("dd", {}, el("del", {}, short(leaf)))), reading)))),
  ];
}

/// How many values differ from the last time, in words.
export function summary(leaves, last) {
  const { rows, gone } = compare(last, leaves);
  const count = (change) => rows.filter((row) => row.change === change).length;
  const parts = [[count("changed"), "changed"], [count("new"), "new"], [gone.length, "gone"]].filter(([number]) => number > 0);
  if (parts.length === 0) return "all values are the same";
  return `${parts.map(([number, word]) => `${number} ${word}`).join(", ")}, ${count("same")} the same`;
}

/// The way to a group of values.
function heading(steps, reading) {
  const title = el("h3", { class: "parent" });
  const node = el("div", {}, title, remarks(...steps.map(({ key }) => key ?? "")));
  const isShort = steps.every(isShortName);
  fill(title, path(steps, isShort ? null : reading));
  return isShort ? watched(node, reading) : node;
}

function field({ leaf, change, before }, hash, reading) {
  const node = el("div", { class: `field ${change ?? ""}`, tabindex: "-1" });
  // What is short is seen as one; else a long name or many marks would keep the value off the screen.
  const isShort = leaf.path.slice(-1).every(isShortName) && (isPlain(leaf.text) || isLong(leaf));
  const parts = isShort ? null : reading;
  const value = el("dd", {});
  node.append(
    el("dt", {}, path(leaf.path.slice(-1), parts), change === "changed" && el("span", { class: "tag change" }, "changed"), change === "new" && el("span", { class: "tag change" }, "new")),
    value,
  );
  if (isLong(leaf)) shorten(node, value, leaf, hash, reading);
  else value.append(...whole(leaf, before, parts).filter(Boolean));
  const name = leaf.path.at(-1)?.key;
  const strange = remarks(...[name, leaf.text].filter(Boolean));
  if (strange) value.append(strange);
  if (before) value.append(el("p", { class: "was" }, "Last time: ", old(before, leaf)));
  return isShort || isLong(leaf) ? watched(node, reading) : node;
}

/// A value as it is, its kind, and what it looks like. `reading` is given if its parts are seen one by one.
function whole(leaf, before, reading = null) {
  const { kind, text } = leaf;
  const note = (words) => (reading ? watched(el("em", {}, words), reading) : el("em", {}, words));
  if (kind === "object" || kind === "array") return [note(kind === "object" ? "an empty group" : "an empty list")];
  if (kind === "string" && text === "") return [note("an empty text")];
  const groups = grouped(text, kind);
  const looksOther = kind === "string" && /^(?:-?[0-9.]+(?:e[+-]?[0-9]+)?|true|false|null)$/i.test(text);
  const content = reading ? inParts(text, reading)
    : isPlain(text) ? runs(groups?.groups ?? [text], before && apart(before.text, text).now) : shown(text);
  return [
    el("span", { class: "value" }, content),
    kind !== "string" && el("span", { class: "tag" }, KINDS[kind]),
    looksOther && el("span", { class: "tag" }, "text"),
    groups?.hint && el("p", { class: "note" }, groups.hint),
  ];
}

const KINDS = { number: "number", boolean: "yes or no", null: "no value" };

const isPlain = (text) => pieces(text).every(({ mark }) => mark === null);

/// Groups with gaps between them, and what differs from the last time marked.
function runs(groups, parts) {
  const start = parts ? parts[0].length : 0;
  const end = parts ? start + parts[1].length : 0;
  let at = 0;
  return el("bdi", { class: "text", dir: "ltr" }, groups.map((group) => {
    const cut = (place) => Math.min(Math.max(place - at, 0), group.length);
    const [from, to] = [cut(start), cut(end)];
    at += group.length;
    return el("span", { class: groups.length > 1 ? "group" : null }, group.slice(0, from), from < to && el("mark", {}, group.slice(from, to)), group.slice(to));
  }));
}

function old(before, leaf) {
  if (before.kind !== leaf.kind) return [short(before), el("span", { class: "tag" }, KINDS[before.kind] ?? before.kind)];
  if (isLong(before) || isLong(leaf) || !isPlain(before.text)) return short(before);
  return runs(grouped(before.text, before.kind)?.groups ?? [before.text], apart(before.text, leaf.text).before);
}

/// A value of the last time: it is not what is signed, so it may be cut.
function short(leaf) {
  if (leaf.kind === "object" || leaf.kind === "array" || leaf.text === "") return whole(leaf, null);
  if (!isLong(leaf)) return shown(leaf.text);
  const { head, tail, length } = ends(leaf.text);
  return [shown(head), el("span", { class: "cut" }, ` … ${length - 2 * END} characters … `), shown(tail)];
}

function shorten(node, value, leaf, hash, reading) {
  const { head, tail, length } = ends(leaf.text);
  node.dataset.short = "true";
  const open = el("button", { type: "button", class: "small" }, `Show all ${length} characters`);
  const box = el("div", { class: "long" },
    shown(head), el("p", { class: "cut" }, `… ${length - 2 * END} characters are not shown here …`), shown(tail));
  const facts = el("p", { class: "note" }, `${length} characters. SHA-256 of this value: `, digits(hash), " ", copyButton("Copy the hash", hash));
  open.addEventListener("click", () => {
    delete node.dataset.short;
    const parts = partsOf(leaf.text);
    box.replaceChildren(el("bdi", { class: "text", dir: "ltr" }, parts));
    open.remove();
    reading.replace(node, parts);
    node.focus({ preventScroll: true });
  });
  value.append(box, open, facts);
}

/// The text in parts that are seen one by one.
const inParts = (text, reading) => el("bdi", { class: "text", dir: "ltr" }, partsOf(text).map((part) => watched(part, reading)));

/// The text as nodes, in parts that are seen one by one. What is marked is decided on the whole.
function partsOf(text) {
  const parts = [[]];
  let length = 0;
  for (const piece of shown(text).childNodes) {
    const letters = piece.nodeType === Node.TEXT_NODE ? [...piece.data] : null;
    if (letters === null) {
      parts.at(-1).push(piece.cloneNode(true));
      length += piece.textContent.length;
    }
    for (let at = 0; letters && at < letters.length;) {
      const slice = letters.slice(at, at + PART - length);
      parts.at(-1).push(slice.join(""));
      at += slice.length;
      length += slice.length;
      if (length >= PART) { parts.push([]); length = 0; }
    }
    if (length >= PART) { parts.push([]); length = 0; }
  }
  return parts.filter((part) => part.length > 0).map((part) => el("span", {}, part));
}

function ends(text) {
  const letters = [...text];
  return { head: letters.slice(0, END).join(""), tail: letters.slice(-END).join(""), length: letters.length };
}

const isLong = ({ text }) => [...text].length > LONG;

/// The way to a value; a name that is not plain stands in a frame.
function path(steps, reading = null) {
  if (steps.length === 0) return "The whole";
  return steps.map((step, index) => [index > 0 && el("span", { class: "into" }, " › "), name(step, reading)]);
}

function name({ key, place, of }, reading) {
  if (key === undefined) return el("span", { class: "place" }, `no. ${place} of ${of}`);
  if (key === "") return el("em", {}, "an empty name");
  return el("span", { class: /^[A-Za-z0-9_-]+$/.test(key) ? "key" : "key name" }, reading ? inParts(key, reading) : shown(key));
}

const isShortName = ({ key = "" }) => key.length <= PART && isPlain(key);

const isSamePath = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function watched(node, reading) {
  reading.watch(node);
  return node;
}
