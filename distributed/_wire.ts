/**
 * The messages between programs and agents, as bytes. A message is named after its receiver: `driver.ID.…` goes to a
 * program, `agent.ID.…` to an agent.
 *
 * @module
 */

import { decode } from "../_internal/codec/decode.ts";
import { encodeApart } from "../_internal/codec/encode.ts";
import { hasReferences } from "../_internal/codec/format.ts";
import { sendable } from "../_internal/work/record.ts";
import type { Sent } from "./_pieces.ts";

/** The version of the messages, which must be the same on both sides. */
export const PROTOCOL = 3;

/** Some tasks that a program puts into the queue. An agent must be granted a parcel before it begins it. */
export interface Parcel {
  protocol: number;
  id: string;
  driver: string;
  /** The number of the function that its tasks call. */
  fn: number;
  spread: boolean;
  killAfter: number | undefined;
  /** Whether the agent keeps tasks that it has not begun while another takes long: the caller has set a `chunksize`. */
  stays: boolean;
  /** Whether each worker of the agent makes the call once. The first input is then that of all. */
  inEach: boolean;
  inputs: Sent[];
  /** The attempt of each task, from 1. */
  attempts: number[];
  /** The names of the tasks, four words each. */
  names: Int32Array;
}

/** Agent to driver, `setup`: what is this function, and how is the driver's pool set up? */
export interface SetupQuestion {
  fn: number;
}

/** The answer. */
export interface Setup {
  /** Why the function cannot be described; empty: it can. */
  failure: string;
  /** The description of the function for other machines, in JSON. */
  fn: string;
  name: string;
  files: Record<string, string>;
  /** Whether the agent must have the same files. */
  isChecked: boolean;
  /** How the pool's workers are set up. Equal texts mean equal workers. */
  pool: string;
  /** The initializer's arguments. */
  initargs: Uint8Array;
}

/** How a driver's pool is set up, in JSON within {@linkcode Setup}. */
export interface PoolSetup {
  initializer: { descriptor: unknown; name: string; files: Record<string, string> } | null;
  maxTasks: number;
  maxMemory: number;
  concurrency: number;
}

/** Agent to driver, `grant`: may the agent begin this parcel? Each delivery has its own nonce. */
export interface GrantQuestion {
  id: string;
  agent: string;
  nonce: string;
}

/** The answer. `skip`: positions that no caller wants any more. */
export interface Grant {
  isGranted: boolean;
  skip: number[];
}

/** The outcome of a task of a parcel. */
export type ItemOutcome =
  | { kind: "value" | "error"; packed: Sent }
  | { kind: "lost"; worker: string; pid?: number; exitCode?: number; signal?: string; message?: string }
  /** No worker has begun it, and the agent gives it back to the driver. */
  | { kind: "back" };

/** Agent to driver, `done`: repeated until it is answered. */
export interface Report {
  id: string;
  nonce: string;
  /** The number of the report, from 0 for each parcel: the driver takes each report once. */
  number: number;
  outcomes: [position: number, outcome: ItemOutcome][];
  /** How many milliseconds a call took on average. */
  each: number;
}

/** Agent to driver, `refuse`: no task of a parcel that was not granted can be begun here. */
export interface Refusal {
  id: string;
  kind: "code" | "target" | "protocol";
  message: string;
}

/** Agent to driver, `ping`: is the driver there, and which of these parcels does it not know? */
export interface PingQuestion {
  ids: string[];
}

/** The answer: the parcels that it has given up. */
export interface Unknown {
  ids: string[];
}

/** Driver to agent, `held`: which parcels of the driver does the agent have? */
export interface HeldQuestion {
  driver: string;
  /** What the agent was asked to give up, repeated. */
  given: Cancel[];
}

/** The answer. */
export interface Held {
  ids: string[];
}

/** Driver to agent, `fetched`: all pieces of the value at this position have arrived. */
export interface Fetched {
  id: string;
  nonce: string;
  position: number;
}

/** Driver to agent, `cancel`: these tasks are given up. */
export interface Cancel {
  id: string;
  positions: number[];
}

/** Agents to all drivers, `news`: an agent is there, is still there, or is leaving. */
export interface News extends AgentInfo {
  id: string;
  isLeaving: boolean;
}

/** What an agent has said of itself. Python has no equivalent. */
export interface AgentInfo {
  /** The agent's name in messages: `HOST-PID`. */
  name: string;
  /** The host name of its machine. */
  host: string;
  /** The id of its process on that machine. */
  pid: number;
  /** How many tasks the agent runs at a time. */
  slots: number;
  /** How many tasks it is running. */
  running: number;
  /** The labels with which the agent was started. */
  labels: Record<string, string>;
}

/** The bytes of a message. */
export function toBytes(message: object): Uint8Array {
  return encodeApart(message, { root: "", scope: "network" });
}

/**
 * Reads a message from its bytes.
 *
 * @throws {TypeError} If they are no message, or refer to shared objects: only messages of this machine may do that.
 */
export function fromBytes<T>(bytes: Uint8Array): T {
  return decode(foreign(bytes)) as T;
}

/**
 * Checks bytes from another machine before they are decoded: references to shared objects would mean objects of this
 * machine.
 */
export function foreign(bytes: Uint8Array): Uint8Array {
  if (hasReferences(bytes)) throw new TypeError("Cannot read a message that names objects of another machine's memory");
  return bytes;
}

/** The bytes of an error, or of a substitute if it cannot be sent. */
export function packError(error: unknown): Uint8Array {
  try {
    return encodeApart(error, { root: "", scope: "network" });
  } catch (refusal) {
    return encodeApart(sendable(error, refusal, "network"), { root: "", scope: "network" });
  }
}
