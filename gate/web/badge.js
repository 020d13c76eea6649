// Whether what is shown is what will be signed, as far as this page can tell, and how far that is.

import { digits } from "./digits.js";
import { copyButton, el, fill } from "./dom.js";
import { shown } from "./shown.js";

export function renderBadge(node, examined) {
  const fits = examined.challenges !== null;
  node.className = `badge ${fits ? "fits" : "differs"}`;
  const failed = examined.checks.filter((check) => !check.fits);
  fill(node,
    el("p", { class: "word" }, el("span", { class: "sign", "aria-hidden": "true" }, fits ? "✓" : "✕"), el("strong", {}, fits ? "Display verified" : "Display not verified")),
    fits
      ? el("p", {}, "This page read the values below out of the very bytes whose hash your passkey will sign. It computed the hash and what is signed by itself.")
      : el("p", {}, el("strong", {}, "It is not certain that what is shown here is what would be signed. So nothing can be signed. "), "Tell those who run this service, and do not approve this in another way."),
    failed.map(({ name, expected, found }) => el("div", { class: "mismatch" },
      el("p", {}, el("strong", {}, `Not so: ${name.charAt(0).toLowerCase()}${name.slice(1)}.`)),
      el("dl", { class: "facts" }, el("dt", {}, "Expected"), el("dd", {}, shown(expected)), el("dt", {}, "Found"), el("dd", {}, shown(found))))),
    el("details", { class: "quiet" },
      el("summary", {}, "What this means, and what not"),
      el("p", {}, "It cannot protect you from a service that sends another page than this one. When it matters, compare the hash with the requester over another channel, or look at the request with ", el("code", {}, "cosignet inspect"), " on another machine."),
      el("ul", { class: "checks" }, examined.checks.map(({ name, fits: one }) => el("li", {}, el("span", { class: "sign", "aria-hidden": "true" }, one ? "✓" : "✕"), ` ${name}`, !one && " – no")))));
}

/// The hashes, in fours, to be compared with what another machine shows.
export function renderHashes(node, { hashes, context }) {
  const whole = (hex) => [digits(hex), " ", copyButton("Copy", hex)];
  fill(node,
    el("dl", { class: "facts wide" },
      el("dt", {}, "SHA-256 of the payload"), el("dd", {}, whole(hashes.payload)),
      el("dt", {}, "SHA-256 of the context"), el("dd", {}, whole(hashes.context)),
      context && [el("dt", {}, "Request"), el("dd", {}, shown(context.requestId)),
        el("dt", {}, "Meant for"), el("dd", {}, shown(context.audience)),
        el("dt", {}, "Deadline"), el("dd", {}, shown(context.expiresAt))]));
}
