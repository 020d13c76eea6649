// What went wrong, on the page: a title, the words of the service or the browser, and the code.

import { $, el } from "./dom.js";
import { problem } from "./problem.js";
import { Problem } from "./service.js";
import { shown } from "./shown.js";

const TITLES = {
  "approver.has_signed": "You have decided already",
  "approver.synced_key": "Another passkey is needed",
  "invite.unknown": "This invitation cannot be used",
  "session.refused": "You are not signed in",
  "decision.made": "It is decided already",
  "decision.expired": "Too late",
  "page.passkey": "No passkey was used",
  "page.unreachable": "No answer",
  "page.changed": "The request has changed",
  "page.login_challenge": "This is no login",
  "page.token": "No invitation",
  "page.file": "This file cannot be signed",
};

export function report(error) {
  if (!(error instanceof Problem)) {
    problem("This page has failed", shown(`${error.name}: ${error.message}.`), "Nothing was signed because of that. Reload the page.");
    return;
  }
  const { code, message, expected, found, status } = error;
  if (code.startsWith("webauthn.")) {
    problem("The service did not accept your signature",
      "What you have signed is not what it asked for, so it counts for nothing. If what stood here was right, somebody may have exchanged it on its way: tell those who run this service.",
      el("details", { class: "quiet" }, el("summary", {}, "What was found"), el("p", {}, shown(message), ". Code ", el("code", {}, shown(code)))));
    return;
  }
  const side = (words, text) => text !== null && [el("strong", {}, words, ": "), shown(typeof text === "string" ? text : JSON.stringify(text))];
  problem(TITLES[code] ?? (status === 404 ? "There is nothing here" : "That did not work"),
    ...[shown(message), side("Expected", expected), side("Found", found)].filter(Boolean),
    el("span", { class: "hint" }, "Code ", el("code", {}, shown(code))));
}

/// A way to do it again, below the words.
export function offer(words, act) {
  const button = el("button", { type: "button" }, words);
  button.addEventListener("click", act);
  $("#problem").append(button);
}
