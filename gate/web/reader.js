// JSON as it stands in the bytes: number tokens stay text, members keep their order, and nothing is
// read that two readers could read in two ways.
//
//   {kind: "object", members: [{key, value}]}   {kind: "array", items: [value]}
//   {kind: "string" | "number" | "boolean" | "null", text}

const MOST_DEPTH = 64;
const MOST_VALUES = 65_536;

/// Why a text is not read. `at` is the place in it, in UTF-16 code units.
export class Unreadable extends Error {
  constructor(code, message, at) {
    super(message);
    this.name = "Unreadable";
    this.code = code;
    this.at = at;
  }
}

/// The value of a JSON text, all of it.
export function read(text) {
  const reader = { text, at: 0, values: 0 };
  const value = readValue(reader, 0);
  skipSpace(reader);
  if (reader.at < text.length) throw wrong(reader, "the end of the text");
  return value;
}

/// The one canonical text (RFC 8785) of a value. Number tokens are taken as they are: ask
/// `isCanonicalNumber` first.
export function canonical(value) {
  switch (value.kind) {
    case "object": {
      const sorted = [...value.members].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
      return `{${sorted.map(({ key, value: inner }) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
    }
    case "array": return `[${value.items.map(canonical).join(",")}]`;
    case "string": return JSON.stringify(value.text);
    case "number": return isCanonicalNumber(value.text) ? value.text : String(Number(value.text));
    default: return value.text;
  }
}

/// Whether every reader takes this token for the same number, and writes it like this.
export const isCanonicalNumber = (token) => String(Number(token)) === token;

function readValue(reader, depth) {
  if (depth > MOST_DEPTH) throw new Unreadable("json.depth", `more than ${MOST_DEPTH} values lie within each other`, reader.at);
  reader.values += 1;
  if (reader.values > MOST_VALUES) throw new Unreadable("json.values", `there are more than ${MOST_VALUES} values`, reader.at);
  skipSpace(reader);
  const next = reader.text[reader.at];
  if (next === "{") return readObject(reader, depth);
  if (next === "[") return readArray(reader, depth);
  if (next === "\"") return { kind: "string", text: readString(reader) };
  return readWord(reader);
}

function readObject(reader, depth) {
  const members = [];
  const keys = new Set();
  reader.at += 1;
  if (take(reader, "}")) return { kind: "object", members };
  do {
    skipSpace(reader);
    const at = reader.at;
    if (reader.text[at] !== "\"") throw wrong(reader, "a key in quotes");
    const key = readString(reader);
    if (keys.has(key)) throw new Unreadable("json.duplicate_key", `the key ${JSON.stringify(key)} stands there twice`, at);
    keys.add(key);
    if (!take(reader, ":")) throw wrong(reader, "a colon");
    members.push({ key, value: readValue(reader, depth + 1) });
  } while (take(reader, ","));
  if (!take(reader, "}")) throw wrong(reader, "a comma or the end of the object");
  return { kind: "object", members };
}

function readArray(reader, depth) {
  const items = [];
  reader.at += 1;
  if (take(reader, "]")) return { kind: "array", items };
  do items.push(readValue(reader, depth + 1)); while (take(reader, ","));
  if (!take(reader, "]")) throw wrong(reader, "a comma or the end of the list");
  return { kind: "array", items };
}

function readString(reader) {
  const start = reader.at;
  for (let at = start + 1; at < reader.text.length; at += 1) {
    const character = reader.text[at];
    if (character === "\\") at += 1;
    else if (character === "\"") {
      reader.at = at + 1;
      return unescaped(reader.text.slice(start, reader.at), start);
    }
  }
  throw new Unreadable("json.syntax", "a text in quotes does not end", start);
}

/// The browser knows the escapes and refuses raw control characters; half a character it lets pass.
function unescaped(token, at) {
  let text;
  try {
    text = JSON.parse(token);
  } catch {
    throw new Unreadable("json.syntax", "a text in quotes has a control character or an unknown escape", at);
  }
  if (/\p{Cs}/u.test(text)) throw new Unreadable("json.surrogate", "a text in quotes has half a character (a lone surrogate)", at);
  return text;
}

const WORD = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

function readWord(reader) {
  WORD.lastIndex = reader.at;
  const text = WORD.exec(reader.text)?.[0];
  // Without this `01` would be a zero with something after it, which says less.
  if (text === undefined || /[0-9A-Za-z.+-]/.test(reader.text[WORD.lastIndex] ?? "")) throw wrong(reader, "a value");
  reader.at += text.length;
  const kind = { true: "boolean", false: "boolean", null: "null" }[text] ?? "number";
  if (kind === "number" && !Number.isFinite(Number(text))) throw new Unreadable("json.number", "a number is larger than any reader can hold", reader.at);
  return { kind, text };
}

function skipSpace(reader) {
  while (" \t\n\r".includes(reader.text[reader.at] || "x")) reader.at += 1;
}

function take(reader, character) {
  skipSpace(reader);
  if (reader.text[reader.at] !== character) return false;
  reader.at += 1;
  return true;
}

function wrong(reader, expected) {
  const found = reader.at < reader.text.length ? JSON.stringify(String.fromCodePoint(reader.text.codePointAt(reader.at))) : "the end";
  return new Unreadable("json.syntax", `at character ${reader.at + 1}, ${expected} was expected, and ${found} stands there`, reader.at);
}
