import { AsyncLocalStorage } from "node:async_hooks";
import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Barrier, Pool, setExceptHook, Thread } from "@weft/concurrent/threading";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 20_000 };
const request = new AsyncLocalStorage<string>();

describe("callbacks", () => {
  it("of a pool run in the async context of the call that gave them", LIMIT, async () => {
    await using pool = new Pool(1);
    const seen: Record<string, Set<string | undefined>> = {};
    const look = (what: string): void => void (seen[what] ??= new Set()).add(request.getStore());
    const handle = async (name: string): Promise<void> => {
      const items = function* (): Generator<number> {
        try {
          for (let i = 0; i < 20; i++) {
            look(`items of ${name}`);
            yield i;
          }
        } finally {
          look(`end of ${name}`);
        }
      };
      // Its end is not checked: V8 resumes an async generator without a context when next() and return() overlap.
      const laterItems = async function* (): AsyncGenerator<number> {
        for (let i = 0; i < 20; i++) {
          look(`items of ${name}`);
          yield await Promise.resolve(i);
        }
      };
      const onProgress = (): void => look(`progress of ${name}`);
      const called = new Promise<void>((resolve) => {
        pool.submit(targets.square, 1).addDoneCallback(() => {
          look(`done callback of ${name}`);
          resolve();
        });
      });
      const all: unknown[] = [called, pool.map(targets.square, [1, 2, 3], { onProgress })];
      for (const source of [items, laterItems]) {
        all.push((async () => {
          let taken = 0;
          for await (const _ of pool.imap(targets.square, source(), { onProgress })) if (++taken === 15) break;
        })());
      }
      await Promise.all(all);
    };
    await Promise.all(["a", "b"].map((name) => request.run(name, () => handle(name))));
    for (const name of ["a", "b"]) {
      for (const what of ["items", "end", "progress", "done callback"]) {
        assertEquals([...seen[`${what} of ${name}`]], [name], what);
      }
    }
  });

  it("of a barrier and of setExceptHook run in the context in which they were given", LIMIT, async () => {
    let during: string | undefined;
    const barrier = request.run("maker", () => new Barrier(1, { action: () => during = request.getStore() }));
    await request.run("waiter", () => barrier.wait());
    assertEquals(during, "maker");
    const hooked = new Promise<string | undefined>((resolve) => {
      request.run("setter", () => setExceptHook(() => resolve(request.getStore())));
    });
    const thread = request.run("starter", () => new Thread({ target: targets.failAt, args: [1, 1] }).start());
    assert(await thread.join());
    assertEquals(await hooked, "setter");
  });
});
