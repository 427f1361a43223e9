/** What becomes of tasks where processes, agents, programs and the server die or stand still: all of them real. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { EngineError, Pool, WorkerLostError } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isLong, rounds } from "../_rounds.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { commandOf, Fleet, otherAgent, Program, root } from "./_fleet.ts";
import { notes } from "./_notes.ts";
import { Server } from "./_server.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };

describe("the death of a worker", () => {
  it("is reported at once, with the signal that ended it, and affects no other task", LIMIT, async () => {
    await using fleet = await Fleet.start(1);
    await using pool = new Pool({ connect: fleet.url, root });
    const others = pool.map(targets.square, range(100));
    const error = await assertRejects(() => pool.submit(targets.killSelf), WorkerLostError);
    assertEquals(error.signal, "SIGKILL");
    assertEquals(await others, range(100).map((x) => x * x));
  });

  it("is tried again where that was asked for, and the task knows", LIMIT, async () => {
    await using fleet = await Fleet.start(1);
    await using pool = new Pool({ connect: fleet.url, root });
    assertEquals(await pool.apply(targets.dieOnce, [], { retries: 1 }), 2);
    assertEquals(await pool.map(targets.dieOnce, [], { retries: 1 }), []);
    await assertRejects(() => pool.apply(targets.killSelf, [], { retries: 1 }), WorkerLostError);
  });
});

describe("the death of an agent", () => {
  it("loses what it ran, and nothing that it had not begun", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { slots: 1 });
    await using pool = new Pool({ connect: fleet.url, root });
    const { file, lines } = notes();
    const [lost, ...others] = range(6).map((i) => pool.submit(targets.begin, file, i, i === 0 ? 60_000 : 10));
    await until(() => lines().length === 1, "the first was begun");
    const other = otherAgent();
    fleet.add({ slots: 1 }, other);
    await until(() => pool.stats().workers === 2, "the second agent is there");
    fleet.agents[0]!.signal("SIGKILL");
    const error = await assertRejects(() => lost!, WorkerLostError);
    assert(/agent is gone/.test(error.message), error.message);
    const outcomes = await Promise.allSettled(others);
    // The next parcel may have been granted to it as well.
    assert(outcomes.filter(({ status }) => status === "rejected").length <= 1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") assert(outcome.reason instanceof WorkerLostError);
    }
    assertEquals(new Set(lines()).size, lines().length);
  });

  it("is not taken for one where it stands still for less than the lease", LIMIT, async () => {
    await using fleet = await Fleet.start(1);
    await using pool = new Pool({ connect: fleet.url, root, lease: 10_000 });
    const { file, lines } = notes();
    const future = pool.submit(targets.begin, file, 7, 300);
    await until(() => lines().length === 1, "it was begun");
    fleet.agents[0]!.signal("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    fleet.agents[0]!.signal("SIGCONT");
    assertEquals(await future, 7);
  });

  it("is taken for one where it stands still for longer, and its results are dropped", LIMIT, async () => {
    await using fleet = await Fleet.start(1);
    await using pool = new Pool({ connect: fleet.url, root, lease: 300 });
    const { file, lines } = notes();
    const future = pool.submit(targets.begin, file, 7, 300);
    await until(() => lines().length === 1, "it was begun");
    fleet.agents[0]!.signal("SIGSTOP");
    const error = await assertRejects(() => future, WorkerLostError);
    assert(/silent for 300 ms/.test(error.message), error.message);
    fleet.agents[0]!.signal("SIGCONT");
    assertEquals(await pool.submit(targets.square, 5), 25);
  });
});

describe("the death of a program", () => {
  it("ends what ran for it, and what had not begun never begins", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { slots: 1 });
    const { file, lines } = notes();
    const command = commandOf(fileURLToPath(new URL("./_driver_program.ts", import.meta.url)));
    const program = new Program([...command, fleet.url, root, file, "20", "60000"]);
    await until(() => lines().length === 1, "one task was begun");
    program.signal("SIGKILL");
    await program.ended;
    await using pool = new Pool({ connect: fleet.url, root });
    // Its only slot is free again, soon.
    assertEquals(await pool.submit(targets.square, 3), 9);
    assert(lines().length <= 2, lines().join());
  });
});

describe("the death of the server", () => {
  it("loses no task, and begins none twice", { timeout: isLong ? 200_000 : 60_000 }, async () => {
    const server = await Server.start();
    await using fleet = await Fleet.start(2, {}, server);
    await using pool = new Pool({ connect: fleet.url, root, lease: 20_000 });
    assertEquals(await pool.submit(targets.square, 2), 4);
    for (let round = 0; round < rounds(6, 1); round++) {
      const { file, lines } = notes();
      const all = Promise.all(range(200).map((i) => pool.submit(targets.begin, file, i, 10)));
      await until(() => lines().length > 20 + round * 20, "some were begun");
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await server.restart();
      assertEquals(await all, range(200));
      assertEquals(lines().map(Number).sort((a, b) => a - b), range(200));
    }
  });

  it("is not that of the agents where it stands still, also for longer than the lease", LIMIT, async () => {
    const server = await Server.start();
    await using fleet = await Fleet.start(1, {}, server);
    await using pool = new Pool({ connect: fleet.url, root, lease: 500 });
    const { file, lines } = notes();
    const all = Promise.all(range(20).map((i) => pool.submit(targets.begin, file, i, 100)));
    await until(() => lines().length > 2, "some were begun");
    server.freeze();
    await new Promise((resolve) => setTimeout(resolve, 7000));
    server.thaw();
    assertEquals(await all, range(20));
    assertEquals(new Set(lines()).size, 20);
  });

  it("is reported if it stands still for too long, and the pool goes on when it is back", LIMIT, async () => {
    const server = await Server.start();
    await using fleet = await Fleet.start(1, {}, server);
    await using pool = new Pool({ connect: fleet.url, root, engineTimeout: 2500 });
    const { file, lines } = notes();
    const future = pool.submit(targets.begin, file, 1, 60_000);
    await until(() => lines().length === 1, "it was begun");
    server.freeze();
    const error = await assertRejects(() => future, EngineError);
    assert(/away for 2500 ms/.test(error.message), error.message);
    server.thaw();
    assertEquals(await pool.submit(targets.square, 3), 9);
  });

  it("may take the queue along while the connections stay: it is made anew", LIMIT, async () => {
    const server = await Server.start();
    await using fleet = await Fleet.start(1, {}, server);
    await using pool = new Pool({ connect: fleet.url, root });
    assertEquals(await pool.submit(targets.square, 2), 4);
    const { host } = new URL(server.url.replace("nats:", "http:"));
    const connection = await connect({ servers: host, token: "secret" });
    await (await jetstreamManager(connection)).streams.delete("WEFT_default");
    await connection.close();
    assertEquals(await pool.map(targets.square, range(20)), range(20).map((x) => x * x));
  });
});
