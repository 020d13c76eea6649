// The client, where nobody listens: it is denied, and ends.

import { Denied, Gate } from "@cosignet/gate";

import { payload, policy } from "./evidence.js";

try {
  const gate = new Gate({ url: "http://127.0.0.1:9", key: "key", policy, patience: 300 });
  await gate.run({ action: "wire_transfer", payload: JSON.parse(payload) }, () => console.log("it acted"));
} catch (error) {
  console.log(error instanceof Denied ? error.reason : error);
}
