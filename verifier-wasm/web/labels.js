// The words of a descriptor on the page: in quotes, beside the names that were signed, and with whose they
// are.

import { el, hash, named, quoted } from "./dom.js";

const LONGEST = 200;

/// The name of a field behind its label, if it has one.
export const labelled = (label, name) => (label === undefined ? name : [quoted(label), " ", name]);

/// The fields that a descriptor lists, then the others as they stood. None goes.
export const listedFirst = (labels, fields) => [...labels.keys(), ...fields.filter((field) => !labels.has(field))];

/// One line: which file the labels are from, and what became of it. `used` as `applied` gives it, or null.
export function labelsLine(used, { change, remove }) {
  if (!used) return null;
  const { name, sha256, applies, found, missing, info: { action } } = used;
  const file = [named(name), ", SHA-256 ", hash(sha256)];
  const button = (words, act) => [" ", el("button", { type: "button", class: "link no-print", onclick: act }, words)];
  return el("p", { class: "hint labels" },
    applies
      ? ["Labels and order are from a descriptor that you chose: ", file, ".",
        missing > 0 && ` ${missing} of its fields ${missing === 1 ? "is" : "are"} not in this payload.`]
      : ["The labels of ", file, ", do not apply to this payload: they are for the action ", quoted(action),
        found === null ? ", and it names none." : [", and it is ", quoted(found.slice(0, LONGEST)), found.length > LONGEST && " …", "."]],
    button("Change labels", change), button("Remove labels", remove));
}
