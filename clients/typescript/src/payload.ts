// What is to be approved: the bytes that people see and sign, the RFC 8785 form of a JSON value.
//
// A program that reads 10.50 or 9007199254740993 may write 10.5 and 9007199254740992, and the
// approval would be for something that nobody asked for. So a number has to stand in its RFC 8785
// form already, and nothing is ever rewritten.

import { canonicalJson, describePayload, quote, sha256 } from "@cosignet/verifier";

import { Denied, why } from "./denied.js";

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The longest payload that any rule can allow, in bytes. */
const MOST_BYTES = 512 * 1024;

/** The most values that hold no others: more than that nobody looks through. */
const MOST_FIELDS = 256;

/** The most arrays and objects inside each other. */
const MOST_LEVELS = 64;

const SEAL = Symbol("payload");

/** A payload in its canonical form. */
export class Payload {
  readonly #text: string;

  /** @internal */
  constructor(seal: typeof SEAL, text: string) {
    if (seal !== SEAL) throw new TypeError("use Payload.of or Payload.parse");
    this.#text = text;
  }

  /**
   * The payload that a value of JavaScript is. Refused is what JSON cannot say, such as `undefined`
   * or a `Date`, and an integer beyond 2^53, which may have been rounded before it came here.
   *
   * @throws {@link Denied}, `denied.invalid`.
   */
  static of(value: JsonValue): Payload {
    return Payload.parse(written(value, "$", 0));
  }

  /**
   * The payload in a JSON text.
   *
   * @throws {@link Denied}, `denied.invalid`, for what is not strict JSON, and for a number or a key
   * that readers may take for another.
   */
  static parse(text: string | Uint8Array): Payload {
    const length = text.length;
    if (length > MOST_BYTES) throw tooLong(length);
    const canonical = strict(text);
    const found = new TextEncoder().encode(canonical).length;
    if (found > MOST_BYTES) throw tooLong(found);
    const { fields, more } = describePayload(canonical, MOST_FIELDS);
    if (fields === null || more) {
      throw new Denied("denied.invalid", "the payload has more fields than people can be asked to look through", {
        expected: `at most ${MOST_FIELDS} fields`,
        next: "Send what people have to decide about, and the hash of the rest.",
      });
    }
    for (const field of fields) {
      // RFC 8785 writes a number as ECMAScript does.
      if (field.kind === "number" && String(Number(field.text)) !== field.text) throw otherNumber(field.path, field.text);
    }
    return new Payload(SEAL, canonical);
  }

  /** The canonical text. */
  get text(): string {
    return this.#text;
  }

  /** The bytes that are hashed and signed; a copy. */
  get bytes(): Uint8Array {
    return new TextEncoder().encode(this.#text);
  }

  /** The hash that every approval of it names. */
  get sha256(): string {
    return sha256(this.#text);
  }
}

function strict(text: string | Uint8Array): string {
  try {
    return canonicalJson(text);
  } catch (error) {
    throw new Denied("denied.invalid", `the payload is ${why(error)}`, {
      next: "Write the payload with a JSON library, in UTF-8 without a byte order mark, and each key once.",
    });
  }
}

function tooLong(found: number): Denied {
  return new Denied("denied.invalid", "the payload is too long", {
    expected: `at most ${MOST_BYTES} bytes`,
    found: `${found} bytes`,
    next: "Send what people have to decide about, and the hash of the rest.",
  });
}

function otherNumber(path: string, token: string): Denied {
  return new Denied("denied.invalid", `the number ${path} is not in the form that RFC 8785 gives it`, {
    expected: `${quote(token)} as text`,
    found: token,
    next: `Write it as text: ${quote(token)}. As a number, many programs would read ${Number(token)}.`,
  });
}

/** A JSON text of the value. Each member is read once. */
function written(value: unknown, path: string, level: number): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    if (/\p{Surrogate}/u.test(value)) throw noJson(path, "a text with half a surrogate pair in it");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value) || Object.is(value, -0)) throw noJson(path, Object.is(value, -0) ? "-0" : String(value));
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw noJson(path, "an integer that JavaScript may have rounded; write it as text");
    return String(value);
  }
  if (typeof value !== "object") throw noJson(path, `${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}`);
  if (level === MOST_LEVELS) throw noJson(path, `more than ${MOST_LEVELS} levels`);
  if (Array.isArray(value)) {
    // `map` would leave out what is missing in the middle.
    return `[${Array.from(value, (item, at) => written(item, `${path}[${at}]`, level + 1)).join(",")}]`;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw noJson(path, "an object of a class");
  const keys = Reflect.ownKeys(value);
  const members = keys.map((key) => {
    if (typeof key === "symbol") throw noJson(path, "a member whose key is a symbol");
    const inner = `${path}.${/^\w+$/.test(key) ? key : quote(key)}`;
    if (/\p{Surrogate}/u.test(key)) throw noJson(inner, "a key with half a surrogate pair in it");
    return `${JSON.stringify(key)}:${written((value as Record<string, unknown>)[key], inner, level + 1)}`;
  });
  return `{${members.join(",")}}`;
}

function noJson(path: string, found: string): Denied {
  return new Denied("denied.invalid", `JSON cannot say what is at ${path}: ${found}`, {
    next: "Build the payload of texts, numbers, booleans, null, arrays and plain objects.",
  });
}
