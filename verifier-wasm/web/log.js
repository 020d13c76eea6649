// Asks the log that this page belongs to; no other.

import { $ } from "./dom.js";
import { readAll, text } from "./bytes.js";

const TIMEOUT = 15_000;
const MOST = 1024 * 1024;

/// The address of the log, or `null` where the page has none.
export function logAddress() {
  const given = $("meta[name=cosignet-log]").content;
  return given ? new URL(given, document.baseURI) : null;
}

export class LogError extends Error {}

export async function lookUp(id) {
  const address = new URL(`public/log/entries/${encodeURIComponent(id)}/verification`, logAddress());
  const answer = await get(address);
  if (answer.status === 404) {
    throw new LogError(`This log has no approval with the id ${id}.`);
  }
  const bytes = await body(answer);
  if (!answer.ok) throw new LogError(`The log answered with an error (HTTP ${answer.status}): ${detail(bytes)}`);
  return bytes;
}

/// The operator's policy beside the page, if there is one.
export async function operatorPolicy() {
  try {
    const answer = await get(new URL("policy.json", document.baseURI));
    return answer.ok ? await body(answer) : null;
  } catch {
    return null;
  }
}

async function get(address) {
  try {
    return await fetch(address, { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
  } catch {
    throw new LogError(`The log at ${address.host} cannot be reached. If somebody can give you the file, drop it here: it needs no log.`);
  }
}

async function body(answer) {
  let bytes;
  try {
    bytes = await readAll(answer.body, MOST);
  } catch {
    throw new LogError("The log’s answer broke off before its end. Try again.");
  }
  if (!bytes) throw new LogError("The log’s answer is larger than any approval (1 MiB).");
  return bytes;
}

function detail(bytes) {
  try {
    return String(JSON.parse(text(bytes)).detail ?? "no reason given").slice(0, 300);
  } catch {
    return "no reason given";
  }
}
