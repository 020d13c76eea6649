// Stands between the conformance suite and a gate. It adds the key, since the suite has no option for
// one, and it has request_human_approval play some tools of the suite's own server, so that the
// scenarios in which they are called say something about ours. URL, KEY and PORT are in the
// environment. Answers go through as they are.
import http from "node:http";

const { URL: url, KEY: key, PORT: port } = process.env;
const target = new URL(url);

// Nobody is asked twice for the same, so no two payloads are.
let asked = 0;
const ask = (more) => ({
  action: "payment.send",
  payload: { amount: "1", call: String((asked += 1)) },
  ...more,
});

const ROLES = {
  // At once, whoever calls.
  greet: () => ask({ wait_seconds: 0 }),
  test_simple_text: () => ask({ wait_seconds: 0 }),
  // No rule is about it, and a model can mend that.
  test_error_handling: () => ask({ action: "nobody.decides" }),
  // As long as somebody thinks.
  slow_compute: ({ seconds }) => ask(seconds === 0 ? { wait_seconds: 0 } : {}),
  test_tool_with_progress: () => ask({}),
};

/** The body that goes to the gate: another one for a call that we play. */
function rewritten(body, headers) {
  let message;
  try {
    message = JSON.parse(body);
  } catch {
    return body;
  }
  const called = message.params?.name;
  const role = message.method === "tools/call" && ROLES[called];
  if (!role) return body;
  const name = "request_human_approval";
  // One that says something else has to stay wrong.
  if (headers["mcp-name"] === called) headers["mcp-name"] = name;
  const given = message.params.arguments ?? {};
  const params = { ...message.params, name, arguments: role(given) };
  return JSON.stringify({ ...message, params });
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const headers = { ...request.headers, authorization: `Bearer ${key}` };
    const body = rewritten(Buffer.concat(chunks).toString(), headers);
    delete headers["transfer-encoding"];
    headers["content-length"] = Buffer.byteLength(body);
    const { hostname, port } = target;
    const { method, url: path } = request;
    const call = http.request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    call.on("error", () => response.destroy());
    response.on("close", () => call.destroy());
    call.end(body);
  });
});
server.listen(Number(port), "localhost", () => console.log("listening"));
