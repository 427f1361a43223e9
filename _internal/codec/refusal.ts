/**
 * Objects of the library that belong to one thread, and say so when somebody sends them.
 *
 * @module
 */

/** Under this an object has the reason why it cannot be sent, for the message of the error. */
export const REFUSAL: unique symbol = Symbol.for("@weft/concurrent.refusal") as never;

// Where in a value what cannot be sent is, for messages. Looked for only after it was found, by a walk that has all the
// time in the world and takes no more of the stack for a value that is nested deeply.

interface Place {
  value: unknown;
  /** How its owner leads to it: `.key`, `[0]`. */
  step: string;
  owner?: Place;
}

/** Of a longer path the first and the last steps are said. */
const LONG = 24;
const ENDS = 6;

/** The path of `wanted` in `root`, which is called `name`: `args[0].onDone`. Empty name: the keys of the root are. */
export function pathOf(root: unknown, wanted: unknown, name: string): string {
  try {
    const found = search(root, wanted);
    return found === undefined ? name || "the value" : written(found, name) || "the value";
  } catch {
    // What is asked for its keys may throw.
    return name || "the value";
  }
}

function search(root: unknown, wanted: unknown): Place | undefined {
  const seen = new Set<unknown>();
  const places: Place[] = [{ value: root, step: "" }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { value } = place;
    if (value === wanted) return place;
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    // The first is looked at first, and all that is in it.
    for (const [step, item] of steps(value).reverse()) places.push({ value: item, step, owner: place });
  }
  return undefined;
}

function steps(value: object): [step: string, value: unknown][] {
  const all: [string, unknown][] = [];
  if (value instanceof Map) {
    let index = 0;
    for (const [key, item] of value) {
      all.push([`.keys[${index}]`, key]);
      all.push([typeof key === "string" ? `.get(${JSON.stringify(key)})` : `.values[${index}]`, item]);
      index++;
    }
  } else if (value instanceof Set) {
    let index = 0;
    for (const item of value) all.push([`.values[${index++}]`, item]);
  }
  if (!ArrayBuffer.isView(value)) {
    for (const key of Object.keys(value)) {
      all.push([stepOf(key, Array.isArray(value)), (value as Record<string, unknown>)[key]]);
    }
  }
  if (value instanceof Error) {
    for (const key of ["cause", "errors"] as "cause"[]) {
      if (Object.hasOwn(value, key)) all.push([`.${key}`, value[key]]);
    }
  }
  return all;
}

function stepOf(key: string, ofArray: boolean): string {
  if (ofArray && isIndex(key)) return `[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function written(place: Place, name: string): string {
  const path: string[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.owner) if (at.step !== "") path.push(at.step);
  path.reverse();
  if (path.length > LONG) path.splice(ENDS, path.length - 2 * ENDS, `…(${path.length - 2 * ENDS} levels)…`);
  const text = path.join("");
  return name !== "" ? name + text : text.startsWith(".") ? text.slice(1) : text;
}

/** Whether a key of an array is the index of an element. */
export function isIndex(key: string): boolean {
  const index = Number(key) >>> 0;
  return index !== 2 ** 32 - 1 && String(index) === key;
}
