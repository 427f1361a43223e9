/**
 * Classes that cross.
 *
 * @module
 */

import { ofName, register } from "../_internal/codec/tags.ts";
import { show } from "../_internal/options.ts";

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
 * an instance of which all is private is refused. Classes of the runtime may be registered, too. Errors that are thrown in another thread
 * arrive as themselves if their class is registered.
 *
 * Call it at the top level of the module that has the class, so that every thread that imports the module knows.
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
