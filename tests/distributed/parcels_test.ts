/** Which tasks go together, which way they go, and how many an agent takes. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { describe, it } from "node:test";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Hub } from "./_hub.ts";
import { notes } from "./_notes.ts";
import { agentOver, HubPool } from "./_over_hub.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 30_000 };

describe("the messages of a pool", () => {
  it("have many submitted tasks each, as soon as these are known to be short", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub);
    for (let i = 0; i < 10; i++) await pool.submit(targets.square, i);
    const before = hub.puts + hub.offers;
    assertEquals(
      await Promise.all(range(2000).map((i) => pool.submit(targets.square, i))),
      range(2000).map((x) => x * x),
    );
    assertLess(hub.puts + hub.offers - before, 200);
    await agent.leave(0);
  });

  it("have one task where nothing is known of it, or where it takes long", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub);
    const { file } = notes();
    await Promise.all(range(6).map((i) => pool.submit(targets.begin, file, i, 30)));
    const before = hub.puts + hub.offers;
    await Promise.all(range(6).map((i) => pool.submit(targets.begin, file, i, 30)));
    // One that is offered and refused is sent twice.
    assert(hub.puts + hub.offers - before >= 6);
    await agent.leave(0);
  });

  it("have the tasks of different functions apart, and lists of arguments apart from lone ones", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub);
    const { file } = notes();
    for (let i = 0; i < 5; i++) {
      await Promise.all([pool.submit(targets.square, i), pool.submit(targets.pid), pool.submit(Math.max, i)]);
    }
    const mixed = range(90).map((i) => {
      if (i % 3 === 0) return pool.submit(targets.square, i);
      return i % 3 === 1 ? pool.submit(targets.begin, file, i, 0) : pool.submit(targets.pid);
    });
    const results = await Promise.all(mixed);
    for (const i of range(30)) {
      assertEquals(results[3 * i], (3 * i) ** 2);
      assertEquals(results[3 * i + 1], 3 * i + 1);
      assertEquals(results[3 * i + 2], results[2]);
    }
    const lists = range(60).map((i) => i % 2 === 0 ? pool.submit(Math.max, i) : pool.submit(Math.max, i, i + 1));
    assertEquals(await Promise.all(lists), range(60).map((i) => i % 2 === 0 ? i : i + 1));
    await agent.leave(0);
  });

  it("leave out a task that was cancelled on its way, and no other", LIMIT, async () => {
    const hub = new Hub();
    const first = agentOver(hub, { slots: 1 });
    await using pool = new HubPool(hub);
    const { file, lines } = notes();
    for (let i = 0; i < 5; i++) await pool.submit(targets.begin, file, -1, 0);
    const before = lines().length;
    // Nothing takes them: the only agent is gone.
    await first.agent.leave(0);
    const futures = range(60).map((i) => pool.submit(targets.begin, file, i, 0));
    await until(() => hub.queued > 0, "they are on their way");
    const cancelled = range(60).filter((i) => i % 3 === 0);
    for (const i of cancelled) assert(futures[i].cancel());
    const { agent } = agentOver(hub);
    const rest = range(60).filter((i) => i % 3 !== 0);
    assertEquals(await Promise.all(rest.map((i) => futures[i])), rest);
    assertEquals(lines().slice(before).map(Number).sort((a, b) => a - b), rest);
    for (const i of cancelled) assertEquals(futures[i].state, "cancelled");
    await agent.leave(0);
  });

  it("are taken out of the queue where all their tasks were cancelled", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub);
    for (let i = 0; i < 10; i++) await pool.submit(targets.square, i);
    await agent.leave(0);
    const futures = range(300).map((i) => pool.submit(targets.square, i));
    await until(() => hub.queued > 0, "they are on their way");
    for (const future of futures) assert(future.cancel());
    await until(() => hub.queued === 0, "nothing is left");
  });

  it("have no more large arguments than an agent can take in at once", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    await using pool = new HubPool(hub);
    for (let i = 0; i < 10; i++) await pool.submit(targets.lengthOf, new Uint8Array(10));
    const before = hub.puts + hub.offers;
    const large = range(64).map(() => pool.submit(targets.lengthOf, new Uint8Array(1 << 20)));
    assertEquals(await Promise.all(large), range(64).map(() => 1 << 20));
    assert(hub.puts + hub.offers - before >= 8);
    await agent.leave(0);
  });

  it("give back what waits behind a task that takes longer than was thought", LIMIT, async () => {
    const hub = new Hub();
    const agents = [agentOver(hub, { slots: 1 }), agentOver(hub, { slots: 1 })];
    await using pool = new HubPool(hub);
    const { file, lines } = notes();
    for (let i = 0; i < 20; i++) await pool.submit(targets.mostlyShort, file, i, false);
    const futures = range(400).map((i) => pool.submit(targets.mostlyShort, file, i, i === 0));
    const began = performance.now();
    assertEquals(await Promise.all(futures.slice(1)), range(400).slice(1));
    assertLess(performance.now() - began, 1400);
    assertEquals(futures[0].state, "running");
    assertEquals(await futures[0], 0);
    assertEquals(lines(), ["0"]);
    await Promise.all(agents.map(({ agent }) => agent.leave(0)));
  });
});

describe("offers", () => {
  it("take tasks straight to an agent that was heard a moment ago", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub);
    await pool.submit(targets.square, 2);
    const before = hub.puts;
    for (let i = 0; i < 20; i++) assertEquals(await pool.submit(targets.square, i), i * i);
    assertEquals(hub.puts, before);
    await agent.leave(0);
  });

  it("are refused by an agent that has no free slot: the queue has the task then", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    await using one = new HubPool(hub);
    await using other = new HubPool(hub);
    const { file, lines } = notes();
    for (const pool of [one, other]) await pool.submit(targets.begin, file, -1, 0);
    const before = hub.puts;
    const long = one.submit(targets.begin, file, 1, 300);
    await until(() => lines().includes("1"), "it was begun");
    // The other program does not know of that.
    assertEquals(await other.submit(targets.begin, file, 2, 0), 2);
    assertEquals(await long, 1);
    assertEquals(hub.puts, before + 1);
    await agent.leave(0);
  });

  it("go to no agent that is silent: what is sent while it stands still is another one's", LIMIT, async () => {
    const hub = new Hub();
    const { agent, engine } = agentOver(hub);
    await using pool = new HubPool(hub, undefined, { lease: 3000 });
    await pool.submit(targets.square, 2);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    engine.isFrozen = true;
    const future = pool.submit(targets.square, 3);
    const second = agentOver(hub);
    assertEquals(await future, 9);
    engine.isFrozen = false;
    await Promise.all([agent.leave(0), second.agent.leave(0)]);
  });

  it("begin a task once, though they come again after its end", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub);
    await using pool = new HubPool(hub, undefined, { lease: 20_000 });
    const { file, lines } = notes();
    await pool.submit(targets.begin, file, -1, 0);
    hub.faults = { lose: 0.2, repeat: 0.5, delay: 3, forget: 0 };
    for (const i of range(60)) assertEquals(await pool.submit(targets.begin, file, i, 0), i);
    hub.faults = { lose: 0, repeat: 0, delay: 0, forget: 0 };
    assertEquals(lines().slice(1).map(Number), range(60));
    await agent.leave(0);
  });
});

describe("an agent", () => {
  it("takes no more messages than it has slots, also where many wait for the same function", LIMIT, async () => {
    const hub = new Hub();
    const { file, lines } = notes();
    await using pool = new HubPool(hub);
    const futures = range(8).map((i) => pool.submit(targets.begin, file, i, 200));
    await until(() => hub.queued === 8, "all are in the queue");
    const { agent } = agentOver(hub, { slots: 2 });
    let most = 0;
    const look = setInterval(() => most = Math.max(most, agent.info.running), 2);
    assertEquals(await Promise.all(futures), range(8));
    clearInterval(look);
    assertEquals(most, 2);
    assertEquals(lines().length, 8);
    await agent.leave(0);
  });
});
