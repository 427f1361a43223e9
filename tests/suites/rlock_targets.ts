import type { RLock, SharedArray } from "@weft/concurrent/sync";

export async function runInTurns(lock: RLock, counter: SharedArray<"i32">, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await lock.run(async () => {
      const seen = counter.array[0];
      {
        using _guard = await lock.acquire();
      }
      counter.array[0] = seen + 1;
    });
  }
}
