// Verifies deliveries with the library for JavaScript of Standard Webhooks.

import { readFileSync } from "node:fs";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const [number, one] of cases.entries()) {
  let valid = true;
  try {
    new Webhook(one.secret).verify(one.body, one.headers);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    valid = false;
  }
  if (valid !== one.valid) {
    console.error(`case ${number} is ${valid ? "valid" : "not valid"}`);
    process.exit(1);
  }
}
console.log(`${cases.length} cases as expected`);
