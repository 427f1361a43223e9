/**
 * Decides after each operation which thread goes next: every decision in turn, or at random.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import type { Actor, Model, Patch } from "./model.ts";
import { type Exports, Graph } from "./_graph.ts";
import {
  Aborted,
  BLOCKED,
  DEAD,
  Failure,
  IDLE,
  KINDS,
  machine,
  ModelAbortSignal,
  RUNNABLE,
  SETUP,
  type TraceLine,
  type VirtualThread,
} from "./_virtual_threads.ts";

const MEMORY_BYTES = 1 << 17;
const MAX_STEPS = 3_000;
const NOW = KINDS.indexOf("now");
const PLAIN_STORE = KINDS.indexOf("plain store");
/** How many slices a thread has to find out that another died. */
const IDLE_SLICES = 3;
/** In a participant's entry. */
const KILL_WORD = 2;

// What the scheduler can choose, with a thread in the low bits and an index in the middle ones.
const RUN = 0 << 16;
const RING = 1 << 16;
const FIRE = 2 << 16;
const ABORT = 3 << 16;
const KILL = 4 << 16;
const SPURIOUS = 5 << 16;
const TIMEOUT = 6 << 16;
const PASS = 7 << 16;
const SLICE = 8 << 16;

/** How an execution ended. */
export type Outcome = "complete" | "pruned" | "failed";

/** A failed execution, to be shown. */
export interface Counterexample {
  readonly message: string;
  readonly schedule: string;
  readonly trace: string;
  /** The model or the explorer failed, not the code that is explored. */
  readonly broke: boolean;
  /** The seed of the walk that found it, if one did. */
  readonly seed?: number;
}

/** The result of an exploration. */
export interface Report {
  executions: number;
  /** Executions that ended in a known state. */
  pruned: number;
  steps: number;
  states: number;
  /** Milliseconds of one core. */
  ms: number;
  /** Whether everything within the bound was explored. */
  exhausted: boolean;
  /** Whether the bound excluded any execution. If not, every order of steps was explored. */
  limited: boolean;
  counterexample: Counterexample | undefined;
}

/** Chooses among `count` options. -1: stop here, everything after this is known. */
type Choose = (count: number, budget: number, continues: boolean) => number;

interface Prepared {
  readonly snapshot: Int32Array;
  readonly words: Int32Array;
  readonly instances: {
    readonly load: (file: string) => Exports;
    readonly reset: () => void;
    readonly memory: unknown;
    readonly model: Model<Record<string, object>>;
  }[];
  readonly ids: number[];
  readonly addresses: [string, number][];
  readonly heap: number;
  readonly top: number;
  readonly layout: Exports;
}

/** One model, ready to be run again and again. */
export class Explorer {
  readonly #graph: Graph;
  readonly #prepared: Prepared;
  readonly #model: Model<Record<string, object>>;
  // Of one execution.
  #counts = new Map<string, number>();
  #sections = new Map<string, Set<number>>();
  #notes = new Map<string, number[]>();
  #history: { operation: string; argument: number | undefined; result: unknown; from: number; to: number }[] = [];
  #moments = 0;
  #options = new Int32Array(64);
  #left = { deaths: 0, spurious: 0, timeouts: 0, slices: 0, preemptions: 0 };
  #limited = false;

  private constructor(graph: Graph, prepared: Prepared, model: Model<Record<string, object>>) {
    this.#graph = graph;
    this.#prepared = prepared;
    this.#model = model;
  }

  /** Loads a model of a file, with patches. */
  static async load(file: string, name: string, patches: readonly Patch[], scale: readonly Patch[]): Promise<Explorer> {
    const graph = await Graph.load(file, [...scale, ...patches]);
    const { load: main } = graph.instantiate();
    const find = (load: (file: string) => Exports): Model<Record<string, object>> =>
      (load(file).models as Model<Record<string, object>>[]).find((model) => model.name === name)!;
    const model = find(main);
    const { ThreadMemory } = main("_internal/memory/memory.ts");
    const { Space } = main("_internal/memory/space.ts");
    const { setSpace } = main("_internal/memory/space.ts");
    const layout = main("_internal/memory/memory.ts");
    const buffer = new ArrayBuffer(MEMORY_BYTES);
    machine.reset(0);
    const mainMemory = withLiveness(new ThreadMemory(buffer));
    machine.mortal = machine.timed = false;
    const space = machine.sync(Space.join(mainMemory, 0, () => machine.exit()));
    setSpace(space);
    const setupActor = {} as Actor;
    const objects = machine.sync(model.setup(setupActor)) as Record<string, object>;
    const { locate } = main("_internal/memory/shared_object.ts");
    const addresses = Object.entries(objects).map(([key, object]): [string, number] => [
      key,
      (machine.sync(locate(object)) as { at: number }).at,
    ]);
    const ids: number[] = [];
    const instances = model.threads.map((_, index) => {
      const { load, reset } = graph.instantiate();
      const memory = withLiveness(new (load("_internal/memory/memory.ts").ThreadMemory)(buffer));
      ids.push(machine.sync(load("_internal/memory/participants.ts").enter(memory, index + 1)) as number);
      return { load, reset, memory, model: find(load) };
    });
    const words = new Int32Array(buffer);
    const prepared = {
      words,
      snapshot: words.slice(),
      instances,
      ids,
      addresses,
      heap: layout.HEAP_AT,
      top: layout.TOP_AT,
      layout,
    };
    return new Explorer(graph, prepared, model);
  }

  get name(): string {
    return this.#model.name;
  }

  /** Every order of steps with at most `bound` preemptions, for at most `seconds`. */
  explore(bound: number, seconds = Infinity): Report {
    const started = performance.now();
    const startedAt = coreTime();
    const report = emptyReport();
    const seen = new SeenStates();
    this.#limited = false;
    const counts: number[] = [];
    const chosen: number[] = [];
    for (;;) {
      let depth = 0;
      const replayed = chosen.length;
      const outcome = this.#execute(bound, report, (count, budget) => {
        if (depth < replayed) return chosen[depth++];
        const { a, b } = this.#hash();
        if (!seen.add(a, b, budget)) return -1;
        depth++;
        counts.push(count);
        chosen.push(0);
        return 0;
      });
      report.executions++;
      if (outcome === "pruned") report.pruned++;
      if (outcome === "failed") {
        report.counterexample = this.#explain(bound, chosen);
        break;
      }
      while (chosen.length > 0 && chosen[chosen.length - 1] === counts[counts.length - 1] - 1) {
        chosen.pop();
        counts.pop();
      }
      if (chosen.length === 0) {
        report.exhausted = true;
        break;
      }
      chosen[chosen.length - 1]++;
      if ((report.executions & 63) === 0 && performance.now() - started > seconds * 1_000) break;
    }
    report.limited = this.#limited;
    report.states = seen.size;
    report.ms = coreTime() - startedAt;
    return report;
  }

  /** Random orders of steps from a seed, for that long. They reach depths that a bound on preemptions excludes. */
  wander(seed: number, seconds: number, maxExecutions = Infinity): Report {
    const started = performance.now();
    const startedAt = coreTime();
    const report = emptyReport();
    while (report.executions < maxExecutions) {
      const random = generator(seed + report.executions);
      // Some walks switch often, others rarely: some bugs need the one, some the other.
      const restless = [0.02, 0.1, 0.3, 0.6][Math.floor(random() * 4)];
      const chosen: number[] = [];
      const outcome = this.#execute(Infinity, report, (count, _budget, continues) => {
        const choice = continues && random() >= restless ? 0 : Math.floor(random() * count);
        chosen.push(choice);
        return choice;
      });
      report.executions++;
      if (outcome === "failed") {
        report.counterexample = { ...this.#explain(Infinity, chosen), seed: seed + report.executions - 1 };
        break;
      }
      if (performance.now() - started > seconds * 1_000) break;
    }
    report.ms = coreTime() - startedAt;
    return report;
  }

  /** Repeats one execution, and prints it. */
  replay(schedule: string): Counterexample {
    const [bound, choices] = schedule.split(":");
    return this.#explain(bound === "any" ? Infinity : Number(bound), unpack(choices));
  }

  #explain(bound: number, chosen: readonly number[]): Counterexample {
    const trace: TraceLine[] = [];
    machine.trace = trace;
    machine.nameOf = (at) => this.#nameOf(at);
    let depth = 0;
    let used = 0;
    this.#execute(bound, emptyReport(), (count) => {
      const choice = depth < chosen.length ? chosen[depth++] : 0;
      used = depth;
      return Math.min(choice, count - 1);
    });
    machine.trace = undefined;
    return {
      broke: machine.failure instanceof Broke,
      message: machine.failure?.message ?? "(this schedule does not fail)",
      schedule: `${bound === Infinity ? "any" : bound}:${pack(chosen.slice(0, used))}`,
      trace: this.#print(trace),
    };
  }

  #print(trace: readonly TraceLine[]): string {
    const lines: string[] = [];
    let previous = -1;
    for (const { thread, text, site } of trace) {
      if (thread !== previous) lines.push("");
      previous = thread;
      const where = site >= 0 ? this.#graph.sites[site] : undefined;
      const head = `${thread < 0 ? "--" : `T${thread}`} ${"    ".repeat(Math.max(0, thread))} ${text}`;
      lines.push(
        where === undefined ? head : `${head.padEnd(72)} ${where.file.split("/").pop()}:${where.line} ${where.within}`,
      );
    }
    return lines.join("\n");
  }

  #nameOf(at: number): string {
    const { layout, addresses, ids, words } = this.#prepared;
    if (at >= layout.PARTICIPANTS_AT && at < layout.HEAP_AT) {
      const entry = Math.floor((at - layout.PARTICIPANTS_AT) / layout.PARTICIPANT_WORDS);
      const word = (at - layout.PARTICIPANTS_AT) % layout.PARTICIPANT_WORDS;
      const index = ids.findIndex((id) => (id & (layout.PARTICIPANT_COUNT - 1)) === entry);
      return `${index < 0 ? "main" : `T${index}`}.${
        ["id", "state", "kill", "parked", "process", "record"][word] ?? word
      }`;
    }
    if (at >= layout.BELLS_AT && at < layout.PARTICIPANTS_AT) {
      const bell = (at - layout.BELLS_AT) / layout.BELL_STRIDE;
      const index = ids.findIndex((id) => id % layout.BELL_COUNT === bell);
      return index < 0 ? `bell${bell}` : `T${index}.bell`;
    }
    for (const [key, value] of Object.entries(layout)) {
      if (value === at && key.endsWith("_AT")) return key.slice(0, -3).toLowerCase();
    }
    if (at < layout.HEAP_AT) return `header[${at}]`;
    let best: [string, number] | undefined;
    for (const entry of addresses) if (entry[1] <= at && (best === undefined || entry[1] > best[1])) best = entry;
    if (best !== undefined && at < best[1] - 2 + words[best[1] - 2]) return `${best[0]}[${at - best[1] - 4}]`;
    return `heap[${at - layout.HEAP_AT}]`;
  }

  // ---- One execution

  #execute(bound: number, report: Report, choose: Choose): Outcome {
    const { words, snapshot, instances, ids, addresses } = this.#prepared;
    const model = this.#model;
    words.set(snapshot);
    machine.reset(instances.length);
    machine.failure = undefined;
    const trace = machine.trace;
    machine.trace = undefined;
    const faults = model.faults ?? {};
    machine.mortal = machine.timed = false;
    if (model.kills) {
      machine.quietFrom = machine.quietTo = 0;
    } else {
      machine.quietFrom = this.#prepared.layout.PARTICIPANTS_AT;
      machine.quietTo = this.#prepared.layout.HEAP_AT;
    }
    const left = this.#left;
    left.deaths = faults.deaths ?? 0;
    left.spurious = faults.spurious ?? 0;
    left.timeouts = faults.timeouts ?? 0;
    left.slices = faults.slices ?? 0;
    left.preemptions = bound;
    this.#counts = new Map();
    this.#sections = new Map();
    this.#notes = new Map();
    this.#history = [];
    this.#moments = 0;
    const { threads } = machine;
    for (let index = 0; index < instances.length; index++) {
      const { load, reset, memory, model } = instances[index];
      reset();
      const { Space } = load("_internal/memory/space.ts");
      const space = new Space(memory, ids[index], () => machine.exit());
      load("_internal/memory/space.ts").setSpace(space);
      const { handleAt } = load("_internal/memory/shared_object.ts");
      const objects: Record<string, object> = {};
      for (const [key, at] of addresses) objects[key] = machine.sync(handleAt(space, at)) as object;
      const actor = this.#actor(index);
      machine.start(threads[index], () => model.threads[index](actor, objects));
    }
    machine.mortal = (faults.deaths ?? 0) > 0 || model.kills === true;
    machine.timed = (faults.timeouts ?? 0) > 0;
    machine.trace = trace;
    let current: VirtualThread | undefined;
    let outcome: Outcome = "complete";
    try {
      for (;;) {
        if (machine.failure !== undefined) throw machine.failure;
        const count = this.#enumerate(current);
        if (count === 0) {
          this.#atRest();
          break;
        }
        const continues = current !== undefined && this.#options[0] === (RUN | current.index);
        let choice = 0;
        if (count > 1) {
          choice = choose(count, left.preemptions === Infinity ? 255 : left.preemptions, continues);
          if (choice < 0) {
            outcome = "pruned";
            break;
          }
        }
        const option = this.#options[choice];
        const kind = option & ~0xffff;
        const thread = threads[option & 0xff];
        if (continues && choice > 0 && kind <= ABORT && thread !== current) left.preemptions--;
        this.#apply(kind, thread, (option >> 8) & 0xff);
        if (kind !== KILL && kind !== SPURIOUS && kind !== TIMEOUT && kind !== SLICE) current = thread;
        if (machine.steps > MAX_STEPS) {
          throw new Failure(`no end after ${MAX_STEPS} steps: threads keep each other busy`);
        }
      }
    } catch (error) {
      machine.failure ??= error instanceof Failure
        ? error
        : new Broke(`the model broke: ${error instanceof Error ? error.stack : String(error)}`);
      outcome = "failed";
    }
    if (outcome === "failed" && machine.trace !== undefined) {
      machine.trace.push({ thread: -1, text: machine.failure!.message, site: -1 });
    }
    report.steps += machine.steps;
    return outcome;
  }

  #apply(kind: number, thread: VirtualThread, index: number): void {
    const left = this.#left;
    switch (kind) {
      case RUN:
        return machine.step1(thread);
      case RING:
        return machine.ring(thread, index);
      case FIRE:
        if (thread.timers[index].slice) {
          if (left.slices > 0) left.slices--;
          else thread.idleSlices++;
        } else if (left.timeouts > 0) {
          left.timeouts--;
        }
        return machine.fire(thread, index);
      case ABORT:
        return machine.abort(thread, thread.signals[index]);
      case KILL:
        left.deaths--;
        return this.#kill(thread);
      case SPURIOUS:
        left.spurious--;
        return machine.wakeUp(thread, 0, "wakes for no reason");
      case TIMEOUT:
        if (left.timeouts > 0) left.timeouts--;
        return machine.wakeUp(thread, thread.c, `wakes: ${thread.c} ms have passed`);
      case SLICE:
        if (left.slices > 0) left.slices--;
        else thread.idleSlices++;
        return machine.wakeUp(thread, thread.c, `wakes: its slice of ${thread.c} ms has passed`);
      case PASS:
        left.timeouts--;
        return machine.pass(thread, 100);
    }
  }

  #kill(thread: VirtualThread): void {
    machine.kill(thread, "dies");
    for (const inside of this.#sections.values()) inside.delete(thread.index);
  }

  /** Collects the possible choices. The first one continues the current thread, if that is possible. */
  #enumerate(current: VirtualThread | undefined): number {
    const { threads } = machine;
    const options = this.#options;
    const left = this.#left;
    let count = 0;
    const add = (thread: VirtualThread): void => {
      if (thread.state === RUNNABLE) {
        options[count++] = RUN | thread.index;
      } else if (thread.state === IDLE) {
        for (let i = 0; i < thread.rung.length; i++) options[count++] = RING | i << 8 | thread.index;
      }
    };
    if (current !== undefined) add(current);
    if (current !== undefined && count === 1 && current.kind === PLAIN_STORE && current.state === RUNNABLE) {
      if (left.deaths > 0 && this.#isMortal(current)) options[count++] = KILL | current.index;
      return count;
    }
    const continues = count > 0 && options[0] === (RUN | current!.index);
    if (!continues || left.preemptions > 0) {
      for (const thread of threads) if (thread !== current) add(thread);
    } else if (!this.#limited) {
      this.#limited = threads.some((thread) =>
        thread !== current && (thread.state === RUNNABLE || thread.rung.length > 0)
      );
    }
    if (count === 0) {
      // No thread can run: time passes.
      let ended = true;
      for (const thread of threads) if (!thread.finished && !this.#model.endless?.includes(thread.index)) ended = false;
      if (ended && machine.deaths === 0) return 0;
      for (const thread of threads) {
        if (ended) break;
        if (thread.state === BLOCKED && !isSlice(thread.c)) options[count++] = TIMEOUT | thread.index;
        if (thread.state === IDLE) {
          thread.timers.forEach((timer, i) => {
            if (!timer.slice) options[count++] = FIRE | i << 8 | thread.index;
          });
        }
      }
      // A slice may help only after a thread died or was asked to end. Elsewhere it would hide a lost wake-up.
      if (count === 0 && (machine.deaths > 0 || this.#model.kills)) {
        for (const thread of threads) {
          // Each thread gets some: slices pass for all threads alike.
          if (thread.idleSlices === IDLE_SLICES) continue;
          if (machine.deaths === 0 && !this.#isToldToEnd(thread)) continue;
          if (thread.state === BLOCKED) options[count++] = SLICE | thread.index;
          if (thread.state === IDLE && thread.timers.length > 0) options[count++] = FIRE | 0 << 8 | thread.index;
        }
      }
      for (const thread of threads) {
        if (thread.state === IDLE && !thread.finished && count > 0) {
          thread.signals.forEach((signal, i) => {
            if (!signal.aborted) options[count++] = ABORT | i << 8 | thread.index;
          });
        }
      }
      return count;
    }
    for (const thread of threads) {
      if (thread.state === DEAD) continue;
      if (thread.state === BLOCKED) {
        if (left.spurious > 0) options[count++] = SPURIOUS | thread.index;
        if (isSlice(thread.c)) {
          if (left.slices > 0) options[count++] = SLICE | thread.index;
        } else if (left.timeouts > 0) {
          options[count++] = TIMEOUT | thread.index;
        }
      } else if (thread.state === IDLE) {
        if (left.timeouts > 0 || left.slices > 0) {
          thread.timers.forEach((timer, i) => {
            if (timer.slice ? left.slices > 0 : left.timeouts > 0) options[count++] = FIRE | i << 8 | thread.index;
          });
        }
        if (!thread.finished) {
          thread.signals.forEach((signal, i) => {
            if (!signal.aborted) options[count++] = ABORT | i << 8 | thread.index;
          });
        }
      } else if (thread.kind === NOW && left.timeouts > 0 && thread === current) {
        options[count++] = PASS | thread.index;
      }
      if (left.deaths > 0 && !thread.finished && (this.#model.mortal?.includes(thread.index) ?? true)) {
        options[count++] = KILL | thread.index;
      }
    }
    return count;
  }

  #isMortal(thread: VirtualThread): boolean {
    return !thread.finished && (this.#model.mortal?.includes(thread.index) ?? true);
  }

  #isToldToEnd(thread: VirtualThread): boolean {
    const { layout, words, ids } = this.#prepared;
    const { PARTICIPANTS_AT, PARTICIPANT_COUNT, PARTICIPANT_WORDS } = layout;
    return words[PARTICIPANTS_AT + (ids[thread.index] & (PARTICIPANT_COUNT - 1)) * PARTICIPANT_WORDS + KILL_WORD] !== 0;
  }

  #atRest(): void {
    const stuck = machine.threads.filter((thread) => !thread.finished && !this.#model.endless?.includes(thread.index));
    if (stuck.length > 0) {
      const each = stuck.map((thread) => {
        if (thread.state === BLOCKED) return `T${thread.index} sleeps on ${this.#nameOf(thread.a)}`;
        return `T${thread.index} awaits a promise`;
      });
      throw new Failure(`no thread can go on: ${each.join(", ")}`);
    }
    const { end } = this.#prepared.instances[0].model;
    if (end === undefined) return;
    const { load, memory } = this.#prepared.instances[0];
    const { Space } = load("_internal/memory/space.ts");
    const { handleAt } = load("_internal/memory/shared_object.ts");
    machine.current = SETUP;
    const mortal = machine.mortal;
    machine.mortal = machine.timed = false;
    // The checks run in the main thread, which is none of the model's threads.
    const space = new Space(memory, 1, () => machine.exit());
    load("_internal/memory/space.ts").setSpace(space);
    const objects: Record<string, object> = {};
    for (const [key, at] of this.#prepared.addresses) objects[key] = machine.sync(handleAt(space, at)) as object;
    machine.sync(end(this.#actor(-1), objects));
    machine.mortal = mortal;
    if (machine.failure !== undefined) throw machine.failure;
  }

  #hash(): { a: number; b: number } {
    let a = machine.m1 ^ Math.imul(machine.e1, 0x9e3779b1);
    let b = machine.m2 ^ Math.imul(machine.e2, 0x85ebca6b);
    const put = (value: number): void => {
      a = Math.imul(a ^ value, 0x9e3779b1);
      a ^= a >>> 15;
      b = Math.imul(b + value, 0x85ebca6b);
      b ^= b >>> 13;
    };
    for (const thread of machine.threads) {
      put(thread.h1);
      put(thread.h2 ^ thread.state);
      for (const waiter of thread.rung) put(waiter.at);
    }
    for (const waiter of machine.waiters) put(waiter.at << 4 | waiter.thread.index);
    put(machine.current.index + 1);
    const left = this.#left;
    put(left.deaths << 12 | left.spurious << 8 | left.timeouts << 4 | left.slices);
    if (this.#model.plain) {
      const { words, heap, top } = this.#prepared;
      const end = words[top];
      for (let at = heap; at < end; at++) put(words[at]);
    }
    return { a, b };
  }

  #actor(index: number): Actor {
    const fail = (message: string): never => {
      const failure = new Failure(message);
      machine.fail(failure);
      throw failure;
    };
    const enter = (section: string, limit = 1): void => {
      let inside = this.#sections.get(section);
      if (inside === undefined) this.#sections.set(section, inside = new Set());
      inside.add(index);
      machine.note(inside.size);
      if (inside.size > limit) {
        fail(`${[...inside].map((each) => `T${each}`).join(" and ")} are in ${section}, where ${limit} may be`);
      }
      machine.say(machine.threads[index], `enters ${section}`);
    };
    const leave = (section: string): void => {
      this.#sections.get(section)?.delete(index);
      machine.note(-1);
      machine.say(machine.threads[index], `leaves ${section}`);
    };
    // deno-lint-ignore no-this-alias
    const explorer = this;
    const actor: Actor = {
      index,
      assert(condition, message) {
        if (!condition) fail(message);
      },
      step: (() => machine.step()) as never,
      inside: function* (section: string, limit = 1): Generator<unknown> {
        enter(section, limit);
        yield machine.step();
        leave(section);
      } as never,
      enter,
      leave,
      count(name, by = 0) {
        const value = (explorer.#counts.get(name) ?? 0) + by;
        explorer.#counts.set(name, value);
        if (by !== 0) machine.note(value);
        return value;
      },
      note(name, value) {
        const notes = explorer.#notes.get(name);
        if (notes === undefined) explorer.#notes.set(name, [value]);
        else notes.push(value);
        machine.note(value);
        machine.say(machine.threads[index], `notes ${name} ${value}`);
      },
      notes: (name) => explorer.#notes.get(name) ?? [],
      signal() {
        const signal = new ModelAbortSignal();
        machine.threads[index].signals.push(signal);
        return signal as unknown as AbortSignal;
      },
      isDead: (other) => machine.threads[other].state === DEAD,
      get deaths() {
        return machine.deaths;
      },
      begin: function* (operation: string, argument?: number): Generator<unknown, number> {
        yield machine.step();
        explorer.#history.push({ operation, argument, result: undefined, from: explorer.#moments++, to: Infinity });
        machine.note(explorer.#history.length);
        machine.say(machine.threads[index], `calls ${operation}(${argument ?? ""})`);
        return explorer.#history.length - 1;
      } as never,
      finish(call, result) {
        const entry = explorer.#history[call];
        entry.result = result;
        entry.to = explorer.#moments++;
        machine.note(call);
        machine.note(typeof result === "number" ? result : String(result).length);
        machine.say(machine.threads[index], `${entry.operation}(${entry.argument ?? ""}) returns ${String(result)}`);
      },
      linearizable(initial, apply) {
        const calls = explorer.#history;
        const tried = new Set<string>();
        const search = (state: unknown, done: number): boolean => {
          let first = Infinity;
          let all = true;
          calls.forEach((call, i) => {
            if (done & 1 << i) return;
            // Calls that never returned may have taken effect or not.
            if (call.to !== Infinity) all = false;
            first = Math.min(first, call.to);
          });
          if (all) return true;
          const key = `${done} ${JSON.stringify(state)}`;
          if (tried.has(key)) return false;
          tried.add(key);
          return calls.some((call, i) => {
            if (done & 1 << i || call.from > first) return false;
            // The transformed function may be a generator, which is no state.
            const next = machine.sync(apply(state as never, call.operation, call.argument, call.result));
            return next !== undefined && search(next, done | 1 << i);
          });
        };
        if (!search(initial, 0)) {
          const shown = calls.map((call) =>
            `${call.from}..${call.to} ${call.operation}(${call.argument ?? ""}) = ${String(call.result)}`
          );
          fail(`no order of the calls explains what they returned:\n  ${shown.join("\n  ")}`);
        }
      },
      gaveUp(error) {
        if (error instanceof Aborted) return true;
        return error instanceof Error && ["TimeoutError", "QueueEmptyError", "QueueFullError"].includes(error.name);
      },
      release: ((guard: Disposable) => guard[Symbol.dispose]()) as never,
      kill: (other) => {
        this.#kill(machine.threads[other]);
      },
    };
    return actor;
  }
}

class Broke extends Failure {}

function isSlice(ms: number): boolean {
  return ms === 200 || ms === 20 || ms === Infinity;
}

/** Every participant counts as a process of its own, so that its death is seen at once. */
function withLiveness<T extends { isProcessAlive(process: number): boolean }>(memory: T): T {
  memory.isProcessAlive = ((process: number) => machine.isAlive(process - 1)) as never;
  return memory;
}

/** Milliseconds of processor time of this thread, where the system reports them; otherwise the time. */
function coreTime(): number {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

function emptyReport(): Report {
  return {
    executions: 0,
    pruned: 0,
    steps: 0,
    states: 0,
    ms: 0,
    exhausted: false,
    limited: false,
    counterexample: undefined,
  };
}

/** Which states were explored, and with how many preemptions left. */
class SeenStates {
  #keys = new Float64Array(1 << 14);
  #budgets = new Uint8Array(1 << 14);
  size = 0;

  /** `false`: explored with that much left, or more. */
  add(a: number, b: number, budget: number): boolean {
    // With 53 bits, two of ten million states collide once in a hundred runs.
    const key = (a >>> 0) * 0x200000 + (b >>> 11) + 1;
    const at = this.#find(key);
    if (this.#keys[at] === key) {
      if (this.#budgets[at] >= budget) return false;
      this.#budgets[at] = budget;
      return true;
    }
    this.#keys[at] = key;
    this.#budgets[at] = budget;
    if (++this.size > this.#keys.length * 0.6) this.#grow();
    return true;
  }

  #find(key: number): number {
    const mask = this.#keys.length - 1;
    let at = (Math.floor(key / 0x200000) ^ key % 0x200000) & mask;
    while (this.#keys[at] !== 0 && this.#keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const keys = this.#keys;
    const budgets = this.#budgets;
    this.#keys = new Float64Array(keys.length * 2);
    this.#budgets = new Uint8Array(keys.length * 2);
    keys.forEach((key, index) => {
      if (key === 0) return;
      const at = this.#find(key);
      this.#keys[at] = key;
      this.#budgets[at] = budgets[index];
    });
  }
}

/** Choices as text, with runs of zeros shortened: `0.0.0.2.1` is `0*3.2.1`. */
function pack(choices: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < choices.length;) {
    let end = i;
    while (end < choices.length && choices[end] === choices[i]) end++;
    parts.push(end - i > 2 ? `${choices[i]}*${end - i}` : choices.slice(i, end).join("."));
    i = end;
  }
  return parts.join(".");
}

function unpack(schedule: string): number[] {
  return schedule === "" ? [] : schedule.split(".").flatMap((part) => {
    const [choice, times] = part.split("*").map(Number);
    return Array<number>(times ?? 1).fill(choice);
  });
}

/** Numbers in [0, 1) from a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
