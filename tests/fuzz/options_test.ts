/** Public methods with any arguments: a call succeeds, or throws an error of a documented class, and nothing breaks. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
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
  "AttachError",
]);

/** Senseless values, and none that would wait for long. */
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

/** Options of a wait that does not take long if they are valid. */
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
    // The message is the library's own, not the engine's for a value that it cannot convert to text.
    const { message } = error as Error;
    assert(
      name === "AbortError" || /^Cannot (?!convert|read prop|mix|destructure)/.test(message),
      `${what}: ${message}`,
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
      "putMany",
      "putManySync",
      "tryGetMany",
    ]],
    ["PriorityQueue", () => new scope.PriorityQueue({ maxsize: 2 }), ["put", "putSync", "tryPut", "get", "tryGet"]],
  ];
}

for (const scope of [threads, processes]) {
  describe(`${scope.name} scope, whatever it is given`, () => {
    for (const [name, make, methods] of targets(scope)) {
      for (const method of methods) {
        it(`${name}.${method} succeeds or says what is wrong`, { timeout: 120_000 }, async () => {
          const waits = BLOCKING.some((one) => method === one || method === `${one}Sync`);
          const takesItem = method.startsWith("put") || method === "tryPut" || method.startsWith("waitFor");
          const args = waits
            ? takesItem ? fc.tuple(junk, waitOptions) : fc.tuple(waitOptions)
            : fc.array(junk, { maxLength: 3 });
          await fc.assert(
            fc.asyncProperty(args as fc.Arbitrary<unknown[]>, async (given) => {
              // Each on a fresh object, since a valid call may change it.
              const object = make() as unknown as Any & Disposable;
              await outcomeOf(`${name}.${method}`, () => object[method]!(...given));
              object[Symbol.dispose]();
            }),
            { numRuns: 300 },
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
      it(`new ${name} makes an object or says what is wrong`, { timeout: 120_000 }, async () => {
        const type = fc.oneof(junk, fc.constantFrom("i32", "f64", "u8", "bool", "i64"));
        const options = fc.oneof(
          junk,
          fc.record({ name: junk, local: junk, maxsize: junk, timeout: junk, action: junk }),
        );
        const large = (value: unknown): boolean => typeof value === "number" && value > 1e6;
        await fc.assert(
          fc.asyncProperty(fc.array(fc.oneof(type, options), { maxLength: args }), async (given) => {
            // A name keeps its object forever, and one name belongs to one kind.
            fc.pre(!given.some((one) => typeof (one as { name?: unknown } | null | undefined)?.name === "string"));
            fc.pre(name !== "SharedArray" || !large(given[1]));
            await outcomeOf(`new ${name}`, () => {
              const made = new (scope[name] as unknown as new (...args: unknown[]) => Disposable)(...given);
              made[Symbol.dispose]();
            });
          }),
          { numRuns: 500 },
        );
      });
    }

    it("an object that refused all of that still works", { timeout: 30_000 }, async () => {
      const lock = new scope.Lock();
      await fc.assert(
        fc.asyncProperty(waitOptions, async (options) => {
          await outcomeOf("acquire", async () => (await lock.acquire(options as never))[Symbol.dispose]());
          await outcomeOf("acquireSync", () => lock.acquireSync(options as never)[Symbol.dispose]());
          assertEquals(lock.locked, false);
        }),
        { numRuns: 500 },
      );
    });
  });
}

type Call = (...args: unknown[]) => unknown;

/** Functions and constructors to call with any arguments. None of them starts anything. */
const calls: [name: string, call: Call, args: number][] = [
  ["sleep", (ms, options) => threading.sleep(ms as never, options as never), 2],
  ["sleepSync", (ms) => threading.sleepSync(ms as never), 1],
  ["waitAny", (things, options) => threading.waitAny(things as never, options as never), 2],
  ["waitAnySync", (things, options) => threading.waitAnySync(things as never, options as never), 2],
  ["share", (object, options) => threading.share(object as never, options as never), 2],
  ["adopt", (token) => threading.adopt(token as never), 1],
  ["task", (module, name) => threading.task(module as never, name as never), 2],
  ["registerSerializable", (type, options) => threading.registerSerializable(type as never, options as never), 2],
  ["configure", (options) => threading.configure(options as never), 1],
  ["new Thread", (options) => new threading.Thread(options as never), 1],
  ["new Timer", (ms, fn, args) => new threading.Timer(ms as never, fn as never, args as never), 3],
  ["new threading.Pool", (workers, options) => new threading.Pool(workers as never, options as never), 2],
  ["new Process", (options) => new multiprocessing.Process(options as never), 1],
  ["new multiprocessing.Pool", (workers, options) => new multiprocessing.Pool(workers as never, options as never), 2],
  ["Pipe", (options) => multiprocessing.Pipe(options as never).forEach((end) => end.close()), 1],
  ["getContext", (method) => multiprocessing.getContext(method as never), 1],
  ["setStartMethod", (method, options) => multiprocessing.setStartMethod(method as never, options as never), 2],
];

describe("functions and constructors, whatever they are given", () => {
  const options = fc.oneof(
    junk,
    fc.record({
      target: junk,
      args: junk,
      name: junk,
      daemon: junk,
      timeout: fc.constantFrom<unknown>(0, 1, -1, NaN, "5", null),
      signal: junk,
      duplex: junk,
      worker: junk,
      memory: junk,
      force: junk,
      initializer: junk,
      initargs: junk,
      maxTasksPerChild: junk,
      idleTimeout: junk,
      serialize: junk,
      deserialize: junk,
      cwd: junk,
      env: junk,
      permissions: junk,
    }, { requiredKeys: [] }),
  );
  // None of these is awaited.
  const isLong = (value: unknown): boolean => typeof value === "number" && value > 10;
  for (const [name, call, args] of calls) {
    it(`${name} succeeds or says what is wrong`, { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(options, { maxLength: args }), async (given) => {
          fc.pre(!name.startsWith("sleep") || !isLong(given[0]));
          await outcomeOf(name, () => call(...given));
        }),
        { numRuns: 300 },
      );
    });
  }
});
