// Asks twice with a TypeScript SDK of MCP until somebody has decided, and prints the answers. URL,
// KEY and MODE are in the environment. MODE is `initialize` for @modelcontextprotocol/sdk; for
// @modelcontextprotocol/client it is a mode of its version negotiation. Run where the packages are
// installed.
const { URL: url, KEY: key, MODE: mode } = process.env;

async function packages() {
  if (mode === "initialize") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const http = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    return { Client, Transport: http.StreamableHTTPClientTransport, options: {} };
  }
  const sdk = await import("@modelcontextprotocol/client");
  const options = { versionNegotiation: { mode } };
  return { Client: sdk.Client, Transport: sdk.StreamableHTTPClientTransport, options };
}

const print = (value) => console.log(JSON.stringify(value));
const { Client, Transport, options } = await packages();
const client = new Client({ name: "agent", version: "1" }, options);
const headers = { Authorization: `Bearer ${key}` };
await client.connect(new Transport(new URL(url), { requestInit: { headers } }));
const { tools } = await client.listTools();
const version = client.getNegotiatedProtocolVersion?.() ?? client.transport?.protocolVersion;
print({ version, tools: tools.map((tool) => tool.name).sort() });
for (const amount of ["1", "2"]) {
  let call = {
    name: "request_human_approval",
    arguments: { action: "payment.send", payload: { amount, from: mode } },
  };
  const signs = [];
  const settings = { onprogress: ({ progress }) => signs.push(progress) };
  for (let calls = 1; calls < 100; calls += 1) {
    const result =
      mode === "initialize"
        ? await client.callTool(call, undefined, settings)
        : await client.callTool(call, settings);
    const { status, id } = result.structuredContent;
    if (status !== "pending") {
      print({ result, signs, calls });
      break;
    }
    call = { name: "get_approval", arguments: { id, wait_seconds: 45 } };
  }
}
await client.close();
