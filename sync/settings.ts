/**
 * What a program settles before its objects and threads: how much memory is reserved, and how instances of its classes cross.
 *
 * @module
 */

import { ofName, register } from "../_internal/codec/format.ts";
import { setReservation } from "../_internal/memory/space.ts";
import { show } from "../_internal/options.ts";
import { isImportingTargets } from "../_internal/runtime/this_thread.ts";

const PAGE = 65536;
/** Bytes: what the tables at the beginning of a region take, and a little to live on. */
const LEAST = 2 ** 20;
/** Bytes of the longest buffer that all engines make. */
const MOST = 2 ** 32;

/** Options of {@linkcode configure}. */
export interface ConfigureOptions {
  /**
   * How many bytes are reserved for all objects of a scope together, from 1 MiB to 4 GiB; rounded up to 64 KiB. Not set: 4
   * GiB, and 512 MiB for the processes' scope on Bun. Only what is used takes memory, so that less is needed only where
   * the system refuses to reserve that much, or to bound what a program may use.
   *
   * Bun's garbage collector takes all that is reserved for the processes' scope for memory in use: with more it begins
   * later, and lets about as much garbage come together where a program does not return to its event loop for long.
   */
  memory?: number;
}

/**
 * Changes settings, before the first object is made and the first thread or process is started.
 *
 * Where there is no room for something, making it throws `RangeError` and `Queue.put` throws `QueueFullError`.
 *
 * A worker imports the modules of its target anew, and the call that is made there meanwhile does nothing, since the
 * worker lives in the memory of its program.
 *
 * @throws {InvalidStateError} If the shared memory is in use already.
 * @throws {TypeError} If the options are not an object, or `memory` is not a number.
 * @throws {RangeError} If `memory` is not from 1 MiB to 4 GiB.
 *
 * @example
 * ```ts
 * import { configure } from "@weft/concurrent/sync";
 *
 * configure({ memory: 64 * 2 ** 20 });
 * ```
 */
export function configure(options: ConfigureOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot configure as the options must be an object like { memory }: received ${show(options)}`);
  }
  const { memory } = options;
  if (memory === undefined) return;
  if (typeof memory !== "number") {
    throw new TypeError(`Cannot configure as 'memory' must be a number of bytes: received ${show(memory)}`);
  }
  if (!(memory >= LEAST && memory <= MOST)) {
    throw new RangeError(
      `Cannot configure as 'memory' must be from ${LEAST} (1 MiB) to ${MOST} (4 GiB) bytes: received ${memory}`,
    );
  }
  if (isImportingTargets()) return;
  setReservation(Math.ceil(memory / PAGE) * PAGE);
}

/** How instances of a class cross. */
export interface SerializableOptions<T extends object, D> {
  /** The class's name on the way: the same in every thread, and no other class's. */
  name: string;
  /** What is sent in place of an instance: anything that can be sent. */
  serialize: (value: T) => D;
  /** The instance again, made from that. What it throws is thrown by the `get` or `recv`, whose item is then gone. */
  deserialize: (data: D) => T;
}

/**
 * Says how instances of a class are sent; without that only their data arrives, which are their own enumerable fields, and
 * an instance of which all is private is refused. Classes of the runtime may be registered, too. Errors that are thrown in
 * another thread arrive as themselves if their class is registered.
 *
 * Call it at the top level of the module that has the class, so that it is called in every thread that imports the module.
 * Subclasses are registered on their own. Registering a class again replaces what was said.
 *
 * Python: `copyreg.pickle`.
 *
 * @throws {TypeError} If an argument is of the wrong kind, or the name is taken by another class.
 *
 * @example
 * ```ts
 * import { Queue, registerSerializable } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * class Point {
 *   constructor(readonly x: number, readonly y: number) {}
 * }
 * registerSerializable(Point, {
 *   name: "Point",
 *   serialize: (point) => [point.x, point.y],
 *   deserialize: ([x, y]) => new Point(x, y),
 * });
 *
 * const queue = new Queue<Point>();
 * queue.putSync(new Point(1, 2));
 * assert(queue.getSync() instanceof Point);
 * ```
 */
export function registerSerializable<T extends object, D>(
  type: abstract new (...args: never[]) => T,
  options: SerializableOptions<T, D>,
): void {
  if (typeof type !== "function" || typeof type.prototype !== "object") {
    throw new TypeError(`Cannot register class as it must be a class: received ${show(type)}`);
  }
  const { name, serialize, deserialize } = options ?? {};
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`Cannot register class as 'name' must be a string that is not empty: received ${show(name)}`);
  }
  if (typeof serialize !== "function" || typeof deserialize !== "function") {
    throw new TypeError(`Cannot register class "${name}" as 'serialize' and 'deserialize' must be functions`);
  }
  const taken = ofName(name);
  if (taken !== undefined && taken.prototype !== type.prototype) {
    throw new TypeError(`Cannot register class as the name "${name}" belongs to another class: choose another name`);
  }
  register({ prototype: type.prototype, name, serialize, deserialize });
}
