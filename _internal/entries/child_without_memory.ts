/**
 * The life of a process that has no access to the shared memory, seen from inside. Its starter's side is in processes/unseen.ts.
 *
 * @module
 */

import "../../multiprocessing/mod.ts";
import type { Process } from "../../multiprocessing/process.ts";
import { inheritMethod } from "../../multiprocessing/start_method.ts";
import { arrive } from "../codec/arrivals.ts";
import { decode } from "../codec/decode.ts";
import type { Message } from "../processes/unseen.ts";
import { exitCodeSet, exitProcess, setMainArgument } from "../runtime/this_thread.ts";
import { giveTexts } from "../runtime/modules.ts";
import { nodeProcess, toBase64 } from "../runtime/runtime.ts";
import { addHome } from "../targets/places.ts";
import { resolveSubclass, resolveTarget } from "../targets/resolve.ts";
import { type ProcessHead, unpackPayload } from "../work/starting.ts";
import { encodeOutcome, ERROR, VALUE } from "../work/record.ts";

/** The part of `process` that sends messages to the starter. */
interface Channel {
  send(message: Message, sent?: () => void): void;
}

/** How many bytes are sent or read at a time. */
const PART = 2 ** 18;

/** Runs the process that its standard input describes. */
export async function bootWithoutMemory(): Promise<void> {
  const channel = nodeProcess() as unknown as Channel;
  const { descriptor, rest } = unpackPayload(readInput());
  const head = JSON.parse(descriptor) as ProcessHead;
  let outcome = VALUE;
  let value: unknown;
  try {
    value = await runTarget(head, rest);
  } catch (error) {
    outcome = ERROR;
    value = error;
    console.error(`Process ${head.name}:`, error);
  }
  const encoded = encodeOutcome(outcome, value, "process");
  const { bytes } = encoded;
  let at = 0;
  for (; bytes.length - at > PART; at += PART) channel.send({ bytes: toBase64(bytes.subarray(at, at + PART)) });
  channel.send(
    { outcome: encoded.outcome, bytes: toBase64(bytes.subarray(at)) },
    () => exitProcess(encoded.outcome === VALUE ? exitCodeSet() : 1),
  );
}

function readInput(): Uint8Array {
  const { stdin } = (globalThis as unknown as { Deno: { stdin: { readSync(bytes: Uint8Array): number | null } } }).Deno;
  let bytes = new Uint8Array(PART);
  let length = 0;
  for (let count; (count = stdin.readSync(bytes.subarray(length))) !== null;) {
    length += count;
    if (length < bytes.length) continue;
    const larger = new Uint8Array(bytes.length * 2);
    larger.set(bytes);
    bytes = larger;
  }
  return bytes.subarray(0, length);
}

async function runTarget(head: ProcessHead, rest: Uint8Array): Promise<unknown> {
  const { type, target, main, method, name, texts = {} } = head;
  giveTexts(texts);
  addHome(undefined, main);
  setMainArgument(main);
  inheritMethod(method);
  const found = target === undefined ? undefined : await resolveTarget(target, name);
  const Type = type === undefined ? undefined : await resolveSubclass(type, name);
  const { args, fields } = await arrive(() => decode(rest) as { args: unknown[]; fields?: object });
  if (Type === undefined) return await found?.(...args);
  // Without the memory there is no handle. An object that has only the methods and the fields runs instead.
  const instance = Object.assign(Object.create(Type.prototype as object), fields) as Process<unknown[]>;
  return await instance.run(...args);
}
