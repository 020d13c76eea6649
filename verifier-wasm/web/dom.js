// Elements from data. Everything from outside goes in as text, never as markup.

export const $ = (selector) => document.querySelector(selector);

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return fill(node, children);
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  node.append(...children.flat(Infinity).filter(Boolean));
  return node;
}

export function fill(node, ...children) {
  const there = (child) => child !== null && child !== undefined && child !== false;
  node.replaceChildren(...children.flat(Infinity).filter(there));
  return node;
}

// Characters that print as nothing, reorder their neighbours, or look like a plain space. The browser's
// tables know them, but for the three that are letters or signs and are drawn as a blank.
export const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u{1d159}\u{133fc}]/u;

const MARKED = new RegExp(`${HIDDEN.source}|\\p{M}`, "gu");

export const NAMES = new Map([
  [0x09, "tab"], [0x0a, "line feed"], [0x0d, "carriage return"], [0xa0, "no-break space"],
  [0x200b, "zero width space"], [0x200c, "zero width non-joiner"], [0x200d, "zero width joiner"],
  [0x200e, "left-to-right mark"], [0x200f, "right-to-left mark"],
  [0x202a, "left-to-right embedding"], [0x202b, "right-to-left embedding"],
  [0x202c, "pop directional formatting"], [0x202d, "left-to-right override"],
  [0x202e, "right-to-left override"], [0x2066, "left-to-right isolate"],
  [0x2067, "right-to-left isolate"], [0x2068, "first strong isolate"],
  [0x2069, "pop directional isolate"], [0x2800, "braille blank"], [0xfeff, "byte order mark"],
]);

/// The text with its hidden characters made visible, kept apart from what stands around it.
export function visible(text, keepLines = false) {
  const out = el("bdi", { class: "text" });
  let at = 0;
  for (const { 0: character, index } of text.matchAll(MARKED)) {
    if (keepLines && character === "\n") continue;
    // A mark that combines is shown, but not where it would sit on nothing.
    if (index > at && !HIDDEN.test(character)) continue;
    if (index > at) out.append(text.slice(at, index));
    at = index + character.length;
    const code = character.codePointAt(0);
    const hex = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    const name = NAMES.get(code);
    out.append(el("span", { class: "hidden-char", title: name ?? "a character that does not show" }, name ? `${hex} ${name}` : hex));
  }
  if (at < text.length) out.append(text.slice(at));
  return out;
}

export const hasHidden = (text) => HIDDEN.test(text);

// Whatever else a name holds could be taken for words of this page.
const PLAIN_NAME = /^[A-Za-z0-9._/\-+@:]+$/;

/// A name from outside, kept apart from the words around it: framed, unless it is plain.
export const named = (name) => (PLAIN_NAME.test(name)
  ? visible(name)
  : quoted(name));

/// Words from outside, always in quotes and a frame.
export const quoted = (text) => el("span", { class: "name" }, "“", visible(text.replace(/[“”"\\]/g, "\\$&")), "”");

/// The same where only text can stand.
export const namedText = (name) => (PLAIN_NAME.test(name)
  ? name
  : `"${[...name].map((c) => (HIDDEN.test(c) || /[\p{M}"\\]/u.test(c) ? `\\u{${c.codePointAt(0).toString(16)}}` : c)).join("")}"`);

export const short = (hash) => (hash.length > 20 ? `${hash.slice(0, 8)}…${hash.slice(-8)}` : hash);

/// A hash, cut short on a screen and whole on paper.
export const hash = (digits) => el("code", { title: digits },
  el("span", { class: "screen" }, short(digits)), el("span", { class: "paper" }, digits));

/// Times as people read them; never in the time zone of the reader.
export const when = (time) => time.replace("T", " ").replace(/(\.000)?Z$/, "Z");

export function copyButton(label, text) {
  const button = el("button", { type: "button", class: "small no-print" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? await text() : text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not possible here: select and copy";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
  return button;
}

export function saveButton(label, name, bytes) {
  const button = el("button", { type: "button", class: "small no-print" }, label);
  button.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    el("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
  return button;
}
