/** Whatever is given to a public method: it is done, or refused with an error of a documented class, and nothing breaks. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import type { Scope } from "../suites/_scope.ts";
import { threads } from "../suites/_threads.ts";
import { processes } from "../suites/_processes.ts";

const TYPED = new Set([
  "TypeError",
  "RangeError",
  "InvalidStateError",
  "TimeoutError",
  "DeadlockError",
  "NotSupportedError",
  "BrokenBarrierError",
  "QueueEmptyError",
  "QueueFullError",
  "QueueShutDownError",
  "DataCloneError",
  "TargetError",
]);

/** What nobody means, and nothing that would wait for long. */
const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    false,
    NaN,
    -1,
    -Infinity,
    0,
    -0,
    0.5,
    1e-300,
    2 ** 31,
    2 ** 53,
    "",
    "1",
    "constructor",
    1n,
    -1n,
    [],
    {},
    () => 1,
    Symbol("s"),
    new Date(NaN),
    /x/,
    new Map(),
    Object.create(null),
  ),
  fc.string(),
  fc.double(),
  fc.bigInt(),
);

/** Options of a wait that does not take long if it is taken seriously. */
const waitOptions: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({
    timeout: fc.constantFrom<unknown>(0, 1, -1, NaN, "5", null, {}, 1n, true, -Infinity),
    signal: fc.constantFrom<unknown>(undefined, null, 5, "x", {}, AbortSignal.abort(), () => {}),
  }),
  fc.constantFrom<unknown>(null, 5, "x", true, 0n, () => 1, Symbol("s")),
);

async function outcomeOf(what: string, call: () => unknown): Promise<void> {
  try {
    const result = call();
    if (result instanceof Promise) await result;
  } catch (error) {
    // The reason of an aborted signal is passed on as it is.
    const name = (error as Error | undefined)?.name;
    assert(name === "AbortError" || TYPED.has(String(name)), `${what} threw ${name}: ${(error as Error)?.message}`);
    assert(
      name === "AbortError" || (error as Error).message.startsWith("Cannot "),
      `${what}: ${(error as Error).message}`,
    );
  }
}

const BLOCKING = ["acquire", "wait", "read", "write", "join", "get", "put", "waitFor"];

type Any = Record<string, (...args: unknown[]) => unknown>;

function targets(scope: Scope): [name: string, make: () => object, methods: string[]][] {
  return [
    ["Lock", () => new scope.Lock(), ["acquire", "acquireSync", "tryAcquire", "release"]],
    ["RLock", () => new scope.RLock(), ["acquire", "acquireSync", "tryAcquire", "release", "run"]],
    ["Semaphore", () => new scope.Semaphore(1), ["acquire", "acquireSync", "tryAcquire", "release"]],
    ["BoundedSemaphore", () => new scope.BoundedSemaphore(2), ["acquire", "acquireSync", "tryAcquire", "release"]],
    ["Event", () => new scope.Event(), ["set", "clear", "wait", "waitSync"]],
    ["Condition", () => new scope.Condition(), [
      "acquire",
      "acquireSync",
      "tryAcquire",
      "release",
      "wait",
      "waitSync",
      "waitFor",
      "waitForSync",
      "notify",
      "notifyAll",
    ]],
    ["Barrier", () => new scope.Barrier(2), ["wait", "waitSync", "reset", "abort"]],
    ["RWLock", () => new scope.RWLock(), ["read", "readSync", "tryRead", "write", "writeSync", "tryWrite"]],
    ["Latch", () => new scope.Latch(2), ["countDown", "wait", "waitSync"]],
    ["Value", () => new scope.Value("i32", 1), ["add", "sub", "and", "or", "xor", "exchange", "compareExchange"]],
    ["Queue", () => new scope.Queue({ maxsize: 2 }), [
      "put",
      "putSync",
      "tryPut",
      "get",
      "getSync",
      "tryGet",
      "taskDone",
      "join",
      "joinSync",
      "shutdown",
    ]],
    ["PriorityQueue", () => new scope.PriorityQueue({ maxsize: 2 }), ["put", "putSync", "tryPut", "get", "tryGet"]],
  ];
}

for (const scope of [threads, processes]) {
  describe(`${scope.name} scope, whatever it is given`, () => {
    for (const [name, make, methods] of targets(scope)) {
      for (const method of methods) {
        it(`${name}.${method} does it or says what is wrong`, { timeout: 120_000 }, async () => {
          const waits = BLOCKING.some((one) => method === one || method === `${one}Sync`);
          const takesItem = method.startsWith("put") || method === "tryPut" || method.startsWith("waitFor");
          const args = waits
            ? takesItem ? fc.tuple(junk, waitOptions) : fc.tuple(waitOptions)
            : fc.array(junk, { maxLength: 3 });
          await fc.assert(
            fc.asyncProperty(args as fc.Arbitrary<unknown[]>, async (given) => {
              // Each on a fresh object, since what is allowed may change it.
              const object = make() as unknown as Any & Disposable;
              await outcomeOf(`${name}.${method}`, () => object[method]!(...given));
              object[Symbol.dispose]();
            }),
            { numRuns: 60 },
          );
        });
      }
    }

    for (
      const [name, args] of [
        ["Lock", 1],
        ["RLock", 1],
        ["Semaphore", 2],
        ["BoundedSemaphore", 2],
        ["Event", 1],
        ["Condition", 2],
        ["Barrier", 2],
        ["RWLock", 1],
        ["Latch", 2],
        ["Value", 3],
        ["SharedArray", 3],
        ["Queue", 1],
        ["LifoQueue", 1],
        ["PriorityQueue", 1],
      ] as const
    ) {
      it(`new ${name} makes one or says what is wrong`, { timeout: 120_000 }, async () => {
        const type = fc.oneof(junk, fc.constantFrom("i32", "f64", "u8", "bool", "i64"));
        const options = fc.oneof(
          junk,
          fc.record({ name: junk, local: junk, maxsize: junk, timeout: junk, action: junk }),
        );
        const large = (value: unknown): boolean => typeof value === "number" && value > 1e6;
        await fc.assert(
          fc.asyncProperty(fc.array(fc.oneof(type, options), { maxLength: args }), async (given) => {
            // A name makes an object for ever, and one name belongs to one kind.
            fc.pre(!given.some((one) => typeof (one as { name?: unknown } | null | undefined)?.name === "string"));
            fc.pre(name !== "SharedArray" || !large(given[1]));
            await outcomeOf(`new ${name}`, () => {
              const made = new (scope[name] as unknown as new (...args: unknown[]) => Disposable)(...given);
              made[Symbol.dispose]();
            });
          }),
          { numRuns: 100 },
        );
      });
    }

    it("an object that refused all that still works", { timeout: 30_000 }, async () => {
      const lock = new scope.Lock();
      await fc.assert(
        fc.asyncProperty(waitOptions, async (options) => {
          await outcomeOf("acquire", async () => (await lock.acquire(options as never))[Symbol.dispose]());
          await outcomeOf("acquireSync", () => lock.acquireSync(options as never)[Symbol.dispose]());
          assertEquals(lock.locked, false);
        }),
        { numRuns: 100 },
      );
    });
  });
}
