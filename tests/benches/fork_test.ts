/** What the benches of processes compare with: a child of `child_process.fork` that gets and sends bytes as bytes. */

import { describe, it } from "node:test";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { ask, forkEcho } from "../../benches/_fork.ts";

const LIMIT = { timeout: 30_000 };

describe("a forked child of the benches", () => {
  it("sends back bytes as bytes, not as an object with a property for each", LIMIT, async () => {
    const child = forkEcho("advanced");
    try {
      const bytes = Uint8Array.from({ length: 65_536 }, (_, i) => i);
      const answer = await ask(child, bytes);
      assertInstanceOf(answer, Uint8Array);
      // Bun gives back a Buffer.
      assertEquals(Uint8Array.from(answer as Uint8Array), bytes);
    } finally {
      child.kill();
    }
  });

  it("sends back a number by JSON", LIMIT, async () => {
    const child = forkEcho("json");
    try {
      assertEquals(await ask(child, 1), 1);
    } finally {
      child.kill();
    }
  });
});
