// Modules that the service serves beside these are kept with the verify page.

import { webcrypto } from "node:crypto";
import { register } from "node:module";

// Browsers have it, and Node from version 20.
globalThis.crypto ??= webcrypto;

const hook = `
  import { existsSync } from "node:fs";
  import { fileURLToPath } from "node:url";
  export function resolve(name, context, next) {
    if (name.startsWith("./") && context.parentURL) {
      const here = new URL(name, context.parentURL);
      if (!existsSync(fileURLToPath(here))) return next(new URL("../../verifier-wasm/web/" + name.slice(2), here.href.replace(/[^/]*$/, "")).href, context);
    }
    return next(name, context);
  }`;

register(`data:text/javascript,${encodeURIComponent(hook)}`, import.meta.url);
