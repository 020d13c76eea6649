// The hosted page fetches the module; the browser refuses any but the one that was built with it.

export const SINGLE = false;

export async function loadModule() {
  const answer = await fetch("verifier_bg.wasm", { integrity: "sha256-%WASM_SHA256_BASE64%" });
  if (!answer.ok) throw new Error(`the verifier was not found (HTTP ${answer.status})`);
  return answer.arrayBuffer();
}
