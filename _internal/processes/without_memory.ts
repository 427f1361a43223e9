/**
 * Processes that may not call the C library, and so have no part in the shared memory: from the side of their starter.
 *
 * What they shall do is in variables of their environment, the only ones that they may read, because these are there
 * however busy their starter is. What the target returned comes back through a pipe.
 *
 * @module
 */

import { store } from "../atomics.ts";
import type { Space } from "../memory/space.ts";
import { NotSupportedError } from "../../sync/errors.ts";
import { system } from "../runtime/ffi.ts";
import { nodeProcess } from "../runtime/globals.ts";
import { loadProcessCalls } from "../runtime/process_calls.ts";
import { runtimePath, signalNumber, type Spawned } from "../runtime/spawn.ts";
import { OUTCOME, RESULT, writeBytes } from "../threads/record.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { VARIABLE } from "./runtime_command.ts";

/** What such a process sends. */
export interface Message {
  /** As in the record. */
  readonly outcome: number;
  /** The encoded value, in base64. */
  readonly bytes: string;
}

/** The system takes no longer variables than 128 KiB. */
const PART = 100_000;
/** All of the environment must be shorter than 2 MiB. */
const MOST = 15 * PART;

interface ChildProcess {
  readonly pid?: number;
  on(event: "message", listener: (message: Message) => void): void;
  on(event: "close" | "exit", listener: (code: number | null, signal: string | null) => void): void;
  on(event: "error", listener: (error: unknown) => void): void;
  ref(): void;
  unref(): void;
  readonly channel?: { ref?(): void; unref?(): void };
}

interface ChildProcesses {
  spawn(command: string, args: readonly string[], options: Record<string, unknown>): ChildProcess;
}

const closing: Map<number, Promise<void>> = new Map();

/** How to start one. */
export interface LaunchWithoutMemory {
  /** Arguments of the runtime. */
  readonly args: readonly string[];
  /** What it is told. */
  readonly payload: Uint8Array;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly cwd: string;
}

/** Starts the process of a record. */
export function spawnWithoutMemory(
  space: Space,
  record: number,
  { args, payload, env, cwd }: LaunchWithoutMemory,
): Spawned {
  const { killAfterThis } = loadProcessCalls("start process");
  if (killAfterThis === undefined) {
    throw new NotSupportedError(
      `Cannot start process without the permission 'ffi' on this system, which would not end it with this one: received ${system().os} (with permissions: { ffi: true, … } it can be started)`,
    );
  }
  const text = toBase64(payload);
  if (text.length > MOST) {
    throw new RangeError(
      `Cannot start process as one without the permission 'ffi' can be given ${
        MOST * 3 / 4
      } bytes of arguments at most: received ${
        text.length * 3 / 4
      } (with permissions: { ffi: true, … } there is no limit)`,
    );
  }
  const { env: own } = nodeProcess() as unknown as { env: Record<string, string> };
  const variables: Record<string, string> = { ...own, ...env };
  const parts = Math.ceil(text.length / PART);
  variables[VARIABLE] = `${parts}`;
  for (let i = 0; i < parts; i++) variables[`${VARIABLE}_${i}`] = text.slice(i * PART, (i + 1) * PART);
  const { spawn } = nodeProcess().getBuiltinModule("node:child_process") as ChildProcesses;
  const child = spawn(runtimePath(), args, {
    cwd,
    env: variables,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  if (child.pid === undefined) {
    // What is wrong is told later, when it helps no more.
    child.on("error", () => {});
    throw new RangeError("Cannot start process as the system starts none");
  }
  const release = killAfterThis(child.pid);
  child.on("message", ({ outcome, bytes }) => {
    writeBytes(space, record + RESULT, fromBase64(bytes), "return the result of a process");
    store(space.words, record + OUTCOME, outcome);
  });
  closing.set(
    record,
    new Promise((resolve) =>
      child.on("close", () => {
        closing.delete(record);
        resolve();
      })
    ),
  );
  return {
    pid: child.pid,
    ended: new Promise((resolve) =>
      child.on("close", (code, signal) => {
        release();
        resolve(signal === null ? code ?? 0 : -signalNumber(signal));
      })
    ),
    setRef: (ref) => {
      if (ref) child.ref();
      else child.unref();
      if (ref) child.channel?.ref?.();
      else child.channel?.unref?.();
    },
  };
}

/** Waits until all that a process has sent is there: it may have ended before. */
export async function received(record: number): Promise<void> {
  await closing.get(record);
}
