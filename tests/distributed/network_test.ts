/** What becomes of tasks where the network is slow, or cut, between the server and a program or an agent. */

import { writeFileSync } from "node:fs";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EngineError, Pool, WorkerLostError } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import { rounds } from "../_rounds.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Fleet, otherAgent, root } from "./_fleet.ts";
import { notes } from "./_notes.ts";
import { Proxy, type Way } from "./_proxy.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };
const WAYS = ["toServer", "toClient"] as const;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Each task was begun once. */
function assertOnce(lines: readonly string[], count: number): void {
  assertEquals(lines.map(Number).sort((a, b) => a - b), range(count));
}

describe("a slow network", () => {
  it("costs time, and nothing else", LIMIT, async () => {
    await using fleet = await Fleet.start(0);
    await using proxy = await Proxy.start(fleet.url);
    proxy.toServer.delay = proxy.toClient.delay = 50;
    fleet.add({ connect: proxy.url });
    fleet.add({ connect: proxy.url }, otherAgent());
    // Each answer comes later than the lease.
    await using pool = new Pool({ connect: proxy.url, root, lease: 100 });
    const { file, lines } = notes();
    const futures = range(12).map((i) => pool.submit(targets.begin, file, i, 20));
    assertEquals(await pool.map(targets.square, range(50)), range(50).map((x) => x * x));
    assertEquals(await Promise.all(futures), range(12));
    assertOnce(lines(), 12);
    assertEquals((await pool.submit(targets.bytesOf, 1_000_000)).length, 1_000_000);
  });
});

describe("a network that is cut in one direction", () => {
  for (const way of WAYS) {
    it(
      `between the server and a program, is nothing but a delay, also for longer than the lease: ${way}`,
      LIMIT,
      async () => {
        await using fleet = await Fleet.start(1);
        await using proxy = await Proxy.start(fleet.url);
        await using pool = new Pool({ connect: proxy.url, root, lease: 300 });
        const { file, lines } = notes();
        const futures = range(30).map((i) => pool.submit(targets.begin, file, i, 100));
        await until(() => lines().length > 2, "some were begun");
        proxy[way].isCut = true;
        await pause(2500);
        proxy.heal();
        assertEquals(await Promise.all(futures), range(30));
        assertOnce(lines(), 30);
      },
    );

    it(
      `between the server and a program, is reported after engineTimeout, and the pool goes on: ${way}`,
      LIMIT,
      async () => {
        await using fleet = await Fleet.start(1);
        await using proxy = await Proxy.start(fleet.url);
        await using pool = new Pool({ connect: proxy.url, root, engineTimeout: 1000 });
        const { file, lines } = notes();
        const future = pool.submit(targets.begin, file, 0, 60_000);
        await until(() => lines().length === 1, "it was begun");
        proxy[way].isCut = true;
        assertMatch((await assertRejects(() => future, EngineError)).message, /away for 1000 ms/);
        proxy.heal();
        // Also the slot is free again.
        assertEquals(await Promise.all([pool.submit(targets.square, 3), pool.submit(targets.square, 4)]), [9, 16]);
      },
    );

    it(`between the server and agents, for less than the lease, is nothing but a delay: ${way}`, LIMIT, async () => {
      await using fleet = await Fleet.start(0);
      await using proxy = await Proxy.start(fleet.url);
      fleet.add({ connect: proxy.url });
      fleet.add({ connect: proxy.url }, otherAgent());
      await using pool = new Pool({ connect: fleet.url, root, lease: 20_000 });
      await pool.ready();
      await until(() => pool.stats().workers === 4, "both agents are there");
      const { file, lines } = notes();
      const futures = range(20).map((i) => pool.submit(targets.begin, file, i, 50));
      await until(() => lines().length > 4, "some were begun");
      proxy[way].isCut = true;
      await pause(2200);
      proxy.heal();
      assertEquals(await Promise.all(futures), range(20));
      assertOnce(lines(), 20);
    });

    it(
      `between the server and agents, for longer, loses what they had, and what they say later: ${way}`,
      LIMIT,
      async () => {
        await using fleet = await Fleet.start(0);
        await using proxy = await Proxy.start(fleet.url);
        fleet.add({ connect: proxy.url });
        fleet.add({ connect: proxy.url }, otherAgent());
        await using pool = new Pool({ connect: fleet.url, root, lease: 300 });
        await pool.ready();
        await until(() => pool.stats().workers === 4, "both agents are there");
        const { file, lines } = notes();
        const end = `${file}.end`;
        const futures = range(4).map((i) => pool.submit(targets.beginUntil, file, i, end));
        await until(() => lines().length === 4, "both have begun");
        proxy[way].isCut = true;
        for (const future of futures) future.catch(() => {});
        for (const future of futures) await assertRejects(() => future, WorkerLostError, "silent for 300 ms");
        const next = range(4).map((i) => pool.submit(targets.begin, file, 4 + i, 0));
        // One direction was open all the time, so the tasks must not end before they are lost.
        writeFileSync(end, "");
        proxy.heal();
        assertEquals(await Promise.all(next), range(8).slice(4));
        assertOnce(lines(), 8);
        const { completed, failed } = pool.stats();
        assertEquals([completed, failed], [4, 4]);
      },
    );
  }
});

describe("a connection that ends", () => {
  it("comes again, for a program and its agents, and nothing is begun twice", LIMIT, async () => {
    await using fleet = await Fleet.start(0);
    await using proxy = await Proxy.start(fleet.url);
    await using other = await Proxy.start(fleet.url);
    fleet.add({ connect: other.url });
    fleet.add({ connect: other.url }, otherAgent());
    await using pool = new Pool({ connect: proxy.url, root, lease: 20_000 });
    assertEquals(await pool.submit(targets.square, 2), 4);
    const { file, lines } = notes();
    const count = 120;
    const all = Promise.all(range(count).map((i) => pool.submit(targets.begin, file, i, 20)));
    for (const end of [proxy, other, proxy, other]) {
      const { connections } = end;
      end.reset();
      await until(() => end.connections > connections, "a connection was made anew");
      await pause(100);
    }
    assertEquals(await all, range(count));
    assertOnce(lines(), count);
  });

  it("in the middle of a message, any time, loses no task, and begins none twice", { timeout: 120_000 }, async () => {
    await using fleet = await Fleet.start(0);
    await using proxy = await Proxy.start(fleet.url);
    await using other = await Proxy.start(fleet.url);
    fleet.add({ connect: other.url });
    fleet.add({ connect: other.url }, otherAgent());
    await using pool = new Pool({ connect: proxy.url, root, lease: 60_000 });
    assertEquals(await pool.submit(targets.square, 2), 4);
    const { file, lines } = notes();
    const count = rounds(600, 80);
    let isOver = false;
    const all = Promise.all(range(count).map((i) => pool.submit(targets.begin, file, i, 10)));
    void all.finally(() => isOver = true).catch(() => {});
    const ways: Way[] = [proxy.toServer, other.toClient, proxy.toClient, other.toServer];
    for (let i = 0; !isOver && i < rounds(60, 8); i++) {
      const way = ways[i % ways.length]!;
      way.breakAfter = 1 + Math.floor(Math.random() * 3000);
      await until(() => way.breakAfter === Infinity || isOver, "so many bytes have come");
    }
    for (const way of ways) way.breakAfter = Infinity;
    assertEquals(await all, range(count));
    assertOnce(lines(), count);
    assert(proxy.connections + other.connections > 6, "they were cut");
  });

  it("while it is made is made again, wherever it ends", LIMIT, async () => {
    await using fleet = await Fleet.start(1);
    const begun = performance.now();
    // From the first word of the server to the answers about the queue, in both directions.
    const cuts = WAYS.flatMap((way) => [1, 100, 300, 420, 480, 560, 700, 900, 1200].map((bytes) => ({ way, bytes })));
    await Promise.all(cuts.map(async ({ way, bytes }) => {
      await using proxy = await Proxy.start(fleet.url);
      proxy[way].breakAfter = bytes;
      await using pool = new Pool({ connect: proxy.url, root });
      assertEquals(await pool.submit(targets.square, 3), 9, `${bytes} bytes ${way}`);
    }));
    assert(performance.now() - begun < 20_000);
  });
});
