/**
 * What a program sets before it creates objects and threads: how much memory is reserved, and how instances of its
 * classes are sent.
 *
 * @module
 */

import { ofName, register } from "../_internal/codec/format.ts";
import { setReservation } from "../_internal/memory/space.ts";
import { show } from "../_internal/options.ts";
import { isImportingTargets } from "../_internal/runtime/this_thread.ts";

const PAGE = 65536;
/** The fewest bytes: the tables at the beginning of a region, and some room for objects. */
const LEAST = 2 ** 20;
/** The most bytes: the longest buffer that all engines can make. */
const MOST = 2 ** 32;

/** Options of {@linkcode configure}. */
export interface ConfigureOptions {
  /**
   * How many bytes to reserve for all objects of a scope together, from 1 MiB to 4 GiB; rounded up to a multiple of 64
   * KiB. Default: 4 GiB, but 512 MiB for the processes' scope on Bun.
   *
   * Only memory in use takes up RAM. So set less only if the system refuses to reserve that much, or to limit what a
   * program may use.
   *
   * Bun's garbage collector counts everything reserved for the processes' scope as memory in use. The more is reserved,
   * the later it starts: about as much garbage may accumulate while a program does not return to its event loop.
   */
  memory?: number;
}

/**
 * Changes settings of the library. Call it before the first object is created and the first thread or process is
 * started.
 *
 * When the reserved memory is full, creating an object throws `RangeError` and `Queue.put` throws `QueueFullError`.
 *
 * A worker imports the modules of its target again. A call at the top level of such a module does nothing there, since
 * the worker uses the memory of its program.
 *
 * Python has no equivalent.
 *
 * @param options The settings to change.
 * @throws {InvalidStateError} If the shared memory is in use already.
 * @throws {TypeError} If the options are not an object, or `memory` is not a number.
 * @throws {RangeError} If `memory` is not from 1 MiB to 4 GiB.
 *
 * @example
 * ```ts
 * import { configure, InvalidStateError, Lock } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * configure({ memory: 64 * 2 ** 20 });
 * using _lock = new Lock();
 * assertThrows(() => configure({ memory: 2 ** 30 }), InvalidStateError);
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

/** How instances of a class are sent: the options of {@linkcode registerSerializable}. */
export interface SerializableOptions<T extends object, D> {
  /**
   * The name of the class in messages. It must be the same in every thread, and different from that of every other
   * class.
   */
  name: string;
  /** Returns what is sent instead of an instance: anything that can be sent. */
  serialize: (value: T) => D;
  /**
   * Makes an instance of what `serialize` returned. If it throws, the receiving `get` or `recv` throws that error, and
   * the item is lost.
   */
  deserialize: (data: D) => T;
}

/**
 * Registers how instances of a class are sent to other threads and processes.
 *
 * Without that, only the data of an instance arrives, which is its own enumerable fields. An instance that has only
 * private fields is refused. Classes of the runtime can be registered, too. An error thrown in another thread arrives
 * as an instance of its class if the class is registered.
 *
 * Call this at the top level of the module that has the class, so that it is called in every thread that imports the
 * module. Subclasses must be registered separately. Registering a class again replaces its options.
 *
 * Python: `copyreg.pickle`.
 *
 * @param type The class.
 * @param options Its name, and the functions that take an instance apart and put it together.
 * @throws {TypeError} If an argument is of the wrong type, or the name is taken by another class.
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
