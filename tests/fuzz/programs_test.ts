/** Random programs of operations, compared with a simple model of each object. */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import type { Scope } from "../suites/_scope.ts";
import { threads } from "../suites/_threads.ts";
import { processes } from "../suites/_processes.ts";

/** What an operation returned, or the name of what it threw. */
function outcome(call: () => unknown): unknown {
  try {
    const result = call();
    return typeof result === "object" && result !== null && Symbol.dispose in result ? "guard" : result;
  } catch (error) {
    return (error as Error).name;
  }
}

type Operation = [name: string, argument: number];

const program = (names: string[]): fc.Arbitrary<Operation[]> =>
  fc.array(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 0, max: 5 })), { maxLength: 60 });

function lockProgram(scope: Scope, operations: Operation[]): void {
  using lock = new scope.Lock();
  let held = false;
  for (const [name] of operations) {
    switch (name) {
      case "acquire":
        assertEquals(outcome(() => lock.acquireSync()), held ? "DeadlockError" : "guard");
        held = true;
        break;
      case "try":
        assertEquals(outcome(() => lock.tryAcquire()), held ? undefined : "guard");
        held = true;
        break;
      case "timeout":
        assertEquals(outcome(() => lock.acquireSync({ timeout: 0 })), held ? "TimeoutError" : "guard");
        held = true;
        break;
      default:
        assertEquals(outcome(() => lock.release()), held ? undefined : "InvalidStateError");
        held = false;
    }
    assertEquals(lock.locked, held);
  }
}

function rlockProgram(scope: Scope, operations: Operation[]): void {
  using lock = new scope.RLock();
  let depth = 0;
  for (const [name] of operations) {
    switch (name) {
      case "release":
        assertEquals(outcome(() => lock.release()), depth > 0 ? undefined : "InvalidStateError");
        depth = Math.max(0, depth - 1);
        break;
      case "try":
        assertEquals(outcome(() => lock.tryAcquire()), "guard");
        depth++;
        break;
      default:
        assertEquals(outcome(() => lock.acquireSync({ timeout: 0 })), "guard");
        depth++;
    }
    assertEquals(lock.locked, depth > 0);
  }
}

function semaphoreProgram(scope: Scope, operations: Operation[]): void {
  using semaphore = new scope.Semaphore(2);
  using bounded = new scope.BoundedSemaphore(2);
  let permits = 2;
  let boundedPermits = 2;
  for (const [name, n] of operations) {
    if (name === "release") {
      assertEquals(outcome(() => semaphore.release(n)), n === 0 ? "RangeError" : undefined);
      permits += n;
      const fits = n > 0 && boundedPermits + n <= 2;
      assertEquals(outcome(() => bounded.release(n)), fits ? undefined : "RangeError");
      if (fits) boundedPermits += n;
    } else {
      assertEquals(outcome(() => semaphore.tryAcquire()), permits > 0 ? "guard" : undefined);
      permits = Math.max(0, permits - 1);
      assertEquals(outcome(() => bounded.acquireSync({ timeout: 0 })), boundedPermits > 0 ? "guard" : "TimeoutError");
      boundedPermits = Math.max(0, boundedPermits - 1);
    }
    assertEquals([semaphore.value, bounded.value], [permits, boundedPermits]);
  }
}

function queueProgram(scope: Scope, kind: "Queue" | "LifoQueue" | "PriorityQueue", operations: Operation[]): void {
  using queue = new scope[kind]<{ n: number; padding: string }>({ maxsize: 5 });
  const items: { n: number; priority: number }[] = [];
  let number = 0;
  let open = true;
  let undone = 0;
  const first = (): number => {
    if (kind === "Queue") return 0;
    if (kind === "LifoQueue") return items.length - 1;
    let best = 0;
    items.forEach((item, index) => {
      if (item.priority < items[best]!.priority) best = index;
    });
    return best;
  };
  for (const [name, n] of operations) {
    switch (name) {
      case "put": {
        // Items of all sizes: in the message, in a block, in a segment of their own.
        const item = { n: number, padding: "x".repeat([0, 10, 300, 3_000, 5_000, 70_000][n]!) };
        const put = kind === "PriorityQueue"
          ? () => (queue as InstanceType<Scope["PriorityQueue"]>).putSync(item, { priority: n, timeout: 0 })
          : () => queue.putSync(item, { timeout: 0 });
        const expected = !open ? "QueueShutDownError" : items.length === 5 ? "QueueFullError" : undefined;
        assertEquals(outcome(put), expected);
        if (expected === undefined) {
          items.push({ n: number++, priority: n });
          undone++;
        }
        break;
      }
      case "get": {
        const got = outcome(() => queue.getSync({ timeout: 0 }));
        if (items.length === 0) {
          assertEquals(got, open ? "QueueEmptyError" : "QueueShutDownError");
        } else {
          assertEquals((got as { n: number }).n, items.splice(first(), 1)[0]!.n);
        }
        break;
      }
      case "done":
        assertEquals(outcome(() => queue.taskDone()), undone > 0 ? undefined : "InvalidStateError");
        undone = Math.max(0, undone - 1);
        break;
      case "join":
        assertEquals(queue.joinSync({ timeout: 0 }), undone === 0);
        break;
      default:
        if (n !== 5) break;
        queue.shutdown();
        open = false;
    }
    assertEquals([queue.size, queue.empty, queue.full], [items.length, items.length === 0, items.length === 5]);
  }
}

function eventProgram(scope: Scope, operations: Operation[]): void {
  using event = new scope.Event();
  using latch = new scope.Latch(7);
  let set = false;
  let count = 7;
  for (const [name, n] of operations) {
    switch (name) {
      case "set":
        event.set();
        set = true;
        break;
      case "clear":
        event.clear();
        set = false;
        break;
      case "count": {
        const fits = n > 0;
        assertEquals(outcome(() => latch.countDown(n)), fits ? undefined : "RangeError");
        if (fits) count = Math.max(0, count - n);
        break;
      }
      default:
        assertEquals(event.waitSync({ timeout: 0 }), set);
        assertEquals(latch.waitSync({ timeout: 0 }), count === 0);
    }
    assertEquals([event.isSet, latch.count], [set, count]);
  }
}

function rwLockProgram(scope: Scope, operations: Operation[]): void {
  using lock = new scope.RWLock();
  const readers: Disposable[] = [];
  let writer: Disposable | undefined;
  for (const [name] of operations) {
    switch (name) {
      case "read": {
        const guard = lock.tryRead();
        assertEquals(guard !== undefined, writer === undefined);
        if (guard !== undefined) readers.push(guard);
        break;
      }
      case "write": {
        const guard = lock.tryWrite();
        assertEquals(guard !== undefined, writer === undefined && readers.length === 0);
        writer ??= guard;
        break;
      }
      case "timeout":
        assertEquals(
          outcome(() => lock.writeSync({ timeout: 0 })[Symbol.dispose]()),
          writer === undefined && readers.length === 0 ? undefined : "TimeoutError",
        );
        break;
      case "unread":
        readers.pop()?.[Symbol.dispose]();
        break;
      default:
        writer?.[Symbol.dispose]();
        writer = undefined;
    }
  }
}

function barrierProgram(scope: Scope, operations: Operation[]): void {
  using barrier = new scope.Barrier(2);
  using alone = new scope.Barrier(1);
  let broken = false;
  for (const [name] of operations) {
    switch (name) {
      case "wait":
        assertEquals(outcome(() => barrier.waitSync({ timeout: 0 })), "BrokenBarrierError");
        broken = true;
        break;
      case "reset":
        barrier.reset();
        broken = false;
        break;
      case "abort":
        barrier.abort();
        broken = true;
        break;
      default:
        assertEquals(alone.waitSync({ timeout: 0 }), 0);
    }
    assertEquals([barrier.broken, barrier.nWaiting, alone.broken], [broken, 0, false]);
  }
}

function valueProgram(scope: Scope, operations: Operation[]): void {
  using value = new scope.Value("u8", 7);
  const model = new Uint8Array([7]);
  for (const [name, n] of operations) {
    const before = model[0]!;
    const argument = n * 51;
    switch (name) {
      case "add":
        assertEquals(value.add(argument), before);
        model[0]! += argument;
        break;
      case "sub":
        assertEquals(value.sub(argument), before);
        model[0]! -= argument;
        break;
      case "xor":
        assertEquals(value.xor(argument), before);
        model[0]! ^= argument;
        break;
      case "exchange":
        assertEquals(value.exchange(argument), before);
        model[0] = argument;
        break;
      default:
        assertEquals(value.compareExchange(argument, 1), before);
        if (before === argument) model[0] = 1;
    }
    assertEquals(value.value, model[0]);
  }
}

for (const scope of [threads, processes]) {
  describe(`random programs over ${scope.name} memory`, () => {
    const runs = (names: string[], run: (operations: Operation[]) => void): void =>
      fc.assert(fc.property(program(names), run), { numRuns: 1_000 });

    it("a Lock does as its model", { timeout: 60_000 }, () => {
      runs(["acquire", "try", "timeout", "release"], (operations) => lockProgram(scope, operations));
    });
    it("an RLock does as its model", { timeout: 60_000 }, () => {
      runs(["acquire", "try", "release"], (operations) => rlockProgram(scope, operations));
    });
    it("semaphores do as their models", { timeout: 60_000 }, () => {
      runs(["acquire", "release"], (operations) => semaphoreProgram(scope, operations));
    });
    for (const kind of ["Queue", "LifoQueue", "PriorityQueue"] as const) {
      it(`a ${kind} does as its model`, { timeout: 60_000 }, () => {
        const names = ["put", "put", "get", "done", "join", "shutdown"];
        runs(names, (operations) => queueProgram(scope, kind, operations));
      });
    }
    it("an Event and a Latch do as their models", { timeout: 60_000 }, () => {
      runs(["set", "clear", "count", "wait"], (operations) => eventProgram(scope, operations));
    });
    it("an RWLock does as its model", { timeout: 60_000 }, () => {
      runs(["read", "write", "timeout", "unread", "unwrite"], (operations) => rwLockProgram(scope, operations));
    });
    it("a Barrier does as its model", { timeout: 60_000 }, () => {
      runs(["wait", "reset", "abort", "alone"], (operations) => barrierProgram(scope, operations));
    });
    it("a Value does as its model", { timeout: 60_000 }, () => {
      runs(["add", "sub", "xor", "exchange", "compareExchange"], (operations) => valueProgram(scope, operations));
    });
  });
}
