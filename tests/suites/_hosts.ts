/**
 * Threads and processes that are kept between tests. Each runs one function after the other.
 *
 * A start costs at least a hundred milliseconds of processor time, and a suite runs hundreds of functions beside the tests. A
 * function that must end with its thread (a holder that returns without a release) needs a start of its own.
 */

import { describeTarget } from "../../_internal/targets/describe.ts";
import type { Event, Queue } from "@weft/concurrent/sync";
import { type Answer, type Job, serve } from "./_hosts_targets.ts";
import type { Classes, Runner } from "./_scope.ts";

/** Runs a function beside the tests. */
type Start = <A extends unknown[], R>(target: (...args: A) => R | Promise<R>, ...args: A) => Runner<R>;
type AnyFunction = (...args: unknown[]) => unknown;

/** One kept thread or process. */
interface Host {
  readonly runner: Runner<void>;
  readonly jobs: Queue<Job>;
  readonly answers: Queue<Answer>;
  /** Set while no function runs. */
  readonly done: Event;
}

/**
 * Makes a `run` whose functions run in hosts.
 *
 * @param start Starts a host when all others are busy, as a daemon: no test ends it.
 */
export function keepHosts(classes: Pick<Classes, "Queue" | "Event">, start: Start): Start {
  const idle: Host[] = [];

  function take(): Host {
    const kept = idle.pop();
    if (kept !== undefined) return kept;
    const jobs = new classes.Queue<Job>();
    const answers = new classes.Queue<Answer>();
    const done = new classes.Event();
    return { runner: start(serve, jobs, answers, done), jobs, answers, done };
  }

  return function startKept<A extends unknown[], R>(target: (...args: A) => R | Promise<R>, ...args: A): Runner<R> {
    const descriptor = describeTarget(target as AnyFunction, { what: "target" });
    const host = take();
    const { runner, done } = host;
    let killed = false;
    done.clear();
    host.jobs.putSync({ target: descriptor, args });
    const answer = host.answers.get().then((answer) => {
      if (!killed) idle.push(host);
      return answer;
    });
    // A killed host gives no answer but the reason. Other hosts are not awaited: that would keep the tests alive.
    const death = Promise.withResolvers<Answer>();
    const result = Promise.race([answer, death.promise]).then(({ value, error }) => {
      if (error !== undefined) throw error;
      return value as Awaited<R>;
    });
    // A test may leave the result unread.
    result.catch(() => {});

    function end(by: "kill" | "terminate"): void {
      if (killed) return runner[by]();
      killed = true;
      if (idle.includes(host)) idle.splice(idle.indexOf(host), 1);
      runner[by]();
      death.resolve(runner.result().then((): Answer => ({})));
      // For threads that joined before.
      void runner.join().then(() => done.set());
    }

    return {
      join: (options) => killed ? runner.join(options) : done.wait(options),
      joinSync: (options) => killed ? runner.joinSync(options) : done.waitSync(options),
      result: () => result,
      kill: () => end("kill"),
      terminate: () => end("terminate"),
      get isAlive() {
        return runner.isAlive && !done.isSet;
      },
      get pid() {
        return runner.pid;
      },
    };
  };
}
