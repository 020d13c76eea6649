#!/usr/bin/env node
// The command: files in, a verdict and an exit code out. The codes are those of `cosignet verify`.

import { readFileSync, statSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";

import { QuestionError, explain, inspect, quote, reportText, version } from "./index.js";
import type { Question } from "./index.js";
import { human } from "./human.js";
import type { Report } from "./module/report.js";

const HELP = `\
cosignet-verifier verify FILE --policy FILE [--payload FILE] [--payload-sha256 HEX] [--approval-id ID]
                  [--approver NAME] [--rp-id ID] [--headers FILE] [--roster FILE] [--at TIME|now]
                  [--format human|json] [--require-expectation] [--quiet]
cosignet-verifier inspect FILE
cosignet-verifier explain CODE

FILE is a bundle from a log, an approval service's own answer, or a decision of several people; - is stdin.
The policy is JSON: \`cosignet policy show policy.toml --format json\` makes it from TOML.

Exit codes: 0 VERIFIED, 1 REJECTED, 2 wrong usage or bad policy, 3 MALFORMED, 4 INCOMPLETE, 5 a file cannot
be read. Only 0 means that everything your policy requires was checked and holds. Without --payload and
--approval-id any approval by an approver of the policy is VERIFIED, an old one as well.
`;

const USAGE = 2;
const UNREADABLE = 5;

/** The longest file that is read, in bytes. What is evidence is far shorter. */
const LONGEST = 256 * 1024 * 1024;

/** What ends the command without a verdict. */
class Stop extends Error {
  constructor(readonly exitCode: number, readonly code: string, message: string, readonly next = "") {
    super(message);
  }
}

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean" } as const;

const OPTIONS = {
  verify: {
    "approval-id": TEXT, approver: TEXT, at: TEXT, format: TEXT, headers: TEXT, payload: TEXT, "payload-sha256": TEXT,
    policy: TEXT, quiet: { ...FLAG, short: "q" }, "require-expectation": FLAG, roster: TEXT, "rp-id": TEXT,
  },
  inspect: {},
  explain: {},
} as const;

process.exitCode = run(process.argv.slice(2));

function run(args: string[]): number {
  const [name, ...rest] = args;
  const json = rest.includes("json") || rest.includes("--format=json");
  try {
    switch (name) {
      case "verify": return verify(rest);
      case "inspect": return print(JSON.stringify(inspect(read(one(rest, "inspect").file)), null, 2));
      case "explain": return print(explained(one(rest, "explain").file));
      case "--version": case "-V": return print(`cosignet-verifier ${version()}`);
      case "--help": case "-h": case "help": return print(HELP.trimEnd());
      default: throw new Stop(USAGE, "usage", `${name === undefined ? "no command is given" : `there is no command ${quote(name)}`}`, HELP.trimEnd());
    }
  } catch (error) {
    const stop = stopped(error);
    const { code, exitCode, message, next } = stop;
    const said = json ? JSON.stringify({ code, exitCode, message, next }) : `cosignet-verifier: ${message}  [${code}]${next === "" ? "" : `\n${next}`}`;
    process.stderr.write(`${said}\n`);
    return exitCode;
  }
}

function verify(args: string[]): number {
  const { file, values } = one(args, "verify");
  const format = values.format ?? "human";
  if (format !== "human" && format !== "json") throw new Stop(USAGE, "usage", `--format is human or json, and not ${quote(format)}`);
  const expects = [values.payload, values["payload-sha256"], values["approval-id"]].some((value) => value !== undefined);
  if (values["require-expectation"] === true && !expects) {
    throw new Stop(USAGE, "usage.expectation", "nothing says what the approval has to be about, and --require-expectation was given", "Name the payload and the approval: --payload FILE --approval-id ID.");
  }
  const named = [file, values.policy, values.payload, values.headers, values.roster];
  if (named.filter((path) => path === "-").length > 1) throw new Stop(USAGE, "usage", "stdin (-) can be only one of the files");
  const whole = (path: string | undefined): Uint8Array | undefined => (path === undefined ? undefined : read(path));
  const question: Question = {
    policy: whole(values.policy),
    payload: whole(values.payload),
    payloadSha256: values["payload-sha256"]?.toLowerCase(),
    approvalId: values["approval-id"],
    approver: values.approver,
    rpId: values["rp-id"],
    headers: whole(values.headers),
    roster: whole(values.roster),
    at: values.at === undefined ? undefined : moment(values.at),
  };
  const text = reportText(read(file), question);
  const report = JSON.parse(text) as Report;
  if (values.quiet !== true) process.stdout.write(format === "json" ? `${text}\n` : human(report));
  if (!expects && format === "human") process.stderr.write("Nothing was expected: any approval by an approver of the policy would do. Name --payload and --approval-id.\n");
  return report.exitCode;
}

/** The one file, or code, and the options of a command; each option once. */
function one<C extends keyof typeof OPTIONS>(args: string[], command: C) {
  const config = { args, options: OPTIONS[command] as (typeof OPTIONS)["verify"], allowPositionals: true, strict: true, tokens: true } as const;
  let parsed;
  try {
    parsed = parseArgs(config);
  } catch (error) {
    throw new Stop(USAGE, "usage", error instanceof Error ? error.message : String(error));
  }
  const names = parsed.tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Stop(USAGE, "usage", `--${twice} is given twice`);
  const [file, ...more] = parsed.positionals;
  if (file === undefined || more.length > 0) {
    throw new Stop(USAGE, "usage", `${command} takes one ${command === "explain" ? "code" : "file"}, and there are ${parsed.positionals.length}`, command === "verify" ? "The command cosignet verifies folders and several files at once." : "");
  }
  return { file, values: parsed.values };
}

function read(path: string): Uint8Array {
  try {
    if (path !== "-" && statSync(path).size > LONGEST) throw new Error(`it is longer than ${LONGEST} bytes`);
    return readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Stop(UNREADABLE, "io.unreadable", `${quote(path)} cannot be read: ${why}`);
  }
}

function moment(text: string): Date | string {
  if (text === "now") return new Date();
  // As the command cosignet: seconds may have no fraction.
  return text.replace(/^(.*:\d\d)Z$/, "$1.000Z");
}

function explained(code: string): string {
  const found = explain(code);
  if (found === null) throw new Stop(USAGE, "usage", `there is no code ${quote(code)}`);
  return `${found.code}\n  meaning  ${found.meaning}\n  cause    ${found.cause}\n  next     ${found.next}\n  effect   ${found.effect}`;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function stopped(error: unknown): Stop {
  if (error instanceof Stop) return error;
  if (error instanceof QuestionError) return new Stop(USAGE, error.code, error.message, explain(error.code)?.next ?? "");
  throw error;
}
