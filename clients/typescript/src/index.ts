/**
 * A client of the gate that fails closed.
 *
 * {@link Gate.run} asks, waits, claims, and verifies what came of it offline, under a policy that the
 * caller has pinned. The act gets an {@link Approved}, and verification alone makes one. Everything
 * else ends in {@link Denied}: there is no answer of a gate, no failure of a network and no setting
 * with which the act begins otherwise.
 *
 * @module
 */

export { ActFailed, Gate } from "./gate.js";
export type { GateOptions, Keys, Ran } from "./gate.js";
export type { Approved } from "./approved.js";
export type { Asking } from "./asking.js";
export type { Ask } from "./ask.js";
export { BreakGlass, BreakGlassSettings, EmergencyFailed } from "./break_glass.js";
export type { BreakGlassOptions, Broken, Emergency } from "./break_glass.js";
export { Denied } from "./denied.js";
export type { Reason } from "./denied.js";
export { FileJournal } from "./file_journal.js";
export type { Journal, JournalRecord } from "./journal.js";
export { Payload } from "./payload.js";
export type { JsonValue } from "./payload.js";
export type { Reported, Use, Uses } from "./uses.js";
