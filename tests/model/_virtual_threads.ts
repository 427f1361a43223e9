/**
 * Threads that run one operation at a time, when the scheduler says so. Each has a stack of generators and an event loop; all
 * share one memory.
 *
 * @module
 */

import { CHEAPER, operationOf, OPERATIONS, PLAIN_STORE } from "./_transform.ts";

type Stoppable = Generator<unknown, unknown, unknown>;

/** Transformed modules test values for this class: such a value is a generator that has to be run. */
export const GENERATOR: { readonly prototype: object } = Object.assign(function () {}, {
  prototype: Object.getPrototypeOf((function* () {}).prototype),
});

const OP = Symbol("operation");
const AWAIT = Symbol("await");
const EXIT = Symbol("exit");
/** The first thing an async function yields. */
export const ASYNC: unique symbol = Symbol("async");

const [LOAD, STORE, EXCHANGE, COMPARE_EXCHANGE, ADD, AND, OR, WAIT, NOTIFY, WHEN_CHANGED] = OPERATIONS.keys();
const STEP = 10;
const ALIVE = 11;
const NOW = 12;
const WAKE = 13;
const START = 14;
const OTHER = 15;
/** What operations on pairs of words do to a pair, as the engine does it: with wrapping. */
const WIDE = {
  loadWide: (old: bigint): bigint => old,
  storeWide: (_old: bigint, value: bigint): bigint => value,
  exchangeWide: (_old: bigint, value: bigint): bigint => value,
  compareExchangeWide: (old: bigint, expected: bigint, value: bigint): bigint =>
    old === BigInt.asIntN(64, expected) ? value : old,
  addWide: (old: bigint, value: bigint): bigint => BigInt.asIntN(64, old + value),
  andWide: (old: bigint, value: bigint): bigint => old & value,
  orWide: (old: bigint, value: bigint): bigint => old | value,
  xorWide: (old: bigint, value: bigint): bigint => old ^ value,
};

/** Names of the kinds of steps. */
export const KINDS: readonly string[] = [
  ...OPERATIONS,
  "step",
  "alive",
  "now",
  "wake",
  "start",
  "other",
  "plain store",
];

/** The states of a thread between two steps. */
export const RUNNABLE = 0;
export const BLOCKED = 1;
export const IDLE = 2;
export const DEAD = 3;

/** The lengths of the slices in which the library sleeps. */
const SLICES = new Set([200, 20]);
/** Sleeps of at most so many milliseconds count as polling. They end when the word changes. */
const POLLS = 5;

/** A failure: something that must not happen. */
export class Failure extends Error {
  override name = "Failure";
}

interface Frame {
  readonly promise: ModelPromise;
  /** It has awaited something, and its caller has the promise. */
  detached: boolean;
}

/** The context of an async function: the innermost `AsyncLocalStorage.run` and those around it. */
interface Context {
  readonly store: object;
  readonly value: unknown;
  readonly outer: Context | undefined;
}

type Job =
  & { context?: Context }
  & (
    | { kind: "start"; run: () => unknown }
    | { kind: "call"; run: (argument: unknown) => unknown; argument: unknown; result: ModelPromise | undefined }
    | { kind: "resume"; generator: Stoppable; frame: Frame; value: unknown; failed: boolean }
  );

interface Timer {
  readonly id: number;
  readonly run: () => unknown;
  readonly ms: number;
  readonly repeats: boolean;
  readonly slice: boolean;
  readonly context: Context | undefined;
}

interface Waiter {
  readonly at: number;
  readonly thread: VirtualThread;
  /** Of a `whenChanged`. */
  readonly promise: ModelPromise | undefined;
  readonly polls: boolean;
}

/** One thread. */
export class VirtualThread {
  state = IDLE;
  readonly stack: Stoppable[] = [];
  readonly frames: (Frame | undefined)[] = [];
  job: Job | undefined;
  readonly jobs: Job[] = [];
  /** Promises of `whenChanged` that were notified and have not settled yet. */
  readonly rung: Waiter[] = [];
  readonly timers: Timer[] = [];
  readonly signals: ModelAbortSignal[] = [];
  clock = 1_000;
  finished = false;
  /** How many slices passed for it while no thread could run. */
  idleSlices = 0;
  context: Context | undefined;
  // The operation that comes next.
  kind = START;
  site = -1;
  words: Int32Array | undefined;
  a = 0;
  b = 0;
  c = 0;
  call: (() => unknown) | undefined;
  // A hash of what happened to it so far: a thread's state is a function of what its operations returned.
  h1: number;
  h2: number;
  readonly index: number;

  constructor(index: number) {
    this.index = index;
    this.h1 = Math.imul(index + 1, 0x9e3779b1);
    this.h2 = Math.imul(index + 1, 0x85ebca6b);
  }
}

/** A promise whose jobs run in the thread that made it. */
export class ModelPromise {
  state: "pending" | "fulfilled" | "rejected" = "pending";
  value: unknown;
  #reactions: ((failed: boolean, value: unknown) => void)[] = [];
  readonly #thread: VirtualThread;

  constructor(executor?: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => unknown) {
    this.#thread = machine.current;
    if (executor !== undefined) {
      try {
        machine.sync(executor((value) => this.resolve(value), (error) => this.settle("rejected", error)));
      } catch (error) {
        this.settle("rejected", error);
      }
    }
  }

  resolve(value: unknown): void {
    if (value instanceof ModelPromise) {
      this.#thread.jobs.push({
        kind: "call",
        run: () => value.react((failed, result) => this.settle(failed ? "rejected" : "fulfilled", result)),
        argument: undefined,
        result: undefined,
      });
    } else {
      this.settle("fulfilled", value);
    }
  }

  settle(state: "fulfilled" | "rejected", value: unknown): void {
    if (this.state !== "pending") return;
    this.state = state;
    this.value = value;
    const failed = state === "rejected";
    for (const reaction of this.#reactions) this.#later(reaction, failed, value);
    this.#reactions = [];
  }

  /** Calls `reaction` in a microtask. */
  react(reaction: (failed: boolean, value: unknown) => void): void {
    if (this.state === "pending") this.#reactions.push(reaction);
    else this.#later(reaction, this.state === "rejected", this.value);
  }

  #later(reaction: (failed: boolean, value: unknown) => void, failed: boolean, value: unknown): void {
    // Resuming and calling need the thread's whole stack, so they are jobs and not calls.
    reaction(failed, value);
  }

  then(onFulfilled?: (value: unknown) => unknown, onRejected?: (error: unknown) => unknown): ModelPromise {
    const result = new ModelPromise();
    const thread = this.#thread;
    const { context } = machine.current;
    this.react((failed, value) => {
      const handler = failed ? onRejected : onFulfilled;
      const run = handler ?? (failed
        ? (error: unknown): never => {
          throw error;
        }
        : (same: unknown): unknown => same);
      thread.jobs.push({ kind: "call", run, argument: value, result, context });
    });
    return result;
  }

  catch(onRejected: (error: unknown) => unknown): ModelPromise {
    return this.then(undefined, onRejected);
  }

  finally(run: () => unknown): ModelPromise {
    return this.then((value) => (run(), value), (error) => {
      run();
      throw error;
    });
  }

  static resolve(value?: unknown): ModelPromise {
    if (value instanceof ModelPromise) return value;
    const promise = new ModelPromise();
    promise.resolve(value);
    return promise;
  }

  static reject(error: unknown): ModelPromise {
    const promise = new ModelPromise();
    promise.settle("rejected", error);
    return promise;
  }

  static withResolvers(): {
    promise: ModelPromise;
    resolve: (value?: unknown) => void;
    reject: (error: unknown) => void;
  } {
    const promise = new ModelPromise();
    return {
      promise,
      resolve: (value) => promise.resolve(value),
      reject: (error) => promise.settle("rejected", error),
    };
  }

  static all(values: Iterable<unknown>): ModelPromise {
    const result = new ModelPromise();
    const results: unknown[] = [];
    let left = 0;
    for (const value of values) {
      const index = left++;
      ModelPromise.resolve(value).then((settled) => {
        results[index] = settled;
        if (--left === 0) result.resolve(results);
      }, (error) => result.settle("rejected", error));
    }
    if (left === 0) result.resolve(results);
    return result;
  }

  static race(values: Iterable<unknown>): ModelPromise {
    const result = new ModelPromise();
    for (const value of values) {
      ModelPromise.resolve(value).then(
        (settled) => result.resolve(settled),
        (error) => result.settle("rejected", error),
      );
    }
    return result;
  }
}

/** A signal that the scheduler aborts. */
export class ModelAbortSignal {
  aborted = false;
  reason: unknown;
  readonly listeners: (() => unknown)[] = [];

  addEventListener(_type: string, listener: () => unknown): void {
    this.listeners.push(listener);
  }

  removeEventListener(_type: string, listener: () => unknown): void {
    const at = this.listeners.indexOf(listener);
    if (at >= 0) this.listeners.splice(at, 1);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

/** What an aborted wait rejects with. */
export class Aborted extends Error {
  override name = "Aborted";
}

/** One line of a printed interleaving. */
export interface TraceLine {
  readonly thread: number;
  readonly text: string;
  readonly site: number;
}

function mix(h: number, value: number): number {
  h = Math.imul(h ^ value, 0x9e3779b1);
  return h ^ (h >>> 15);
}

/** All threads of an execution, and the memory. */
export class Machine {
  /** The thread that runs. Before the threads start and after they end, a stand-in. */
  current: VirtualThread = SETUP;
  threads: VirtualThread[] = [];
  waiters: Waiter[] = [];
  /** Hash of the memory. */
  m1 = 0;
  m2 = 0;
  /** Hash of the notes. */
  e1 = 0;
  e2 = 0;
  steps = 0;
  deaths = 0;
  trace: TraceLine[] | undefined;
  #timerIds = 0;
  /** How many waiters are polling. */
  #polling = 0;
  /** Words whose operations are not steps: no other thread changes them. */
  quietFrom = 0;
  quietTo = 0;
  /** Whether deaths and passing time are possible in this model. */
  mortal = false;
  timed = false;
  nameOf: (at: number) => string = String;

  /** Begins an execution. */
  reset(count: number): void {
    this.threads = [];
    for (let index = 0; index < count; index++) this.threads.push(new VirtualThread(index));
    this.waiters = [];
    this.#polling = 0;
    this.m1 =
      this.m2 =
      this.e1 =
      this.e2 =
      this.steps =
      this.deaths =
        0;
    this.current = SETUP;
  }

  /** The first thing a thread does. */
  start(thread: VirtualThread, run: () => unknown): void {
    thread.state = RUNNABLE;
    thread.kind = START;
    thread.job = { kind: "start", run };
  }

  note(value: number): void {
    this.e1 = mix(this.e1 + 1, value);
    this.e2 = mix(this.e2 ^ 0x5bd1e995, value + 7);
  }

  // What sets up and ends a model is not among the threads.
  say(thread: VirtualThread | undefined, text: string, site = -1): void {
    this.trace?.push({ thread: (thread ?? this.current).index, text, site });
  }

  // ---- Called by transformed code

  op(kind: number, site: number, words: Int32Array, a: number, b: number, c: number): symbol {
    const thread = this.current;
    thread.kind = kind;
    thread.site = site;
    thread.words = words;
    thread.a = a;
    thread.b = b;
    thread.c = c;
    return OP;
  }

  now(kind: number, site: number, words: Int32Array, a: number, b: number, c: number): unknown {
    const thread = this.current;
    thread.kind = kind;
    thread.site = site;
    thread.words = words;
    thread.a = a;
    thread.b = b;
    thread.c = c;
    const value = this.execute(thread);
    if (thread.state === BLOCKED) {
      throw new Failure("a constructor, accessor or callback of a built-in function blocked");
    }
    return value;
  }

  /** An operation on a pair of words. */
  *wide(name: keyof typeof WIDE, pairs: BigInt64Array, index: number, b: bigint, c: bigint): Stoppable {
    const thread = this.current;
    thread.kind = OTHER;
    thread.site = -1;
    thread.call = () => {
      const old = pairs[index];
      const now = pairs[index] = WIDE[name](old, b, c);
      this.#changed(2 * index, Number(BigInt.asIntN(32, old)), Number(BigInt.asIntN(32, now)));
      this.#changed(2 * index + 1, Number(BigInt.asIntN(32, old >> 32n)), Number(BigInt.asIntN(32, now >> 32n)));
      if (this.trace !== undefined) {
        const change = now === old ? `${old}` : `${old} -> ${now}`;
        this.say(thread, `${name} ${this.nameOf(2 * index)}: ${change}`);
      }
      return name === "storeWide" ? undefined : old;
    };
    return yield OP;
  }

  *step(): Stoppable {
    const thread = this.current;
    thread.kind = STEP;
    thread.site = -1;
    return yield OP;
  }

  isAlive(index: number): unknown {
    return this.mortal && this.current !== SETUP
      ? this.#alive(index)
      : index >= 0
      ? this.threads[index]?.state !== DEAD
      : true;
  }

  *#alive(index: number): Stoppable {
    const thread = this.current;
    thread.kind = ALIVE;
    thread.site = -1;
    thread.a = index;
    return yield OP;
  }

  clock(): unknown {
    const thread = this.current;
    return this.timed && thread !== SETUP ? this.#clock() : thread.clock;
  }

  *#clock(): Stoppable {
    const thread = this.current;
    thread.kind = NOW;
    thread.site = -1;
    return yield OP;
  }

  *exit(): Stoppable {
    return yield EXIT;
  }

  await(value: unknown): symbol {
    this.#awaited = value;
    return AWAIT;
  }
  #awaited: unknown;

  *newPromise(executor: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => unknown): Stoppable {
    const promise = new ModelPromise();
    try {
      const running = executor((value) => promise.resolve(value), (error) => promise.settle("rejected", error));
      if (running instanceof (GENERATOR as never)) yield running;
    } catch (error) {
      promise.settle("rejected", error);
    }
    return promise;
  }

  /** Runs code that cannot be stopped. */
  sync(value: unknown): unknown {
    if (!(value instanceof (GENERATOR as never))) return value;
    const generator = value as Stoppable;
    let result = generator.next();
    while (!result.done) {
      const yielded = result.value;
      let sent: unknown;
      if (yielded === OP) {
        const thread = this.current;
        sent = this.execute(thread);
        if (thread.state === BLOCKED) {
          throw new Failure("a constructor, accessor or callback of a built-in function blocked");
        }
      } else if (typeof yielded === "symbol") {
        throw new Failure(`a constructor, accessor or callback of a built-in function did ${String(yielded)}`);
      } else {
        sent = this.sync(yielded);
      }
      result = generator.next(sent);
    }
    return result.value;
  }

  setTimer(run: () => unknown, ms: number, repeats: boolean): number {
    const id = ++this.#timerIds;
    const { timers, context } = this.current;
    timers.push({ id, run, ms, repeats, slice: SLICES.has(ms), context });
    return id;
  }

  clearTimer(id: number | undefined): void {
    const timers = this.current.timers;
    const at = timers.findIndex((timer) => timer.id === id);
    if (at >= 0) timers.splice(at, 1);
  }

  later(run: () => unknown): void {
    const { jobs, context } = this.current;
    jobs.push({ kind: "call", run, argument: undefined, result: undefined, context });
  }

  /** An `AsyncLocalStorage`. */
  createContext(): object {
    // deno-lint-ignore no-this-alias
    const machine = this;
    const store = {
      *run(value: unknown, action: () => unknown): Stoppable {
        const thread = machine.current;
        const outer = thread.context;
        thread.context = { store, value, outer };
        try {
          const result = action();
          return result instanceof (GENERATOR as never) ? yield result : result;
        } finally {
          thread.context = outer;
        }
      },
      getStore(): unknown {
        for (let context = machine.current.context; context !== undefined; context = context.outer) {
          if (context.store === store) return context.value;
        }
      },
    };
    return store;
  }

  // ---- Called by the scheduler

  /** Performs the thread's next operation, and runs on to the one after it. */
  step1(thread: VirtualThread): void {
    this.steps++;
    this.current = thread;
    if (thread.kind === START) {
      this.say(thread, "starts");
      const job = thread.job as { run: () => unknown };
      thread.job = undefined;
      thread.jobs.push({ kind: "start", run: job.run });
      this.#run(thread, undefined, false, false);
    } else {
      const value = this.execute(thread);
      if (thread.state === BLOCKED) return;
      this.#run(thread, value, false, true);
    }
  }

  /** Runs a callback of the event loop. */
  callback(thread: VirtualThread, what: string, run: (argument: unknown) => unknown, context?: Context): void {
    this.steps++;
    this.current = thread;
    this.say(thread, what);
    thread.jobs.push({ kind: "call", run, argument: undefined, result: undefined, context });
    this.#run(thread, undefined, false, false);
  }

  /** The event loop learns that a `whenChanged` was notified. */
  ring(thread: VirtualThread, at: number): void {
    const waiter = thread.rung.splice(at, 1)[0];
    this.#hear(thread, 3 + waiter.at);
    this.callback(thread, `event loop: ${this.nameOf(waiter.at)} was notified`, () => waiter.promise!.resolve("ok"));
  }

  /** A timer of the event loop fires. */
  fire(thread: VirtualThread, at: number): void {
    const timer = thread.timers[at];
    if (!timer.repeats) thread.timers.splice(at, 1);
    thread.clock += timer.ms;
    this.#hear(thread, 5 + at);
    this.callback(thread, `event loop: timer of ${timer.ms} ms`, timer.run, timer.context);
  }

  /** A signal is aborted. */
  abort(thread: VirtualThread, signal: ModelAbortSignal): void {
    signal.aborted = true;
    signal.reason = new Aborted("aborted");
    this.#hear(thread, 4);
    this.steps++;
    this.current = thread;
    this.say(thread, "event loop: signal is aborted");
    for (const listener of signal.listeners.splice(0)) {
      thread.jobs.push({ kind: "call", run: listener, argument: undefined, result: undefined });
    }
    this.#run(thread, undefined, false, false);
  }

  /** A sleep ends without a notification. */
  wakeUp(thread: VirtualThread, ms: number, why: string): void {
    const [waiter] = this.waiters.splice(
      this.waiters.findIndex((waiter) => waiter.thread === thread && waiter.promise === undefined),
      1,
    );
    if (waiter.polls) this.#polling--;
    thread.clock += ms;
    thread.state = RUNNABLE;
    thread.kind = WAKE;
    this.#hear(thread, 1 + ms);
    this.say(thread, why);
  }

  /** Time passes between two operations of a thread. */
  pass(thread: VirtualThread, ms: number): void {
    thread.clock += ms;
    this.#hear(thread, 2);
    this.say(thread, `${ms} ms pass`);
    this.step1(thread);
  }

  /** A thread can run no more code. */
  kill(thread: VirtualThread, why: string): void {
    if (thread.state === DEAD) return;
    thread.state = DEAD;
    thread.finished = true;
    this.deaths++;
    this.waiters = this.waiters.filter((waiter) => waiter.thread !== thread);
    this.#polling = this.waiters.filter((waiter) => waiter.polls).length;
    // They also check whether the thread lives.
    if (this.#polling > 0) this.#wakePolls(() => true);
    this.say(thread, why);
  }

  #hear(thread: VirtualThread, what: number): void {
    thread.h1 = mix(thread.h1 + 3, what);
    thread.h2 = mix(thread.h2 ^ 0x27d4eb2d, what);
  }

  execute(thread: VirtualThread): unknown {
    const { kind, a, b, c } = thread;
    let value = 0;
    if (kind <= OR) {
      const words = thread.words!;
      if (a < 0 || a >= words.length) throw new Failure(`operation outside of the memory: ${KINDS[kind]} at ${a}`);
      const old = words[a];
      value = old;
      switch (kind) {
        case STORE:
          words[a] = b;
          value = b;
          break;
        case EXCHANGE:
          words[a] = b;
          break;
        case COMPARE_EXCHANGE:
          if (old === (b | 0)) words[a] = c;
          break;
        case ADD:
          words[a] = old + b;
          break;
        case AND:
          words[a] = old & b;
          break;
        case OR:
          words[a] = old | b;
          break;
      }
      const after = words[a];
      this.#changed(a, old, after);
      if (this.trace !== undefined) this.say(thread, describe(kind, this.nameOf(a), old, after, b, c), thread.site);
      if (kind === STORE) value = 0;
    } else {
      switch (kind) {
        case WAIT:
          if (thread.words![a] === (b | 0)) {
            this.waiters.push({ at: a, thread, promise: undefined, polls: c <= POLLS });
            if (c <= POLLS) this.#polling++;
            thread.state = BLOCKED;
            if (this.trace !== undefined) {
              this.say(thread, `wait ${this.nameOf(a)} while ${show(b)}: sleeps`, thread.site);
            }
          } else if (this.trace !== undefined) {
            this.say(thread, `wait ${this.nameOf(a)} while ${show(b)}: it is ${show(thread.words![a])}`, thread.site);
          }
          break;
        case NOTIFY:
          value = this.#notify(a, b);
          if (this.trace !== undefined) {
            this.say(thread, `notify ${this.nameOf(a)}, ${b > 9999 ? "all" : b}: ${value} woken`, thread.site);
          }
          break;
        case WHEN_CHANGED: {
          const same = thread.words![a] === (b | 0);
          if (this.trace !== undefined) {
            this.say(thread, `whenChanged ${this.nameOf(a)} while ${show(b)}${same ? "" : ": it is not"}`, thread.site);
          }
          this.#hear(thread, same ? 1 : 0);
          if (!same) return undefined;
          const promise = new ModelPromise();
          this.waiters.push({ at: a, thread, promise, polls: false });
          return promise;
        }
        case ALIVE:
          value = this.threads[a]?.state === DEAD ? 0 : 1;
          if (this.trace !== undefined) {
            this.say(thread, `is ${a < 0 ? "main" : `T${a}`} alive: ${value === 1 ? "yes" : "no"}`);
          }
          this.#hear(thread, value);
          return value === 1;
        case PLAIN_STORE: {
          const words = thread.words!;
          const old = words[a];
          words[a] = b;
          this.#changed(a, old, words[a]);
          // Otherwise the thread would seem to be where it was before, and what follows to be known already.
          if (words[a] === old) this.#hear(thread, a);
          if (this.trace !== undefined) this.say(thread, `${this.nameOf(a)} = ${show(b)}`, thread.site);
          return b;
        }
        case NOW:
          return thread.clock;
        case OTHER: {
          const result = thread.call!() as bigint | undefined;
          this.#hear(thread, Number(BigInt.asIntN(32, result ?? 0n)));
          this.#hear(thread, Number(BigInt.asIntN(32, (result ?? 0n) >> 32n)));
          return result;
        }
        default:
          return undefined;
      }
    }
    thread.h1 = mix(thread.h1 + 1, value);
    thread.h2 = mix(thread.h2 ^ 0x165667b1, value);
    return kind === STORE || kind === WAIT ? undefined : value;
  }

  #changed(at: number, old: number, now: number): void {
    if (now === old) return;
    if (this.#polling > 0) this.#wakePolls((waiter) => waiter.at === at);
    const k1 = Math.imul(at + 1, 0x2545f491);
    const k2 = Math.imul(at + 1, 0x6c8e9cf5);
    this.m1 ^= mix(k1, old) ^ mix(k1, now);
    this.m2 ^= mix(k2, old) ^ mix(k2, now);
  }

  #wakePolls(sees: (waiter: Waiter) => boolean): void {
    for (const waiter of this.waiters.filter((waiter) => waiter.polls && sees(waiter))) {
      this.waiters.splice(this.waiters.indexOf(waiter), 1);
      this.#polling--;
      waiter.thread.state = RUNNABLE;
      waiter.thread.kind = WAKE;
    }
  }

  /** A plain load: not a step, since no other thread may change the word meanwhile, but part of what the thread knows. */
  read(words: Int32Array, at: number): number {
    const value = words[at];
    this.#hear(this.current, value);
    return value;
  }

  /** `words.fill(…)`. */
  fill(words: Int32Array, value: number, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      this.#changed(at, words[at], value);
      words[at] = value;
    }
  }

  #notify(at: number, count: number): number {
    let woken = 0;
    for (let i = 0; i < this.waiters.length && woken < count;) {
      const waiter = this.waiters[i];
      if (waiter.at !== at) {
        i++;
        continue;
      }
      this.waiters.splice(i, 1);
      if (waiter.polls) this.#polling--;
      woken++;
      if (waiter.promise === undefined) {
        waiter.thread.state = RUNNABLE;
        waiter.thread.kind = WAKE;
      } else {
        waiter.thread.rung.push(waiter);
      }
    }
    return woken;
  }

  #run(thread: VirtualThread, value: unknown, failed: boolean, resumed: boolean): void {
    const { stack, frames } = thread;
    // Whether `value` goes into the top of the stack; otherwise the next job begins.
    let running = resumed;
    for (;;) {
      if (stack.length === 0) {
        if (running) this.#endJob(thread, value, failed);
        running = false;
        const job = thread.jobs.shift();
        if (job === undefined) {
          thread.state = IDLE;
          return;
        }
        thread.job = job;
        thread.context = job.context;
        failed = false;
        running = true;
        if (job.kind === "resume") {
          stack.push(job.generator);
          frames.push(job.frame);
          value = job.value;
          failed = job.failed;
        } else {
          try {
            value = job.kind === "call" ? job.run(job.argument) : job.run();
          } catch (error) {
            value = error;
            failed = true;
          }
          if (!failed && value instanceof (GENERATOR as never)) {
            stack.push(value as Stoppable);
            frames.push(undefined);
            value = undefined;
          }
        }
        continue;
      }
      const top = stack.length - 1;
      const generator = stack[top];
      let result: IteratorResult<unknown, unknown>;
      try {
        result = failed ? generator.throw(value) : generator.next(value);
        failed = false;
      } catch (error) {
        stack.pop();
        const frame = frames.pop();
        if (frame === undefined || error instanceof Failure) {
          value = error;
          failed = true;
        } else {
          frame.promise.settle("rejected", error);
          value = frame.promise;
          failed = false;
        }
        continue;
      }
      value = result.value;
      if (result.done) {
        stack.pop();
        const frame = frames.pop();
        if (frame !== undefined) {
          frame.promise.resolve(value);
          value = frame.promise;
        }
      } else if (value === OP) {
        if (thread.kind <= OR && thread.a >= this.quietFrom && thread.a < this.quietTo) {
          value = this.execute(thread);
          continue;
        }
        // Only a death can come before a plain store: no other thread may look at the word.
        if (thread.kind === PLAIN_STORE && !this.mortal) {
          value = this.execute(thread);
          continue;
        }
        thread.state = RUNNABLE;
        return;
      } else if (value === ASYNC) {
        frames[top] = { promise: new ModelPromise(), detached: false };
        value = undefined;
      } else if (value === AWAIT) {
        stack.pop();
        const frame = frames.pop();
        if (frame === undefined) throw new Error("await outside of an async function");
        const promise = ModelPromise.resolve(this.#awaited);
        const { context } = thread;
        promise.react((failed, value) =>
          thread.jobs.push({ kind: "resume", generator, frame, value, failed, context })
        );
        value = frame.promise;
        frame.detached = true;
      } else if (value === EXIT) {
        stack.length = 0;
        frames.length = 0;
        this.kill(thread, "exits");
        // A thread that ends normally leaves nothing that only a slice would find.
        this.deaths--;
        return;
      } else if (value instanceof (GENERATOR as never)) {
        stack.push(value as Stoppable);
        frames.push(undefined);
        value = undefined;
      }
    }
  }

  #endJob(thread: VirtualThread, value: unknown, failed: boolean): void {
    const job = thread.job;
    if (job === undefined) return;
    thread.job = undefined;
    if (failed && value instanceof Failure) throw value;
    if (job.kind === "start") {
      if (failed) throw uncaught(thread, value);
      if (value instanceof ModelPromise) {
        value.react((failed, result) => {
          if (failed) this.fail(result instanceof Failure ? result : uncaught(thread, result));
          thread.finished = true;
          this.say(thread, "has finished");
        });
      } else {
        thread.finished = true;
        this.say(thread, "has finished");
      }
    } else if (job.kind === "call") {
      if (job.result === undefined) {
        if (failed) throw uncaught(thread, value);
      } else if (failed) {
        job.result.settle("rejected", value);
      } else {
        job.result.resolve(value);
      }
    }
  }

  /** A failure that was noticed where no code can catch it. */
  failure: Failure | undefined;

  fail(failure: Failure): void {
    this.failure ??= failure;
  }
}

function uncaught(thread: VirtualThread, error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(
    `T${thread.index} threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
    {
      cause: error,
    },
  );
}

function describe(kind: number, name: string, old: number, after: number, b: number, c: number): string {
  switch (kind) {
    case LOAD:
      return `load ${name}: ${show(old)}`;
    case STORE:
      return `store ${name} = ${show(after)} (was ${show(old)})`;
    case COMPARE_EXCHANGE:
      return old === (b | 0)
        ? `compareExchange ${name} ${show(b)} -> ${show(c)}`
        : `compareExchange ${name} ${show(b)} -> ${show(c)} fails: it is ${show(old)}`;
    default:
      return `${KINDS[kind]} ${name}, ${show(b)}: ${show(old)} -> ${show(after)}`;
  }
}

/** A word: small numbers as they are, others in hexadecimal. */
function show(value: number): string {
  return value >= -9 && value <= 9 ? String(value) : `0x${(value >>> 0).toString(16)}`;
}

/** What runs before there are threads. */
export const SETUP: VirtualThread = new VirtualThread(-1);

/** The machine of this program: transformed modules call it. */
export const machine: Machine = new Machine();

/** The helpers and globals that transformed modules get. */
export const globals: Readonly<Record<string, unknown>> = {
  $op: (k: number, s: number, w: Int32Array, a: number, b: number, c: number) => machine.op(k, s, w, a, b, c),
  $now: (k: number, s: number, w: Int32Array, a: number, b: number, c: number) => machine.now(k, s, w, a, b, c),
  $G: GENERATOR,
  $read: (words: Int32Array, at: number) => machine.read(words, at),
  $fill: (words: Int32Array, value: number, from: number, to: number) => machine.fill(words, value, from, to),
  $sync: (value: unknown) => machine.sync(value),
  $await: (value: unknown) => machine.await(value),
  $newPromise: (executor: () => unknown) => machine.newPromise(executor),
  $ASYNC: ASYNC,
  Promise: ModelPromise,
  AbortSignal: ModelAbortSignal,
  setTimeout: (run: () => unknown, ms: number) => machine.setTimer(run, ms, false),
  setInterval: (run: () => unknown, ms: number) => machine.setTimer(run, ms, true),
  clearTimeout: (id: number | undefined) => machine.clearTimer(id),
  clearInterval: (id: number | undefined) => machine.clearTimer(id),
  queueMicrotask: (run: () => unknown) => machine.later(run),
  FinalizationRegistry: class {
    register(): void {}
    unregister(): void {}
  },
  WeakRef: class {
    readonly target: object;

    constructor(target: object) {
      this.target = target;
    }
    deref(): object {
      return this.target;
    }
  },
  globalThis: new Proxy(globalThis, {
    get: (target, key) => key === "navigator" ? { hardwareConcurrency: 1 } : Reflect.get(target, key),
  }),
};

/** Stands in for the action of a barrier, which the library finds through the runtime. Counts how often it is called. */
export const barrierAction: Readonly<Record<string, unknown>> = {
  BarrierAction: class {
    readonly isFound = true;
    readonly #words: Int32Array;
    readonly #count: number;
    constructor(space: { words: Int32Array }, block: number) {
      this.#words = space.words;
      this.#count = block + 1;
    }
    check(): void {}
    *call(): Stoppable {
      return yield machine.op(ADD, -1, this.#words, this.#count, 1, 0);
    }
  },
  describeAction: () => new Uint8Array(4),
};

/** In place of `_internal/atomics.ts`. Operations with a number are never called through this. */
export const atomics: Readonly<Record<string, unknown>> = {
  peeksPlainly: false,
  ...Object.fromEntries(
    [...OPERATIONS, ...Object.keys(CHEAPER)].map((name) => [
      name,
      function* (words: Int32Array, a: number, b: number, c: number): Stoppable {
        return yield machine.op(operationOf(name), -1, words, a, b, c);
      },
    ]),
  ),
  ...Object.fromEntries(
    (Object.keys(WIDE) as (keyof typeof WIDE)[]).map((name) => [
      name,
      (pairs: BigInt64Array, index: number, b: bigint, c: bigint) => machine.wide(name, pairs, index, b, c),
    ]),
  ),
  pause: () => {},
  now: () => machine.clock(),
};
