/** Works of pools with 2 workers. */

import { setTimeout as delay } from "node:timers/promises";
import { timed, type Work } from "../../lib/play.ts";
import { BATCH, MB, object, WORKERS } from "../bare/sizes.ts";
import type { Scope } from "./scope.ts";
import { compute, die, echo, killItself, last, lastShared, square } from "./targets.ts";

type Pool = InstanceType<Scope["kind"]["Pool"]>;

/** The works, and what ends the pool. */
export function pool(scope: Scope): { works: Record<string, Work>; close: () => Promise<void> } {
  let made: Pool | undefined;
  const get = () => made ??= new scope.kind.Pool(WORKERS);
  const works: Record<string, Work> = {
    "pool/map 1000": mapOf(get, 1000),
    "pool/map 10000": mapOf(get, 10_000),
    "pool/map 100000": mapOf(get, 100_000),
    ...tasks(get),
    "pool/killed": killed(get, scope.processes),
  };
  for (const [name, size] of [["1 MB", MB], ["64 MB", 64 * MB]] as const) {
    works[`pool/${name} copied`] = withBytes(size, (bytes) => get().apply(last, [bytes]));
    works[`pool/${name} transferred`] = withBytes(
      size,
      (bytes) => get().apply(last, [bytes], { transfer: [bytes.buffer] }),
    );
    works[`pool/${name} shared`] = shared(get, scope, size);
  }
  return { works, close: async () => await made?.[Symbol.asyncDispose]() };
}

function tasks(get: () => Pool): Record<string, Work> {
  return {
    async "pool/submits"(n) {
      for (let left = n; left > 0; left -= BATCH) {
        await Promise.all(Array.from({ length: Math.min(left, BATCH) }, (_, i) => get().submit(square, i)));
      }
    },
    async "pool/round trip"(n) {
      for (let i = 0; i < n; i++) await get().submit(square, i);
    },
    async "pool/after idleness"(n) {
      let ns = 0;
      for (let i = 0; i < n; i++) {
        await delay(60);
        ns += await timed(() => get().submit(square, i));
      }
      return ns;
    },
    async "pool/1 KB"(n) {
      for (let i = 0; i < n; i++) await get().submit(echo, object(i));
    },
    async "pool/cpu"(n) {
      await get().map(compute, Array.from({ length: n }, (_, i) => i), { chunksize: 1 });
    },
  };
}

function mapOf(get: () => Pool, size: number): Work {
  const items = Array.from({ length: size }, (_, i) => i);
  return async (n) => {
    const maps = Math.max(1, Math.round(n / size));
    const ns = await timed(async () => {
      for (let i = 0; i < maps; i++) await get().map(square, items);
    });
    return ns / (maps * size) * n;
  };
}

function killed(get: () => Pool, processes: boolean): Work {
  return async (n) => {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      await get().submit(square, i);
      ns += await timed(() => get().submit(processes ? killItself : die).then(() => {}, () => {}));
    }
    return ns;
  };
}

/** Each task gets bytes that are made before the clock runs. */
function withBytes(size: number, run: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>): Work {
  return async (n) => {
    let ns = 0;
    for (let i = 0; i < n; i++) {
      const bytes = new Uint8Array(size).fill(1);
      ns += await timed(() => run(bytes));
    }
    return ns;
  };
}

function shared(get: () => Pool, { kind }: Scope, size: number): Work {
  return async (n) => {
    const bytes = new kind.SharedArray("u8", size);
    const ns = await timed(async () => {
      for (let i = 0; i < n; i++) await get().apply(lastShared, [bytes]);
    });
    bytes[Symbol.dispose]();
    return ns;
  };
}
