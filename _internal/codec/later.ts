/**
 * Values that are nested so deeply that they stand behind the message they belong into, and are put in their places when
 * all of it was read.
 *
 * @module
 */

/** In the place of such a value. */
export class Later {
  constructor(readonly number: number) {}
}

/** Puts what came later into an object that was read. */
export function putLater(object: unknown, values: unknown[]): void {
  const value = (item: unknown): unknown => item instanceof Later ? values[item.number] : item;
  if (object instanceof Map) {
    const entries = [...object];
    if (!entries.some(([key, item]) => key instanceof Later || item instanceof Later)) return;
    // Anew, since the order of the keys must stay.
    object.clear();
    for (const [key, item] of entries) object.set(value(key), value(item));
  } else if (object instanceof Set) {
    const items = [...object];
    if (!items.some((item) => item instanceof Later)) return;
    object.clear();
    for (const item of items) object.add(value(item));
  } else if (Array.isArray(object) || object instanceof Error || isPlain(object)) {
    for (const key of Object.getOwnPropertyNames(object)) {
      const descriptor = Object.getOwnPropertyDescriptor(object, key)!;
      if (descriptor.value instanceof Later) {
        Object.defineProperty(object, key, { ...descriptor, value: value(descriptor.value) });
      }
    }
  }
}

function isPlain(object: unknown): object is object {
  if (typeof object !== "object" || object === null) return false;
  const prototype = Object.getPrototypeOf(object) as object | null;
  return prototype === Object.prototype || prototype === null;
}
