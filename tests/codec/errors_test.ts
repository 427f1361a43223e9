import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { copyFileSync } from "node:fs";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import { joinStacks } from "../../_internal/codec/error_classes.ts";
import {
  QueueEmptyError,
  QueueFullError,
  registerSerializable,
  TimeoutError,
  WorkerLostError,
} from "../../sync/mod.ts";
import { cross } from "./_values.ts";

const LIMIT = { timeout: 10_000 };

class Unregistered extends RangeError {
  override name = "Unregistered";
  readonly code: number;

  constructor(code: number) {
    super(`code ${code}`);
    this.code = code;
  }
}

class Registered extends Error {
  override name = "Registered";
  readonly code: number;

  constructor(code: number) {
    super(`code ${code}`);
    this.code = code;
  }
}
registerSerializable(Registered, {
  name: "errors_test.Registered",
  serialize: ({ code, stack }) => ({ code, stack }),
  deserialize: ({ code, stack }) => Object.assign(new Registered(code), { stack }),
});

class Plain extends Error {}
registerSerializable(Plain, {
  name: "errors_test.Plain",
  serialize: ({ message }) => message,
  deserialize: (message) => new Plain(message),
});

describe("an error that crosses", () => {
  it("without a prototype is an error all the same, of the class that its name says", LIMIT, () => {
    const bare = Object.setPrototypeOf(Object.assign(new Error("what", { cause: 1 }), { code: 7 }), null);
    const other = cross(bare) as Error & { code: number };
    assertStrictEquals(Object.getPrototypeOf(other), Error.prototype);
    assertEquals([other.name, other.message, other.cause, other.code], ["Error", "what", 1, 7]);
    const named = Object.setPrototypeOf(Object.assign(new Error("what"), { name: "RangeError" }), null);
    assertStrictEquals(Object.getPrototypeOf(cross(named)), RangeError.prototype);
    // What only looks like one is an object.
    const object = Object.assign(Object.create(null), { name: "RangeError", message: "what" });
    assertEquals(Object.entries(cross(object)), Object.entries(object));
    assertStrictEquals(Object.getPrototypeOf(cross(object)), null);
  });

  it("of another realm keeps its class", LIMIT, () => {
    for (const Type of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
      const other = cross(runInNewContext(`new ${Type.name}("what")`)) as Error;
      assertStrictEquals(Object.getPrototypeOf(other), Type.prototype);
      assertEquals([other.name, other.message], [Type.name, "what"]);
    }
    const several = cross(runInNewContext("new AggregateError([1, new TypeError()], 'what')")) as AggregateError;
    assertInstanceOf(several, AggregateError);
    assertEquals(several.errors[0], 1);
    assertInstanceOf(several.errors[1], TypeError);
    assertInstanceOf(cross(runInNewContext("new (class X extends RangeError {})()")), RangeError);
  });

  for (const Type of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
    it(`keeps its class, message and stack: ${Type.name}`, LIMIT, () => {
      const error = new Type("what happened");
      const other = cross(error);
      assertStrictEquals(Object.getPrototypeOf(other), Type.prototype);
      assertEquals([other.name, other.message, other.stack], [error.name, error.message, error.stack]);
      assertEquals(Object.keys(other), []);
    });
  }

  it("keeps its class if that is one of the runtime's own", LIMIT, () => {
    const { Deno, WebAssembly: wasm } = globalThis as unknown as Record<string, Record<string, unknown> | undefined>;
    const classes = [
      ...Object.values(Deno?.errors ?? {}),
      ...Object.values(Object.getOwnPropertyDescriptors(wasm!))
        .map(({ value }) => value),
    ].filter((value): value is new (message: string) => Error =>
      typeof value === "function" && value.prototype instanceof Error
    );
    assert(classes.length >= (Deno === undefined ? 3 : 28));
    for (const Type of classes) {
      const error = Object.assign(new Type("what happened"), { code: "ECODE" });
      const other = cross([error])[0]!;
      assertInstanceOf(other, Type);
      assertStrictEquals(Object.getPrototypeOf(other), Type.prototype);
      assertEquals([other.name, other.message, other.stack], [error.name, error.message, error.stack]);
      assertEquals((other as { code?: string }).code, "ECODE");
      class Own extends Type {}
      assertInstanceOf(cross(new Own("of the program")), Type);
    }
  });

  it("keeps what the system said of it", LIMIT, () => {
    const error = assertThrows(() => copyFileSync("/no/such/file", "/no/such/folder/file")) as NodeJS.ErrnoException;
    const other = cross(error);
    for (const key of ["code", "errno", "syscall", "path", "dest"] as "code"[]) assertEquals(other[key], error[key]);
    assertEquals(other.code, "ENOENT");
    const wrong = assertThrows(() => Buffer.alloc("x" as never)) as NodeJS.ErrnoException;
    // On Deno it has a function among its properties.
    delete (wrong as { toString?: unknown }).toString;
    assertEquals(cross(wrong).code, "ERR_INVALID_ARG_TYPE");
  });

  it("keeps both errors of a SuppressedError", LIMIT, () => {
    const other = cross(
      new SuppressedError(new RangeError("later"), new TypeError("first"), "both"),
    ) as SuppressedError;
    assertInstanceOf(other, SuppressedError);
    assertEquals(other.message, "both");
    assertInstanceOf(other.error, RangeError);
    assertInstanceOf(other.suppressed, TypeError);
  });

  it("keeps cause, own properties and the errors of an AggregateError, in cycles too", LIMIT, () => {
    const error = new AggregateError([new TypeError("a"), "b"], "all", { cause: { deep: new URIError("u") } });
    Object.assign(error, { code: 7, self: error });
    const other = cross(error) as AggregateError & { code: number; self: unknown };
    assertInstanceOf(other, AggregateError);
    assertInstanceOf(other.errors[0], TypeError);
    assertEquals(other.errors[1], "b");
    assertInstanceOf((other.cause as { deep: unknown }).deep, URIError);
    assertEquals(other.code, 7);
    assertStrictEquals(other.self, other);
    assertEquals(Object.keys(other), ["code", "self"]);
    const cycle = new Error("cycle");
    cycle.cause = cycle;
    const back = cross(cycle);
    assertStrictEquals(back.cause, back);
  });

  it("that is undefined as a cause is not the same as none", LIMIT, () => {
    assert(Object.hasOwn(cross(new Error("e", { cause: undefined })), "cause"));
    assert(!Object.hasOwn(cross(new Error("e")), "cause"));
  });

  it("of a class of the program becomes its built-in class, with the same name", LIMIT, () => {
    const other = cross(new Unregistered(3)) as Unregistered;
    assertStrictEquals(Object.getPrototypeOf(other), RangeError.prototype);
    assertEquals([other.name, other.message, other.code], ["Unregistered", "code 3", 3]);
    assertMatch(String(other), /^Unregistered: code 3/);
  });

  it("of a registered class is of that class", LIMIT, () => {
    const error = new Registered(4);
    const other = cross({ nested: [error] }).nested[0]!;
    assertInstanceOf(other, Registered);
    assertEquals([other.code, other.message, other.stack], [4, "code 4", error.stack]);
  });

  it("of a registered class keeps its stack and cause, whatever its class sees to", LIMIT, () => {
    const error = new Plain("p");
    error.cause = error;
    const [other, same] = cross([error, error] as never) as unknown as Plain[];
    assertInstanceOf(other, Plain);
    assertEquals([other.message, other.stack], ["p", error.stack]);
    assertStrictEquals(other.cause, other);
    assertStrictEquals(other, same);
    assert(!Object.hasOwn(cross(new Plain("q")), "cause"));
    assertEquals(Object.keys(other), []);
  });

  it("of this library is of its class, with its properties", LIMIT, () => {
    const full = cross(Object.assign(new QueueFullError("full"), { item: { a: 1 } })) as QueueFullError & {
      item: unknown;
    };
    assertInstanceOf(full, QueueFullError);
    assertInstanceOf(full, TimeoutError);
    assertEquals([full.name, full.item], ["QueueFullError", { a: 1 }]);
    assertInstanceOf(cross(new QueueEmptyError("empty")), QueueEmptyError);
    const lost = cross(Object.assign(new WorkerLostError("lost"), { exitCode: 9 })) as WorkerLostError & {
      exitCode: number;
    };
    assertInstanceOf(lost, WorkerLostError);
    assertEquals([lost.name, lost.exitCode], ["WorkerLostError", 9]);
  });

  it("that is a DOMException keeps its name and code", LIMIT, () => {
    const other = cross(new DOMException("stop", "AbortError"));
    assertInstanceOf(other, DOMException);
    assertEquals([other.name, other.message, other.code], ["AbortError", "stop", 20]);
  });

  it("with a strange name, message or stack still crosses", LIMIT, () => {
    const error = Object.assign(new Error("x"), { name: 5, message: "changed" });
    Object.defineProperty(error, "stack", { value: { not: "text" } });
    const other = cross(error);
    assertEquals([other.name, other.message], ["5", "changed"] as never);
  });

  it("tells of both places after it was thrown again", LIMIT, () => {
    const other = cross(new Error("far away"));
    const before = other.stack!;
    joinStacks(other, new Error("here").stack);
    assert(other.stack!.startsWith(before));
    assertMatch(other.stack!.slice(before.length), /errors_test/);
    assertEquals(Object.keys(other), []);
  });
});
