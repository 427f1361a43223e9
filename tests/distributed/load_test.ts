/** What holds where there is much: tasks that wait for tasks, a queue without room, many agents, and many tasks. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { EngineError, Pool, TimeoutError, WorkerLostError } from "@weft/concurrent/distributed";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { fromBytes, toBytes } from "../../distributed/_wire.ts";
import { isLong } from "../_rounds.ts";
import { range, until as untilSo } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { commandOf, Fleet, otherAgent, otherCommand, Program, root } from "./_fleet.ts";
import { Hub } from "./_hub.ts";
import * as more from "./_more_targets.ts";
import { notes } from "./_notes.ts";
import { agentOver, HubPool } from "./_over_hub.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };
const STREAM = "WEFT_default";
const AGENTS = fileURLToPath(new URL("./_agents_program.ts", import.meta.url));

/** A connection to the server, beside those of the library. */
async function connected(url: string): Promise<NatsConnection> {
  const { host, username } = new URL(url.replace("nats:", "http:"));
  return await connect({ servers: host, token: username });
}

describe("a task that waits for a task of its own fleet", () => {
  it("has it done where there is another slot", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { slots: 1 });
    fleet.add({ slots: 1 }, otherAgent());
    await using pool = new Pool({ connect: fleet.url, root });
    await pool.ready();
    await until(() => pool.stats().workers === 2, "both agents are there");
    assertEquals(await pool.submit(more.squareElsewhere, fleet.url, root, 5), 25);
  });

  it("waits where it holds the only one, and its timeout ends both and frees the slot", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { slots: 1 });
    await using pool = new Pool({ connect: fleet.url, root });
    const options = { timeout: 3000, killAfter: 100 };
    await assertRejects(() => pool.apply(more.squareElsewhere, [fleet.url, root, 5], options), TimeoutError);
    assertEquals(await pool.submit(targets.square, 3), 9);
  });
});

describe("a queue without room", () => {
  it("makes tasks wait, and loses none", LIMIT, async () => {
    await using fleet = await Fleet.start(0);
    const connection = await connected(fleet.url);
    const { streams } = await jetstreamManager(connection);
    await using pool = new Pool({ connect: fleet.url, root, window: 40 });
    const ready = pool.ready();
    // The pool takes the queue as it is.
    let isMade = false;
    while (!isMade) isMade = await streams.info(STREAM).then(() => true, () => false);
    await streams.update(STREAM, { max_msgs: 5 });
    const { file, lines } = notes();
    const futures = range(60).map((i) => pool.submit(targets.begin, file, i, 0));
    const begun = performance.now();
    while ((await streams.info(STREAM)).state.messages < 5) assert(performance.now() - begun < 10_000);
    fleet.add();
    fleet.add({}, otherAgent());
    await ready;
    assertEquals(await Promise.all(futures), range(60));
    assertEquals(lines().map(Number).sort((a, b) => a - b), range(60));
    await connection.close();
  });
});

describe("many agents", () => {
  it("come and go, and all promises settle, and nothing is begun twice", { timeout: 120_000 }, async () => {
    await using fleet = await Fleet.start(0);
    const programs: Program[] = [];
    const add = (): void => {
      const command = programs.length % 2 === 0 ? commandOf(AGENTS) : otherCommand(AGENTS) ?? commandOf(AGENTS);
      programs.push(
        new Program([...command, "10", JSON.stringify({ connect: fleet.url, root, slots: 1, grace: 5000 })]),
      );
    };
    await using pool = new Pool({ connect: fleet.url, root });
    const { file, lines } = notes();
    try {
      for (let i = 0; i < 5; i++) add();
      // Fifty of them take a while to start, of which the test's own limit is the end.
      await pool.ready();
      await untilSo(() => pool.stats().workers === 50);
      let isOver = false;
      const settled = Promise.allSettled(range(600).map((i) => pool.submit(targets.begin, file, i, 20)));
      void settled.then(() => isOver = true);
      await untilSo(() => lines().length > 50);
      programs[0]!.signal("SIGKILL");
      programs[1]!.signal("SIGTERM");
      add();
      await untilSo(() => lines().length > 300 || isOver);
      programs[2]!.signal("SIGTERM");
      programs[3]!.signal("SIGKILL");
      add();
      for (const [i, outcome] of (await settled).entries()) {
        if (outcome.status === "fulfilled") assertEquals(outcome.value, i);
        else assert(outcome.reason instanceof WorkerLostError, String(outcome.reason));
      }
      assertEquals(new Set(lines()).size, lines().length);
      assertEquals([await programs[1]!.ended, await programs[2]!.ended], [0, 0], programs[1]!.output);
      // For a while nothing is known about killed programs.
      await untilSo(() => pool.stats().workers <= 50);
    } finally {
      for (const program of programs) program.signal("SIGKILL");
      await Promise.all(programs.map(({ ended }) => ended));
    }
  });
});

/** How much memory a process has, in bytes. */
function memoryOf(pid: number): number {
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

/**
 * By so much the memory of an agent may grow, in bytes. Bun collects garbage late, as it counts all of the shared memory that is
 * reserved to what is in use: 512 MB.
 */
const MOST_MORE = ("Bun" in globalThis ? 800 : 150) << 20;

describe("after many tasks", () => {
  // For a soak of an hour: WEFT_SOAK_MINUTES=60 deno task test:long tests/distributed/load_test.ts --limit=4000
  const minutes = isLong ? Number(process.env.WEFT_SOAK_MINUTES ?? 2) : 0;

  it(
    "nothing is left of them: not in the queue, and not in the agent",
    { timeout: 60_000 * (1 + minutes) },
    async () => {
      await using fleet = await Fleet.start(1);
      const [agent] = fleet.agents;
      const connection = await connected(fleet.url);
      const { streams, consumers } = await jetstreamManager(connection);
      const { pid } = agent!.child;
      const round = async (): Promise<void> => {
        await using pool = new Pool({ connect: fleet.url, root });
        const controller = new AbortController();
        const { signal } = controller;
        const lost = range(20).map((i) => pool.apply(targets.square, [i], { signal }).catch(() => {}));
        const failed = range(20).map(() => pool.submit(targets.fail, "on purpose").catch(() => {}));
        const large = pool.submit(targets.bytesOf, 3_000_000);
        const mapped = pool.map(targets.square, range(5000));
        const single = Promise.all(range(200).map((i) => pool.submit(targets.square, i)));
        controller.abort();
        await Promise.all([...lost, ...failed, large, mapped, single]);
      };
      await round();
      const isLinux = existsSync(`/proc/${pid}/status`);
      let after = 0;
      const until = performance.now() + 60_000 * minutes;
      // Free memory is taken back eventually: during the first rounds memory grows.
      for (let i = 0; i < (isLong ? 20 : 4) || performance.now() < until; i++) {
        await round();
        if (i === (isLong ? 10 : 1) && isLinux) after = memoryOf(pid!);
      }
      if (isLinux) assert(memoryOf(pid!) - after < MOST_MORE, `${after} bytes have become ${memoryOf(pid!)}`);
      // The agent says that it is done with a message when it has begun with it, and the queue hears that a moment later.
      let left: unknown;
      const isEmpty = async (): Promise<boolean> => {
        const { state } = await streams.info(STREAM);
        const { num_pending, num_ack_pending } = await consumers.info(STREAM, "agents");
        left = { messages: state.messages, num_pending, num_ack_pending };
        return state.messages === 0 && num_pending === 0 && num_ack_pending === 0;
      };
      for (const end = performance.now() + 10_000; !await isEmpty();) {
        assert(performance.now() < end, JSON.stringify(left));
      }
      await connection.close();
      await using pool = new Pool({ connect: fleet.url, root });
      await pool.ready();
      assertEquals((await pool.agents()).map(({ running }) => running), [0]);
    },
  );
});

describe("another version of this library", () => {
  it("is refused by name, and nothing runs", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub);
    assertEquals(await pool.submit(targets.square, 2), 4);
    const { engine } = pool;
    const put = engine.putTask.bind(engine);
    engine.putTask = (driver, bytes) => {
      const parcel = fromBytes<{ protocol: number }>(bytes);
      return put(driver, toBytes({ ...parcel, protocol: parcel.protocol + 1 }));
    };
    const { file, lines } = notes();
    const error = await assertRejects(() => pool.submit(targets.begin, file, 1, 0), EngineError);
    assertMatch(error.message, /agent agent-\d+ has another version of this library/);
    assertEquals(lines(), []);
    await agent.leave(0);
  });
});
