/**
 * Storms: threads or processes work on shared objects. One after the other is killed at a random moment and replaced. At the
 * end everything is accounted for.
 */

import type { Runner, Scope } from "../suites/_scope.ts";
import type { Random } from "./_random.ts";
import * as work from "./targets.ts";
import { ABANDONED, AT_WORK, DEAD, FAULTS, NUMBERS, ROUNDS } from "./targets.ts";
import type { Connection } from "@weft/concurrent/multiprocessing";
import { spawn } from "node:child_process";

/** The parameters of a storm. */
export interface Weather {
  readonly scope: Scope;
  readonly random: Random;
  /** How many are killed. */
  readonly kills: number;
}

/** A storm. Returns what it counted, and throws if something is wrong. */
export type Storm = (weather: Weather) => Promise<string>;

/** The longest time that anything may take. What takes longer hangs. */
const LIMIT = 20_000;

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

interface Worker {
  readonly me: number;
  readonly runner: Runner<unknown>;
}

/** The threads or processes that are at work. */
class Crowd {
  readonly workers: (Worker | undefined)[] = [];
  readonly ledger: Int32Array;
  #next = 1;
  readonly weather: Weather;
  readonly start: (place: number, me: number) => Runner<unknown>;

  constructor(
    weather: Weather,
    words: { readonly array: unknown },
    start: (place: number, me: number) => Runner<unknown>,
  ) {
    this.weather = weather;
    this.start = start;
    this.ledger = words.array as Int32Array;
  }

  hire(place: number): void {
    const me = this.#next++;
    check(me < NUMBERS, "Cannot go on as there are no more numbers");
    this.workers[place] = { me, runner: this.start(place, me) };
  }

  /** Kills a worker, and waits until it has ended. */
  async kill(place: number): Promise<void> {
    const { random } = this.weather;
    const worker = this.workers[place]!;
    const { runner } = worker;
    // A thread that has ended before it was killed has finished its work, or has failed: then this throws.
    if (!runner.isAlive) await runner.result();
    Atomics.store(this.ledger, DEAD + worker.me, 1);
    const dice = random.next();
    if (dice < 0.15 && runner.pid !== undefined) {
      // Stopped for a while, perhaps while it holds a lock: the waiters wait, and nothing is taken from it.
      await stopForAWhile(runner.pid, random.below(30), random.chance(0.5) ? "CONT" : "KILL");
      runner.kill();
    } else if (dice > 0.4) {
      runner.kill();
    } else {
      runner.terminate();
    }
    check(await worker.runner.join({ timeout: LIMIT }), "a killed worker did not end");
    this.workers[place] = undefined;
  }

  /** Kills and replaces random workers, so many times. `after` is called after each death, before the replacement. */
  async storm(places: number[], after: (place: number) => Promise<void> = async () => {}): Promise<void> {
    const { random, kills } = this.weather;
    for (let i = 0; i < kills; i++) {
      const place = places[random.below(places.length)]!;
      // Some workers are killed while they start, most while they are at work.
      if (random.chance(0.9)) await this.#arrival(place);
      await pause(random.below(12));
      await this.kill(place);
      await after(place);
      this.hire(place);
    }
    // The workers that are at work now must go on.
    const before = Atomics.load(this.ledger, ROUNDS);
    const until = performance.now() + LIMIT;
    while (Atomics.load(this.ledger, ROUNDS) < before + 10 && this.workers.every((one) => one!.runner.isAlive)) {
      check(performance.now() < until, "workers that were not killed do not go on");
      await pause(2);
    }
  }

  /** Waits until a worker is at work. */
  async #arrival(place: number): Promise<void> {
    const { me, runner } = this.workers[place]!;
    const until = performance.now() + LIMIT;
    while (Atomics.load(this.ledger, AT_WORK + me) === 0 && runner.isAlive) {
      check(performance.now() < until, `worker ${me} does not begin`);
      await pause(1);
    }
  }

  /** Waits until all workers have ended, after they were asked to. */
  async end(): Promise<void> {
    for (const worker of this.workers) {
      if (worker === undefined) continue;
      check(await worker.runner.join({ timeout: LIMIT }), `worker ${worker.me} hangs`);
      await worker.runner.result();
    }
  }
}

/**
 * Stops a process for so many milliseconds. Another program ends that with the signal: this thread may meanwhile wait for
 * what the stopped process holds, such as the mutex of the allocator, and would never get to it.
 */
function stopForAWhile(pid: number, ms: number, signal: "CONT" | "KILL"): Promise<void> {
  // If the process has ended meanwhile, the first command fails, and that is all.
  const script = `kill -STOP ${pid} && { sleep ${ms / 1000}; kill -${signal} ${pid}; }`;
  const { promise, resolve } = Promise.withResolvers<void>();
  spawn("sh", ["-c", script], { stdio: "ignore" }).on("exit", () => resolve());
  return promise;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function summary(ledger: Int32Array): string {
  check(Atomics.load(ledger, FAULTS) === 0, `${Atomics.load(ledger, FAULTS)} faults`);
  return `${Atomics.load(ledger, ROUNDS)} rounds, ${Atomics.load(ledger, ABANDONED)} abandoned`;
}

const WORDS = AT_WORK + NUMBERS;
/** The most items of a producer. */
const PER = work.PER;

/** Locks of both kinds: there are never two threads inside, whichever dies. */
export const lockStorm = (kind: "Lock" | "RLock"): Storm => async (weather) => {
  const { scope } = weather;
  using lock = new scope[kind]();
  using stop = new scope.Event();
  using words = new scope.SharedArray("i32", WORDS);
  const crowd = new Crowd(weather, words, (_place, me) => scope.start(work.useLock, lock, words, stop, me));
  for (let place = 0; place < 4; place++) crowd.hire(place);
  await crowd.storm([0, 1, 2, 3]);
  const guard = await lock.acquire({ timeout: LIMIT });
  guard[Symbol.dispose]();
  stop.set();
  await crowd.end();
  return summary(crowd.ledger);
};

/** Readers and writers. */
export const rwLockStorm: Storm = async (weather) => {
  const { scope } = weather;
  using lock = new scope.RWLock();
  using stop = new scope.Event();
  using words = new scope.SharedArray("i32", WORDS);
  const crowd = new Crowd(weather, words, (_place, me) => scope.start(work.useRWLock, lock, words, stop, me));
  for (let place = 0; place < 4; place++) crowd.hire(place);
  await crowd.storm([0, 1, 2, 3]);
  const guard = await lock.write({ timeout: LIMIT });
  guard[Symbol.dispose]();
  stop.set();
  await crowd.end();
  return summary(crowd.ledger);
};

/** The permit of a dead worker is lost, and its starter puts it back. There are never more workers inside than permits. */
export const semaphoreStorm: Storm = async (weather) => {
  const { scope } = weather;
  const permits = 100;
  using semaphore = new scope.Semaphore(permits);
  using stop = new scope.Event();
  using words = new scope.SharedArray("i32", WORDS);
  const crowd = new Crowd(
    weather,
    words,
    (_place, me) => scope.start(work.usePermits, semaphore, words, stop, me, permits),
  );
  for (let place = 0; place < 4; place++) crowd.hire(place);
  await crowd.storm([0, 1, 2, 3]);
  stop.set();
  await crowd.end();
  const left = semaphore.value;
  check(left <= permits && left >= permits - weather.kills, `${left} permits are left of ${permits}`);
  return `${summary(crowd.ledger)}, ${permits - left} permits were lost with killed workers`;
};

/** Producers and consumers. The producers number their puts, so every item can be accounted for. */
export const queueStorm =
  (kind: "Queue" | "LifoQueue" | "PriorityQueue", maxsize: number, size: number): Storm => async (weather) => {
    const { scope } = weather;
    const numbers = weather.kills + 8;
    using queue = new scope[kind]<unknown>({ maxsize });
    using stop = new scope.Event();
    using words = new scope.SharedArray("i32", WORDS);
    using put = new scope.SharedArray("i32", numbers);
    using seen = new scope.SharedArray("u8", numbers * PER);
    let consumersKilled = 0;
    const crowd = new Crowd(
      weather,
      words,
      (place, me) =>
        place < 2
          ? scope.start(work.produce, queue, words, put, stop, me, size)
          : scope.start(work.consume, queue, words, seen, me),
    );
    for (let place = 0; place < 4; place++) crowd.hire(place);
    await crowd.storm([0, 1, 2, 3], (place) => {
      if (place >= 2) consumersKilled++;
      return Promise.resolve();
    });
    stop.set();
    for (const place of [0, 1]) {
      check(await crowd.workers[place]!.runner.join({ timeout: LIMIT }), "a producer hangs");
      await crowd.workers[place]!.runner.result();
    }
    queue.shutdown();
    for (const place of [2, 3]) {
      check(await crowd.workers[place]!.runner.join({ timeout: LIMIT }), "a consumer hangs");
      await crowd.workers[place]!.runner.result();
    }
    let delivered = 0;
    let missing = 0;
    const counts = seen.array as Uint8Array;
    const returned = put.array as Int32Array;
    for (let me = 0; me < numbers; me++) {
      // An item that was being put when its producer was killed is in the queue or is not.
      for (let n = 0; n <= returned[me]! && n < PER; n++) {
        const count = counts[me * PER + n]!;
        check(count <= 1, `item ${n} of producer ${me} was delivered ${count} times`);
        if (count === 1) delivered++;
        else if (n < returned[me]!) missing++;
      }
    }
    check(missing <= consumersKilled, `${missing} items are missing, and ${consumersKilled} consumers were killed`);
    return `${delivered} items delivered once, ${missing} went with ${consumersKilled} killed consumers`;
  };

/** Some threads give and some take. No thread waits for an item that is there. */
export const conditionStorm: Storm = async (weather) => {
  const { scope } = weather;
  using condition = new scope.Condition();
  using stop = new scope.Event();
  using words = new scope.SharedArray("i32", WORDS);
  const crowd = new Crowd(
    weather,
    words,
    (place, me) => scope.start(place < 2 ? work.give : work.take, condition, words, stop, me),
  );
  for (let place = 0; place < 4; place++) crowd.hire(place);
  await crowd.storm([0, 1, 2, 3]);
  const guard = await condition.acquire({ timeout: LIMIT });
  stop.set();
  condition.notifyAll();
  guard[Symbol.dispose]();
  await crowd.end();
  return summary(crowd.ledger);
};

/** A party that waits for a dead party gets an error, and can begin again after a reset. */
export const barrierStorm: Storm = async (weather) => {
  const { scope } = weather;
  using barrier = new scope.Barrier(3);
  using stop = new scope.Event();
  using words = new scope.SharedArray("i32", WORDS);
  const crowd = new Crowd(weather, words, (_place, me) => scope.start(work.meet, barrier, words, stop, me));
  for (let place = 0; place < 3; place++) crowd.hire(place);
  const mend = setInterval(() => {
    if (barrier.broken) barrier.reset();
  }, 5);
  try {
    await crowd.storm([0, 1, 2]);
  } finally {
    clearInterval(mend);
  }
  stop.set();
  barrier.abort();
  await crowd.end();
  return summary(crowd.ledger);
};

/** Messages arrive in order and without a gap, and then the end. */
export const pipeStorm = (pipe: () => [Connection<number>, Connection<number>]): Storm => async (weather) => {
  const { scope, random, kills } = weather;
  let received = 0;
  for (let i = 0; i < kills; i++) {
    using sent = new scope.SharedArray("i32", 1);
    const [here, there] = pipe();
    const runner = scope.start(work.send, there, sent, 0);
    there.close();
    const until = random.below(400);
    let next = 0;
    let killed = false;
    for (;;) {
      let message: number;
      try {
        message = random.chance(0.5) ? await here.recv({ timeout: LIMIT }) : here.recvSync({ timeout: LIMIT });
      } catch (error) {
        check((error as Error).name === "EOFError", `received ${error}`);
        break;
      }
      check(message === next, `received ${message} in place of ${next}`);
      next++;
      if (next > until && !killed) {
        killed = true;
        runner.kill();
      }
    }
    const returned = Atomics.load(sent.array as Int32Array, 0);
    check(next === returned || next === returned + 1, `received ${next} of ${returned} messages that were sent`);
    check(await runner.join({ timeout: LIMIT }), "a killed sender did not end");
    here.close();
    received += next;
  }
  return `${received} messages received in order`;
};
