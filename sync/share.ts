/**
 * Shared objects for workers that the program starts itself.
 *
 * @module
 */

import { load } from "../_internal/atomics.ts";
import { AttachError, InvalidStateError } from "../_internal/errors.ts";
import { HEAP_AT, MAGIC, MAGIC_AT, ThreadMemory, TOKEN_AT, VERSION, VERSION_AT } from "../_internal/memory/memory.ts";
import { enter, isAlive, leave } from "../_internal/memory/participants.ts";
import {
  addReference,
  dropReference,
  handleAt,
  locate,
  seemsObject,
  SharedHandle,
  whyUnusable,
} from "../_internal/memory/shared_object.ts";
import { existingSpace, setSpace, Space } from "../_internal/memory/space.ts";
import { reclaimTaken } from "../_internal/queue/taken.ts";
import { show } from "../_internal/options.ts";
import { exitThread, onExit } from "../_internal/runtime/this_thread.ts";

/** What {@linkcode share} returns: send it to a worker with `postMessage`, and give it to {@linkcode adopt} there. */
export interface ShareToken {
  /** The memory of the program. */
  readonly buffer: SharedArrayBuffer;
  /** Which object. */
  readonly at: number;
  /** The id of the worker in the program, where that is known; else 0. */
  readonly id: number;
  /** Which of the tokens for that worker this is; 0: it is for any worker. */
  readonly ticket: number;
}

/** Something like a `Worker`. */
export interface WorkerLike {
  /** Hears of the worker's end, where the runtime tells. */
  addEventListener?(type: "close", listener: () => void): void;
  /** The same for workers of `node:worker_threads`. */
  on?(type: "exit", listener: () => void): void;
}

const ids = new WeakMap<object, number>();
let tickets = 0;

/** The objects that tokens for any worker keep: one reference each, whatever the number of tokens. */
const kept = new WeakSet<object>();

/** The tickets that this thread has given to {@linkcode adopt}: each brings one reference, and only once. */
const adopted = new Set<number>();

/**
 * A token for an object of the threads' scope, to be sent with `postMessage` to a worker that this program started
 * itself (a `new Worker(…)`, or one of `node:worker_threads`). Threads of this library need no tokens.
 *
 * With `worker` the token is for that worker. The death of the worker is noticed then where the runtime tells of it, so that
 * locks it held are handed on; otherwise only when it exits in an orderly way. Without `worker` the token may go to any number
 * of workers, and the object lives as long as the program, since any worker may still ask for it.
 *
 * @throws {TypeError} If `object` is not a shared object of the threads' scope, or `worker` is not an object.
 * @throws {InvalidStateError} If `object` cannot be used any more.
 *
 * @example
 * ```ts
 * import { Event, share } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * // In place of a file: a worker that adopts what it is sent.
 * const source = `import { adopt } from "${import.meta.resolve("@weft/concurrent/sync")}";
 *   onmessage = (message) => adopt(message.data).set();`;
 * const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
 *
 * const ready = new Event();
 * const worker = new Worker(url, { type: "module" });
 * worker.postMessage(share(ready, { worker }));
 * assert(await ready.wait());
 * worker.terminate();
 * ```
 */
export function share(object: object, options?: { worker?: WorkerLike }): ShareToken {
  const worker = validateWorker(options);
  if (!(object instanceof SharedHandle)) {
    throw new TypeError(`Cannot share an object as it is not one of this library: received ${show(object)}`);
  }
  const located = locate(object);
  if (located === undefined) throw new InvalidStateError(`Cannot share an object as ${whyUnusable(object)}`);
  const { space, at } = located;
  if (!(space.memory instanceof ThreadMemory)) {
    throw new TypeError(
      "Cannot share an object of the processes' scope: send it through a multiprocessing Queue or in args",
    );
  }
  const { buffer } = space.memory;
  if (worker === undefined) {
    if (!kept.has(object)) {
      kept.add(object);
      addReference(space, at);
    }
    return { buffer, at, id: 0, ticket: 0 };
  }
  const id = idOf(space, worker);
  addReference(space, at);
  return { buffer, at, id, ticket: ++tickets };
}

/**
 * The object that a token stands for, in a worker that got the token by `postMessage`. With its first `adopt` the worker
 * becomes a thread of the program: `currentThread()` is `Dummy-n` there. Doing it again with the same token gives the same
 * object, as long as that is in use.
 *
 * @throws {AttachError} If the token is not one of {@linkcode share}, or comes from another version of this library.
 *
 * @example In the worker
 * ```ts
 * import { adopt, type Event, type ShareToken } from "@weft/concurrent/sync";
 *
 * globalThis.addEventListener("message", (message) => {
 *   const ready = adopt<Event>((message as MessageEvent<ShareToken>).data);
 *   ready.set();
 * });
 * ```
 */
export function adopt<T extends object = object>(token: ShareToken): T {
  const { buffer, at, id, ticket } = (token ?? {}) as Partial<ShareToken>;
  if (
    !(buffer instanceof SharedArrayBuffer) || buffer.byteLength <= HEAP_AT * 4 || !Number.isInteger(id) ||
    !Number.isInteger(ticket) || !Number.isInteger(at) || at! < HEAP_AT || at! >= buffer.byteLength / 4
  ) {
    throw new AttachError("Cannot adopt an object as this is not a token that share() made");
  }
  const memory = new ThreadMemory(buffer);
  if (load(memory.words, MAGIC_AT) !== MAGIC || load(memory.words, VERSION_AT) !== VERSION) {
    throw new AttachError(
      `Cannot adopt an object as its memory is of another version of this library: expected ${VERSION}, received ${
        load(memory.words, VERSION_AT)
      }`,
    );
  }
  const space = join(memory, id!);
  if (!seemsObject(space, at!)) {
    throw new AttachError(`Cannot adopt an object as there is none where the token says: received ${at}`);
  }
  const handle = handleAt(space, at!);
  if (ticket !== 0 && !adopted.has(ticket!)) {
    adopted.add(ticket!);
    dropReference(space, at!);
  }
  return handle as unknown as T;
}

function validateWorker(options: unknown): WorkerLike | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot share an object as the options must be an object like { worker }: received ${show(options)}`,
    );
  }
  const { worker } = options as { worker?: unknown };
  if (worker !== undefined && (typeof worker !== "object" || worker === null)) {
    throw new TypeError(`Cannot share an object as 'worker' must be a Worker: received ${show(worker)}`);
  }
  return worker as WorkerLike | undefined;
}

function idOf(space: Space, worker: WorkerLike): number {
  let id = ids.get(worker);
  if (id === undefined) {
    id = enter(space.memory, 0);
    ids.set(worker, id);
    const gone = (): void => {
      leave(space.memory, id!);
      reclaimTaken(space);
    };
    worker.addEventListener?.("close", gone);
    worker.on?.("exit", gone);
  }
  return id;
}

function join(memory: ThreadMemory, id: number): Space {
  const existing = existingSpace("thread");
  // The buffer arrives as another object each time, so it is recognised by its content.
  if (existing !== undefined && sameMemory(existing.memory as ThreadMemory, memory)) return existing;
  const space = id !== 0 && isAlive(memory, id) ? new Space(memory, id, exitThread) : Space.join(memory, 0, exitThread);
  onExit(() => leave(memory, space.id));
  setSpace(space);
  return space;
}

function sameMemory(one: ThreadMemory, other: ThreadMemory): boolean {
  return load(one.words, TOKEN_AT) === load(other.words, TOKEN_AT) &&
    load(one.words, TOKEN_AT + 1) === load(other.words, TOKEN_AT + 1);
}
