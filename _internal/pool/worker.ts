/**
 * What a pool's worker does: take chunks from the board until told to stop.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { decode } from "../codec/decode.ts";
import { encode } from "../codec/encode.ts";
import { sendable } from "../work/record.ts";
import "../../sync/mod.ts";
import "../../threading/thread.ts";
import { abandonHeld, heldBy } from "../memory/kinds.ts";
import type { Scope } from "../memory/memory.ts";
import { isAlive } from "../memory/participants.ts";
import { RoomWait } from "../memory/room.ts";
import { dropReferences } from "../codec/format.ts";
import { existingSpace, noRoom, type Space, spaceOf } from "../memory/space.ts";
import { notify, register, sleep, unregister } from "../memory/wait_point.ts";
import { FIRST_USE_MS, isOutputUsed, keepsOutput, pendingOutput } from "../runtime/this_thread.ts";
import { patientTurn, quickTurn } from "../runtime/runtime.ts";
import type { TargetDescriptor } from "../targets/describe.ts";
import { nameSlowModules, resolveTarget } from "../targets/resolve.ts";
import type { Callable } from "../targets/source.ts";
import { setTold } from "../work/ending.ts";
import { Board, copyOf, Cursor, FAILED, ITEMS, ONE, PART, RESULT, RESULTS, TASKS, TOO_LARGE } from "./board.ts";
import { Patience } from "./crew.ts";
import { beginTask, endTask, isTaskRunning } from "./current_task.ts";
import { callOn, callWith, readFunction } from "./functions.ts";
// Objects of any kind may come with a task.

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

/** How long the event loop of a worker stands still at most: milliseconds. */
const TURN = 100;

/** What fails and is shorter than this is not sent in other words. */
const SHORT = 1 << 13;

const SCOPES = ["thread", "process"] as const;
const NOTHING: ReadonlySet<number> = new Set();

let working = false;

/** Whether this thread is the worker of some pool. */
export function isPoolWorker(): boolean {
  return working;
}

/** The target of a pool's worker. */
export async function workForPool(options: WorkerOptions, ...initargs: unknown[]): Promise<void> {
  const space = spaceOf(options.scope);
  working = true;
  const worker = new PoolWorker(space, options);
  // What a task left behind may fail when no caller waits any more.
  setTold(isTaskRunning);
  // All workers import the same.
  nameSlowModules((module) => worker.board.mayName(module));
  if (options.initializer !== null) {
    try {
      const initializer = await resolveTarget(options.initializer, options.name);
      await initializer(...initargs);
    } catch (error) {
      worker.board.fail(encodeFailure(options.scope, error, 0));
      return;
    }
  }
  // A process ends when its event loop has nothing to do, also while a task waits for what does not count as that.
  const busy = setInterval(() => {}, 2 ** 30);
  await worker.work();
  clearInterval(busy);
}

class PoolWorker {
  readonly board: Board;
  readonly #space: Space;
  readonly #options: WorkerOptions;
  readonly #functions: Map<number, Callable> = new Map();
  /** What the initializer left held is meant to be. */
  readonly #kept: Record<Scope, ReadonlySet<number>> = { thread: NOTHING, process: NOTHING };
  readonly #patience: Patience = new Patience();
  /** When the event loop had a turn. */
  #turned: number = now();
  #unitBegan = 0;

  constructor(space: Space, options: WorkerOptions) {
    this.board = new Board(space, options.board);
    this.#space = space;
    this.#options = options;
  }

  async work(): Promise<void> {
    const { board } = this;
    const space = this.#space;
    const { worker, maxTasks, epoch } = this.#options;
    for (const scope of SCOPES) {
      const space = existingSpace(scope);
      if (space !== undefined) this.#kept[scope] = heldBy(space);
    }
    for (let tasks = 0; maxTasks === 0 || tasks < maxTasks;) {
      const room = maxTasks === 0 || tasks === 0 ? 0 : maxTasks - tasks;
      let slot = board.claim(worker, room);
      if (slot === 0) {
        slot = this.#next(room);
        if (slot === 0) slot = await this.#sleep(room);
      }
      // Too large: for one who has done less. The owner hears of this one's end and starts another.
      if (slot === 0 || slot === TOO_LARGE) return;
      const began = now();
      board.begin(slot, worker, performance.timeOrigin + began - epoch);
      let fn = this.#functions.get(board.functionOf(slot));
      if (fn === undefined) fn = await this.#resolve(board.functionOf(slot));
      const { bytes, lengths, shared } = board.input(slot);
      let from = 0;
      const cursor = new Cursor();
      for (let unit; (unit = board.nextUnit(slot)) >= 0;) {
        if (keepsOutput) this.#unitBegan = unit === 0 ? began : now();
        beginTask(board, slot, unit);
        const data = unitOf(bytes, from, lengths[unit]);
        from += (lengths[unit] + 7) & ~7;
        const run = this.#run(slot, fn, data, shared, cursor);
        tasks += typeof run === "number" ? run : await run;
        endTask();
      }
      if (space.isKilled()) space.exit();
      const ended = now();
      if (!board.finish(slot, worker, ended - began)) return;
      if (ended - this.#turned > TURN) await this.#turn();
    }
  }

  async #resolve(address: number): Promise<Callable> {
    let fn: Callable;
    try {
      fn = await resolveTarget(readFunction(this.#space, address), this.#options.name);
    } catch (error) {
      fn = () => {
        throw error;
      };
    }
    this.#functions.set(address, fn);
    return fn;
  }

  // Looks for a moment without sleeping: tasks that come one after the other are there before this could be awake again.
  #next(room: number): number {
    const { board } = this;
    const { worker } = this.#options;
    if (this.#space.spins === 0 || !board.beginSpinning(worker)) return 0;
    let slot = 0;
    this.#patience.wait(() => (slot = board.claim(worker, room)) !== 0 || board.closed);
    // Whoever posts while this word is set trusts that it will be looked for. So after it is cleared there is one more look:
    // by this worker if it found nothing, else by one that sleeps.
    board.endSpinning(worker);
    if (slot !== 0 && board.hasPosted()) notify(this.#space, board.at + TASKS, 1);
    return slot;
  }

  // Now and then the event loop has a turn, for timers and sockets of the program.
  async #sleep(room: number): Promise<number> {
    const { board } = this;
    const space = this.#space;
    const { worker, idle } = this.#options;
    const until = idle === 0 ? Infinity : now() + idle;
    const point = board.at + TASKS;
    for (let turned = now();;) {
      // Registered first: what is posted after the look notifies.
      const registered = register(space, point);
      let notified = false;
      try {
        const slot = board.claim(worker, room);
        if (slot !== 0) return slot;
        if (board.closed) return board.claim(worker, room);
        const time = now();
        // A process outlives the thread that started it, and has nothing more to do here.
        if (time >= until || !isAlive(space.memory, board.owner)) return 0;
        notified = sleep(space, point, registered, Math.min(until - time, TURN));
      } finally {
        if (!notified) unregister(space, point, registered);
      }
      if (now() - turned >= TURN) {
        await patientTurn();
        turned = this.#turned = now();
      }
    }
  }

  async #turn(): Promise<void> {
    await quickTurn();
    this.#turned = now();
  }

  // Returns how many tasks it was; a promise only where a task does: awaiting costs more than a small task.
  #run(slot: number, fn: Callable, unit: Uint8Array, shared: boolean, cursor: Cursor): number | Promise<number> {
    const { board } = this;
    let input: unknown[];
    try {
      input = decode(unit) as unknown[];
    } catch (error) {
      return after(this.#fail(slot, cursor, error, 0), 1);
    } finally {
      // What was read is this thread's own.
      if (shared) board.dropInput(slot);
    }
    const mode = board.modeOf(slot);
    if (mode === ONE) {
      try {
        const result = callWith(fn, input);
        if (isThenable(result)) return this.#finishOne(slot, result, cursor);
        this.#end();
        return after(this.#append(slot, cursor, RESULT, result), 1);
      } catch (error) {
        this.#end();
        return after(this.#fail(slot, cursor, error, 0), 1);
      }
    }
    const spread = mode !== ITEMS;
    const results: unknown[] = new Array(input.length);
    let index = 0;
    try {
      for (; index < input.length; index++) {
        const result = spread ? callWith(fn, input[index] as unknown[]) : callOn(fn, input[index]);
        if (isThenable(result)) return this.#finishSlowly(slot, fn, input, results, index, result, cursor);
        results[index] = result;
        this.#end();
        board.progress(slot, index + 1);
      }
    } catch (error) {
      this.#end();
      return after(this.#fail(slot, cursor, error, index), index + 1);
    }
    return after(this.#append(slot, cursor, RESULTS, results), input.length);
  }

  async #finishOne(slot: number, pending: unknown, cursor: Cursor): Promise<number> {
    try {
      const result = await pending;
      this.#end();
      await this.#append(slot, cursor, RESULT, result);
    } catch (error) {
      this.#end();
      await this.#fail(slot, cursor, error, 0);
    }
    this.#turned = now();
    return 1;
  }

  async #finishSlowly(
    slot: number,
    fn: Callable,
    input: unknown[],
    results: unknown[],
    index: number,
    pending: unknown,
    cursor: Cursor,
  ): Promise<number> {
    const spread = this.board.modeOf(slot) !== ITEMS;
    try {
      results[index] = await pending;
      this.#end();
      for (index++; index < input.length; index++) {
        this.board.progress(slot, index);
        results[index] = await (spread ? callWith(fn, input[index] as unknown[]) : callOn(fn, input[index]));
        this.#end();
      }
    } catch (error) {
      this.#end();
      await this.#fail(slot, cursor, error, index);
      return index + 1;
    }
    await this.#append(slot, cursor, RESULTS, results);
    this.#turned = now();
    return input.length;
  }

  // A task is over: what it left held is nobody's.
  #end(): void {
    for (const scope of SCOPES) {
      const space = existingSpace(scope);
      if (space !== undefined && space.handles.size > 0) abandonHeld(space, this.#kept[scope]);
    }
  }

  // A promise where there is no room yet.
  #append(slot: number, cursor: Cursor, kind: number, value: unknown): void | Promise<void> {
    const { scope } = this.#options;
    let data: Uint8Array;
    try {
      data = encode(value, { root: "result", scope });
    } catch (error) {
      if (kind === RESULT) return this.#fail(slot, cursor, error, 0);
      // One of them cannot be sent: say which.
      const index = (value as unknown[]).findIndex((result) => !canEncode(result, scope));
      let itsError = error;
      try {
        encode((value as unknown[])[index], { root: "result", scope });
      } catch (thrown) {
        itsError = thrown;
      }
      return this.#fail(slot, cursor, itsError, Math.max(0, index));
    }
    if (kind === RESULTS && data.length > this.#longest && (value as unknown[]).length > 1) {
      dropReferences(data);
      return this.#appendParts(slot, cursor, value as unknown[]);
    }
    return this.#send(slot, cursor, kind, data) as void | Promise<void>;
  }

  // So much in one piece would need as much room in one piece.
  async #appendParts(slot: number, cursor: Cursor, results: unknown[]): Promise<void> {
    const { scope } = this.#options;
    for (let first = 0, count = results.length; first < results.length;) {
      count = Math.max(1, Math.min(count, results.length - first));
      const data = encode(results.slice(first, first + count), { root: "result", scope });
      if (data.length > this.#longest && count > 1) {
        dropReferences(data);
        count >>= 1;
        continue;
      }
      first += count;
      const failure = await this.#send(slot, cursor, first < results.length ? PART : RESULTS, data, first - 1);
      if (failure) return;
    }
  }

  get #longest(): number {
    return this.#space.memory.capacity >> 4;
  }

  #fail(slot: number, cursor: Cursor, error: unknown, index: number): void | Promise<void> {
    const sent = this.#send(slot, cursor, FAILED, encodeFailure(this.#options.scope, error, index));
    if (sent !== undefined) return sent.then(() => {});
  }

  // What is sent at once costs no promise. `true`: an error went in its place.
  #send(slot: number, cursor: Cursor, kind: number, data: Uint8Array, index = 0): void | Promise<void | boolean> {
    // First what the task has written: its worker may be ended as soon as its result is known.
    if (keepsOutput && (isOutputUsed() || now() - this.#unitBegan > FIRST_USE_MS)) {
      const pending = pendingOutput();
      if (pending !== undefined) {
        const own = data.slice();
        return pending.then(() => this.#send(slot, cursor, kind, own, index));
      }
    }
    try {
      if (this.board.append(slot, cursor, kind, data)) return;
    } catch (error) {
      return this.#refuse(slot, cursor, kind, data, error, index);
    }
    return this.#sendWithRoom(slot, cursor, kind, data.slice(), index);
  }

  // What was to be sent reaches no caller.
  async #refuse(
    slot: number,
    cursor: Cursor,
    kind: number,
    data: Uint8Array,
    error: unknown,
    index: number,
  ): Promise<boolean> {
    dropReferences(data);
    // There is not even room to say so.
    if (kind === FAILED && data.length < SHORT) throw error;
    await this.#fail(slot, cursor, error, index);
    return true;
  }

  // Waits until the owners of results have read some, and takes its turns of the event loop meanwhile.
  async #sendWithRoom(slot: number, cursor: Cursor, kind: number, data: Uint8Array, index: number): Promise<boolean> {
    const { board } = this;
    const room = new RoomWait(this.#space);
    try {
      for (;;) {
        board.need(slot, true);
        if (room.sleep(() => board.append(slot, cursor, kind, data))) return false;
        if (board.append(slot, cursor, kind, data)) return false;
        const most = room.judge(data.length);
        if (most !== undefined) {
          const error = noRoom("return the result of a task", data.length, most);
          return await this.#refuse(slot, cursor, kind, data, error, index);
        }
        if (now() - this.#turned > TURN) await this.#turn();
      }
    } finally {
      board.need(slot, false);
      room.end();
    }
  }
}

function after<T>(sent: void | Promise<void>, value: T): T | Promise<T> {
  return sent === undefined ? value : sent.then(() => value);
}

// The bytes are this worker's own already: what is large need not be copied once more.
function unitOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  return length <= 64 ? copyOf(bytes, from, length) : bytes.subarray(from, from + length);
}

function canEncode(value: unknown, scope: Scope): boolean {
  try {
    // Of what it names the references have to be given back: nobody will receive this.
    dropReferences(encode(value, { root: "result", scope }));
    return true;
  } catch {
    return false;
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** How a failure is told from results. */
export interface Failure {
  error: unknown;
  /** Which item of the unit failed. */
  index: number;
}

function encodeFailure(scope: Scope, error: unknown, index: number): Uint8Array {
  try {
    return encode({ error, index } satisfies Failure, { root: "", scope });
  } catch (unsendable) {
    return encode({ error: sendable(error, unsendable, scope), index } satisfies Failure, { root: "", scope });
  }
}
