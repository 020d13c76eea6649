import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";

const own = new URL("../", import.meta.url);
const shared = new URL("../../../verifier-wasm/web/", import.meta.url);
const file = (name) => (existsSync(new URL(name, own)) ? new URL(name, own) : new URL(name, shared));
const text = (name) => readFileSync(file(name), "utf8");

/// A module and all that it needs.
function modules(entry, found = new Set()) {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const [, name] of text(entry).matchAll(/^import .* from "\.\/([^"]+)";$/gm)) modules(name, found);
  return found;
}

const preloaded = (page) => [...text(page).matchAll(/modulepreload" href="\/gate\/([^"]+)"/g)].map(([, name]) => name);

for (const [page, entry] of [["approve.html", "approve.js"], ["enrol.html", "enrol.js"], ["break-glass.html", "break-glass.js"]]) {
  test(`${page} asks for all of its modules at once`, () => {
    assert.deepEqual([...preloaded(page), entry].sort(), [...modules(entry)].sort());
  });

  test(`${page} has nothing inline, and nothing from elsewhere`, () => {
    const html = text(page);
    assert.doesNotMatch(html, /<script(?![^>]* src="\/gate\/)|<style| style=| on[a-z]+=/);
    for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(address, /^\/gate\//);
  });

  test(`${page} is small`, () => {
    const all = [page, "style.css", "icon.svg", ...modules(entry)];
    const sent = all.reduce((sum, name) => sum + brotliCompressSync(readFileSync(file(name))).length, 0);
    assert.ok(sent < 60 * 1024, `${sent} bytes`);
  });
}

test("the gate serves every module, and has none that is not used", () => {
  const source = readFileSync(new URL("../../src/http/assets.rs", import.meta.url), "utf8");
  const served = [...source.matchAll(/"([a-z-]+\.js)"/g)].map(([, name]) => name);
  assert.deepEqual(served.sort(), [...new Set([...modules("approve.js"), ...modules("enrol.js"), ...modules("break-glass.js")])].sort());
});
