/** Reports of workers that come late, as the owner of a pool reads them. This thread plays the workers. */

import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { load, store } from "../../_internal/atomics.ts";
import { spaceOf } from "../../_internal/memory/space.ts";
import { Dispatcher } from "../../_internal/pool/dispatcher.ts";
import { Finished } from "../../_internal/pool/finished.ts";
import { GivingAway } from "../../_internal/pool/giving_away.ts";
import { MapJob } from "../../_internal/pool/map_job.ts";
import { BEGUN, finish, phaseOf, putNumberOutcome, READY, STATE, stateOf } from "../../_internal/pool/task.ts";
import { LIMIT, until } from "./_helpers.ts";
import { square } from "./_targets.ts";

/** An owner of two workers, which this thread plays, when it has read two outcomes that no worker has reported. */
async function readAhead() {
  const space = spaceOf("thread");
  const { words } = space;
  let gone = false;
  const handle = {
    identity: { worker: "Played" },
    record: 0,
    points: [],
    ending: () => gone ? { exitCode: 0, returned: true } : undefined,
    kill: () => {},
  };
  const options = { name: "Played", size: 2, least: 0, initializer: null, initargs: [], maxTasks: 0, maxMemory: 0 };
  const owner = new Dispatcher({ ...options, space, idle: 0, concurrency: 1, trace: undefined, start: () => handle });
  const { trays, posted } = owner;
  const how = { together: 0, killAfter: undefined, priority: 0, retries: 0, onProgress: undefined };
  const fn = owner.functions.addressOf(square);
  const job = new MapJob(fn, "square", [1, 2], false, how, "thread", new GivingAway([], true));
  owner.begin(job);
  await until(() => [...trays.live()].length === 2);
  const tasks = [...trays.live()].map((number) => trays.taskOf(number));
  for (const [i, task] of tasks.entries()) {
    const state = load(words, task + STATE);
    assertEquals(phaseOf(state), READY);
    store(words, task + STATE, stateOf(BEGUN, i + 1));
    putNumberOutcome(words, task, i);
    finish(space, task, i + 1);
  }
  // As more than one task is posted, the owner looks for outcomes that were not reported, and finds both.
  assertEquals(await job.promise, [0, 1]);
  assertEquals([trays.out, posted.runTimes.times.count], [0, 0]);
  const endWorkers = (): void => {
    gone = true;
  };
  return { owner, tasks, endWorkers };
}

/**
 * Reports a task, and waits until the owner counts so many. The owner has not ended its wait yet when it found the outcomes, so
 * that the first report wakes it. It does not wait for a second report.
 */
async function tell(owner: Dispatcher, task: number, count: number): Promise<void> {
  const finished = new Finished(owner.board);
  finished.add(task, 1);
  finished.tell(1, 1);
  await until(() => owner.posted.runTimes.times.count === count);
}

describe("the owner of a pool", () => {
  it("counts tasks that are reported when it has read all outcomes and waits for nothing", LIMIT, async () => {
    const { owner, tasks, endWorkers } = await readAhead();
    await tell(owner, tasks[0], 1);
    await tell(owner, tasks[1], 2);
    endWorkers();
    await new Promise<void>((resolve) => owner.close(resolve));
  });

  it("notices that workers have ended which had not reported such tasks", LIMIT, async () => {
    const { owner, tasks, endWorkers } = await readAhead();
    await tell(owner, tasks[0], 1);
    endWorkers();
    await until(() => owner.crew.workers.size === 0);
    assertEquals([...owner.trays.away()], []);
    await new Promise<void>((resolve) => owner.close(resolve));
  });
});
