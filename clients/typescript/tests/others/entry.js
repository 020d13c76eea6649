// What is bundled, and run in each runtime: an approval that verifies, and one that must not.

import { NotVerified, verify } from "@cosignet/verifier";

import { decision, other, payload, policy } from "./evidence.js";

function outcome() {
  const { report } = verify(decision, { policy, payload });
  try {
    verify(decision, { policy, payload: other });
    return "a false verdict";
  } catch (error) {
    if (!(error instanceof NotVerified)) throw error;
  }
  return `${report.verdict} by ${report.decision.approvedBy.join()}`;
}

const said = outcome();
if (typeof document === "undefined") console.log(said);
else document.body.textContent = said;
