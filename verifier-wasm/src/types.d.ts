/** How a file looks. It decides nothing: whoever made the file decides how it looks. */
export type FileKind =
  | "approval"
  | "checkpoint"
  | "headers"
  | "logPolicy"
  | "logProof"
  | "policy"
  | "registration"
  | "roster"
  | "unknown";

export type Verdict = "VERIFIED" | "REJECTED" | "INCOMPLETE" | "MALFORMED";

/** `JSON.parse(verifier.openBreakGlass(…))`: docs/spec/break-glass.md. It is no approval, and no verdict. */
export interface BreakGlassReport {
  schema: "cosignet.break-glass-report/v1";
  action: string;
  at: string;
  audience: string;
  clauses: { atLeast: number; group: string; missing: number; servedBy: string[] }[];
  grantSha256: string;
  notAfter: string;
  notBefore: string;
  pattern: string;
  /** The people who signed, each once, in the order of their names. */
  people: string[];
  policySha256: string;
  reason: string;
  /** One for each signature. */
  signers: { fingerprint: string; name: string; person: string }[];
  uses: number;
}

/** `JSON.parse(verifier.verify(…))`: docs/spec/report.md. Integers above 2^53 need another parser. */
export interface Report {
  schema: "cosignet.report/v1";
  verdict: Verdict;
  code: string;
  summary: string;
  exitCode: 0 | 1 | 3 | 4;
  /** What the caller expected of the approval. */
  expected: "nothing" | ("approvalId" | "approver" | "payload" | "payloadSha256" | "rpId")[];
  subject: {
    act: "approval" | "refusal";
    algorithm: string;
    backedUp: boolean;
    backupEligible: boolean;
    crossOrigin: boolean;
    nonce: string | null;
    origin: string | null;
    payloadHash: string | null;
    payloadMatch: "bundle" | "canonical" | "exact" | "sha256" | null;
    rpId: string | null;
    signCount: number;
    topOrigin: string | null;
    userVerified: boolean;
  } | null;
  /** The context that was signed. */
  signed: {
    action: string;
    audience: string;
    contextSha256: string;
    expiresAt: string;
    /** Whether it is proven that the approval was made by `expiresAt`; `null` if no time is proven. */
    inTime: boolean | null;
    requestId: string;
    requester: string;
    rule: { name: string; sha256: string };
  } | null;
  approver: { name: string; person: string; keySha256: string } | null;
  /** The version of the roster that was in force. */
  roster: { name: string; version: number; sha256: string } | null;
  /** Of a decision, and of anything under a policy that asks for one. */
  decision: {
    approvedBy: string[];
    refusedBy: string[];
    clauses: { group: string; atLeast: number; missing: number; servedBy: string[] }[];
    payloadHash: string | null;
    payloadMatch: "bundle" | "canonical" | "exact" | "sha256" | null;
  } | null;
  /** Of a decision the reports on its bundles. */
  approvals: Report[];
  claimedByService: {
    action: string | null;
    approvalId: string | null;
    approverEmail: string | null;
    decidedAt: string | null;
    status: string | null;
  };
  log: {
    origin: string;
    index: number;
    treeSize: number;
    /** In words; names in it are fit to print. */
    quorum: string;
    quorumMet: boolean;
    quorumTime: string | null;
    /** Every signature line of the checkpoint. What is not verified says nothing. */
    signatures: {
      keyId: string;
      name: string;
      policyName: string | null;
      signer: "log" | "witness" | null;
      verified: boolean;
    }[];
    witnesses: { keyId: string; name: string; policyName: string; time: string }[];
  } | null;
  anchor: {
    confirmations: number;
    hash: string | null;
    height: number;
    network: string;
    notLaterThan: string | null;
    strength: "path" | "header" | "chain";
    time: string | null;
  } | null;
  notLaterThan: string | null;
  /** Whose word that is. */
  notLaterThanFrom: "quorum" | "anchoredQuorum" | "block" | null;
  checks: Check[];
  notProven: string[];
  /** One for each sentence of `notProven`. */
  notProvenIds: string[];
  policy: { name: string; sha256: string; source: string } | null;
  inputs: { bundleSha256: string; payloadSha256: string | null };
  at: string | null;
  verifier: { version: string };
}

export interface Check {
  id: string;
  status: "pass" | "fail" | "incomplete" | "not_checked" | "skipped";
  code: string | null;
  expected: string | null;
  found: string | null;
  message: string;
  differences: { path: string; expected: string | null; found: string | null }[];
  /** How many more places there are. */
  differencesLeftOut: number;
  spec: string;
}

/** `JSON.parse(checks())` */
export interface CheckInfo {
  id: string;
  title: string;
  why: string;
  spec: string;
}

/** `JSON.parse(explain(code))` */
export interface Explanation {
  code: string;
  effect: Verdict | "usage";
  meaning: string;
  cause: string;
  next: string;
}

/** `JSON.parse(describePolicy(policy))` */
export interface PolicyInfo {
  name: string;
  sha256: string;
  canonicalJson: string;
  rpIds: string[];
  origins: string[];
  approvers: { name: string; algorithm: string; fingerprint: string }[];
  /** Those who make version 1 of the roster; none if there is no roster. */
  admins: { name: string; algorithm: string; fingerprint: string }[];
  logs: string[];
  /** `null` if the policy does without a log. */
  quorum: string | null;
  anchorRequired: boolean;
}

/** `JSON.parse(describeRoster(file))`: the newest version, as the file says. */
export interface RosterInfo {
  name: string;
  version: number;
  /** Of the payload that is this version. */
  sha256: string;
}

/** `JSON.parse(describePayload(payload, most))`. Texts are as they are: make control and
 * bidirectional characters visible before you show them. */
export interface PayloadInfo {
  length: number;
  sha256: string;
  /** `null` if it is no strict JSON. */
  fields: { path: string; kind: string; text: string }[] | null;
  more: boolean;
  text: string | null;
  hex: string | null;
}

/** `JSON.parse(merklePath(bundle))`, from the leaf up. */
export interface MerklePath {
  index: number;
  size: number;
  leaf: string;
  steps: { sibling: string; siblingIsLeft: boolean; node: string }[];
  root: string;
  checkpointRoot: string;
  holds: boolean;
}
