/**
 * The life of a process without a part in the shared memory, inside it: see without_memory.ts.
 *
 * @module
 */

import { decode, encode, sendable } from "../codec/mod.ts";
import { exitProcess } from "../runtime/exit.ts";
import { giveTexts } from "../runtime/modules.ts";
import { nodeProcess } from "../runtime/globals.ts";
import { arrive } from "../targets/arrivals.ts";
import { addHome } from "../targets/home.ts";
import { resolveSubclass, resolveTarget } from "../targets/resolve.ts";
import { unpackPayload } from "../threads/payload.ts";
import { ERROR, VALUE } from "../threads/record.ts";
import "../../multiprocessing/mod.ts";
import type { Process } from "../../multiprocessing/process.ts";
import { inheritMethod } from "../../multiprocessing/start_method.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import type { ProcessHead } from "./payload.ts";
import { VARIABLE } from "./runtime_command.ts";
import type { Message } from "./without_memory.ts";

interface Channel {
  readonly env: Record<string, string | undefined>;
  send(message: Message, sent: () => void): void;
  on(event: "disconnect", listener: () => void): void;
}

/** Runs what the environment says. */
export async function bootWithoutMemory(): Promise<void> {
  const channel = nodeProcess() as unknown as Channel;
  const { Deno } = globalThis as unknown as { Deno: { env: { get(name: string): string | undefined } } };
  let text = "";
  for (let i = 0; i < Number(Deno.env.get(VARIABLE)); i++) text += Deno.env.get(`${VARIABLE}_${i}`);
  const { descriptor, rest } = unpackPayload(fromBase64(text));
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
  let bytes: Uint8Array;
  try {
    bytes = encode(value, { root: outcome === VALUE ? "result" : "error", scope: "process" });
  } catch (error) {
    const sent = outcome === ERROR ? sendable(value, error, "process") : error;
    outcome = ERROR;
    bytes = encode(sent, { root: "error", scope: "process" });
  }
  channel.send({ outcome, bytes: toBase64(bytes) }, () => exitProcess(outcome === VALUE ? 0 : 1));
}

async function runTarget(head: ProcessHead, rest: Uint8Array): Promise<unknown> {
  const { type, target, main, method, name, texts = {} } = head;
  giveTexts(texts);
  addHome(undefined, main);
  inheritMethod(method);
  const found = target === undefined ? undefined : await resolveTarget(target, name);
  const Type = type === undefined ? undefined : await resolveSubclass(type, name);
  const { args, fields } = await arrive(() => decode(rest) as { args: unknown[]; fields?: object });
  if (Type === undefined) return await found?.(...args);
  // There is no handle without the memory: what has the methods and the fields, and nothing else, runs it.
  const instance = Object.assign(Object.create(Type.prototype as object), fields) as Process<unknown[]>;
  return await instance.run(...args);
}
