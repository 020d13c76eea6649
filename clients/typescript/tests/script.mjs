// A gate that plays a script of gate-client/cases/cases.json, and the client of a case.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

// The mutants are elsewhere.
const dist = new URL(process.env.COSIGNET_GATE_DIST ?? "../dist/", import.meta.url);
const load = (name) => import(new URL(name, dist));

export const { ActFailed, Denied, FileJournal, Gate, Payload } = await load("index.js");
const { setClock } = await load("gate.js");

const read = (name) => JSON.parse(readFileSync(new URL(`../../../gate-client/cases/${name}`, import.meta.url), "utf8"));
export const all = read("cases.json");
export const evidence = read("evidence.json");

const callOf = ({ method, url }) => {
  const last = url.split("?")[0].split("/").at(-1);
  if (method === "GET") return "look";
  return { confirmations: "create", claim: "claim", result: "result" }[last] ?? "other";
};

function bodyOf(answer) {
  if (answer.text !== undefined) return answer.text;
  const body = { ...all.bodies[answer.body], ...answer.set };
  const name = body.decision?.$decision;
  if (name !== undefined) {
    if (evidence.decisions[name] === undefined) throw new Error(`no decision ${name}`);
    body.decision = evidence.decisions[name];
  }
  return JSON.stringify(body);
}

/** A gate that plays a case. `calls` holds the `Idempotency-Key`s that came, and `bodies` what was sent. */
export async function gate(answers = {}) {
  const calls = { create: [], look: [], claim: [], result: [], other: [] };
  const bodies = { create: [], look: [], claim: [], result: [], other: [] };
  const server = createServer((request, response) => {
    const call = callOf(request);
    const number = calls[call].push(request.headers["idempotency-key"] ?? "") - 1;
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      bodies[call].push(Buffer.concat(parts).toString());
      const script = answers[call] ?? all.answers[call] ?? [];
      const answer = script[number] ?? script.at(-1);
      if (answer === undefined || answer === "drop") {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status, answer.headers ?? {});
      response.end(answer.status === 204 ? undefined : bodyOf(answer));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    bodies,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The client of a case. */
export function client(url, { policy = "good", now = all.now, ...options } = {}) {
  const policyText = JSON.stringify(evidence.policies[policy]);
  const made = new Gate({ url, key: "key", policy: policyText, patience: 20_000, ...options });
  setClock(made, Date.parse(now));
  return made;
}

export const ask = (more = {}) => ({ action: all.ask.action, payload: all.ask.payload, ...more });

/** The reason of the denial that comes of it. */
export async function reason(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Denied) return error.reason;
    throw error;
  }
  return "ran";
}
