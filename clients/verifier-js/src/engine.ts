// The module, started when it is first needed: no import waits for it, and nothing is fetched.

import * as glue from "./module/verifier.js";
import { MODULE } from "./module/bytes.js";

/** What the module offers, once it runs. */
export type Engine = typeof glue;

let state: "asleep" | "awake" | "broken" = "asleep";

/** Calls the module. An error that it throws on purpose has a stable code as its name. */
export function ask<T>(call: (engine: Engine) => T): T {
  if (state === "broken") throw new Error("the verifier broke down before, and is not asked again");
  if (state === "asleep") {
    glue.initSync({ module: decoded(MODULE) });
    state = "awake";
  }
  try {
    return call(glue);
  } catch (error) {
    // A trap leaves the module's memory as it happened to be: no later answer could be relied on.
    if (error instanceof WebAssembly.RuntimeError) state = "broken";
    throw error;
  }
}

function decoded(base64: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
