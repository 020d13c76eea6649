// Digits of hashes in fours, and moments, as people compare them.

import { el, when } from "./dom.js";
import { fours } from "./grouping.js";

/// A hash, all of it. What is copied has no gaps.
export const digits = (hex) => el("code", { class: "digits" }, fours(hex).map((four) => el("span", { class: "group" }, four)));

/// A moment to the second. The exact one stands where it was signed.
export const moment = (time) => when(String(time).replace(/\.[0-9]{3}Z$/, ".000Z"));
