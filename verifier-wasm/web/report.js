// What a report says, for the sentences of this page. None of them goes by anything else.

export const status = (report, id) => report.checks.find((check) => check.id === id)?.status ?? null;

/// The SHA-256 of the payload that was signed; `null` unless a signature was verified and names one.
export const signedHash = (report) => report.subject?.payloadHash ?? null;

/// Blocks of other networks than mainnet cost little or nothing.
export const blockName = ({ height, network }) => (network === "mainnet" ? `Bitcoin block ${height}` : `block ${height} of ${network}, a test network`);

/// Reports list the first places at which two payloads differ.
export const moreDifferences = (count) => `${count} more difference${count === 1 ? " is" : "s are"} not listed.`;

/// Whose clock the time is from.
export const timeSource = (report) => ({
  block: () => `by ${blockName(report.anchor)}`,
  quorum: () => "by the clocks of a quorum of witnesses",
  anchoredQuorum: () => "by the clocks of a quorum of witnesses, on the head that was anchored",
}[report.notLaterThanFrom]?.() ?? "as the report says");
