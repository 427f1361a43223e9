/**
 * Classes whose instances keep their class on the way.
 *
 * @module
 */

/** How instances of a class are sent. */
export interface Serialization {
  /** What its instances have as their prototype. */
  prototype: object;
  /** The class's name on the way: the same in every thread. */
  name: string;
  /** What is sent in place of the instance. */
  serialize: (value: never) => unknown;
  /** The instance again. */
  deserialize: (data: never) => object;
}

const byPrototype: Map<object, Serialization> = new Map();
const byName: Map<string, Serialization> = new Map();

/** Registers a class. */
export function register(serialization: Serialization): void {
  byPrototype.set(serialization.prototype, serialization);
  byName.set(serialization.name, serialization);
}

/** How instances with this prototype are sent, if that was said. */
export function ofPrototype(prototype: object): Serialization | undefined {
  return byPrototype.get(prototype);
}

/** How to read an instance. */
export function ofName(name: string): Serialization | undefined {
  return byName.get(name);
}
