/**
 * Threads and processes that are kept: each runs one function after the other.
 *
 * A start costs a hundred milliseconds of processor time and more, and a suite has hundreds of functions to run beside it. A
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
  /** Set while no function is under way. */
  readonly done: Event;
}

/** Makes a `start` that runs functions in hosts, each started by the `start` given when all others are busy. */
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
    const { module, name } = describeTarget(target as AnyFunction, { what: "target" }) as {
      module: string;
      name: string;
    };
    const host = take();
    const { runner, done } = host;
    let killed = false;
    done.clear();
    host.jobs.putSync({ module, name, args });
    const answer = host.answers.get().then((answer) => {
      if (!killed) idle.push(host);
      return answer;
    });
    // A killed host gives none, but the reason.
    const result = Promise.race([answer, runner.result().then((): Answer => ({}))]).then(({ value, error }) => {
      if (error !== undefined) throw error;
      return value as Awaited<R>;
    });
    // A test need not ask for it.
    result.catch(() => {});

    function end(by: "kill" | "terminate"): void {
      killed = true;
      if (idle.includes(host)) idle.splice(idle.indexOf(host), 1);
      runner[by]();
      // For those that joined before.
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
