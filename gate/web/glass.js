// A break-glass file: what stands in it, what a passkey signs, and the file with one more signature. No
// service has a say in any of that (docs/spec/break-glass.md).
//
//   "break-glass" ‖ 0x00 ‖ SHA-256("cosignet.break-glass/v1" ‖ 0x00 ‖ grant)          44 bytes

import { utf8 } from "./bytes.js";
import { sha256 } from "./challenge.js";
import { canonical, read } from "./reader.js";

export const MOST_BYTES = 128 * 1024;
const MOST_GRANT = 4 * 1024;
const MOST_SIGNATURES = 16;
const MOST_MILLIS = 60 * 60 * 1000;
const MOST_USES = 100;

const FILE = "cosignet.break-glass-file/v1";
const GRANT = "cosignet.break-glass-grant/v1";
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const HASH = /^[0-9a-f]{64}$/;
const BASE64URL = /^[A-Za-z0-9_-]*$/;
const PARTS = ["authenticatorData", "clientDataJSON", "credentialId", "signature"];

/// The file that a text is; an error that says why it is none.
export function readFile(text) {
  if (utf8(text).length > MOST_BYTES) throw new RangeError("It has more than 128 KiB.");
  const file = members(read(text), ["grant", "signatures", "type"]);
  require(string(file.type) === FILE, "It is no break-glass file.");
  require(file.signatures.kind === "array" && file.signatures.items.length <= MOST_SIGNATURES, "Its signatures are not a list of at most 16.");
  const signatures = file.signatures.items.map((item) => {
    const parts = members(item, PARTS);
    return Object.fromEntries(PARTS.map((part) => [part, base64Url(parts[part])]));
  });
  const grantText = string(file.grant);
  return { grantText, grant: readGrant(grantText), signatures };
}

function readGrant(text) {
  require(utf8(text).length <= MOST_GRANT, "Its grant has more than 4 KiB.");
  const value = read(text);
  require(canonical(value) === text, "Its grant is not in canonical form.");
  const grant = members(value, ["action", "audience", "notAfter", "notBefore", "policySha256", "random", "reason", "type", "uses"]);
  require(string(grant.type) === GRANT, "What it grants is of another kind.");
  const [notBefore, notAfter] = [string(grant.notBefore), string(grant.notAfter)];
  require(TIME.test(notBefore) && TIME.test(notAfter), "Its times are not written as they should be.");
  const lasts = Date.parse(notAfter) - Date.parse(notBefore);
  require(lasts > 0 && lasts <= MOST_MILLIS, "It is not for a time of at most 60 minutes.");
  require(grant.uses.kind === "number" && /^[1-9]\d{0,2}$/.test(grant.uses.text) && Number(grant.uses.text) <= MOST_USES, "It is not for 1 to 100 acts.");
  require(HASH.test(string(grant.policySha256)), "It names no policy.");
  require(base64Url(grant.random).length === 43, "Its random part has not 32 bytes.");
  const [action, audience, reason] = [string(grant.action), string(grant.audience), string(grant.reason)];
  require(isPattern(action), "What it permits is no action, and no beginning of some.");
  require(audience !== "" && reason !== "", "It names no program, or no reason.");
  return { action, audience, reason, notBefore, notAfter, uses: Number(grant.uses.text), policySha256: string(grant.policySha256) };
}

/// One action, or a beginning with a dot and a star behind it.
export function isPattern(text) {
  const stem = text.endsWith("*") ? text.slice(0, -1) : text;
  const fits = stem === text || (stem.endsWith(".") && stem.length > 1);
  return fits && text !== "" && utf8(text).length <= 120 && !stem.includes("*");
}

/// What a passkey signs. No approval, refusal or login has as many bytes.
export async function challenge(grantText) {
  const begin = utf8("break-glass\0");
  const hash = await sha256(utf8(`cosignet.break-glass/v1\0${grantText}`));
  const out = new Uint8Array(begin.length + hash.length);
  out.set(begin);
  out.set(hash, begin.length);
  return out;
}

/// The text of the file with this assertion (an `AuthenticationResponseJSON`) as one more signature.
export function withSignature({ grantText, signatures }, { rawId, response }) {
  const { authenticatorData, clientDataJSON, signature } = response;
  const all = [...signatures, { authenticatorData, clientDataJSON, credentialId: rawId, signature }];
  require(all.length <= MOST_SIGNATURES, "It has as many signatures as it can have.");
  return `${JSON.stringify({ grant: grantText, signatures: all, type: FILE })}\n`;
}

function members(value, keys) {
  require(value.kind === "object", "There is something else in it than there should be.");
  const found = Object.fromEntries(value.members.map(({ key, value: inner }) => [key, inner]));
  const fits = value.members.length === keys.length && keys.every((key) => Object.hasOwn(found, key));
  require(fits, `It does not have exactly these members: ${keys.join(", ")}.`);
  return found;
}

function string(value) {
  require(value.kind === "string", "Something in it is no text.");
  return value.text;
}

function base64Url(value) {
  const text = string(value);
  require(BASE64URL.test(text), "Something in it is not base64url.");
  return text;
}

function require(fits, why) {
  if (!fits) throw new RangeError(why);
}
