/**
 * Processes that this library starts and watches through the C library, so that the runtime does not know of them.
 *
 * There are two kinds:
 *
 * - Spares (see forkserver.ts). A test runner must not report them as leaks.
 * - Processes that may not call the C library, and so have no access to the shared memory. Such a process reads its
 *   payload from its standard input, before its target runs. It sends what its target returned through a socket, in
 *   messages as Deno's `process.send()` writes them. The starter reads the socket without its runtime, so it can do so
 *   even if its event loop does not turn. The other side is in entries/child_without_memory.ts.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import type { Space } from "../memory/space.ts";
import { environment, fromBase64 } from "../runtime/runtime.ts";
import { runtimePath, type Spawned, type SpawnOptions } from "../runtime/spawn.ts";
import type { ProcessCalls } from "../system/calls.ts";
import { loadNative, system } from "../system/ffi.ts";
import { loadProcessCalls } from "../system/system.ts";
import { ERROR, VALUE, writeEncodedOutcome } from "../work/record.ts";

/** The longest sleep before the state of the process is checked again. */
const SLICE_MS = 1000;

/** The messages of a process. */
interface Sender {
  /** The descriptor from which they are read; negative: there are no more. */
  readonly descriptor: number;
  drain(): void;
}

const SILENT: Sender = { descriptor: -1, drain() {} };

/**
 * Waits for a child that the runtime does not know of, takes note of its end, and resolves to its exit code or negative
 * signal.
 */
async function endOf(
  calls: ProcessCalls,
  pid: number,
  isReferenced: () => boolean,
  sender: Sender = SILENT,
): Promise<number> {
  const descriptor = calls.openProcess(pid);
  try {
    // Let the caller first set whether the child keeps the program alive.
    await undefined;
    for (;;) {
      sender.drain();
      const code = calls.exitOf(pid);
      if (code !== undefined) {
        sender.drain();
        calls.reap(pid);
        return code === "unknown" ? -9 : code;
      }
      const change = calls.waitForEither!(descriptor, sender.descriptor, SLICE_MS);
      if (!isReferenced()) loadNative("start process").unref(change);
      await change;
    }
  } finally {
    calls.close(descriptor);
  }
}

/**
 * Starts another process of this runtime. It is not watched before `ended` is read, so until then a test runner cannot see it.
 * `undefined`: not on this system or runtime.
 */
export function spawnUnseen({ args, cwd, env }: SpawnOptions): Spawned | undefined {
  const calls = loadProcessCalls("start process");
  if (calls.start === undefined || calls.waitForEither === undefined) return undefined;
  const variables = { ...ownVariables(calls), ...env };
  const pid = calls.start({ path: runtimePath(), args, cwd, env: variables, descriptors: [[0, "/dev/null"]] });
  if (pid === 0) return undefined;
  let referenced = true;
  let ended: Promise<number> | undefined;
  return {
    pid,
    get ended() {
      return ended ??= endOf(calls, pid, () => referenced);
    },
    setRef: (ref) => void (referenced = ref),
  };
}

/** The environment variables of this process, even if the program may not read all of them. */
function ownVariables(calls: ProcessCalls): Record<string, string> {
  const variables = environment();
  return Object.keys(variables).length > 0 ? variables : calls.firstVariables();
}

// Processes without memory.

/** A message of such a process: a part of the encoded value. The last part also has the outcome. */
export interface Message {
  /** The OUTCOME of the record; only with the last part. */
  readonly outcome?: number;
  /** The part, in base64. */
  readonly bytes: string;
}

/** How to start such a process. */
interface LaunchWithoutMemory {
  /** The arguments of the runtime. */
  readonly args: readonly string[];
  /** Its standard input. */
  readonly payload: Uint8Array;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly cwd: string;
}

/** The descriptor that `process.send()` of the process writes to. */
const CHANNEL = 3;
const CHUNK = 65536;
const NEWLINE = 10;

/** Reads the messages of a process, and writes the outcome into its record. */
class Receiver {
  readonly #calls: ProcessCalls;
  readonly #space: Space;
  readonly #record: number;
  readonly #parts: Uint8Array[] = [];
  #line: Uint8Array[] = [];
  /** The descriptor of the socket; negative: everything was read. */
  descriptor: number;

  constructor(calls: ProcessCalls, space: Space, record: number, descriptor: number) {
    this.#calls = calls;
    this.#space = space;
    this.#record = record;
    this.descriptor = descriptor;
  }

  /** Reads what has arrived. Does not wait. */
  drain(): void {
    while (this.descriptor >= 0) {
      const bytes = new Uint8Array(CHUNK);
      const count = this.#calls.receive(this.descriptor, bytes);
      if (count > 0) this.#take(bytes.subarray(0, count));
      else if (count === 0) this.close();
      else return;
    }
  }

  close(): void {
    if (this.descriptor >= 0) this.#calls.close(this.descriptor);
    this.descriptor = -1;
  }

  #take(bytes: Uint8Array): void {
    for (let end; (end = bytes.indexOf(NEWLINE)) !== -1; bytes = bytes.subarray(end + 1)) {
      this.#line.push(bytes.subarray(0, end));
      const text = new TextDecoder().decode(joined(this.#line));
      this.#line = [];
      this.#hear(text);
    }
    if (bytes.length > 0) this.#line.push(bytes);
  }

  // Any other text is ignored: the program in the process may send messages on the same channel.
  #hear(text: string): void {
    let part: Uint8Array;
    let outcome: number | undefined;
    try {
      const message = JSON.parse(text) as Message;
      part = fromBase64(message.bytes);
      outcome = message.outcome;
    } catch {
      return;
    }
    this.#parts.push(part);
    if (outcome !== VALUE && outcome !== ERROR) return;
    writeEncodedOutcome(this.#space, this.#record, outcome, joined(this.#parts));
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The receivers, by the records of their processes. */
const receivers: Map<number, Receiver> = new Map();

/** Starts the process of a record, without access to the shared memory. */
export function spawnWithoutMemory(
  space: Space,
  record: number,
  { args, payload, env, cwd }: LaunchWithoutMemory,
): Spawned {
  const calls = loadProcessCalls("start process");
  const { start, killAfterThis, waitForEither } = calls;
  if (start === undefined || killAfterThis === undefined || waitForEither === undefined) {
    throw new NotSupportedError(
      `Cannot start process without the permission 'ffi' as this system would not end it when this process ends: received ${system().os} (grant it with permissions: { ffi: true, … })`,
    );
  }
  const input = calls.openBytes(payload);
  let pair: readonly [number, number] | undefined;
  let pid = 0;
  let release: () => void;
  try {
    pair = input < 0 ? undefined : calls.openPair();
    if (pair !== undefined) {
      pid = start({
        path: runtimePath(),
        args,
        env: { ...ownVariables(calls), ...env, NODE_CHANNEL_FD: `${CHANNEL}` },
        cwd,
        descriptors: [[0, input], [CHANNEL, pair[1]]],
      });
    }
    if (pid === 0) {
      throw new RangeError(
        `Cannot start process as the system did not create it: needed room for ${payload.length} bytes`,
      );
    }
    release = killAfterThis(pid);
  } catch (error) {
    if (pair !== undefined) calls.close(pair[0]);
    throw error;
  } finally {
    if (input >= 0) calls.close(input);
    if (pair !== undefined) calls.close(pair[1]);
  }
  const receiver = new Receiver(calls, space, record, pair![0]);
  receivers.set(record, receiver);
  let referenced = true;
  const watch = async (): Promise<number> => {
    try {
      return await endOf(calls, pid, () => referenced, receiver);
    } finally {
      receiver.close();
      receivers.delete(record);
      release();
    }
  };
  return { pid, ended: watch(), setRef: (ref) => void (referenced = ref) };
}

/** Reads what the process has sent so far. Returns the descriptor from which more can be read; negative: there is no more. */
export function receive(record: number): number {
  const receiver = receivers.get(record);
  receiver?.drain();
  return receiver?.descriptor ?? -1;
}
