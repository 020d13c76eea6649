"""Verifies deliveries with the library for Python of Standard Webhooks."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

with open(sys.argv[1], encoding="utf-8") as file:
    cases = json.load(file)
for number, case in enumerate(cases):
    try:
        Webhook(case["secret"]).verify(case["body"], case["headers"])
        valid = True
    except WebhookVerificationError:
        valid = False
    if valid != case["valid"]:
        sys.exit(f"case {number} is {'valid' if valid else 'not valid'}")
print(f"{len(cases)} cases as expected")
