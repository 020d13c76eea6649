// Is it this e-mail address that the log entry commits to?

import { el, fill, visible } from "./dom.js";
import { checkEmail } from "./verifier.js";

export function emailForm(bytes) {
  const input = el("input", { id: "email", type: "text", inputmode: "email", autocomplete: "off", spellcheck: "false" });
  const outcome = el("p", { role: "status", class: "outcome" });
  const form = el("form", { class: "email no-print" },
    el("label", { for: "email" }, "Is it this e-mail address?"),
    el("div", { class: "row" }, input, el("button", { type: "submit" }, "Check")),
    el("p", { class: "hint" }, "The log entry commits to one. What you type stays here."), outcome);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    fill(outcome, "Checking …");
    // After the next frame, so that the words above are seen: this takes a moment.
    setTimeout(() => {
      try {
        fill(outcome, checkEmail(bytes, input.value)
          ? [el("strong", {}, "Yes. "), "The entry commits to this address. The service said so; the approver did not sign it."]
          : [el("strong", {}, "No. "), "The entry commits to another address."]);
      } catch (error) {
        fill(outcome, "It cannot be checked: ", visible(error.message), ".");
      }
    }, 50);
  });
  return form;
}
