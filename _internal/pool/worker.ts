/**
 * What a pool's worker does: take chunks from the board until told to stop.
 *
 * @module
 */

import { compareExchange, now, store } from "../atomics.ts";
import { decode, encode } from "../codec/mod.ts";
import type { Scope } from "../memory/memory.ts";
import { spaceOf } from "../memory/spaces.ts";
import { block } from "../memory/wait_point.ts";
import type { TargetDescriptor } from "../targets/describe.ts";
import { resolveTarget } from "../targets/resolve.ts";
import { readFunction } from "./functions.ts";
import { Board, EACH, ITEMS, SPINNER, TASKS } from "./board.ts";
import { beginTask, endTask } from "./current_task.ts";

/** What a worker is told. */
export interface WorkerOptions {
  /** Where the board is, and in which memory. */
  scope: Scope;
  board: number;
  /** This worker's number. */
  worker: number;
  /** For messages. */
  name: string;
  initializer: TargetDescriptor | null;
  /** Returns after so many tasks; 0: never. */
  maxTasks: number;
  /** Returns after so many idle milliseconds; 0: never. */
  idle: number;
  /** When the pool began, by the clock on the wall. */
  epoch: number;
}

/** How long one of the idle workers looks for work without sleeping: milliseconds. */
const SPIN = 0.05;
/** How long the event loop of an idle worker stands still at most: milliseconds. */
const TURN = 100;

type AnyFunction = (...args: unknown[]) => unknown;

let working = false;

/** Whether this thread is the worker of some pool. */
export function isPoolWorker(): boolean {
  return working;
}

/** The target of a pool's worker. */
export async function workForPool(options: WorkerOptions, ...initargs: unknown[]): Promise<void> {
  const space = spaceOf(options.scope);
  const board = new Board(space, options.board);
  const { worker, maxTasks, idle } = options;
  working = true;
  if (options.initializer !== null) {
    try {
      const initializer = await resolveTarget(options.initializer, options.name);
      await initializer(...initargs);
    } catch (error) {
      board.fail(encodeError(options.scope, error));
      return;
    }
  }
  const functions = new Map<number, AnyFunction>();
  for (let tasks = 0; maxTasks === 0 || tasks < maxTasks;) {
    const slot = board.claim(worker) || await next(board, worker, idle);
    if (slot === 0) return;
    const began = now();
    board.begin(slot, worker, performance.timeOrigin + began - options.epoch);
    const address = board.functionOf(slot);
    let fn = functions.get(address);
    let failure: unknown;
    if (fn === undefined) {
      try {
        fn = await resolveTarget(readFunction(space, address), options.name);
        functions.set(address, fn);
      } catch (error) {
        failure = error;
        fn = () => {
          throw failure;
        };
      }
    }
    beginTask(() => board.isCancelled(slot));
    try {
      const run = board.modeOf(slot) === EACH ? runEach(board, slot, fn) : runAll(board, slot, fn);
      tasks += typeof run === "number" ? run : await run;
    } catch (error) {
      // The input could not be read (a class's deserialize threw), or there is no room for the output.
      board.output(slot, encodeError(options.scope, error, -1));
    }
    endTask();
    if (!board.finish(slot, worker, now() - began)) return;
  }
}

// Looks for a moment, then sleeps; now and then the event loop has a turn, for timers and sockets of the program.
async function next(board: Board, worker: number, idle: number): Promise<number> {
  const { space, words } = board;
  const spinner = board.at + SPINNER;
  const until = idle === 0 ? Infinity : now() + idle;
  if (space.spins > 0 && compareExchange(words, spinner, 0, worker) === 0) {
    for (const stop = now() + SPIN; now() < stop;) {
      const slot = board.claim(worker);
      if (slot !== 0 || board.closed) {
        store(words, spinner, 0);
        return slot;
      }
    }
    // Before the last look, so that whoever posts after it knows that nobody looks.
    store(words, spinner, 0);
  }
  for (;;) {
    const found = block(
      space,
      board.at + TASKS,
      () => board.claim(worker) || (board.closed ? -1 : undefined),
      Math.min(until, now() + TURN),
    );
    if (found === -1) return board.claim(worker);
    if (found !== undefined) return found;
    if (now() >= until) return 0;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

// All results in one message. Returns a promise only where a task does: awaiting costs more than a small task.
function runAll(board: Board, slot: number, fn: AnyFunction): number | Promise<number> {
  const inputs = decode(board.input(slot)) as unknown[];
  const spread = board.modeOf(slot) !== ITEMS;
  const results: unknown[] = new Array(inputs.length);
  let index = 0;
  const fail = (error: unknown): number => {
    board.output(slot, encodeError(board.space.memory.scope, error, index));
    return index;
  };
  const end = (): number => {
    let output: Uint8Array;
    try {
      output = encode(results, { root: "result", scope: board.space.memory.scope });
    } catch (error) {
      // One of them can not be sent: say which.
      for (index = 0; index < results.length; index++) {
        try {
          encode(results[index], { root: "result", scope: board.space.memory.scope });
        } catch (itsError) {
          return fail(itsError);
        }
      }
      return fail(error);
    }
    board.output(slot, output);
    return results.length;
  };
  const goOn = async (pending: unknown): Promise<number> => {
    try {
      results[index] = await pending;
      for (index++; index < inputs.length; index++) {
        board.progress(slot, index);
        results[index] = await (spread ? fn(...inputs[index] as unknown[]) : fn(inputs[index]));
      }
    } catch (error) {
      return fail(error);
    }
    return end();
  };
  try {
    for (; index < inputs.length; index++) {
      board.progress(slot, index);
      const result = spread ? fn(...inputs[index] as unknown[]) : fn(inputs[index]);
      if (isThenable(result)) return goOn(result);
      results[index] = result;
    }
  } catch (error) {
    return fail(error);
  }
  return end();
}

// Each result on its own, committed as it comes.
async function runEach(board: Board, slot: number, fn: AnyFunction): Promise<number> {
  const inputs = decode(board.input(slot)) as unknown[][];
  const room = { block: 0, capacity: 0 };
  const { scope } = board.space.memory;
  for (const args of inputs) {
    let output: Uint8Array;
    try {
      let result = fn(...args);
      if (isThenable(result)) result = await result;
      output = encode([result], { root: "result", scope });
    } catch (error) {
      output = encodeError(scope, error);
    }
    board.append(slot, output, room);
  }
  return inputs.length;
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** How a failure is told from results: an object, where results are an array. */
export interface Failure {
  error: unknown;
  /** Which item of the chunk failed; -1: all. */
  index: number;
}

function encodeError(scope: Scope, error: unknown, index = 0): Uint8Array {
  try {
    return encode({ error, index } satisfies Failure, { root: "error", scope });
  } catch (unsendable) {
    return encode({ error: unsendable, index } satisfies Failure, { root: "error", scope });
  }
}
