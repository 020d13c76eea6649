// Names of characters that mislead, in Unicode's words, and the plain characters that they look like.

import { NAMES } from "./dom.js";

/// `U+0430`.
export const number = (code) => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;

/// The name of a character as far as it is known here, or `null`.
export function nameOf(code) {
  const known = NAMES.get(code) ?? OTHERS.get(code) ?? LOOKALIKES.get(code)?.name;
  if (known) return known;
  const combining = COMBINING[code - FIRST_COMBINING];
  return combining ? `combining ${combining}` : null;
}

/// The plain character that one looks like, or `null`.
export const plainLooks = (code) => LOOKALIKES.get(code)?.plain ?? null;

// The combining diacritical marks, in their order.
const FIRST_COMBINING = 0x300;
const COMBINING = [
  "grave accent", "acute accent", "circumflex accent", "tilde", "macron", "overline", "breve", "dot above", "diaeresis", "hook above",
  "ring above", "double acute accent", "caron", "vertical line above", "double vertical line above", "double grave accent", "candrabindu",
  "inverted breve", "turned comma above", "comma above", "reversed comma above", "comma above right", "grave accent below",
  "acute accent below", "left tack below", "right tack below", "left angle above", "horn", "left half ring below", "up tack below",
  "down tack below", "plus sign below", "minus sign below", "palatalized hook below", "retroflex hook below", "dot below",
  "diaeresis below", "ring below", "comma below", "cedilla", "ogonek", "vertical line below", "bridge below", "inverted double arch below",
  "caron below", "circumflex accent below", "breve below", "inverted breve below", "tilde below", "macron below", "low line",
  "double low line", "tilde overlay", "short stroke overlay", "long stroke overlay", "short solidus overlay", "long solidus overlay",
  "right half ring below", "inverted bridge below", "square below", "seagull below", "x above", "vertical tilde", "double overline",
  "grave tone mark", "acute tone mark", "greek perispomeni", "greek koronis", "greek dialytika tonos", "greek ypogegrammeni",
  "bridge above", "equals sign below", "double vertical line below", "left angle below", "not tilde above", "homothetic above",
  "almost equal to above", "left right arrow below", "upwards arrow below", "grapheme joiner", "right arrowhead above",
  "left half ring above", "fermata", "x below", "left arrowhead below", "right arrowhead below", "right arrowhead and up arrowhead below",
  "right half ring above", "dot above right", "asterisk below", "double ring below", "zigzag above", "double breve below", "double breve",
  "double macron", "double macron below", "double tilde", "double inverted breve", "double rightwards arrow below", "latin small letter a",
  "latin small letter e", "latin small letter i", "latin small letter o", "latin small letter u", "latin small letter c",
  "latin small letter d", "latin small letter h", "latin small letter m", "latin small letter r", "latin small letter t",
  "latin small letter v", "latin small letter x",
];

const OTHERS = new Map([
  [0xad, "soft hyphen"], [0x34f, "combining grapheme joiner"], [0x61c, "arabic letter mark"], [0x115f, "hangul choseong filler"],
  [0x1160, "hangul jungseong filler"], [0x1680, "ogham space mark"], [0x180e, "mongolian vowel separator"], [0x2000, "en quad"],
  [0x2001, "em quad"], [0x2002, "en space"], [0x2003, "em space"], [0x2004, "three-per-em space"], [0x2005, "four-per-em space"],
  [0x2006, "six-per-em space"], [0x2007, "figure space"], [0x2008, "punctuation space"], [0x2009, "thin space"], [0x200a, "hair space"],
  [0x2028, "line separator"], [0x2029, "paragraph separator"], [0x202f, "narrow no-break space"], [0x205f, "medium mathematical space"],
  [0x2060, "word joiner"], [0x2061, "function application"], [0x2062, "invisible times"], [0x2063, "invisible separator"],
  [0x2064, "invisible plus"], [0x3000, "ideographic space"], [0x3164, "hangul filler"], [0xfe0e, "variation selector-15"],
  [0xfe0f, "variation selector-16"], [0xffa0, "halfwidth hangul filler"], [0xfffc, "object replacement character"],
  [0xfffd, "replacement character"],
]);

// Letters and signs that a reader takes for plain ones. Unicode lists far more of them as confusable;
// these are close in common typefaces.
const LOOKALIKES = new Map([
  [0x196, "I", "latin capital letter iota"], [0x1c0, "l", "latin letter dental click"], [0x1c3, "!", "latin letter retroflex click"],
  [0x251, "a", "latin small letter alpha"], [0x261, "g", "latin small letter script g"], [0x269, "i", "latin small letter iota"],
  [0x280, "r", "latin letter small capital r"], [0x28f, "y", "latin letter small capital y"], [0x2b9, "'", "modifier letter prime"],
  [0x2bc, "'", "modifier letter apostrophe"], [0x2c2, "<", "modifier letter left arrowhead"],
  [0x2c3, ">", "modifier letter right arrowhead"], [0x2d0, ":", "modifier letter triangular colon"],
  [0x2f8, ":", "modifier letter raised colon"], [0x37e, ";", "greek question mark"], [0x37f, "J", "greek capital letter yot"],
  [0x391, "A", "greek capital letter alpha"], [0x392, "B", "greek capital letter beta"], [0x395, "E", "greek capital letter epsilon"],
  [0x396, "Z", "greek capital letter zeta"], [0x397, "H", "greek capital letter eta"], [0x399, "I", "greek capital letter iota"],
  [0x39a, "K", "greek capital letter kappa"], [0x39c, "M", "greek capital letter mu"], [0x39d, "N", "greek capital letter nu"],
  [0x39f, "O", "greek capital letter omicron"], [0x3a1, "P", "greek capital letter rho"], [0x3a4, "T", "greek capital letter tau"],
  [0x3a5, "Y", "greek capital letter upsilon"], [0x3a7, "X", "greek capital letter chi"], [0x3b1, "a", "greek small letter alpha"],
  [0x3b3, "y", "greek small letter gamma"], [0x3b5, "e", "greek small letter epsilon"], [0x3b7, "n", "greek small letter eta"],
  [0x3b9, "i", "greek small letter iota"], [0x3ba, "k", "greek small letter kappa"], [0x3bd, "v", "greek small letter nu"],
  [0x3bf, "o", "greek small letter omicron"], [0x3c1, "p", "greek small letter rho"], [0x3c4, "t", "greek small letter tau"],
  [0x3c5, "u", "greek small letter upsilon"], [0x3c7, "x", "greek small letter chi"], [0x3c9, "w", "greek small letter omega"],
  [0x3f2, "c", "greek lunate sigma symbol"], [0x3f3, "j", "greek letter yot"], [0x3f9, "C", "greek capital lunate sigma symbol"],
  [0x405, "S", "cyrillic capital letter dze"], [0x406, "I", "cyrillic capital letter byelorussian-ukrainian i"],
  [0x408, "J", "cyrillic capital letter je"], [0x410, "A", "cyrillic capital letter a"], [0x411, "6", "cyrillic capital letter be"],
  [0x412, "B", "cyrillic capital letter ve"], [0x415, "E", "cyrillic capital letter ie"], [0x417, "3", "cyrillic capital letter ze"],
  [0x41a, "K", "cyrillic capital letter ka"], [0x41c, "M", "cyrillic capital letter em"], [0x41d, "H", "cyrillic capital letter en"],
  [0x41e, "O", "cyrillic capital letter o"], [0x420, "P", "cyrillic capital letter er"], [0x421, "C", "cyrillic capital letter es"],
  [0x422, "T", "cyrillic capital letter te"], [0x423, "Y", "cyrillic capital letter u"], [0x425, "X", "cyrillic capital letter ha"],
  [0x430, "a", "cyrillic small letter a"], [0x432, "b", "cyrillic small letter ve"], [0x433, "r", "cyrillic small letter ghe"],
  [0x435, "e", "cyrillic small letter ie"], [0x43a, "k", "cyrillic small letter ka"], [0x43c, "m", "cyrillic small letter em"],
  [0x43d, "h", "cyrillic small letter en"], [0x43e, "o", "cyrillic small letter o"], [0x43f, "n", "cyrillic small letter pe"],
  [0x440, "p", "cyrillic small letter er"], [0x441, "c", "cyrillic small letter es"], [0x442, "t", "cyrillic small letter te"],
  [0x443, "y", "cyrillic small letter u"], [0x445, "x", "cyrillic small letter ha"], [0x44c, "b", "cyrillic small letter soft sign"],
  [0x455, "s", "cyrillic small letter dze"], [0x456, "i", "cyrillic small letter byelorussian-ukrainian i"],
  [0x458, "j", "cyrillic small letter je"], [0x474, "V", "cyrillic capital letter izhitsa"], [0x475, "v", "cyrillic small letter izhitsa"],
  [0x4ae, "Y", "cyrillic capital letter straight u"], [0x4bb, "h", "cyrillic small letter shha"], [0x4c0, "I", "cyrillic letter palochka"],
  [0x4cf, "l", "cyrillic small letter palochka"], [0x501, "d", "cyrillic small letter komi de"],
  [0x50c, "G", "cyrillic capital letter komi sje"], [0x51a, "Q", "cyrillic capital letter qa"], [0x51b, "q", "cyrillic small letter qa"],
  [0x51c, "W", "cyrillic capital letter we"], [0x51d, "w", "cyrillic small letter we"], [0x53c, "L", "armenian capital letter liwn"],
  [0x54d, "U", "armenian capital letter seh"], [0x54f, "S", "armenian capital letter tiwn"], [0x555, "O", "armenian capital letter oh"],
  [0x55a, "'", "armenian apostrophe"], [0x566, "q", "armenian small letter za"], [0x570, "h", "armenian small letter ho"],
  [0x578, "n", "armenian small letter vo"], [0x57d, "u", "armenian small letter seh"], [0x581, "g", "armenian small letter co"],
  [0x585, "o", "armenian small letter oh"], [0x589, ":", "armenian full stop"], [0x5c3, ":", "hebrew punctuation sof pasuq"],
  [0x5f3, "'", "hebrew punctuation geresh"], [0x60c, ",", "arabic comma"], [0x66b, ",", "arabic decimal separator"],
  [0x66c, ",", "arabic thousands separator"], [0x66d, "*", "arabic five pointed star"], [0x13a2, "T", "cherokee letter i"],
  [0x13aa, "A", "cherokee letter go"], [0x13ab, "J", "cherokee letter gu"], [0x13ac, "E", "cherokee letter gv"],
  [0x13b3, "W", "cherokee letter la"], [0x13b7, "M", "cherokee letter lu"], [0x13bb, "H", "cherokee letter mi"],
  [0x13c0, "G", "cherokee letter nah"], [0x13c3, "Z", "cherokee letter no"], [0x13c6, "I", "cherokee letter qua"],
  [0x13d9, "V", "cherokee letter do"], [0x13da, "S", "cherokee letter du"], [0x13de, "L", "cherokee letter tle"],
  [0x13df, "C", "cherokee letter tli"], [0x13e2, "P", "cherokee letter tlv"], [0x13e6, "K", "cherokee letter tso"],
  [0x13f4, "B", "cherokee letter yv"], [0x1d04, "c", "latin letter small capital c"], [0x1d0f, "o", "latin letter small capital o"],
  [0x2010, "-", "hyphen"], [0x2011, "-", "non-breaking hyphen"], [0x2012, "-", "figure dash"], [0x2013, "-", "en dash"],
  [0x2014, "-", "em dash"], [0x2015, "-", "horizontal bar"], [0x201a, ",", "single low-9 quotation mark"],
  [0x2027, ".", "hyphenation point"], [0x2039, "<", "single left-pointing angle quotation mark"],
  [0x203a, ">", "single right-pointing angle quotation mark"], [0x2043, "-", "hyphen bullet"], [0x2044, "/", "fraction slash"],
  [0x204e, "*", "low asterisk"], [0x2212, "-", "minus sign"], [0x2215, "/", "division slash"], [0x2216, "\\", "set minus"],
  [0x2217, "*", "asterisk operator"], [0x2223, "|", "divides"], [0x2236, ":", "ratio"],
  [0x2571, "/", "box drawings light diagonal upper right to lower left"], [0x2758, "|", "light vertical bar"],
  [0x29f5, "\\", "reverse solidus operator"], [0x29f8, "/", "big solidus"], [0xa789, ":", "modifier letter colon"],
  [0xa78c, "'", "latin small letter saltillo"],
].map(([code, plain, name]) => [code, { plain, name }]));
