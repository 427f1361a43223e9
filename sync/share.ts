/**
 * Shared objects for workers that the program starts itself. A token carries the memory and the address of an object to them.
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
import { closeSpaces, existingSpace, requireOpen, setSpace, Space } from "../_internal/memory/space.ts";
import { giveUpAll, reclaimParcels } from "../_internal/queue/taken.ts";
import { show } from "../_internal/options.ts";
import { exitThread, onExit } from "../_internal/runtime/this_thread.ts";

/** What {@linkcode share} returns. Send it to a worker with `postMessage`, and pass it to {@linkcode adopt} there. */
export interface ShareToken {
  /** The shared memory of the program. */
  readonly buffer: SharedArrayBuffer;
  /** The address of the object in that memory. */
  readonly at: number;
  /** The number of the worker among the threads of the program; 0 for a token for any worker. */
  readonly id: number;
  /** The number of this token among the tokens for one worker; 0 for a token for any worker. */
  readonly ticket: number;
}

/** A `Worker`, or a `Worker` of `node:worker_threads`: any object that reports the worker's end in one of these ways. */
export interface WorkerLike {
  /**
   * Registers a listener for the end of a `Worker`, on runtimes that have the event `close`.
   *
   * @param type The event.
   * @param listener Called when the worker has ended.
   */
  addEventListener?(type: "close", listener: () => void): void;
  /**
   * Registers a listener for the end of a worker of `node:worker_threads`.
   *
   * @param type The event.
   * @param listener Called when the worker has ended.
   */
  on?(type: "exit", listener: () => void): void;
}

const ids = new WeakMap<object, number>();
let tickets = 0;

/** The objects that have a reference for tokens for any worker: one reference each, whatever the number of tokens. */
const kept = new WeakSet<object>();

/** The tickets of the tokens that this thread has adopted. Each token has one reference, which is dropped only once. */
const adopted = new Set<number>();

/**
 * Makes a token that gives a worker access to a shared object.
 *
 * Send the token with `postMessage` to a worker that the program started itself, by `new Worker(…)` or with
 * `node:worker_threads`. The worker passes it to {@linkcode adopt}. Threads of this library need no tokens.
 *
 * - **With `worker`**, the token is for that worker. When the worker ends, and the runtime reports it, locks that it held
 *   pass to their waiters. On runtimes that do not report it, this happens only if the worker exits by itself.
 * - **Without `worker`**, the token may be sent to any number of workers. The object then lives as long as the program, because
 *   another worker may adopt it at any time. Locks that a worker held pass to their waiters only if it exits by itself.
 *
 * Python has no equivalent.
 *
 * @param object An object of `sync` or `threading`, such as a lock or a queue.
 * @param options `worker`: the worker that will get the token. Default: any worker.
 * @returns The token.
 * @throws {TypeError} If `object` is not a shared object, or is shared between processes, or `worker` is not an object.
 * @throws {InvalidStateError} If `object` was disposed of or cannot be used for another reason.
 *
 * @example Share an event with a worker
 * ```ts
 * import { Event, share } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * // The source of the worker, which adopts the event and sets it.
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
 * Returns the object of a token, in a worker that received the token by `postMessage`.
 *
 * The first `adopt` makes the worker a thread of the program: `currentThread()` is then a thread named `Dummy-n`. Adopting the
 * same token again returns the same object, as long as the worker keeps it.
 *
 * Python has no equivalent.
 *
 * @param token The token that {@linkcode share} returned in the sender.
 * @returns The object. It is the same shared object as in the sender: a lock that is held there is held here.
 * @throws {InvalidStateError} If this worker has exited, and only listeners of its exit still run.
 * @throws {AttachError} If `token` was not made by {@linkcode share}, comes from another version of this library, or names an
 * object that does not exist any more.
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
    throw new AttachError(`Cannot adopt an object as there is no object at the token's address: received ${at}`);
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
      reclaimParcels(space);
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
  requireOpen();
  const space = id !== 0 && isAlive(memory, id) ? new Space(memory, id, exitThread) : Space.join(memory, 0, exitThread);
  onExit(() => {
    giveUpAll(space);
    leave(memory, space.id);
    closeSpaces();
  });
  setSpace(space);
  return space;
}

function sameMemory(one: ThreadMemory, other: ThreadMemory): boolean {
  return load(one.words, TOKEN_AT) === load(other.words, TOKEN_AT) &&
    load(one.words, TOKEN_AT + 1) === load(other.words, TOKEN_AT + 1);
}
