// Long numbers, IBANs and hashes in groups that an eye can follow. The groups are spans with a gap
// between them: the text, and what is copied of it, stays as it is.

/// `{groups, hint}`: the parts of a text, and what they look like; or `null` for a text without groups.
export function grouped(text, kind) {
  if (kind === "number" || AMOUNT.test(text)) return amount(text);
  if (kind !== "string") return null;
  if (IBAN.test(text.replaceAll(" ", "")) && !/ {2}|^ | $/.test(text)) return iban(text);
  if (HEX.test(text)) return { groups: [...(text.startsWith("0x") ? ["0x"] : []), ...fours(text.replace(/^0x/, ""))], hint: null };
  return null;
}

/// The remainder of an IBAN by 97 (ISO 13616): 1 if its check digits fit.
export function ibanRemainder(iban) {
  const turned = iban.slice(4) + iban.slice(0, 4);
  let remainder = 0;
  for (const character of turned) {
    const value = parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}

export const fours = (text) => text.match(/.{1,4}/gs) ?? [];

// A leading zero is an account or a code, not an amount.
const AMOUNT = /^[+-]?[1-9][0-9]{3,}(?:\.[0-9]+)?$/;
const IBAN = /^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/;
const HEX = /^(?:0x)?(?:[0-9a-f]{32,}|[0-9A-F]{32,})$/;

function amount(text) {
  const [, sign, whole, rest] = /^([+-]?)([0-9]+)(.*)$/.exec(text) ?? [null, "", "", text];
  const exponent = /e([+-])([0-9]+)$/.exec(rest);
  const hint = exponent && `a power of ten: the decimal point moves ${exponent[2]} places to the ${exponent[1] === "+" ? "right" : "left"}`;
  // Four digits are read at a glance, as years are.
  if (whole.length < 5) return hint ? { groups: [text], hint } : null;
  const first = whole.length % 3 || 3;
  const groups = [sign + whole.slice(0, first), ...whole.slice(first).match(/.{3}/g)];
  groups.push(groups.pop() + rest);
  return { groups, hint };
}

function iban(text) {
  const plain = text.replaceAll(" ", "");
  const fit = ibanRemainder(plain) === 1;
  return {
    groups: plain === text ? fours(text) : [text],
    hint: fit ? "reads like an IBAN; its check digits fit" : "reads like an IBAN, but its check digits do not fit: it may be mistyped",
  };
}
