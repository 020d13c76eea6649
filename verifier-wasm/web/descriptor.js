// What a file of the reader's says about the fields of a payload: a label beside the name of each, and
// which come first. It is read as strictly as anything, and decides nothing (docs/spec/descriptor.md).

import { text, utf8 } from "./bytes.js";
import { canonicalJson, quote } from "./verifier.js";

/// The longest file.
export const MOST_BYTES = 64 * 1024;

const TYPE = "cosignet.descriptor/v1";
const MOST_FIELDS = 64;
const LONGEST_LABEL = 40;
const LONGEST_NAME = 200;

/// A JSON pointer (RFC 6901).
const POINTER = /^(?:\/(?:[^/~]|~[01])*)*$/;

/// Whether a file calls itself one: for words about it, never for its role.
export function looksLikeDescriptor(bytes) {
  try {
    return bytes.length <= MOST_BYTES && JSON.parse(canonicalJson(bytes))?.type === TYPE;
  } catch {
    return false;
  }
}

/// Reads a descriptor: { action, fields: [{ label, pointer }] }. What is none is thrown, in words that go on
/// after the name of the file.
export function readDescriptor(bytes) {
  const file = JSON.parse(canonicalJson(bytes));
  if (file?.type !== TYPE) throw new Error(`its “type” is not “${TYPE}”`);
  only("it", file, ["action", "fields", "type"]);
  const { action, fields } = file;
  if (!isName(action) || utf8(action).length > LONGEST_NAME) throw new Error(`its “action” is no name of 1 to ${LONGEST_NAME} bytes that is what it looks like`);
  if (!Array.isArray(fields) || !fields.length || fields.length > MOST_FIELDS) throw new Error(`its “fields” are no list of 1 to ${MOST_FIELDS}`);
  const seen = new Set();
  fields.forEach((field, index) => {
    const its = `its field ${index + 1}`;
    only(its, field, ["label", "pointer"]);
    const { label, pointer } = field;
    if (typeof pointer !== "string" || !POINTER.test(pointer)) throw new Error(`${its} has no JSON pointer, such as “/to/iban”`);
    if (seen.has(pointer)) throw new Error(`${its} names ${quote(pointer)} for the second time`);
    seen.add(pointer);
    if (typeof label !== "string" || !label || [...label].length > LONGEST_LABEL) throw new Error(`${its} has no label of 1 to ${LONGEST_LABEL} characters`);
    if (!isName(label)) throw new Error(`${its} has the label ${quote(label)}, which is not what it looks like: nothing in it may hide, reorder text or stand on nothing, and no blank at its ends`);
  });
  return { action, fields };
}

/// Exactly these members.
function only(what, value, known) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error(`${what} is no object`);
  const missing = known.find((key) => !Object.hasOwn(value, key));
  if (missing) throw new Error(`${what} has no “${missing}”`);
  const other = Object.keys(value).find((key) => !known.includes(key));
  if (other !== undefined) throw new Error(`${what} has ${quote(other)}, which a descriptor does not have`);
}

/// Whether a text is what it looks like, by the rule for all names: the module escapes nothing in it.
function isName(name) {
  if (typeof name !== "string") return false;
  // These two are escaped in quotes without being hidden; the one in their place is treated alike.
  const plain = name.replace(/["\\]/g, "'");
  return plain !== "" && plain === plain.trim() && quote(plain) === `"${plain}"`;
}

/// What becomes of a descriptor beside a payload. `labels`: from each field that it names, as it is in
/// `info.all`, to its label, in its order. `missing`: how many it names that are not there. `found`: the
/// action of the request that was signed, or where none was, of the payload; it applies to its own alone.
export function applied(descriptor, { bytes, info }, request) {
  const { action, fields } = descriptor.info;
  const own = info.all?.find(({ path, kind }) => path === "$.action" && kind === "string")?.text;
  const found = request ? request.action : own ?? null;
  const labels = new Map();
  if (found !== action) return { ...descriptor, found, applies: false, labels, missing: 0 };
  const places = info.all ? placesOf(JSON.parse(text(bytes)), fields) : new Map();
  for (const { label, pointer } of fields) {
    if (places.has(pointer)) labels.set(info.all[places.get(pointer)], label);
  }
  return { ...descriptor, found, applies: true, labels, missing: fields.length - labels.size };
}

/// Which fields the pointers name, by their number in the list of all. Paths are for people, and two may
/// look alike: the values are counted in the order in which the module lists them.
function placesOf(payload, fields) {
  const places = new Map();
  let count = 0;
  const walk = (value, depth, leading) => {
    // By UTF-16, as in canonical JSON; the items of an array stay in their order.
    const keys = value === null || typeof value !== "object" ? [] : Object.keys(value);
    if (!Array.isArray(value)) keys.sort();
    for (const key of keys) walk(value[key], depth + 1, leading.filter(({ steps }) => steps[depth] === key));
    if (keys.length) return;
    for (const { pointer, steps } of leading) if (steps.length === depth) places.set(pointer, count);
    count += 1;
  };
  const step = (part) => part.replaceAll("~1", "/").replaceAll("~0", "~");
  walk(payload, 0, fields.map(({ pointer }) => ({ pointer, steps: pointer.split("/").slice(1).map(step) })));
  return places;
}
