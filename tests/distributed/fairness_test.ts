/** Programs that share agents: how many parcels an agent takes, and that no program keeps the others' tasks waiting. */

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { describe, it } from "node:test";
import { Intake, type Place } from "../../distributed/_intake.ts";
import { rounds } from "../_rounds.ts";
import { range } from "../pool/_helpers.ts";
import { moment, turn, until } from "../suites/_until.ts";
import { Hub } from "./_hub.ts";
import { notes } from "./_notes.ts";
import { agentOver, HubPool } from "./_over_hub.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 30_000 };
/** Longer than any wait here takes that is to end: milliseconds. */
const LONG = 20_000;

/** An intake, and what it has asked the queue for. */
function intakeOf(slots: number): { intake: Intake; asked: number[]; stops: () => number } {
  const asked: number[] = [];
  let stops = 0;
  const taking = { ask: (count: number) => void asked.push(count), stop: () => void stops++ };
  return { intake: new Intake(slots, taking), asked, stops: () => stops };
}

/** What has come of a promise by now. */
async function now<T>(promise: Promise<T>): Promise<T | "pending"> {
  await turn();
  return await Promise.race([promise, Promise.resolve("pending" as const)]);
}

async function passed(ms: number): Promise<void> {
  const since = performance.now();
  await until(() => performance.now() - since > ms, "that time has passed");
}

describe("the intake of an agent", () => {
  it("asks for as many parcels as it has slots, and one more while tasks take little time", LIMIT, () => {
    const { intake, asked } = intakeOf(3);
    intake.ask();
    assertEquals(asked, [4]);
    intake.ask();
    assertEquals(asked, [4]);
    const places = range(4).map(() => intake.come());
    assertEquals(asked, [4]);
    places[0].leave();
    assertEquals(asked, [4, 1]);
    intake.isAhead = false;
    places[1].leave();
    assertEquals(asked, [4, 1]);
    places[2].leave();
    assertEquals(asked, [4, 1, 1]);
    intake.isAhead = true;
    intake.ask();
    assertEquals(asked, [4, 1, 1, 1]);
  });

  it("asks for another parcel in place of each that waits for its program", LIMIT, async () => {
    const { intake, asked } = intakeOf(1);
    intake.isAhead = false;
    intake.ask();
    const silent = intake.come();
    assert(await silent.take(LONG));
    // Its program is silent.
    silent.leave();
    assertEquals(asked, [1, 1]);
    const other = intake.come();
    assert(await other.take(0));
    const back = silent.claim();
    assertEquals(await now(back), "pending");
    other.leave();
    await back;
    // The slot that is back stands for it.
    assertEquals(asked, [1, 1]);
    silent.leave();
    assertEquals(asked, [1, 1, 1]);
  });

  it(
    "gives slots first to parcels that it owes a slot, and then to waiting parcels in their order",
    LIMIT,
    async () => {
      const { intake } = intakeOf(1);
      intake.ask();
      const [has, first, second, owed] = [intake.come(), intake.come(), intake.come(), intake.come()];
      const order: string[] = [];
      assert(await has.take(0));
      const all = Promise.all([
        first.take(LONG).then((isTaken) => order.push(`first ${isTaken}`)),
        second.take(LONG).then((isTaken) => order.push(`second ${isTaken}`)),
        owed.claim().then(() => order.push("owed")),
      ]);
      for (const [i, place] of [has, owed, first].entries()) {
        await turn();
        assertEquals(order.length, i);
        place.leave();
      }
      await all;
      assertEquals(order, ["owed", "first true", "second true"]);
    },
  );

  it("lets a parcel wait no longer for a slot than it is patient", LIMIT, async () => {
    const { intake } = intakeOf(1);
    intake.ask();
    const [has, waits, next] = [intake.come(), intake.come(), intake.come()];
    assert(await has.take(0));
    assertEquals(await waits.take(20), false);
    waits.leave();
    has.leave();
    // The slot was not left to the parcel that has gone.
    assertEquals(await now(next.take(LONG)), true);
  });

  it("takes what it did not ask for where the queue has nothing and a slot is free", LIMIT, async () => {
    const { intake, asked } = intakeOf(1);
    intake.isAhead = false;
    const expects = async (): Promise<void> => {
      await passed(11);
      assertEquals(intake.comeUnasked(), undefined);
    };
    // Nothing was asked for: nothing is known of the queue.
    await expects();
    intake.ask();
    assertEquals(intake.comeUnasked(), undefined);
    await passed(11);
    const place = intake.comeUnasked();
    assert(place !== undefined);
    assertEquals(asked, [1]);
    // Its slot is taken.
    assertEquals(intake.comeUnasked(), undefined);
    const queued = intake.come();
    const waits = queued.take(LONG);
    place?.leave();
    assertEquals(await waits, true);
    queued.leave();
    assertEquals(asked, [1, 1]);
    assertEquals(intake.comeUnasked(), undefined);
    await passed(11);
    assert(intake.comeUnasked() !== undefined);
  });

  it("takes nothing else while all has come that it asked for: there may be more", LIMIT, async () => {
    const { intake, asked } = intakeOf(1);
    intake.ask();
    const [a, b] = [intake.come(), intake.come()];
    await passed(11);
    assertEquals(intake.comeUnasked(), undefined);
    a.leave();
    b.leave();
    assertEquals(asked, [2, 1, 1]);
    assertEquals(intake.comeUnasked(), undefined);
    await passed(11);
    assert(intake.comeUnasked() !== undefined);
  });

  it("frees a slot once, and asks once, however often a parcel leaves", LIMIT, async () => {
    const { intake, asked } = intakeOf(2);
    intake.ask();
    const [a, b, c, d] = [intake.come(), intake.come(), intake.come(), intake.come()];
    assert(await a.take(0));
    assert(await b.take(0));
    for (let i = 0; i < 3; i++) a.leave();
    assertEquals(asked, [3, 1]);
    assert(await c.take(0));
    assertEquals(await now(d.take(LONG)), "pending");
    b.leave();
    c.leave();
  });

  it("lets all go at its end, and asks for nothing more", LIMIT, async () => {
    const { intake, asked, stops } = intakeOf(1);
    intake.ask();
    const [has, waits, owed, late] = [intake.come(), intake.come(), intake.come(), intake.come()];
    assert(await has.take(0));
    const waiting = waits.take(LONG);
    const claim = owed.claim();
    assertEquals([await now(waiting), await now(claim)], ["pending", "pending"]);
    intake.end();
    assertEquals([await now(waiting), await now(claim)], [false, undefined]);
    await late.claim();
    for (const place of [has, waits, owed, late]) place.leave();
    assertEquals(await intake.come().take(LONG), false);
    await passed(11);
    assertEquals(intake.comeUnasked(), undefined);
    assertEquals([asked, stops()], [[2], 1]);
  });

  it("never has more parcels begun than it has slots, and loses none, whatever comes and goes", LIMIT, async () => {
    const slots = 3;
    const { intake, asked } = intakeOf(slots);
    let running = 0;
    let most = 0;
    let begun = 0;
    const work = async (place: Place): Promise<void> => {
      most = Math.max(most, ++running);
      begun++;
      await new Promise((resolve) => setTimeout(resolve, moment(3)));
      running--;
      // Its program is silent, and answers later.
      if (Math.random() < 0.3) {
        place.leave();
        await new Promise((resolve) => setTimeout(resolve, moment(5)));
        await place.claim();
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, moment(3)));
        running--;
      }
    };
    const parcels: Promise<void>[] = [];
    let come = 0;
    intake.ask();
    for (const count = rounds(5000, 500); parcels.length < count;) {
      if (asked.reduce((sum, count) => sum + count, 0) > come && Math.random() < 0.7) {
        come++;
        const place = intake.come();
        parcels.push((async () => {
          if (await place.take(moment(10))) await work(place);
          place.leave();
        })());
      } else {
        const place = intake.comeUnasked();
        if (place !== undefined) parcels.push(work(place).finally(() => place.leave()));
      }
      if (Math.random() < 0.2) await new Promise((resolve) => setTimeout(resolve, moment(12)));
    }
    await Promise.all(parcels);
    assertEquals(most, slots);
    assertGreater(begun, parcels.length / 2);
    // No slot is lost, and as many are asked for as at the beginning.
    assertEquals(asked.reduce((sum, count) => sum + count, 0) - come, slots + 1);
    const places = range(slots + 1).map(() => intake.come());
    assertEquals(await Promise.all(places.map((place) => place.take(0))), [true, true, true, false]);
  });
});

describe("programs that share agents", () => {
  for (const slots of [1, 2]) {
    it(`wait for a few of each other's tasks, where one never ends and sends ${slots} at a time`, LIMIT, async () => {
      const hub = new Hub();
      const { agent } = agentOver(hub, { slots });
      await using greedy = new HubPool(hub, undefined, { most: slots });
      await using modest = new HubPool(hub);
      const { file, lines } = notes();
      const single = -1;
      // Those that were begun with, that the agent was granted or had, and that were in the queue; a machine may be busy.
      const most = 8 * slots;
      for (const pool of [greedy, modest]) await pool.submit(targets.begin, file, -2, 0);
      let isOver = false;
      let done = 0;
      const endless = Promise.all(
        range(5 * slots).map(async () => {
          while (!isOver) done = Math.max(done, await greedy.submit(targets.begin, file, done + 1, 100));
        }),
      );
      try {
        await until(() => done > 2, "it is at work");
        for (let round = 0; round < 5; round++) {
          const before = lines().length;
          const future = modest.submit(targets.begin, file, single, 0);
          const since = (): string[] => lines().slice(before);
          await until(
            () => since().includes(String(single)) || since().length > most,
            "it was begun, or many others",
          );
          assertLessOrEqual(since().length, most, `it was overtaken in round ${round}`);
          assertEquals(await future, single);
          // And the other way round.
          const { length } = lines();
          await until(() => lines().length > length + slots, "others were begun");
        }
      } finally {
        isOver = true;
        await endless;
      }
      await agent.leave(0);
    });
  }

  it("have all slots while one of them stands still that has tasks in the queue", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 2 });
    await using still = new HubPool(hub);
    await using other = new HubPool(hub);
    const { file, lines } = notes();
    for (const pool of [still, other]) await pool.submit(targets.begin, file, -1, 0);
    const waiting = range(8).map((i) => still.submit(targets.begin, file, 100 + i, 100));
    await until(() => lines().includes("101"), "it has tasks here");
    still.engine.isFrozen = true;
    let done = 0;
    for (const i of range(6)) void other.submit(targets.begin, file, i, 10).then(() => done++);
    await until(() => done === 6, "the other's tasks are done");
    // Some of them at a time: two are begun before either ends.
    const pair = range(2).map((i) => other.submit(targets.begin, file, 10 + i, 300));
    await until(() => lines().includes("10") && lines().includes("11"), "both were begun");
    assertEquals(pair.map(({ state }) => state), ["running", "running"]);
    await Promise.all(pair);
    still.engine.isFrozen = false;
    assertEquals(await Promise.all(waiting), range(8).map((i) => 100 + i));
    const begun = lines().filter((line) => Number(line) >= 100);
    assertEquals(begun.sort(), range(8).map((i) => String(100 + i)));
    await agent.leave(0);
  });

  for (const way of ["was offered", "had in the queue"] as const) {
    it(`have all slots while one of them has not heard what came of what it ${way}`, LIMIT, async () => {
      const hub = new Hub();
      const { agent } = agentOver(hub, { slots: 2 });
      await using still = new HubPool(hub);
      await using other = new HubPool(hub);
      const { file, lines } = notes();
      const begun = (...ids: number[]): boolean => ids.every((id) => lines().includes(String(id)));
      for (const pool of [still, other]) {
        await pool.submit(targets.begin, file, -1, 0);
        // They take longer than a parcel waits for a slot.
        await Promise.all(range(4).map(() => pool.submit(targets.begin, file, -1, 60)));
      }
      // None that was refused counts any more.
      await passed(50);
      if (way === "had in the queue") {
        for (const i of range(2)) void other.submit(targets.begin, file, 200 + i, 150);
        await until(() => begun(200, 201), "all slots are taken");
      }
      const { puts } = hub;
      const unheard = range(2).map((i) => still.submit(targets.begin, file, 100 + i, 100));
      await until(() => begun(100, 101), "they were begun");
      assertEquals(hub.puts - puts, way === "was offered" ? 0 : 2);
      still.engine.isFrozen = true;
      await until(() => agent.info.running === 0, "they are over");
      let done = 0;
      for (const i of range(6)) void other.submit(targets.begin, file, i, 60).then(() => done++);
      await until(() => done === 6, "the other's tasks are done");
      assert(still.engine.isFrozen);
      still.engine.isFrozen = false;
      assertEquals(await Promise.all(unheard), [100, 101]);
      await agent.leave(0);
    });
  }
});

describe("tasks that await", () => {
  it("run beside one another in a worker with `concurrency`, also where they take long", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    await using pool = new HubPool(hub, { concurrency: 8 });
    const { file, lines } = notes();
    // It is known to take long.
    await pool.submit(targets.begin, file, -1, 200);
    const futures = range(8).map((i) => pool.submit(targets.begin, file, i, 500));
    await until(() => lines().length === 9, "all were begun");
    assertEquals(futures.map(({ state }) => state), range(8).map(() => "running"));
    assertEquals(await Promise.all(futures), range(8));
    const mapped = pool.map(targets.beginFor, range(8).map((i) => [file, i, 500] as const));
    await until(() => lines().length >= 9 + 8, "all were begun");
    assertEquals(pool.stats().completed, 9);
    assertEquals(await mapped, range(8));
    await agent.leave(0);
  });
});
