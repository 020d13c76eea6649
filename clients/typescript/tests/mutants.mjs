// Takes one guard after the other out of the client, and sees that a test notices:
// `node tests/mutants.mjs [FOLDER [WORDS]]`. FOLDER, below `clients`, takes the copies; WORDS choose the guards.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));

/** File, what stands there once, and what stands there without the guard. */
const MUTANTS = [
  ["answer.ts", `if (!isRequestId(id)) throw`, `if (false) throw`],
  ["answer.ts", `if (status === undefined) throw`, `if (false) throw`],
  ["answer.ts", `STATUSES.find((known) => known === word)`, `STATUSES.find((known) => known === word.toLowerCase())`],
  ["answer.ts", `if (status !== "approved") throw`, `if (false) throw`],
  ["answer.ts", `JSON.parse(canonicalJson(body))`, `JSON.parse(new TextDecoder().decode(body))`],
  ["answer.ts", "${people} refused: ${quote(reason)}", "${people} refused: ${reason}"],
  ["approved.ts", `  sameRequest(expected.id, claimed.id);`, ``],
  ["approved.ts", `  samePayload(expected.payload, sha256(claimed.payload));`, ``],
  ["approved.ts", `  samePayload(expected.payload, claimed.payloadHash);`, ``],
  ["approved.ts", `if (signed === null) throw`, `if (false) throw`],
  ["approved.ts", `  sameRequest(expected.id, signed.requestId);`, ``],
  ["approved.ts", `if (signed.action !== expected.action) {`, `if (false) {`],
  ["approved.ts", `latest + ALLOWANCE < expected.began`, `false`],
  ["approved.ts", `return verify(decision, question).report;`, `try { return verify(decision, question).report; } catch (error) { return (error as NotVerified).report; }`],
  ["approved.ts", `policy: trust.policy, `, ``],
  ["approved.ts", `, at: shown(expected.now) }`, ` }`],
  ["approved.ts", `"time.in_future": "denied.clock_skew",`, ``],
  ["approved.ts", `"payload.mismatch": "denied.other_payload",`, ``],
  ["approved.ts", `if (seal !== SEAL) throw`, `if (false) throw`],
  ["ask.ts", `if (other !== undefined) throw`, `if (false) throw`],
  ["ask.ts", `if (username !== undefined && group !== undefined) throw`, `if (false) throw`],
  ["ask.ts", `/^[\\x21-\\x7e]{1,255}$/`, `/^[^]*$/`],
  ["ask.ts", `expiresIn < 1)) throw`, `expiresIn < 1) && false) throw`],
  ["asking.ts", `  samePayload(asked.payload, seen.payloadHash);`, ``],
  ["asking.ts", `if (now + ALLOWANCE < seen.created) throw`, `if (false) throw`],
  ["asking.ts", `if (age === "new" && seen.created + ALLOWANCE < began) throw`, `if (false) throw`],
  ["asking.ts", `if (asking.#spent) throw`, `if (false) throw`],
  ["asking.ts", `!(#state in asking)) throw`, `false) throw`],
  ["asking.ts", `throw new Denied("denied.cancelled", "the request was cancelled");`, `return;`],
  ["asking.ts", `throw expired(seen);`, `return;`],
  ["asking.ts", `throw new Denied("denied.refused", seen.refusal);`, `return;`],
  ["break_glass.ts", `if (!isAbsolute(journal)) throw`, `if (false) throw`],
  ["break_glass.ts", `if (!(own instanceof BreakGlassSettings)) throw`, `if (false) throw`],
  ["break_glass.ts", `settings: own.text, action, at`, `settings: own.text.replace(/"atLeast":2/, '"atLeast":1},{"group":"finance","atLeast":1'), action, at`],
  ["break_glass.ts", `    await own.uses.begin(emergency, allowed, () => this.#latest());`, ``],
  ["break_glass.ts", `length > MOST_ACTION`, `false`],
  ["break_glass.ts", `await own.uses.begin(`, `void own.uses.begin(`],
  ["connection.ts", `redirect: "manual"`, `redirect: "follow"`],
  ["connection.ts", `status === 408 || status === 429 || (status >= 500 && status <= 599)`, `false`],
  ["connection.ts", `status === 429 || `, ``],
  ["connection.ts", `if (until - elapsed() <= pause) throw`, `if (false) throw`],
  ["connection.ts", `if (length > LONGEST_ANSWER) throw`, `if (false) throw`],
  ["connection.ts", `if (!plain) throw`, `if (false) throw`],
  ["connection.ts", `headers["idempotency-key"] = call.operation`, `headers["idempotency-key"] = call.operation + Math.random()`],
  ["denied.ts", `"denied.refused": "Do not do it.`, `"denied.refused": "Do it.`],
  ["file_journal.ts", `return newest(await this.records(), (record) => record.operation === operation) ?? "new";`, `return "new";`],
  ["file_journal.ts", `found = newest(records, same)`, `found = undefined`],
  ["file_journal.ts", `other.operation === record.operation || `, ``],
  ["file_journal.ts", ` || other.requestId === record.requestId`, ``],
  ["file_journal.ts", `return time(at) === null || `, `return `],
  ["gate.ts", `if (answer.status !== 200 && answer.status !== 201) throw`, `if (false) throw`],
  ["gate.ts", `resumed ? "earlier" : "new"`, `"earlier"`],
  ["gate.ts", `    sameRequest(id, seen.id);`, ``],
  ["gate.ts", `      ended(seen);`, ``],
  ["gate.ts", `if (seen.status === "approved") return;`, `return;`],
  ["gate.ts", `if (left <= 0) throw`, `if (false) throw`],
  ["gate.ts", `      sameRequest(first.id, seen.id);`, ``],
  ["gate.ts", `      samePayload(asked.payload, seen.payloadHash);`, ``],
  ["gate.ts", `elapsed() - looked < BETWEEN_LOOKS`, `false`],
  ["gate.ts", `    await this.wait(asking);\n`, ``],
  ["gate.ts", `    if (answer.status !== 200) throw this.#unexpected(call, answer);\n    const expected`, `    const expected`],
  ["gate.ts", `if (this.#journal !== undefined) await begin(`, `if (this.#journal !== undefined) void begin(`],
  ["gate.ts", `    spend(asking);`, ``],
  ["gate.ts", `if (this.#journal === undefined) {`, `if (this.#journal === undefined) return own; else if (false) {`],
  ["gate.ts", `    await isNew(this.#journal, own);`, ``],
  ["gate.ts", `status === 403 && code(answer) === "rule.none"`, `false`],
  ["gate.ts", `else if (status === 401 || status === 403) reason`, `else if (false) reason`],
  ["gate.ts", `"409 claim.taken": "denied.claim_taken",`, ``],
  ["gate.ts", `key: this.#keys.claim, path: \`/\${seen.id}/claim\``, `key: this.#keys.create, path: \`/\${seen.id}/claim\``],
  ["gate.ts", `if (denied?.reason === "denied.unreachable") break;`, ``],
  ["gate.ts", `    describePolicy(copy);`, ``],
  ["journal.ts", `if (found !== "new") throw`, `if (false) throw`],
  ["journal.ts", `if (found !== "kept") throw`, `if (false) throw`],
  ["journal.ts", `if (found !== "kept") throw`, `if (typeof found === "object") throw`],
  ["lines.ts", `await open(path, "wx", 0o600)`, `await open(path, "w", 0o600)`],
  ["lines.ts", `if (start < filled || filled < size) throw`, `if (false) throw`],
  ["lines.ts", `await open(this.#path, "a+", 0o600)`, `await open(this.#path, "a+")`],
  ["lines.ts", `const unlock = await this.#lockToRead();`, `const unlock = async () => {};`],
  ["lines.ts", `return () => rm(path);`, `return async () => {};`],
  ["own.ts", `requireRoots(\`the folder`, `void (\`the folder`],
  ["own.ts", `    requireRoots("it", found);`, ``],
  ["own.ts", `if (found.size === 0) throw`, `if (false) throw`],
  ["own.ts", `if (found.size > limit) throw`, `if (false) throw`],
  ["own.ts", `if (filled !== found.size) throw`, `if (false) throw`],
  ["own.ts", `if (uid !== 0) throw`, `if (false) throw`],
  ["own.ts", `if ((mode & WRITABLE) !== 0) throw`, `if (false) throw`],
  ["answer.ts", `members.value("valid") === true`, `true`],
  ["own.ts", ` | O_NONBLOCK`, ``],
  ["payload.ts", `String(Number(field.text)) !== field.text`, `false`],
  ["payload.ts", `fields === null || more`, `fields === null`],
  ["payload.ts", `Object.is(value, -0)) throw`, `false) throw`],
  ["payload.ts", `if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw`, `if (false) throw`],
  ["payload.ts", `if (prototype !== Object.prototype && prototype !== null) throw`, `if (false) throw`],
  ["payload.ts", `if (typeof key === "symbol") throw`, `if (typeof key === "symbol") return ""; if (false) throw`],
  ["payload.ts", `if (level === MOST_LEVELS) throw`, `if (false) throw`],
  ["uses.ts", `if (now + ALLOWANCE >= last) return;`, `return;`],
  ["uses.ts", `grantSha256 === begun.grantSha256`, `grantSha256 === begun.grantSha256 && false`],
  ["uses.ts", `payloadHash === begun.payloadSha256`, `false`],
  ["uses.ts", `if (before.outcome === null) throw`, `if (false) throw`],
  ["uses.ts", `if (same.length >= most) {`, `if (false) {`],
  ["uses.ts", `event === "reported" ? { reported: true }`, `event === "reported" ? {}`],
  ["uses.ts", `{ outcome: event, reported: false }`, `{ outcome: event }`],
  ["uses.ts", `return isAll ? ending(`, `return true ? ending(`],
  ["uses.ts", `      requireTime(allowed, now);`, ``],
  ["uses.ts", `notBefore <= now && `, ``],
  ["uses.ts", `(event.used !== undefined) === known.has(event.useId)`, `false`],
  ["uses.ts", `value?.["type"] !== TYPE || `, ``],
];

const work = resolve(process.argv[2] ?? join(here, "..", ".mutants"));

/** The tests, first those that are most likely to notice. */
function testsOf(file) {
  const first = { "ask.ts": "guards", "break_glass.ts": "break_glass", "file_journal.ts": "journal", "journal.ts": "journal", "lines.ts": "journal", "uses.ts": "break_glass", "own.ts": "break_glass", "payload.ts": "guards" }[file] ?? "cases";
  const names = [first, ...["cases", "guards", "journal", "break_glass"].filter((name) => name !== first)];
  return names.map((name) => join(here, "tests", `${name}.test.mjs`));
}

const only = process.argv[3];
const survivors = [];
let count = 0;

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
for (const [file, from, to] of [["index.ts", "", ""], ...MUTANTS]) {
  const unchanged = from === "";
  if (!unchanged && only !== undefined && !`${file} ${from}`.includes(only)) continue;
  const folder = join(work, "package");
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(here, "src"), join(folder, "src"), { recursive: true });
  const path = join(folder, "src", file);
  const text = readFileSync(path, "utf8");
  if (!unchanged && text.split(from).length !== 2) throw new Error(`${file}: not there once: ${from}`);
  writeFileSync(path, text.replace(from, () => to));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({
    extends: join(here, "tsconfig.json"),
    compilerOptions: { noCheck: true, rootDir: join(folder, "src"), outDir: join(folder, "dist") },
    include: [join(folder, "src")],
  }));
  run(join(here, "..", "node_modules", ".bin", "tsc"), ["-p", folder]);
  const found = noticed(file, pathToFileURL(`${join(folder, "dist")}/`).href);
  if (unchanged) {
    if (found !== undefined) throw new Error(`without a change: ${found}`);
    continue;
  }
  count += 1;
  console.log(`${found === undefined ? "SURVIVED" : "noticed "} ${file}: ${from.trim()}${found === undefined ? "" : `   by: ${found}`}`);
  if (found === undefined) survivors.push(`${file}: ${from}`);
}
rmSync(work, { recursive: true, force: true });
console.log(`${count} guards were taken out, and a test noticed ${count - survivors.length} times`);
if (survivors.length > 0 || count === 0) process.exitCode = 1;

/** The first test that fails. */
function noticed(file, dist) {
  const env = { ...process.env, COSIGNET_GATE_DIST: dist };
  for (const test of testsOf(file)) {
    const args = ["--test", "--test-reporter=tap", "--test-timeout=150000", test];
    const { status, stdout } = spawnSync(process.execPath, args, { env, encoding: "utf8", timeout: 170_000 });
    if (status !== 0) return /^ +not ok \d+ - (.*)$/m.exec(stdout)?.[1] ?? /^not ok \d+ - (.*)$/m.exec(stdout)?.[1] ?? "its end";
  }
  return undefined;
}

function run(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}:\n${stdout}`);
}
