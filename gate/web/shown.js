// Texts from outside, with everything in them that misleads an eye marked by number and name: characters
// that do not show, reorder or combine, words of two scripts, letters and signs that look like plain ones.
// The text itself stays whole.

import { HIDDEN, el } from "./dom.js";
import { nameOf, number, plainLooks } from "./names.js";

/// A text in pieces: `{text, mark}`. A mark is `null`, or `{kind, number, name}`:
/// - `hidden` stands where its character would not show,
/// - `line` is a line feed, `space` a space that nobody sees,
/// - `strange` stands behind a character that shows, and is not what it seems.
export function pieces(text) {
  const strange = strangers(text);
  const out = [];
  let plain = "";
  let before = "";
  const push = (piece, mark) => {
    // A mark stays on its letter, which would lose it in another piece.
    const letter = mark?.kind === "strange" && /^\p{M}$/u.test(piece) ? /.$/u.exec(plain)?.[0] ?? "" : "";
    plain = plain.slice(0, plain.length - letter.length);
    if (plain) out.push({ text: plain, mark: null });
    plain = "";
    if (mark) out.push({ text: letter + piece, mark });
  };
  let at = 0;
  for (const character of text) {
    // What every keyboard prints needs fewer questions, and texts may be long.
    const isKeyboard = character >= "!" && character <= "~";
    const name = (isKeyboard ? null : hiddenName(text, at, character) ?? combiningName(character, before)) ?? strange.get(at) ?? null;
    if (name === null) plain += character;
    else push(character, { kind: ORDINARY.get(character) ?? (HIDDEN.test(character) ? "hidden" : "strange"), number: number(character.codePointAt(0)), name });
    at += character.length;
    before = character;
  }
  push();
  return out;
}

const ORDINARY = new Map([["\n", "line"], [" ", "space"]]);

/// What a reader is told once about a text with marks, worst first.
export function warnings(text) {
  const marks = pieces(text).map(({ mark }) => mark).filter(Boolean);
  const names = marks.map(({ name }) => name).join("\n");
  const has = (kind) => marks.some((mark) => mark.kind === kind);
  return [
    /override|embedding|isolate|(?:left|right|letter) mark$/m.test(names) && "characters that can reorder the text",
    /one word/.test(names) && "letters of two scripts in one word",
    / looks like /.test(names) && "characters that look like others",
    has("hidden") && "characters that do not show",
    /combining/.test(names) && "marks that change the letter before them",
    /^ | $/.test(text) && "a space at the beginning or the end",
  ].filter(Boolean);
}

/// The text as it may be put on the page, kept apart from what stands around it.
export function shown(text) {
  return el("bdi", { class: "text", dir: "ltr" }, pieces(text).map(({ text: piece, mark }) => {
    switch (mark?.kind) {
      case undefined: return piece;
      case "line": return [el("span", { class: "line-end", title: `${mark.number} ${mark.name}` }), "\n"];
      case "space": return el("span", { class: "space", title: `${mark.number} ${mark.name}` }, " ");
      case "hidden": return el("span", { class: "hidden-char" }, `${mark.number} ${mark.name}`);
      default: return el("span", { class: "strange", title: mark.name }, el("bdi", {}, piece), el("span", { class: "hidden-char" }, mark.number));
    }
  }));
}

/// What a reader has to know about these texts, or `null`: warnings, and the names of what is marked by
/// its number alone.
export function remarks(...texts) {
  const found = new Set(texts.flatMap(warnings));
  if (found.size === 0) return null;
  const strange = texts.flatMap(pieces).filter(({ mark }) => mark?.kind === "strange");
  const names = new Map(strange.map(({ mark }) => [mark.number, mark.name]));
  return el("div", { class: "warning" },
    el("p", {}, el("strong", {}, `Look closely: ${[...found].join("; ")}.`)),
    names.size > 0 && el("ul", {}, [...names].map(([code, name]) => el("li", {}, `${code} ${name}`))));
}

/// The same in quotes and a frame, for words of others among words of this page.
export const quoted = (text) => el("q", { class: "name" }, shown(text));

function hiddenName(text, at, character) {
  if (HIDDEN.test(character)) return nameOf(character.codePointAt(0)) ?? "does not show";
  // One space between words is seen; more of them, or one at an end, is not.
  const seen = character !== " " || (at > 0 && at < text.length - 1 && text[at - 1] !== " " && text[at - 1] !== "\n" && text[at + 1] !== "\n");
  return seen ? null : "space";
}

/// A mark on a letter of its own script is how that script is written; any other may turn one letter
/// into another, or sit on nothing.
function combiningName(character, before) {
  if (!/\p{M}/u.test(character)) return null;
  const own = scriptOf(character);
  return own && own === scriptOf(before) ? null : nameOf(character.codePointAt(0)) ?? "combining mark";
}

/// Places of characters that are not what they seem, with words about each.
function strangers(text) {
  const out = new Map();
  if (/^[\0-\x7f]*$/.test(text)) return out;
  const words = [...text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)];
  const scriptsOfWords = words.map(({ 0: word }) => new Set([...word].map(scriptOf).filter(Boolean)));
  const hasLatin = scriptsOfWords.some((scripts) => scripts.has("Latin"));
  // A text in one other script is that script's own: its short words are not marked.
  const all = new Set(scriptsOfWords.flatMap((scripts) => [...scripts]));
  const foreign = hasLatin || all.size !== 1 || !words.some(({ 0: word }) => [...word].some((c) => /\p{L}/u.test(c) && !plainLooks(c.codePointAt(0))));
  words.forEach(({ 0: word, index }, place) => {
    const mixed = mixedScripts(scriptsOfWords[place]);
    const main = mixed && mainScript(word);
    const letters = [...word].filter((character) => /\p{L}/u.test(character));
    const disguised = foreign && letters.length > 0 && letters.every((character) => plainLooks(character.codePointAt(0)));
    let at = index;
    for (const character of word) {
      const words = mixed && scriptOf(character) && scriptOf(character) !== main ? strangerName(character, true)
        : disguised || isAlwaysStrange(character) ? strangerName(character, false) : null;
      if (words) out.set(at, words);
      at += character.length;
    }
  });
  for (const { 0: sign, index } of text.matchAll(/[^\p{L}\p{M}\p{N}\s]/gu)) {
    if (!isPlainSign(sign, text, index)) out.set(index, strangerName(sign, false));
  }
  return out;
}

function strangerName(character, inMixedWord) {
  const code = character.codePointAt(0);
  const plain = plainLooks(code) ?? compatible(character);
  const name = nameOf(code) ?? (scriptOf(character) ? `${scriptOf(character)} character` : "unusual character");
  return [name, plain && `looks like ${plain}`, inMixedWord && !plain && "of another script in one word", inMixedWord && plain && "in one word with others"].filter(Boolean).join(", ");
}

/// What Unicode calls another form of plain characters (full width, bold, superscript), as those.
function compatible(character) {
  const plain = character.normalize("NFKC");
  return plain !== character && plain !== character.normalize("NFC") && /^[\x21-\x7e]+$/.test(plain) ? plain : null;
}

const isAlwaysStrange = (character) => compatible(character) !== null
  || (/\p{Nd}/u.test(character) && !/[0-9]/.test(character))
  || (scriptOf(character) === "Latin" && plainLooks(character.codePointAt(0)) !== null);

function isPlainSign(sign, text, at) {
  if (compatible(sign)) return "…™№℃".includes(sign);
  if (plainLooks(sign.codePointAt(0)) === null) return true;
  // A dash with spaces around it is punctuation; without them it passes for a hyphen or a minus.
  return "–—".includes(sign) && text[at - 1] === " " && text[at + 1] === " ";
}

// Scripts that people use together in one word are one here.
const SCRIPTS = [
  ["Latin", "Latin"], ["Greek", "Greek"], ["Cyrillic", "Cyrillic"], ["Armenian", "Armenian"], ["Hebrew", "Hebrew"], ["Arabic", "Arabic"],
  ["East Asian", "Han"], ["East Asian", "Hiragana"], ["East Asian", "Katakana"], ["East Asian", "Bopomofo"], ["East Asian", "Hangul"],
  ["Devanagari", "Devanagari"], ["Bengali", "Bengali"], ["Gurmukhi", "Gurmukhi"], ["Gujarati", "Gujarati"], ["Tamil", "Tamil"], ["Telugu", "Telugu"],
  ["Kannada", "Kannada"], ["Malayalam", "Malayalam"], ["Sinhala", "Sinhala"], ["Thai", "Thai"], ["Lao", "Lao"], ["Tibetan", "Tibetan"], ["Myanmar", "Myanmar"],
  ["Georgian", "Georgian"], ["Ethiopic", "Ethiopic"], ["Cherokee", "Cherokee"], ["Khmer", "Khmer"], ["Mongolian", "Mongolian"], ["Coptic", "Coptic"],
].map(([name, script]) => [name, new RegExp(`\\p{Script=${script}}`, "u")]);

/// The script of a character, or `null` for what belongs to none or to many.
function scriptOf(character) {
  if (/^[\x00-\x7f]?$/.test(character)) return /[A-Za-z]/.test(character) ? "Latin" : null;
  if (/[\p{Script=Common}\p{Script=Inherited}]/u.test(character)) return null;
  return SCRIPTS.find(([, pattern]) => pattern.test(character))?.[0] ?? "rarely used";
}

const mixedScripts = (scripts) => scripts.size > 1 && !(scripts.size === 2 && scripts.has("Latin") && scripts.has("East Asian"));

/// The script that most of a word is in; Latin if it is a draw.
function mainScript(word) {
  const counts = new Map();
  for (const character of word) {
    const script = scriptOf(character);
    if (script) counts.set(script, (counts.get(script) ?? 0) + (script === "Latin" ? 1.5 : 1));
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0][0];
}
