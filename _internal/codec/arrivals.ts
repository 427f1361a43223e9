/**
 * What is still to be done when the bytes of a message have become values, before a program gets them.
 *
 * A function that came along is found by importing its module, which takes the event loop. A thread that has begun its
 * target may block at once, so this is the moment. And values that are nested so deeply that they stand behind the message
 * are put in their places when all of it was read.
 *
 * @module
 */

let arriving: (() => Promise<void>)[] | undefined;

/** Calls `decode`, and waits for what the values that it makes need. */
export async function arrive<T>(decode: () => T): Promise<T> {
  const outer = arriving;
  const preparations: (() => Promise<void>)[] = arriving = [];
  let values: T;
  try {
    values = decode();
  } finally {
    arriving = outer;
  }
  for (const prepare of preparations) await prepare();
  return values;
}

/** Has `prepare`, which throws nothing, done before the program gets the values that arrive now, if any do. */
export function onArrival(prepare: () => Promise<void>): void {
  arriving?.push(prepare);
}

/** In the place of a value that stands behind the message. */
export class Later {
  constructor(readonly number: number) {}
}

/** Puts what came later into an object that was read. */
export function putLater(object: unknown, values: unknown[]): void {
  const value = (item: unknown): unknown => item instanceof Later ? values[item.number] : item;
  if (object instanceof Map) putIntoMap(object, value);
  else if (object instanceof Set) putIntoSet(object, value);
  else if (!Array.isArray(object) && !(object instanceof Error) && !isPlain(object)) return;
  // Also maps and sets have named properties on some runtimes.
  for (const key of Object.getOwnPropertyNames(object)) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key)!;
    if (descriptor.value instanceof Later) {
      Object.defineProperty(object, key, { ...descriptor, value: value(descriptor.value) });
    }
  }
}

function putIntoMap(map: Map<unknown, unknown>, value: (item: unknown) => unknown): void {
  const entries = [...map];
  if (!entries.some(([key, item]) => key instanceof Later || item instanceof Later)) return;
  // Anew, since the order of the keys must stay.
  map.clear();
  for (const [key, item] of entries) map.set(value(key), value(item));
}

function putIntoSet(set: Set<unknown>, value: (item: unknown) => unknown): void {
  const items = [...set];
  if (!items.some((item) => item instanceof Later)) return;
  set.clear();
  for (const item of items) set.add(value(item));
}

function isPlain(object: unknown): object is object {
  if (typeof object !== "object" || object === null) return false;
  const prototype = Object.getPrototypeOf(object) as object | null;
  return prototype === Object.prototype || prototype === null;
}
