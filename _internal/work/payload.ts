/**
 * What a worker needs to begin: which function, and then (once the function's modules, which may say how classes are
 * sent, are imported) its arguments.
 *
 * @module
 */

import { dropReferences, loseReferences } from "../memory/shared_refs.ts";
import type { TargetDescriptor } from "../targets/describe.ts";

/** What a thread runs. */
export interface Descriptors {
  /** The class whose `run` it is, where that is not the one of `Thread`. */
  type?: TargetDescriptor;
  /** What the `run` of `Thread` calls. */
  target?: TargetDescriptor;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Both as one run of bytes. */
export function packPayload(descriptor: string, rest: Uint8Array): Uint8Array {
  const head = encoder.encode(descriptor);
  const bytes = new Uint8Array(4 + head.length + rest.length);
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, 4);
  bytes.set(rest, 4 + head.length);
  return bytes;
}

/** The two again. */
export function unpackPayload(bytes: Uint8Array): { descriptor: string; rest: Uint8Array } {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { descriptor: decoder.decode(bytes.subarray(4, 4 + length)), rest: bytes.slice(4 + length) };
}

/** Gives back the references of a payload that was not sent. */
export function dropPayload(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) dropReferences(unpackPayload(bytes).rest);
}

/** Gives back the references of a payload whose thread or process is gone without having read it. */
export function losePayload(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) loseReferences(unpackPayload(bytes).rest);
}

/**
 * Gives an instance of a subclass, in the worker, the fields that it had where it was started: as they were there, and so
 * also one that stands before an accessor of its class.
 */
export function giveFields(instance: object, fields: object): void {
  for (const [key, value] of Object.entries(fields)) {
    Reflect.defineProperty(instance, key, { value, configurable: true, enumerable: true, writable: true });
  }
}

// What a child is told before its arguments.

/** What a process runs, and where. */
export interface ProcessHead {
  /** The class whose `run` it is, where that is not the one of `Process`. */
  type?: TargetDescriptor;
  /** What the `run` of `Process` calls. */
  target?: TargetDescriptor;
  /** The main module of the program. */
  main?: string;
  /** Where it shall run. */
  cwd: string;
  /** Its label. */
  name: string;
  /** For one that may not read them: the texts of the modules in which its target is looked for. */
  texts?: Record<string, string>;
  /** How it starts others. */
  method: "spawn" | "forkserver";
}
