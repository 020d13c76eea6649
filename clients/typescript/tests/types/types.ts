// What the compiler keeps callers from; each mistake here has to be one.

import { type Approved, type Ask, Gate, type GateOptions, type Ran } from "@cosignet/gate";
import { type Report, type Verified, verify } from "@cosignet/verifier";

declare const gate: Gate;
declare const ask: Ask;
declare const options: GateOptions;

function pay(approved: Approved): string {
  return approved.requestId;
}

export async function right(): Promise<Ran<string>> {
  const ran: Ran<string> = await gate.run(ask, pay);
  const asking = await gate.request({ action: "a", payload: { list: [1, "2", null] }, operation: "1" });
  await gate.act(asking, async (approved) => pay(approved));
  const { report }: { report: Report } = verify("{}", { policy: "{}", payload: "{}" });
  return report.verdict === "VERIFIED" ? ran : Promise.reject(ran.unreported);
}

export async function wrong(): Promise<void> {
  // @ts-expect-error an approval cannot be written down
  pay({ requestId: "id", payload: new Uint8Array(), value: null, action: "", operation: "", decision: "", report: {} as Report });
  // @ts-expect-error nor can a verified report
  const verified: Verified = { report: {} as Report };
  void verified;
  // @ts-expect-error nothing is a yes or a no
  const yes: boolean = await gate.run(ask, pay);
  void yes;
  // @ts-expect-error the act is a function
  await gate.run(ask);
  // @ts-expect-error a request says what is to be done
  await gate.run({ action: "a" }, pay);
  // @ts-expect-error a Date is no JSON
  await gate.run({ action: "a", payload: new Date() }, pay);
  // @ts-expect-error a misspelt operation would allow a second act
  await gate.run({ action: "a", payload: 1, operaton: "1" }, pay);
  // @ts-expect-error without a policy nothing is verified
  new Gate({ url: options.url, key: options.key });
  // @ts-expect-error a request comes from a gate
  await gate.act({ id: "id", url: "", expiresAt: new Date() }, pay);
}
