/**
 * What programs and agents write to each other, as bytes. Names of messages are those of their receivers: `driver.ID.…` for a
 * program, `agent.ID.…` for an agent.
 *
 * @module
 */

import { decode } from "../_internal/codec/decode.ts";
import { encodeApart } from "../_internal/codec/encode.ts";
import { hasReferences } from "../_internal/codec/format.ts";
import { sendable } from "../_internal/work/record.ts";
import type { Sent } from "./_pieces.ts";

/** What both sides have to speak: another number, other messages. */
export const PROTOCOL = 2;

/** Some tasks that a program puts into the queue. An agent has to be granted it before it begins. */
export interface Parcel {
  protocol: number;
  id: string;
  driver: string;
  /** Which of the driver's functions it is for. */
  fn: number;
  spread: boolean;
  killAfter: number | undefined;
  /** Whether the agent keeps what it has not begun with while something takes long: the caller has said what goes together. */
  stays: boolean;
  /** Whether each worker of the agent makes the call once: the first input is that of all. */
  inEach: boolean;
  inputs: Sent[];
  /** Which try each of them is, from 1. */
  attempts: number[];
  /** The four words by which each is known, one after the other. */
  names: Int32Array;
}

/** Agent to driver, `setup`: how is the driver's pool made, and what is that function? */
export interface SetupQuestion {
  fn: number;
}

/** The answer. */
export interface Setup {
  /** Why there is none; empty: there is. */
  failure: string;
  /** Of {@linkcode Portable}, in JSON. */
  fn: string;
  name: string;
  files: Record<string, string>;
  /** Whether the code is to be the same. */
  isChecked: boolean;
  /** How the pool's workers are made; equal texts are equal pools. */
  pool: string;
  /** The initializer's arguments. */
  initargs: Uint8Array;
}

/** How a driver's pool is made, in JSON within {@linkcode Setup}. */
export interface PoolSetup {
  initializer: { descriptor: unknown; name: string; files: Record<string, string> } | null;
  maxTasks: number;
  maxMemory: number;
  concurrency: number;
}

/** Agent to driver, `grant`: may the agent begin with that parcel? The nonce is that delivery's alone. */
export interface GrantQuestion {
  id: string;
  agent: string;
  nonce: string;
}

/** The answer; `skip`: positions that no caller wants any more. */
export interface Grant {
  isGranted: boolean;
  skip: number[];
}

/** What came of the item of a parcel. */
export type ItemOutcome =
  | { kind: "value" | "error"; packed: Sent }
  | { kind: "lost"; worker: string; pid?: number; exitCode?: number; signal?: string; message?: string }
  /** No worker has begun with it, and the agent ends: it is the driver's again. */
  | { kind: "back" };

/** Agent to driver, `done`: sent again until it is answered. */
export interface Report {
  id: string;
  nonce: string;
  /** Counts the reports of a parcel from 0: the driver takes each once. */
  number: number;
  outcomes: [position: number, outcome: ItemOutcome][];
  /** Milliseconds that a call took. */
  each: number;
}

/** Agent to driver, `refuse`: no item of a parcel that was not granted can be begun here. */
export interface Refusal {
  id: string;
  kind: "code" | "target" | "protocol";
  message: string;
}

/** Agent to driver, `ping`: is it there, and which of these parcels does it not know? */
export interface PingQuestion {
  ids: string[];
}

/** The answer: it has given them up. */
export interface Unknown {
  ids: string[];
}

/** Driver to agent, `held`: which parcels of that driver does the agent have? */
export interface HeldQuestion {
  driver: string;
  /** What it was told to give up, again. */
  given: Cancel[];
}

/** The answer. */
export interface Held {
  ids: string[];
}

/** Driver to agent, `fetched`: the value at that position has come in all its pieces. */
export interface Fetched {
  id: string;
  nonce: string;
  position: number;
}

/** Driver to agent, `cancel`: these items are given up. */
export interface Cancel {
  id: string;
  positions: number[];
}

/** Agents to all drivers, `news`: an agent is there, is still there, or ends. */
export interface News extends AgentInfo {
  id: string;
  isLeaving: boolean;
}

/** What is known of an agent. */
export interface AgentInfo {
  /** `HOST-PID`, by which messages name it. */
  name: string;
  /** Its machine's name. */
  host: string;
  /** Its process's number there. */
  pid: number;
  /** How many tasks it runs at a time. */
  slots: number;
  /** How many it runs. */
  running: number;
  /** What it was started with. */
  labels: Record<string, string>;
}

/** The bytes of a message. */
export function toBytes(message: object): Uint8Array {
  return encodeApart(message, { root: "", scope: "network" });
}

/**
 * The message of some bytes.
 *
 * @throws {TypeError} If they are none, or name objects of a memory: only this machine's own messages may.
 */
export function fromBytes<T>(bytes: Uint8Array): T {
  return decode(foreign(bytes)) as T;
}

/** Bytes from another machine, which are to be read here: they may not name objects, which would be this machine's. */
export function foreign(bytes: Uint8Array): Uint8Array {
  if (hasReferences(bytes)) throw new TypeError("Cannot read a message that names objects of another machine's memory");
  return bytes;
}

/** The bytes of an error, or of what can be said of it where it cannot be sent. */
export function packError(error: unknown): Uint8Array {
  try {
    return encodeApart(error, { root: "", scope: "network" });
  } catch (refusal) {
    return encodeApart(sendable(error, refusal, "network"), { root: "", scope: "network" });
  }
}
