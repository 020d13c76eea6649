// What a payload says, field by field. All of it is its author’s words: quoted, and never more.

import { el, named, quoted, visible } from "./dom.js";
import { labelled, listedFirst } from "./labels.js";

const MOST_FIELDS = 8;
const MOST_TELLING = 24;
const MOST_IN_SENTENCE = 6;
const LONGEST = 280;
const LONGEST_IN_SENTENCE = 44;

// Names of fields about money and those who get it. They only bring a field forward: it is neither
// hidden nor believed for its name.
const MONEY = /amount|total|sum|price|value|currency|betrag|montant|importe/i;
const PAYEE = /payee|recipient|beneficiary|creditor|receiver|supplier|vendor|destination|account|address|iban|bic|swift|(^|[.\]_])to($|[.[_])/i;
const ACTION = /(^|[.\]_])(action|type|purpose|operation|kind)$/i;
const IBAN = /^[A-Z]{2}\d{2}[A-Z0-9 ]{10,36}$/;

/// The path of a field, for people.
export const plainPath = (path) => path.replace(/^\$\.?/, "") || "(the whole)";
const isTelling = ({ path, text }) => MONEY.test(path) || PAYEE.test(path) || IBAN.test(text);

/// The fields to show, and how many are behind the cut: `telling` of those are about money or payees.
/// Fields with labels come on top of those that are shown without any, so that none is hidden by them.
function cut(all, labels) {
  const chosen = new Set(all.length <= MOST_FIELDS ? all : first(all));
  const rest = all.filter((field) => !chosen.has(field) && !labels.has(field));
  return { shown: listedFirst(labels, all.filter((field) => chosen.has(field))), rest, telling: rest.filter(isTelling).length };
}

function first(all) {
  const telling = all.filter(isTelling).slice(0, MOST_TELLING);
  return [...telling, ...all.filter((field) => !telling.includes(field)).slice(0, Math.max(0, MOST_FIELDS - telling.length))];
}

const clip = (text, most) => (text.length > most
  ? [visible(text.slice(0, most)), el("span", { class: "tag" }, `${text.length - most} characters more`)] : visible(text));

const row = (field, label) => [el("dt", {}, labelled(label, named(plainPath(field.path)))), el("dd", {}, clip(field.text, LONGEST))];

/// The first screen’s list of the payload that was signed, `info` as `describePayload` gives it. `labels`:
/// fields of it with their labels.
export function payloadFacts(info, labels = new Map()) {
  const heading = el("h4", {}, "The payload itself says", labels.size > 0 && ", beside labels that you chose");
  const all = info.all ?? null;
  if (!all) {
    const words = info.text === null
      ? el("p", {}, `It is not text: ${info.length} bytes, shown below.`)
      : el("p", { class: "said" }, quoted(info.text.slice(0, LONGEST)), info.text.length > LONGEST && el("span", { class: "tag" }, `${info.text.length - LONGEST} characters more`));
    return el("div", { class: "inside" }, heading, words, toAll());
  }
  const { shown, rest, telling } = cut(all, labels);
  return el("div", { class: "inside" }, heading,
    el("dl", { class: "facts" }, shown.map((field) => row(field, labels.get(field)))),
    telling > 0 && el("p", { class: "warning" }, el("strong", {}, `${telling} more fields about amounts or payees are behind the next line.`)),
    rest.length > 0 && more(rest));
}

/// Made when it is opened: there may be thousands.
function more(rest) {
  const list = el("dl", { class: "facts" });
  const node = el("details", { class: "quiet" }, el("summary", {}, `and ${rest.length} more`), list);
  node.addEventListener("toggle", () => {
    if (node.open && !list.firstChild) list.append(...rest.slice(0, 1000).flatMap((field) => row(field)), ...(rest.length > 1000 ? [el("dd", {}, toAll())] : []));
  });
  return node;
}

const toAll = () => el("p", {}, el("a", { href: "#payload-title" }, "all of it"));

/// The same in the sentence of the verdict: few fields, each with its name and in quotes.
export function inSentence(info) {
  const all = info.all ?? null;
  if (!all) {
    if (info.text === null) return null;
    return [quoted(info.text.slice(0, LONGEST_IN_SENTENCE)), info.text.length > LONGEST_IN_SENTENCE && " …"];
  }
  const telling = [...all.filter(({ path }) => ACTION.test(path)).slice(0, 1), ...all.filter(isTelling)];
  const chosen = (telling.length ? [...new Set(telling)] : all).slice(0, MOST_IN_SENTENCE);
  const left = all.length - chosen.length;
  return [
    chosen.map(({ path, text }, index) => [
      index ? ", " : "", named(plainPath(path)), " ", quoted(text.slice(0, LONGEST_IN_SENTENCE)), text.length > LONGEST_IN_SENTENCE && " …"]),
    left > 0 && `, and ${left} more ${left === 1 ? "field" : "fields"}`,
  ];
}
