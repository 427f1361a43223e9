import { describe, it } from "node:test";
import process from "node:process";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { WorkerLostError } from "@weft/concurrent/threading";
import { Random } from "../storm/_random.ts";
import type { Kind } from "./_kind.ts";
import * as targets from "./_targets.ts";
import { rounds } from "../_rounds.ts";

/** From `deno task storm`, as in tests/storm: the seed of the choices, the number of kills, whether to print what happened. */
const SEED = Number(process.env.STORM_SEED ?? Date.now() % 2 ** 31);
const KILLS = Number(process.env.STORM_KILLS ?? rounds(9, 3));
const VERBOSE = process.env.STORM_KILLS !== undefined;
const WORKERS = 4;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** The outcome: the value, or why there is none. Any other error ends the test. */
async function outcome<T>(promise: PromiseLike<T>): Promise<{ value: T } | "lost" | "aborted"> {
  try {
    return { value: await promise };
  } catch (error) {
    if (error instanceof WorkerLostError) return "lost";
    if ((error as Error).name === "AbortError" || (error as Error).name === "TimeoutError") return "aborted";
    throw error;
  }
}

/** Workers are killed at random moments while everything else goes on. */
export function poolStorm(kind: Kind): void {
  describe(`${kind.name} Pool: workers that are killed at any moment`, () => {
    it("lose only the tasks that they run", { timeout: 30_000 + KILLS * 3_000 }, async () => {
      const name = `Storm-${kind.name}`;
      const random = new Random(SEED);
      const sum = { rounds: 0, killed: 0, lost: 0, aborted: 0 };
      await using pool = new kind.Pool(WORKERS, { name });
      for (; sum.killed < KILLS; sum.rounds++) {
        let kills = 0;
        let over = false;
        const kill = (async () => {
          while (!over && kills < 3) {
            await pause(random.below(60));
            if (!over && kind.killWorker(name)) kills++;
          }
        })();
        const single = range(400).map((i) => outcome(pool.submit(targets.square, i)));
        const slow = range(20).map((i) => outcome(pool.submit(targets.takeTime, i % 4)));
        const large = range(2).map((i) => outcome(pool.submit(targets.fill, (16 << 20) + i)));
        const mapped = outcome(pool.map(targets.square, range(3000)));
        const given = range(10).map((i) =>
          outcome(pool.apply(targets.takeTime, [5], {
            signal: AbortSignal.timeout(random.below(40)),
            killAfter: i,
          }))
        );
        const streamed = (async () => {
          const seen: number[] = [];
          const end = await outcome((async () => {
            for await (const result of pool.imap(targets.square, range(300), { chunksize: 5 })) seen.push(result);
          })());
          return { seen, end };
        })();
        let lost = 0;
        for (const [i, result] of (await Promise.all(single)).entries()) {
          if (result === "lost") lost++;
          else assertEquals(result, { value: i * i });
        }
        for (const result of await Promise.all(slow)) if (result === "lost") lost++;
        for (const [i, result] of (await Promise.all(large)).entries()) {
          if (result === "lost") lost++;
          else assertEquals((result as { value: Uint8Array }).value.length, (16 << 20) + i);
        }
        const all = await mapped;
        if (all === "lost") lost++;
        else assertEquals(all, { value: range(3000).map((x) => x * x) });
        for (const result of await Promise.all(given)) if (result === "aborted") sum.aborted++;
        const { seen, end } = await streamed;
        assertEquals(seen, range(seen.length).map((x) => x * x));
        if (end === "lost") lost++;
        else assertEquals(seen.length, 300);
        over = true;
        await kill;
        assert(lost <= kills, `${lost} tasks were lost with ${kills} workers (STORM_SEED=${SEED})`);
        sum.killed += kills;
        sum.lost += lost;
      }
      assertEquals(await pool.map(targets.square, range(500)), range(500).map((x) => x * x));
      // Tasks that were given up may run for another moment.
      for (let stats = pool.stats(); stats.queued + stats.busy > 0; stats = pool.stats()) await pause(1);
      if (VERBOSE) {
        const { rounds, killed, lost, aborted } = sum;
        console.log(
          `${kind.name} Pool, ${killed} killed: ${rounds} rounds, ${lost} tasks were lost with killed workers, ${aborted} aborted`,
        );
      }
    });

    it("lose no task that is tried again", { timeout: 30_000 + KILLS * 3_000 }, async () => {
      const name = `Again-${kind.name}`;
      const random = new Random(SEED + 2);
      const options = { retries: 1_000 };
      await using pool = new kind.Pool(undefined, { name, min: 1, max: WORKERS, concurrency: 3, idleTimeout: 20 });
      for (let killed = 0; killed < KILLS;) {
        let over = false;
        // Seldom enough that workers get to their first task.
        const kill = (async () => {
          for (let kills = 0; !over && kills < 2; kills++) {
            await pause(random.below(60));
            if (!over && kind.killWorker(name)) killed++;
          }
        })();
        const counter = new kind.Value("i32");
        const args = range(50).map((i): [typeof counter, number] => [counter, i % 3]);
        const [squares, singles, ranges, counted] = await Promise.all([
          pool.map(targets.square, range(2_000), options),
          Promise.all(range(100).map((i) => pool.apply(targets.squareLater, [i], { ...options, priority: i % 5 }))),
          pool.mapRange(targets.add, 1_000, { ...options, chunksize: 10 }),
          pool.starmap(targets.countAndTakeTime, args, options),
        ]);
        over = true;
        await kill;
        assertEquals(squares, range(2_000).map((x) => x * x));
        assertEquals(singles, range(100).map((x) => x * x));
        assertEquals(ranges, range(100).map((i) => i * 20 + 10));
        // At least once each.
        assert(counted.length === 50 && counter.value >= 50, `${counter.value} of 50 (STORM_SEED=${SEED})`);
      }
    });

    it(
      "leave nothing in the memory when pools begin and end at any moment",
      { timeout: 30_000 + KILLS * 3_000 },
      async () => {
        const random = new Random(SEED + 1);
        const name = `Ends-${kind.name}`;
        const live = async (): Promise<void> => {
          const pool = new kind.Pool(1 + random.below(3), { name });
          const tasks: Promise<unknown>[] = [];
          for (let i = random.below(6); i > 0; i--) {
            const choices = [
              () => pool.map(targets.square, range(random.below(200))),
              () => pool.submit(targets.fill, random.below(300_000)),
              () => pool.submit(targets.takeTime, random.below(20)),
              () => pool.apply(targets.takeTime, [20], { signal: AbortSignal.timeout(random.below(20)), killAfter: 0 }),
            ];
            tasks.push(choices[random.below(choices.length)]!());
          }
          const all = Promise.allSettled(tasks);
          if (random.chance(0.6)) await Promise.race([all, pause(random.below(80))]);
          // Also looks for children that have ended and were not reported yet.
          if (random.chance(0.6)) kind.killWorker(name);
          if (random.chance(0.5)) pool.terminate();
          else pool.close();
          await pool.join();
          for (const each of await all) {
            if (each.status === "fulfilled") continue;
            assertMatch((each.reason as Error).name, /^(?:CancelledError|WorkerLostError|AbortError|TimeoutError)$/);
          }
        };
        // The memory's checks find damage when the next pools take what these gave back.
        for (let i = 0; i < KILLS; i++) await Promise.all([live(), live()]);
      },
    );
  });
}
