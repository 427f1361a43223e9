/** What is offered, lost, told again and counted between a program and its agents: tasks are begun once, and none is lost for nothing. */

import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertRejects } from "@std/assert";
import { EngineError, WorkerLostError } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import type { Dispatcher } from "../../_internal/pool/dispatcher.ts";
import { NotListeningError } from "../../distributed/_engine.ts";
import { type Offer, TakenOffers } from "../../distributed/_offers_taken.ts";
import { Parcels, SentParcel } from "../../distributed/_parcels.ts";
import { fromBytes, PROTOCOL, type Refusal, type Report, toBytes } from "../../distributed/_wire.ts";
import { threadWorkers } from "../../threading/pool.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Hub } from "./_hub.ts";
import { notes } from "./_notes.ts";
import { agentOver, HubPool } from "./_over_hub.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 30_000 };
/** So many offers of a program are known again. */
const KNOWN = 1024;

type Ask = (to: string, bytes: Uint8Array, timeout: number) => Promise<Uint8Array>;

/** Puts a step between all questions and the hub. Returns what asks without it. */
function between(
  hub: Hub,
  step: (ask: Ask, to: string, bytes: Uint8Array, timeout: number) => Promise<Uint8Array>,
): Ask {
  const ask: Ask = hub.request.bind(hub);
  hub.request = (to, bytes, timeout) => step(ask, to, bytes, timeout);
  return ask;
}

/** Begins a task of each pool, so that the agents know its function and are made offers. */
async function prepare(...pools: HubPool[]): Promise<{ file: string; lines: () => string[] }> {
  const { file, lines } = notes();
  for (const pool of pools) await pool.submit(targets.begin, file, -1, 0);
  // One that has refused is made none for a moment.
  await passed(30);
  return { file, lines };
}

/** Where nothing listens counts only when a program has run for so long. */
async function settled(): Promise<void> {
  await until(() => performance.now() > 2200, "the program has run for a while");
}

async function passed(ms: number): Promise<void> {
  const since = performance.now();
  await until(() => performance.now() - since > ms, "that time has passed");
}

describe("what an agent knows of offers", () => {
  it("is the answer to each that comes again, whether it was taken or refused", LIMIT, () => {
    const offers = new TakenOffers();
    for (const isTaken of [true, false]) {
      const number = isTaken ? 1 : 2;
      let calls = 0;
      const take = (): boolean => {
        calls++;
        return isTaken;
      };
      for (let i = 0; i < 3; i++) assertEquals(offers.take("driver", number, take), isTaken);
      // It would be otherwise now.
      assertEquals(offers.take("driver", number, () => !isTaken), isTaken);
      assertEquals(calls, 1);
    }
  });

  it("is kept for the last 1,024 of a program, and none that is older is begun with", LIMIT, () => {
    const offers = new TakenOffers();
    const count = 10 * KNOWN;
    const never = (): boolean => {
      throw new Error("It was begun with");
    };
    // Every second one is lost on its way, and some overtake others.
    for (let number = 2; number <= count; number += 2) {
      const overtaken = number % 8 === 0 ? number + 4 : number % 8 === 4 ? number - 4 : number;
      offers.take("driver", overtaken, () => overtaken % 4 === 0);
      if (number > 2000) assertEquals(offers.take("driver", number - 1000, never), number % 4 === 0);
    }
    const highest = count + 4;
    for (let number = 1; number <= highest - KNOWN; number++) {
      assert([true, false].includes(offers.take("driver", number, never)));
    }
    for (let number = highest - KNOWN + 2; number <= count - 8; number += 2) {
      assertEquals(offers.take("driver", number, never), number % 4 === 0, String(number));
    }
    // One that was late, and not too late.
    let late = 0;
    for (let i = 0; i < 2; i++) assertEquals(offers.take("driver", highest - KNOWN + 1, () => ++late === 1), true);
    assertEquals(late, 1);
  });

  it("is of each program apart, and is not begun with where its program seemed to be gone meanwhile", LIMIT, () => {
    const offers = new TakenOffers();
    assertEquals(offers.take("one", 5000, () => true), true);
    assertEquals(offers.take("other", 1, () => false), false);
    offers.forget("one");
    // It may have been begun with: it is said to be taken, and is not there.
    assertEquals(offers.take("one", 5000, () => false), true);
    assertEquals(offers.take("one", 5001, () => false), false);
    assertEquals(offers.take("other", 1, () => true), false);
  });

  it("says nothing of one with which it could not begin", LIMIT, () => {
    const offers = new TakenOffers();
    const fail = (): boolean => {
      throw new RangeError("no room");
    };
    for (let i = 0; i < 2; i++) {
      try {
        offers.take("driver", 1, fail);
      } catch (error) {
        assert(error instanceof RangeError);
      }
    }
    assertEquals(offers.take("driver", 1, () => false), false);
  });
});

describe("an offer", () => {
  it("that was refused is not begun with when it comes again later", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    await using one = new HubPool(hub);
    await using other = new HubPool(hub);
    const { file, lines } = await prepare(one, other);
    const refused: Parameters<Ask>[] = [];
    const ask = between(hub, async (ask, to, bytes, timeout) => {
      const answer = await ask(to, bytes, timeout);
      if (to.endsWith(".offer") && answer[0] === 0) refused.push([to, bytes.slice(), timeout]);
      return answer;
    });
    const long = one.submit(targets.begin, file, 1, 200);
    await until(() => lines().includes("1"), "the slot is taken");
    assertEquals(await other.submit(targets.begin, file, 2, 0), 2);
    await long;
    assertEquals(refused.length, 1);
    // The agent would take another one.
    await passed(20);
    for (let i = 0; i < 20; i++) {
      assertEquals([...await ask(...refused[0])], [0]);
      await passed(2);
    }
    const { puts } = hub;
    for (let i = 3; i < 6; i++) assertEquals(await other.submit(targets.begin, file, i, 0), i);
    assertEquals(hub.puts, puts);
    assertEquals(lines(), ["-1", "-1", "1", "2", "3", "4", "5"]);
    await agent.leave(0);
  });

  it("that is older than the last 1,024 of its program is not begun with", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 2 });
    await using pool = new HubPool(hub, undefined, { lease: 20_000 });
    await using other = new HubPool(hub);
    const { file, lines } = await prepare(pool, other);
    const taken: Parameters<Ask>[] = [];
    const ask = between(hub, async (ask, to, bytes, timeout) => {
      const answer = await ask(to, bytes, timeout);
      if (to.endsWith(".offer") && answer[0] === 1) taken.push([to, bytes.slice(), timeout]);
      return answer;
    });
    await pool.submit(targets.begin, file, 1, 0);
    const [[to, bytes]] = taken;
    const { length } = lines();
    const offer = fromBytes<Offer>(bytes);
    const none = toBytes({ protocol: PROTOCOL - 1, driver: offer.driver });
    for (let i = 1; i <= 3 * KNOWN; i++) {
      const next: Offer = { ...offer, number: offer.number + i, nonce: String(i), parcel: none };
      assertEquals([...await ask(to, toBytes(next), 100)], [0]);
    }
    for (let i = 0; i < 20; i++) {
      await ask(to, bytes, 100);
      await passed(2);
    }
    await other.submit(targets.begin, file, -2, 0);
    assertEquals(lines().slice(length), ["-2"]);
    assertEquals(agent.info.running, 0);
    await agent.leave(0);
  });

  it("is not said to be taken where the agent cannot begin with it, and takes no slot then", LIMIT, async () => {
    const hub = new Hub();
    let workers!: Dispatcher;
    let isBroken = false;
    const own: typeof threadWorkers = (options) => {
      if (isBroken) throw new Error("no room for another pool");
      return workers = threadWorkers(options);
    };
    const { agent } = agentOver(hub, { slots: 1, own });
    await using pool = new HubPool(hub);
    const { file, lines } = await prepare(pool);
    let offers = 0;
    let taken = 0;
    between(hub, async (ask, to, bytes, timeout) => {
      if (!to.endsWith(".offer")) return await ask(to, bytes, timeout);
      offers++;
      const answer = await ask(to, bytes, timeout);
      taken += answer[0];
      return answer;
    });
    // Its workers cannot be started any more, and there is no room for another pool.
    workers.break(new Error("no more workers"));
    isBroken = true;
    const future = pool.submit(targets.begin, file, 1, 0);
    await until(() => offers > 0, "it was offered");
    assertEquals([taken, agent.info.running], [0, 0]);
    isBroken = false;
    assertEquals(await future, 1);
    for (let i = 2; i < 5; i++) assertEquals(await pool.submit(targets.begin, file, i, 0), i);
    // The only slot is there.
    assertEquals(lines(), ["-1", "1", "2", "3", "4"]);
    await agent.leave(0);
  });

  it("that an agent did not get as it is dead is not lost with it", LIMIT, async () => {
    const hub = new Hub();
    const dead = agentOver(hub, { slots: 8 });
    await using pool = new HubPool(hub);
    const { file, lines } = await prepare(pool);
    await settled();
    const lost = pool.submit(targets.begin, file, 1, 20_000);
    const loss = assertRejects(() => lost, WorkerLostError, "is gone");
    await until(() => lines().includes("1"), "it was begun");
    let absentSince = 0;
    let isOffered = false;
    let refuse!: () => void;
    const refusing = new Promise<void>((resolve) => refuse = resolve);
    between(hub, async (ask, to, bytes, timeout) => {
      const isHeld = to.endsWith(".held");
      if (!dead.engine.isClosed || !isHeld && !to.endsWith(".offer")) return await ask(to, bytes, timeout);
      if (isHeld) absentSince ||= performance.now();
      else isOffered = true;
      // What is asked while it is offered is heard when it was refused and is in the queue.
      if (isOffered) await refusing;
      if (isHeld && isOffered) await until(() => hub.queued > 0, "it is in the queue");
      throw new NotListeningError(to);
    });
    dead.engine.isClosed = true;
    await until(() => absentSince > 0, "it is missed");
    const future = pool.submit(targets.begin, file, 2, 0);
    await until(() => isOffered, "it is offered to the dead one");
    await until(() => performance.now() - absentSince > 700, "it has been missed for so long that it is gone");
    refuse();
    await loss;
    const { agent } = agentOver(hub, { slots: 2 });
    assertEquals(await future, 2);
    assertEquals(lines(), ["-1", "1", "2"]);
    await Promise.all([agent.leave(0), dead.agent.leave(0)]);
  });
});

describe("an agent", () => {
  for (const protocol of [PROTOCOL - 1, PROTOCOL + 1]) {
    it(`refuses a parcel of protocol ${protocol} by name, whatever else that has`, LIMIT, async () => {
      const hub = new Hub();
      const { agent } = agentOver(hub, { slots: 1 });
      const engine = hub.connect();
      const refusals: Refusal[] = [];
      engine.answer("driver.old.refuse", (bytes) => {
        refusals.push(fromBytes<Refusal>(bytes));
        return new Uint8Array([1]);
      });
      engine.answer("driver.old.ping", () => toBytes({ ids: [] }));
      hub.put("old", toBytes({ protocol, id: "old.1", driver: "old", inputs: [1], attempts: [1] }));
      await until(() => hub.queued === 0, "it is out of the queue");
      assertEquals(refusals.map(({ id, kind }) => [id, kind]), [["old.1", "protocol"]]);
      assertMatch(refusals[0].message, /^Cannot run task as agent agent-\d+ has another version.*: install the same$/);
      await agent.leave(0);
    });
  }

  it("hears again what it is to give up, where the message is lost that says so", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    await using pool = new HubPool(hub);
    const { file, lines } = await prepare(pool);
    const tell = hub.tell.bind(hub);
    let lost = 0;
    hub.tell = (to, bytes) => to.endsWith(".cancel") ? void lost++ : tell(to, bytes);
    for (const heeds of [true, false]) {
      const { length } = lines();
      const controller = new AbortController();
      const { signal } = controller;
      const run = pool.apply(targets.spin, [file, heeds], { signal, killAfter: heeds ? 20_000 : 100 });
      await until(() => lines().length > length, "it was begun");
      controller.abort();
      await assertRejects(() => run);
      if (heeds) await until(() => lines().includes("told"), "it was told");
      // The slot is there again, also where its worker was ended.
      assertEquals(await pool.submit(targets.square, 3), 9);
    }
    assertEquals(lost, 2);
    assertEquals(lines().filter((line) => line === "told").length, 1);
    await agent.leave(0);
  });

  it("ends what its program has given up while the engine was away for too long", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 2 });
    await using pool = new HubPool(hub, undefined, { engineTimeout: 300 });
    const { file, lines } = await prepare(pool);
    between(hub, async (ask, to, bytes, timeout) => {
      if (to.startsWith("driver.") && pool.engine.awaySince !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        throw new Error("silence");
      }
      return await ask(to, bytes, timeout);
    });
    const runs = [true, false].map((heeds) => pool.apply(targets.spin, [file, heeds]));
    await until(() => lines().length === 3, "both were begun");
    const back = pool.engine.cut(1000);
    for (const run of runs) await assertRejects(() => run, EngineError, "away for 300 ms");
    await back;
    assertEquals(agent.info.running, 2);
    await until(() => lines().includes("told"), "the task that listens was notified");
    await until(() => agent.info.running === 0, "both are over");
    // Both slots are there again.
    const { length } = lines();
    const controller = new AbortController();
    const { signal } = controller;
    const pair = Promise.allSettled([1, 2].map(() => pool.apply(targets.spin, [file, true], { signal })));
    await until(() => lines().length === length + 2, "both were begun");
    controller.abort();
    await pair;
    await until(() => lines().length === length + 4, "both are over");
    await agent.leave(0);
  });
});

describe("a program", () => {
  it("counts each task once, also refused tasks and tasks that came back", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    await using one = new HubPool(hub);
    await using other = new HubPool(hub);
    const { file, lines } = await prepare(one, other);
    let back = 0;
    let refused = 0;
    between(hub, async (ask, to, bytes, timeout) => {
      if (to.endsWith(".done")) {
        back += fromBytes<Report>(bytes).outcomes.filter(([, { kind }]) => kind === "back").length;
      }
      const answer = await ask(to, bytes, timeout);
      if (to.endsWith(".offer") && answer[0] === 0) refused++;
      return answer;
    });
    const long = one.submit(targets.begin, file, 1, 100);
    await until(() => lines().includes("1"), "the slot is taken");
    await other.submit(targets.begin, file, 2, 0);
    await long;
    assertGreater(refused, 0);
    for (let i = 0; i < 20; i++) await one.submit(targets.mostlyShort, file, i, false);
    await Promise.all(range(400).map((i) => one.submit(targets.mostlyShort, file, i, i === 0)));
    assertGreater(back, 0);
    for (const [pool, count] of [[one, 1 + 1 + 20 + 400], [other, 1 + 1]] as const) {
      const { completed, failed, waitTime, runTime } = pool.stats();
      assertEquals([completed, failed, waitTime.count, runTime.count], [count, 0, count, count]);
    }
    await agent.leave(0);
  });

  it("forgets that an agent was missed when nothing is asked of it any more", LIMIT, async () => {
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 1 });
    await using pool = new HubPool(hub);
    const { file } = await prepare(pool);
    await settled();
    let isAway = false;
    let missed = 0;
    between(hub, async (ask, to, bytes, timeout) => {
      if (!isAway || !to.endsWith(".held")) return await ask(to, bytes, timeout);
      // It is missed once, and then slow to answer.
      if (++missed > 1) return await new Promise(() => {});
      throw new NotListeningError(to);
    });
    for (const round of [1, 2]) {
      isAway = true;
      missed = 0;
      const future = pool.submit(targets.begin, file, round, 450);
      assertEquals(await future, round);
      assertGreater(missed, 0);
      isAway = false;
      // Longer than it has to be missed until it is gone.
      await passed(600);
    }
    assertEquals(pool.stats().failed, 0);
    await agent.leave(0);
  });

  it("sends a parcel, and takes what came of it, in as many steps however many there are", LIMIT, async () => {
    const count = 1000;
    const hub = new Hub();
    const { agent } = agentOver(hub, { slots: 16 });
    await using pool = new HubPool(hub, undefined, { window: count });
    await prepare(pool);
    let steps = 0;
    const isGranted = Object.getOwnPropertyDescriptor(SentParcel.prototype, "isGranted")!;
    const { [Symbol.iterator]: iterate } = Parcels.prototype;
    try {
      // A look at a parcel is a step.
      Object.defineProperty(SentParcel.prototype, "isGranted", {
        ...isGranted,
        get(this: SentParcel) {
          steps++;
          return isGranted.get!.call(this);
        },
      });
      Parcels.prototype[Symbol.iterator] = function* () {
        for (const parcel of { [Symbol.iterator]: () => iterate.call(this) }) {
          steps++;
          yield parcel;
        }
      };
      const squares = await pool.map(targets.square, range(count), { chunksize: 1 });
      assertEquals(squares, range(count).map((x) => x * x));
    } finally {
      Object.defineProperty(SentParcel.prototype, "isGranted", isGranted);
      Parcels.prototype[Symbol.iterator] = iterate;
    }
    assertGreater(hub.puts, count - 100);
    assertLess(steps / count, 100);
    await agent.leave(0);
  });
});
