// Bundles `entry.js` for browsers, and `gate.js` for Node, with bundlers of others: `bundle.mjs OUT`.

import { join, resolve } from "node:path";
import { promisify } from "node:util";

import esbuild from "esbuild";
import { build } from "vite";
import webpack from "webpack";

const out = resolve(process.argv[2]);
const entry = resolve("entry.js");
const gate = resolve("gate.js");

// Warnings count: a bundler that guesses is one that may guess wrong.
const { warnings } = await esbuild.build({
  entryPoints: [entry], bundle: true, minify: true, platform: "browser", format: "iife", outfile: join(out, "esbuild.js"),
});
const forNode = await esbuild.build({
  entryPoints: [gate], bundle: true, minify: true, platform: "node", format: "esm", outfile: join(out, "esbuild-gate.mjs"),
});
for (const warning of [...warnings, ...forNode.warnings]) throw new Error(warning.text);

await build({
  configFile: false,
  logLevel: "warn",
  build: { outDir: out, emptyOutDir: false, lib: { entry, formats: ["es"], fileName: () => "vite.mjs" } },
});

const stats = await promisify(webpack)({
  mode: "production",
  performance: { hints: false },
  entry,
  target: "web",
  output: { path: out, filename: "webpack.js" },
});
if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
