// One request as the service states it, held against the bytes that will be signed. Challenges exist only
// if everything fits.

import { fromBase64Url, text as decoded, toHex, utf8 } from "./bytes.js";
import { RANDOM_LENGTH, challenges, sha256 } from "./challenge.js";
import { canonical, read } from "./reader.js";

const CONTEXT = "cosignet.context/v1";
const MOST_CONTEXT = 4096;

/// What the answer of `GET /a/{id}/request` holds:
/// - `payload`: `{bytes, text, value}`; text and value are `null` if the bytes are none,
/// - `context`: its members as signed, or `null`,
/// - `hashes`: `{payload, context}` in hex, computed here,
/// - `checks`: `[{name, fits, expected, found}]`,
/// - `challenges`: `{approve, refuse}`, or `null` if a check does not fit.
export async function examine(answer, { id, origin }) {
  const random = bytesOf(answer.random);
  const payload = payloadOf(bytesOf(answer.payload) ?? new Uint8Array());
  const contextBytes = utf8(String(answer.context));
  const context = contextOf(String(answer.context), contextBytes.length);
  const hashes = { payload: toHex(await sha256(payload.bytes)), context: toHex(await sha256(contextBytes)) };
  const checks = [
    check("The bytes say exactly what is shown", payload.value !== null, "the canonical JSON of the values below", payload.why),
    check("The random part has 32 bytes", random?.length === RANDOM_LENGTH, `${RANDOM_LENGTH} bytes`, `${random?.length ?? "no"} bytes`),
    check("The signed context has the known form", context.members !== null, CONTEXT, context.why),
    ...(context.members ? await against(context.members, answer, { id, origin }) : []),
  ];
  const fit = checks.every(({ fits }) => fits);
  return {
    payload,
    context: context.members,
    hashes,
    checks,
    challenges: fit ? await challenges(random, contextBytes, payload.bytes) : null,
  };
}

/// What was signed has to be what the service says beside it.
async function against(context, answer, { id, origin }) {
  const same = (name, signed, beside) => check(name, signed === beside, beside ?? "nothing", signed);
  const ruleText = answer.rule?.text;
  return [
    same("It is the request of this link", context.requestId, id),
    same("The service speaks of the same request", context.requestId, answer.id),
    same("The action is the one that the service names", context.action, answer.action),
    same("The requester is the one that the service names", context.requester, answer.requester?.name),
    same("The deadline is the one that the service names", context.expiresAt, answer.expiresAt),
    same("The rule is the one that the service names", context.rule.name, answer.rule?.name),
    same("The rule has the hash that the service names", context.rule.sha256, answer.rule?.sha256),
    same("The text of the rule has the hash that is signed", context.rule.sha256, typeof ruleText === "string" ? toHex(await sha256(utf8(ruleText))) : null),
    audience(context.audience, answer.audience, new URL(origin)),
  ];
}

/// What this service is called in a context.
export const names = ({ host, hostname, origin }) => [host, hostname, origin];

/// An approval is for use at this service, or where the service openly says that it is.
function audience(signed, beside, url) {
  const expected = beside === undefined ? names(url) : [beside];
  return check("It is meant for the system that the service names", expected.includes(signed), expected[0], signed);
}

const check = (name, fits, expected, found) => ({ name, fits, expected: fits ? null : String(expected), found: fits ? null : String(found) });

/// The value of a payload, if the bytes are its one canonical form.
function payloadOf(bytes) {
  const text = decoded(bytes);
  if (text === null) return { bytes, text, value: null, why: "bytes that are not UTF-8" };
  try {
    const value = read(text);
    const again = canonical(value);
    if (again === text) return { bytes, text, value, why: null };
    return { bytes, text, value: null, why: "the same JSON, written otherwise" };
  } catch (error) {
    return { bytes, text, value: null, why: `no JSON: ${error.message}` };
  }
}

const isTime = (text) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/.test(text) && Number.isFinite(Date.parse(text));
const isId = (text) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
const isHash = (text) => /^[0-9a-f]{64}$/.test(text);
const isAny = () => true;

const MEMBERS = { action: isAny, audience: isAny, expiresAt: isTime, requestId: isId, requester: isAny, rule: null, type: (text) => text === CONTEXT };
const RULE = { name: isAny, sha256: isHash };

function contextOf(text, length) {
  if (length > MOST_CONTEXT) return { members: null, why: `${length} bytes; at most ${MOST_CONTEXT} are allowed` };
  try {
    const value = read(text);
    if (canonical(value) !== text) return { members: null, why: "JSON that is not canonical" };
    return { members: strings(value, MEMBERS, (rule) => strings(rule, RULE)), why: null };
  } catch (error) {
    return { members: null, why: error.message };
  }
}

/// An object with exactly these members, all of them texts but the one that `inner` reads.
function strings(value, forms, inner) {
  const keys = value.kind === "object" ? value.members.map(({ key }) => key) : [];
  if (keys.join() !== Object.keys(forms).join()) throw new TypeError(`the members ${keys.join(", ") || "of no object"} instead of ${Object.keys(forms).join(", ")}`);
  return Object.fromEntries(value.members.map(({ key, value: member }) => {
    if (forms[key] === null) return [key, inner(member)];
    if (member.kind !== "string" || !forms[key](member.text)) throw new TypeError(`${key} is ${JSON.stringify(member.text ?? member.kind)}`);
    return [key, member.text];
  }));
}

const bytesOf = (text) => (typeof text === "string" ? fromBase64Url(text) : null);
