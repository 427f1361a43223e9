/**
 * The work that remains between decoding a message and giving its values to the program.
 *
 * A function in the message is found by importing its module, which needs the event loop. The thread may block as soon as it has
 * begun its target, so the import must happen before. Values that are nested too deeply are encoded after the main value, and
 * are put in their places when everything is read.
 *
 * @module
 */

let arriving: (() => Promise<void>)[] | undefined;

/** Calls `decode`, and waits for the preparations that its values need. */
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

/** Adds a preparation for the values that are being decoded inside {@linkcode arrive}, if any. `prepare` must not throw. */
export function onArrival(prepare: () => Promise<void>): void {
  arriving?.push(prepare);
}

/** A placeholder for a value that is encoded after the main value. */
export class Later {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

/** Replaces the placeholders in an object that was read by their values. */
export function putLater(object: unknown, values: unknown[]): void {
  const value = (item: unknown): unknown => item instanceof Later ? values[item.number] : item;
  if (object instanceof Map) putIntoMap(object, value);
  else if (object instanceof Set) putIntoSet(object, value);
  else if (!Array.isArray(object) && !(object instanceof Error) && !isPlain(object)) return;
  // Maps and sets have named properties too, on some runtimes.
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
  // All entries are set again, because the order of the keys must stay.
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
