import { Batch } from "../../_internal/pool/batch.ts";
import * as targets from "./_batch_targets.ts";
import { collect, errorOf, LIMIT, lossOf, range, until } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { add, square } from "./_targets.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CancelledError, TimeoutError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";

/** Items of most of the maps. */
const N = 2000;
const SQUARES = range(N).map((x) => x * x);

/** The numbers that went to workers in batches, batch by batch. */
let batches: Float64Array[] = [];
const { fill } = Batch.prototype;
Batch.prototype.fill = function (numbers): void {
  batches.push(numbers);
  fill.call(this, numbers);
};

/** How many items went in batches. */
function together(): number {
  return batches.reduce((sum, { length }) => sum + length, 0);
}

/**
 * Runs a test a few times, until all of these items went in batches. Batches depend on measured times, and a busy machine may
 * be too slow each time: then the test has passed with single items, which is right as well.
 */
async function inBatches(items: readonly number[], run: () => Promise<void>): Promise<void> {
  for (let round = 0; round < 5; round++) {
    batches = [];
    await run();
    if (items.every((item) => batches.some((numbers) => numbers.includes(item)))) return;
  }
}

/** Reports the first element that differs. */
function assertSame(actual: unknown[], expected: ArrayLike<unknown>): void {
  assertEquals(actual.length, expected.length);
  const wrong = actual.findIndex((value, i) => !Object.is(value, expected[i]));
  assert(wrong < 0, `${actual[wrong]} at ${wrong}, not ${expected[wrong]}`);
}

/** Any numbers, and all special ones. */
function anyNumbers(): Float64Array {
  const special = [
    0,
    -0,
    NaN,
    Infinity,
    -Infinity,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
  ];
  const numbers = new Float64Array(crypto.getRandomValues(new Uint8Array(8 * N)).buffer);
  special.forEach((number, i) => numbers[i * 100 + 50] = number);
  return numbers;
}

/** The outcome of a promise. */
async function outcomeOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    return { value: await promise };
  } catch (error) {
    return { name: (error as Error).name, message: (error as Error).message };
  }
}

type Call = (x: number) => unknown;

/** Items that go to a worker together behave like items that go by themselves. */
export function batchSuite(kind: Kind): void {
  const { Pool } = kind;
  type AnyPool = InstanceType<typeof Pool>;

  const makeShared = () => ({
    counts: new kind.SharedArray("i32", N),
    marked: new kind.SharedArray("i32", 4),
    notes: new kind.SharedArray("i32", targets.GO + 1),
    begun: new kind.Semaphore(0),
    over: new kind.Semaphore(0),
    event: new kind.Event(),
    lock: new kind.Lock(),
  });
  let its: ReturnType<typeof makeShared> | undefined;
  const shared = () => its ??= makeShared();
  const counts = (): number[] => [...shared().counts];
  const assertCounts = (expected: (x: number) => number): void => assertSame(counts(), range(N).map(expected));
  const sumOfCounts = (): number => counts().reduce((sum, count) => sum + count, 0);

  const names = { one: `Batch1-${kind.name}`, two: `Batch2-${kind.name}` };
  const pools = new Map<number, AnyPool>();
  const make = (workers: number, options = {}): AnyPool =>
    new Pool(workers, { ...options, initializer: targets.share, initargs: [shared()] });
  const pool = (workers: number, name: string): AnyPool => {
    if (!pools.has(workers)) pools.set(workers, make(workers, { name }));
    return pools.get(workers)!;
  };
  const one = (): AnyPool => pool(1, names.one);
  const two = (): AnyPool => pool(2, names.two);

  const mark = (...items: number[]): void => shared().marked.array.set([...items, -1, -1, -1, -1].slice(0, 4));

  /** Waits for items that were given up and still run. Each call makes the pool look for workers that have ended. */
  const rest = async (its: AnyPool): Promise<void> => {
    while (its.stats().busy > 0) assertEquals(await its.submit(square, 3), 9);
  };

  /** Lets the workers learn that calls of the function are short. Then it marks these items and resets the counts. */
  const prepare = async (its: AnyPool, fn: Call, ...items: number[]): Promise<void> => {
    mark();
    const before = batches;
    for (let round = 0; round < 20; round++) {
      batches = [];
      await its.map(fn, range(N));
      if (together() > N / 2) break;
    }
    batches = before;
    await rest(its);
    mark(...items);
    shared().counts.array.fill(0);
    shared().notes.array.fill(0, 0, targets.GO);
    shared().event.clear();
    for (const semaphore of [shared().begun, shared().over]) while (semaphore.tryAcquire() !== undefined);
  };

  describe(`${kind.name} Pool: short calls with numbers`, () => {
    it("go to the workers in batches; each is made once, and their results are in order", LIMIT, async () => {
      do {
        batches = [];
        await prepare(two(), targets.countAndSquare);
        assertSame(await two().map(targets.countAndSquare, range(N)), SQUARES);
        assertCounts(() => 1);
      } while (together() < N / 2);
      for (const numbers of batches) assert(numbers.length > 1 && numbers.length <= 256, `${numbers.length} together`);
    });

    it("have and return any numbers as they are", LIMIT, async () => {
      const numbers = anyNumbers();
      const { Float16Array } = globalThis as unknown as { Float16Array?: typeof Float32Array };
      const integers = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array];
      const lists: (ArrayLike<number> & Iterable<number>)[] = [
        numbers,
        [...numbers],
        ...[Float32Array, Float16Array].filter((type) => type !== undefined).map((type) => type.from(numbers)),
        ...integers.map((type) => type.from(numbers)),
        new Set(range(N)).values().toArray(),
      ];
      await prepare(two(), targets.same);
      for (const list of lists) assertSame(await two().map(targets.same, list), list);
      await inBatches([50, 51], async () => {
        await prepare(two(), targets.half);
        const results = await two().map(targets.half, range(N));
        assertSame(results, range(N).map((x) => x / 2));
      });
    });

    it("get the numbers as they were at the call of map", LIMIT, async () => {
      await prepare(two(), targets.same);
      for (const list of [range(N), Float64Array.from(range(N)), Int32Array.from(range(N))]) {
        const results = two().map(targets.same, list);
        list.fill(-1);
        assertSame(await results, range(N));
      }
    });

    it("run in the parts that chunksize asks for", LIMIT, async () => {
      for (const chunksize of [1, 7, 8, 100, 256, 5000]) {
        await prepare(two(), targets.countAndSquare);
        assertSame(await two().map(targets.countAndSquare, range(N), { chunksize }), SQUARES);
        assertCounts(() => 1);
      }
    });

    it("share the workers with other maps, streams and tasks, whatever their priorities", LIMIT, async () => {
      const floats = anyNumbers();
      await prepare(two(), targets.same);
      await prepare(two(), targets.countAndSquare);
      for (const priority of [-1, 0, 1]) {
        shared().counts.array.fill(0);
        const maps = Promise.all([
          two().map(targets.countAndSquare, range(N), { priority }),
          two().map(targets.same, floats),
          two().map(targets.same, range(N).map((x) => `${x}`) as never, { priority: 1 }),
          two().starmap(add, range(300).map((x): [number, number] => [x, x])),
          two().mapRange(add, 300, { chunksize: 1, priority }),
          collect(two().imap(targets.same, range(100))),
          Promise.all(range(50).map((x) => two().apply(square, [x], { priority: x % 3 - 1 }))),
        ]);
        const [squares, same, texts, sums, ranges, streamed, submitted] = await maps;
        assertSame(squares, SQUARES);
        assertCounts(() => 1);
        assertSame(same, floats);
        assertSame(texts, range(N).map((x) => `${x}`));
        assertEquals(sums, range(300).map((x) => 2 * x));
        assertEquals(ranges, range(300).map((x) => 2 * x + 1));
        assertEquals([streamed, submitted], [range(100), SQUARES.slice(0, 50)]);
      }
    });

    it("run by themselves if workers end after so many tasks, or run several tasks at a time", LIMIT, async () => {
      for (const options of [{ maxTasksPerChild: 1500 }, { concurrency: 3 }]) {
        await using other = make(2, options);
        batches = [];
        shared().counts.array.fill(0);
        for (let i = 1; i <= 3; i++) {
          assertSame(await other.map(targets.countAndSquare, range(N)), SQUARES);
          assertCounts(() => i);
        }
        assertEquals(batches, []);
      }
    });
  });

  describe(`${kind.name} Pool: batches in which a call throws, or returns no number`, () => {
    it("reject with the error of the lowest item, below which all are called", LIMIT, async () => {
      for (const items of [[0], [1], [700], [1999], [701, 702], [1800, 300, 301, 1100]]) {
        await inBatches(items.filter((item) => item < 1900), async () => {
          await prepare(two(), targets.failWhereMarked, ...items);
          const error = await errorOf(two().map(targets.failWhereMarked, range(N)));
          const lowest = Math.min(...items);
          assertEquals([error.name, error.message], ["RangeError", `item ${lowest}`]);
          assertSame(counts().slice(0, lowest + 1), range(lowest + 1).map(() => 1));
          assertEquals(counts().findIndex((count) => count > 1), -1);
        });
      }
    });

    it("reject with the error of the lowest item, although another behind it fails first", LIMIT, async () => {
      for (const [first, second] of [[500, 501], [500, 530], [500, 1500]] as const) {
        await inBatches([first, second], async () => {
          await prepare(two(), targets.failLateAtFirst, first, second);
          const error = await errorOf(two().map(targets.failLateAtFirst, range(N)));
          assertEquals(error.message, `item ${first}`);
          assertSame(counts().slice(0, first + 1), range(first + 1).map(() => 1));
        });
      }
    });

    it("do not affect other maps of the same function", LIMIT, async () => {
      await prepare(two(), targets.failWhereMarked, 1000);
      const maps = [range(N), range(900), range(1900).slice(1100), range(N)].map((items) => {
        return outcomeOf(two().map(targets.failWhereMarked, items));
      });
      const failed = { name: "RangeError", message: "item 1000" };
      const expected = [failed, { value: SQUARES.slice(0, 900) }, { value: SQUARES.slice(1100, 1900) }, failed];
      assertEquals(await Promise.all(maps), expected);
    });

    it(
      "have the same outcome as single calls that return something other than a number, or a promise",
      LIMIT,
      async () => {
        const functions: Call[] = [
          targets.textWhereMarked,
          targets.nothingWhereMarked,
          targets.objectWhereMarked,
          targets.bytesWhereMarked,
          targets.bigintWhereMarked,
          targets.boxWhereMarked,
          targets.numberLaterWhereMarked,
          targets.numberAtOnceWhereMarked,
          targets.textLaterWhereMarked,
          targets.thenableWhereMarked,
          targets.failLaterWhereMarked,
          targets.functionWhereMarked,
          targets.brokenThenableWhereMarked,
        ];
        for (const fn of functions) {
          await inBatches([600], async () => {
            await prepare(two(), fn, 600, 1500);
            const outcome = await outcomeOf(two().map(fn, range(N)));
            const isOver = "value" in (outcome as object);
            assertSame(counts().slice(0, isOver ? N : 601), range(isOver ? N : 601).map(() => 1));
            const [single, other] = [await outcomeOf(two().apply(fn, [600])), await outcomeOf(two().apply(fn, [1500]))];
            if (!isOver) {
              assertEquals(outcome, single, fn.name);
              return;
            }
            const expected: unknown[] = [...SQUARES];
            expected[600] = (single as { value: unknown }).value;
            expected[1500] = (other as { value: unknown }).value;
            assertEquals((outcome as { value: unknown }).value, expected, fn.name);
          });
          mark();
          assertSame(await two().map(fn, range(N)), SQUARES);
        }
      },
    );
  });

  describe(`${kind.name} Pool: batches in which a call takes long`, () => {
    it("leave the items behind it to the other worker", LIMIT, async () => {
      const { waitWhereMarked, waitLaterWhereMarked } = targets;
      // A promise is not a number: after that the function gets no more batches.
      const calls: [Call, number][] = [[waitWhereMarked, 0], [waitWhereMarked, 501], [waitLaterWhereMarked, 500]];
      for (const [fn, item] of calls) {
        await inBatches([item], async () => {
          await prepare(two(), fn, item);
          const results = two().map(fn, range(N));
          await until(() => sumOfCounts() === N);
          shared().event.set();
          assertSame(await results, SQUARES);
          assertCounts(() => 1);
        });
      }
    });

    it("go on when calls of all workers have taken long", LIMIT, async () => {
      await inBatches([800, 801, 1200], async () => {
        await prepare(two(), targets.waitWhereMarked, 800, 801, 1200);
        const results = two().map(targets.waitWhereMarked, range(N));
        // Both workers wait, and the third item is called when they go on.
        for (let i = 0; i < 2; i++) await shared().begun.acquire();
        shared().event.set();
        assertSame(await results, SQUARES);
        assertCounts(() => 1);
      });
    });
  });

  describe(`${kind.name} Pool: batches whose worker ends`, () => {
    const ends: [string, Call][] = [["exits", targets.exitWhereMarked]];
    if (kind.name === "process") ends.push(["is killed by a signal", targets.killWhereMarked]);

    for (const [how, fn] of ends) {
      it(`lose the item in which it ${how}, and no other`, LIMIT, async () => {
        await inBatches([700], async () => {
          await prepare(two(), fn, 700);
          const error = await lossOf(two().map(fn, range(N)));
          assertEquals(error.taskIndex, 700);
          assertSame(counts().slice(0, 701), range(701).map(() => 1));
          assertEquals(counts().findIndex((count) => count > 1), -1);
        });
        await inBatches([17, 700], async () => {
          await prepare(two(), fn, 17, 700, 1999);
          assertSame(await two().map(fn, range(N), { retries: 1 }), SQUARES);
          assertCounts((x) => [17, 700, 1999].includes(x) ? 2 : 1);
        });
      });
    }

    it("lose the item in which it is ended by force, and no other", LIMIT, async () => {
      for (const retries of [0, 1]) {
        await inBatches([700], async () => {
          await prepare(one(), targets.waitOnceWhereMarked, 700);
          const results = one().map(targets.waitOnceWhereMarked, range(N), { retries });
          // It is watched from now on.
          const loss = retries > 0 ? undefined : lossOf(results);
          await shared().begun.acquire();
          const before = counts();
          assert(kind.killWorker(names.one));
          if (loss === undefined) assertSame(await results, SQUARES);
          else assertEquals((await loss).taskIndex, 700);
          assertCounts((x) => retries > 0 ? x === 700 ? 2 : 1 : x <= 700 ? 1 : before[x]!);
        });
      }
    });

    it("call at most one item again for each worker that is killed at any moment", LIMIT, async () => {
      // A thread that was asked to end may begin another item first.
      const name = `Batch3-${kind.name}`;
      for (let round = 0; round < 2; round++) {
        await using other = make(2, { name });
        await prepare(other, targets.countAndSquare);
        let kills = 0;
        const results = await other.map(targets.countAndSquare, range(N), {
          retries: 9,
          onProgress: (done) => {
            if (done > round * 500 && kills < 2 && kind.killWorker(name)) kills++;
          },
        });
        assertSame(results, SQUARES);
        const again = counts().filter((count) => count > 1).length;
        assert(sumOfCounts() <= N + kills && again <= kills, `${sumOfCounts() - N} calls more after ${kills} kills`);
        assert(!counts().includes(0));
      }
    });
  });

  describe(`${kind.name} Pool: batches that are given up`, () => {
    it("begin no more items, and notify the running item", LIMIT, async () => {
      await inBatches([500], async () => {
        await prepare(one(), targets.listenWhereMarked, 500);
        const controller = new AbortController();
        const results = errorOf(one().map(targets.listenWhereMarked, range(N), { signal: controller.signal }));
        await shared().begun.acquire();
        const before = counts();
        controller.abort(new EvalError("enough"));
        assertEquals((await results).name, "EvalError");
        await shared().over.acquire();
        // The earlier item and this one; both after the giving up; the signals of both.
        assertEquals([...shared().notes].slice(0, 6), [0, 0, 0, 1, 0, 1]);
        // Its worker has done with the batch by then.
        assertEquals(await one().submit(targets.wereCancelled), [false, true]);
        assertSame(counts(), before);
      });
    });

    it("begin no more items after a timeout", LIMIT, async () => {
      await inBatches([500], async () => {
        do {
          await prepare(one(), targets.listenWhereMarked, 500);
          await assertRejects(() => one().map(targets.listenWhereMarked, range(N), { timeout: 100 }), TimeoutError);
          // If it came that far.
        } while (shared().begun.tryAcquire() === undefined);
        await shared().over.acquire();
        const before = counts();
        assertEquals(await one().submit(targets.wereCancelled), [false, true]);
        assertSame(counts(), before);
        assertEquals(before[500], 1);
      });
    });

    it("notify a running item that an earlier item has failed, and begin no item behind that", LIMIT, async () => {
      for (const items of [[500, 501], [500, 1500]]) {
        await inBatches(items, async () => {
          await prepare(two(), targets.failBelowListening, ...items);
          const error = await errorOf(two().map(targets.failBelowListening, range(N)));
          assertEquals(error.message, "item 500");
          await shared().over.acquire();
          await rest(two());
          const before = counts();
          assertSame(before.slice(0, 501), range(501).map(() => 1));
          assertSame(await two().map(targets.same, range(N)), range(N));
          assertSame(counts(), before);
        });
      }
    });

    it("notify an item that awaits, by its signal", LIMIT, async () => {
      await inBatches([500], async () => {
        await prepare(one(), targets.listenLaterWhereMarked, 500);
        const controller = new AbortController();
        const results = errorOf(one().map(targets.listenLaterWhereMarked, range(N), { signal: controller.signal }));
        await shared().begun.acquire();
        const before = counts();
        controller.abort(new EvalError("enough"));
        assertEquals((await results).name, "EvalError");
        await shared().over.acquire();
        assertEquals(await one().submit(square, 3), 9);
        assertSame(counts(), before);
      });
    });

    it("stay with a worker that does not listen, which does no harm when it goes on", LIMIT, async () => {
      await inBatches([500], async () => {
        await prepare(one(), targets.spinWhereMarked, 500);
        const controller = new AbortController();
        const options = { signal: controller.signal, killAfter: 0 };
        const results = errorOf(one().map(targets.spinWhereMarked, range(N), options));
        await shared().begun.acquire();
        const before = counts();
        controller.abort(new EvalError("enough"));
        assertEquals((await results).name, "EvalError");
        const floats = anyNumbers();
        assertSame(await one().map(targets.same, floats), floats);
        assertSame(counts(), before);
        shared().notes.array[targets.GO]!++;
        for (let i = 0; i < 3; i++) assertSame(await one().map(targets.same, floats), floats);
        assertSame(counts(), before);
      });
    });

    it("begin no more items after a callback has aborted their signal", LIMIT, async () => {
      await prepare(two(), targets.countAndSquare);
      const controller = new AbortController();
      const { signal } = controller;
      const onProgress = (): void => controller.abort(new EvalError("enough"));
      const calls = [1, 2].map(() => errorOf(two().map(targets.countAndSquare, range(N), { signal, onProgress })));
      assertEquals((await Promise.all(calls)).map(({ name }) => name), ["EvalError", "EvalError"]);
      await rest(two());
      const before = sumOfCounts();
      assertSame(await two().map(targets.same, range(N)), range(N));
      assertEquals([sumOfCounts(), two().stats().queued], [before, 0]);
    });
  });

  describe(`${kind.name} Pool: an item of a batch`, () => {
    it("has a current task of its own", LIMIT, async () => {
      await inBatches([50, 500], async () => {
        await prepare(two(), targets.hasOwnTask);
        assertSame(await two().map(targets.hasOwnTask, range(N)), range(N).map(() => 1));
      });
    });

    it("finds a lock abandoned that the item before it has left held", LIMIT, async () => {
      await inBatches([500, 501], async () => {
        await prepare(one(), targets.lockWhereMarked, 500, 501);
        const results = await one().map(targets.lockWhereMarked, range(N));
        assertSame(results, SQUARES.with(501, 1));
      });
    });

    it("counts as progress, up to the last", LIMIT, async () => {
      const seen: number[] = [];
      const submitted: PromiseLike<number>[] = [];
      await prepare(two(), targets.countAndSquare);
      const results = await two().map(targets.countAndSquare, range(N), {
        onProgress: (done, total, { rate, remaining }) => {
          assert(total === N && done > (seen.at(-1) ?? 0) && done <= N, `${done} of ${total}`);
          assert(rate > 0 && remaining! >= 0 && remaining! < Infinity, `${rate} and ${remaining}`);
          seen.push(done);
          // Beside the map.
          if (seen.length <= 20) submitted.push(two().submit(square, seen.length));
        },
      });
      assertSame(results, SQUARES);
      assertEquals(seen.at(-1), N);
      assertEquals(await Promise.all(submitted), submitted.map((_, i) => (i + 1) ** 2));
      assertCounts(() => 1);
    });

    it("no longer counts as progress when the callback has thrown", LIMIT, async () => {
      await inBatches([50], async () => {
        await prepare(two(), targets.countAndSquare);
        let calls = 0;
        const error = await errorOf(
          two().map(targets.countAndSquare, range(N), {
            onProgress: (done) => {
              calls++;
              if (done >= 100) throw new EvalError("enough");
              assert(calls <= 100);
            },
          }),
        );
        assertEquals(error.name, "EvalError");
        const heard = calls;
        assertSame(await two().map(targets.same, range(N)), range(N));
        assertEquals([calls, two().stats().queued], [heard, 0]);
        assertEquals(counts().findIndex((count) => count > 1), -1);
      });
    });

    it("counts as a task in stats", LIMIT, async () => {
      await using other = make(2);
      await inBatches([50, 1000], async () => {
        await prepare(other, targets.countAndSquare);
        const before = other.stats();
        await other.map(targets.countAndSquare, range(N));
        assertEquals(other.stats().completed - before.completed, N);
        // A result may arrive before its worker has reported how long it took. Another call makes the pool look for that.
        while (other.stats().runTime.count !== other.stats().completed) assertEquals(await other.submit(square, 3), 9);
        const { completed, failed, queued, waitTime, runTime } = other.stats();
        assertEquals([failed, queued, waitTime.count], [0, 0, completed]);
        for (const { mean, p50, p99 } of [waitTime, runTime]) {
          assert(mean >= 0 && p50 >= 0 && p50 <= p99 && p99 < 30_000, `${mean}, ${p50}, ${p99}`);
        }
      });
      await prepare(other, targets.failWhereMarked, 1000);
      const { completed } = other.stats();
      await errorOf(other.map(targets.failWhereMarked, range(N)));
      await until(() => other.stats().completed + other.stats().failed === completed + sumOfCounts());
      assertEquals(other.stats().failed, 1);
    });
  });

  describe(`${kind.name} Pool: batches at its end`, () => {
    it("are done when the pool is closed", LIMIT, async () => {
      await prepare(two(), targets.countAndSquare);
      const results = [two().map(targets.countAndSquare, range(N)), two().map(targets.same, range(N))];
      two().close();
      assertEquals(await Promise.all(results), [SQUARES, range(N)]);
      assertEquals(await two().join(), true);
      assertCounts(() => 1);
    });

    it("end with a pool that is terminated", LIMIT, async () => {
      await prepare(one(), targets.waitWhereMarked, 700);
      const results = errorOf(one().map(targets.waitWhereMarked, range(N)));
      await shared().begun.acquire();
      const before = counts();
      one().terminate();
      assert(await results instanceof CancelledError);
      assertEquals(await one().join(), true);
      assertSame(counts(), before);
    });
  });
}
