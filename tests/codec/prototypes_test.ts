import { Queue } from "@weft/concurrent/sync";
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";

const LIMIT = { timeout: 10_000 };

const HOSTILE = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "length", ""];

function own(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value;
}

function give(object: object, keys: readonly string[]): void {
  for (const key of keys) {
    Object.defineProperty(object, key, { value: `${key}!`, configurable: true, enumerable: true, writable: true });
  }
}

/** Runs `action` while `Object.prototype` has the property, and takes that away again. */
function polluted(key: string, property: PropertyDescriptor, action: () => void): void {
  Object.defineProperty(Object.prototype, key, { configurable: true, ...property });
  try {
    action();
  } finally {
    Reflect.deleteProperty(Object.prototype, key);
  }
}

describe("a value that crosses, whatever its keys are and objects inherit", () => {
  it("has the keys that objects have anyway as its own", LIMIT, () => {
    const queue = new Queue<object>();
    for (const object of [{}, new Error("boom")]) {
      give(object, HOSTILE);
      queue.putSync(object);
      const copy = queue.getSync();
      assertEquals(Object.getPrototypeOf(copy), Object.getPrototypeOf(object));
      for (const key of HOSTILE) assertEquals(own(copy, key), `${key}!`, `${key} of ${object.constructor}`);
    }
  });

  it("does not take along what objects and arrays inherit", LIMIT, () => {
    const queue = new Queue<object[]>();
    polluted("extra", { value: 1, enumerable: true, writable: true }, () => {
      queue.putSync([{ a: 1 }, new Error("boom")]);
      const [object, error] = queue.getSync();
      assertEquals(Object.keys(object!), ["a"]);
      assert(!Object.hasOwn(error!, "extra"));
    });
  });
});
