// What could not be done, and why.

import { $, el, fill } from "./dom.js";

export function problem(title, ...paragraphs) {
  const node = $("#problem");
  fill(node, el("h2", {}, title), paragraphs.map((paragraph) => el("p", {}, paragraph)));
  node.hidden = false;
  node.focus();
}

export function clearProblem() {
  $("#problem").hidden = true;
  fill($("#problem"));
}
