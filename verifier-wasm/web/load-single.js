// The page in one file carries the module in it, compressed.

import { fromBase64Url, inflate } from "./bytes.js";

const WASM = "%WASM_DEFLATED%";

export const SINGLE = true;

export const loadModule = async () => inflate(fromBase64Url(WASM), Infinity);
