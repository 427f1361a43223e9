import { assert, assertEquals, assertRejects } from "@std/assert";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as asks from "./_asks.ts";
import * as softly from "./_asks_softly.ts";
import * as counted from "./_counted.ts";
import * as fails from "./_fails.ts";

const LIMIT = { timeout: 60_000 };

/** What is started. */
export interface AheadKind {
  readonly name: string;
  start<A extends unknown[], R>(
    target: (...args: A) => R,
    args: A,
    name?: string,
  ): { result(): Promise<Awaited<R>>; readonly name: string };
}

async function until(look: () => boolean): Promise<void> {
  const begin = performance.now();
  while (!look()) {
    assert(performance.now() - begin < 30_000, "it does not come");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** What holds for spares that import the modules of the thread or process to come. */
export function aheadSuite({ name, start }: AheadKind): void {
  let folder = "";
  const log = (): number[] => {
    const file = process.env.AHEAD_LOG!;
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : [];
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ahead-"));
    process.env.AHEAD_LOG = join(folder, "log");
    process.env.AHEAD_FAILURE = join(folder, "failure");
  });
  afterEach(() => {
    delete process.env.AHEAD_LOG;
    delete process.env.AHEAD_FAILURE;
    rmSync(folder, { recursive: true });
  });

  // Starts it until a spare has imported its module.
  async function warm(): Promise<number[]> {
    const own: number[] = [];
    const before = log().length;
    while (log().length === before + own.length) {
      own.push(await start(counted.importNumber, []).result());
      // The spare has yet to be made.
      if (own.length > 1) await Promise.race([until(() => log().length > before + own.length), delay(1000)]);
      assert(own.length < 20, "no spare imports the module");
    }
    return own;
  }

  describe(`a spare ${name} that imports what comes`, () => {
    it("is what the next one finds its module in", LIMIT, async () => {
      const own = await warm();
      const ahead = log().filter((each) => !own.includes(each));
      assert(ahead.length > 0);
      const found: number[] = [];
      for (let i = 0; i < 6 && !found.some((each) => ahead.includes(each)); i++) {
        found.push(await start(counted.importNumber, []).result());
      }
      assert(found.some((each) => ahead.includes(each)), "none was a spare that had imported it");
      assertEquals(new Set([...own, ...found]).size, own.length + found.length);
    });

    it("is for that alone", LIMIT, async () => {
      await warm();
      assertEquals(await start(counted.add, [1, 2]).result(), 3);
      assertEquals(await start(Math.sqrt, [16]).result(), 4);
      for (let i = 0; i < 4; i++) assertEquals(await start(counted.add, [i, 2]).result(), i + 2);
      await warm();
    });

    for (const [how, target] of [["asks", asks.nameAtTop], ["asks, and goes on", softly.nameAtTop]] as const) {
      it(`tells a module its own name that ${how}`, LIMIT, async () => {
        for (let i = 0; i < 6; i++) {
          const started = start(target, [], `${name} ${i}`);
          assertEquals(await started.result(), started.name);
          await delay(i * 40);
        }
      });
    }

    for (const how of ["throw", "exit", "reject"] as const) {
      it(`says nothing of a module that fails by ${how}: the next one does`, LIMIT, async () => {
        for (let i = 0; i < 3; i++) assert(await start(fails.isWhole, []).result());
        writeFileSync(process.env.AHEAD_FAILURE!, how);
        // A spare may have imported it before.
        let failures = 0;
        for (let i = 0; i < 8 && failures < 2; i++) {
          const result = start(fails.isWhole, []).result();
          if (await result.then(() => true, () => false)) continue;
          failures++;
          const error = await assertRejects(() => result, Error);
          if (how === "throw") assert(String(error).includes("thrown at the top"), String(error));
        }
        if (how !== "reject") assertEquals(failures, 2);
        rmSync(process.env.AHEAD_FAILURE!);
        for (let i = 0; i < 3; i++) assert(await start(fails.isWhole, []).result());
      });
    }

    it("is not waited for while it imports", LIMIT, async () => {
      for (let i = 0; i < 3; i++) assert(await start(fails.isWhole, []).result());
      writeFileSync(process.env.AHEAD_FAILURE!, "wait");
      await delay(300);
      const results = Array.from({ length: 4 }, () => start(fails.isWhole, []).result());
      await delay(100);
      rmSync(process.env.AHEAD_FAILURE!);
      assertEquals(await Promise.all(results), [true, true, true, true]);
    });
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
