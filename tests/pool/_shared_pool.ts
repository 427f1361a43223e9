import { LIMIT, range } from "./_helpers.ts";
import type { Kind } from "./_kind.ts";
import { square } from "./_targets.ts";
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";

type Pool = InstanceType<Kind["Pool"]>;

const pools = new Map<Kind, Pool>();

/** One pool of two workers for all tests of a file that leave it as it was, as starting processes takes a while. */
export function sharedPool(kind: Kind): () => Pool {
  return () => {
    let pool = pools.get(kind);
    if (pool === undefined) pools.set(kind, pool = new kind.Pool(2, { name: "Shared" }));
    return pool;
  };
}

/** What holds for that pool after all tests. */
export function sharedPoolSuite(kind: Kind): void {
  const pool = sharedPool(kind);

  describe(`${kind.name} Pool: afterwards`, () => {
    it("the pool of the other tests is in its first state", LIMIT, async () => {
      assertEquals(await pool().map(square, range(1000)), range(1000).map((x) => x * x));
      await pool()[Symbol.asyncDispose]();
    });
  });
}
