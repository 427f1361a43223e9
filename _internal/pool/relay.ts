/**
 * A pool of this machine that works for programs on other machines. It gets the description of a function and the bytes of its
 * arguments, and returns the bytes of the outcome. It decodes none of these.
 *
 * @module
 */

import { CancelledError } from "../errors.ts";
import type { Ending } from "../work/runner.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { EachJob } from "./errands.ts";
import { costOf } from "./functions.ts";
import type { Identity, JobOptions, Unwanted } from "./job.ts";
import type { OwnerOptions } from "./owner.ts";
import { SubmitQueue, SubmittedTask, type TaskHost } from "./submit_job.ts";
import type { Packed } from "./task.ts";

/** The outcome of a call. */
export type Outcome =
  /** The function returned, or threw. The bytes may name objects of this machine. */
  | { kind: "value" | "error"; packed: Packed }
  /** The function cannot be called, or the call was given up. */
  | { kind: "refused"; error: unknown }
  /** The worker ended during the call. */
  | { kind: "lost"; ending: Ending & Identity };

/** A call for another program. */
export interface RelayedCall {
  /** The description of the function by `describeTarget`, in JSON. */
  description: string;
  name: string;
  input: Packed;
  /** Whether the input is a list of arguments. */
  spread: boolean;
  killAfter: number | undefined;
  /** The number of the try, from 1. */
  attempt: number;
  /** The four words of the task's name in the other program. */
  taskName: Int32Array;
}

/** The task of a relayed call. */
class RelayedTask extends SubmittedTask {
  override readonly isRaw = true;
  readonly #attempt: number;
  readonly #taskName: Int32Array;
  readonly #hear: (outcome: Outcome) => void;

  constructor(
    host: TaskHost,
    source: SubmitQueue,
    sequence: number,
    fn: number,
    call: RelayedCall,
    options: JobOptions,
    hear: (outcome: Outcome) => void,
  ) {
    super(host, source, sequence, fn, call.name, { packed: call.input, spread: call.spread }, options);
    this.#attempt = call.attempt;
    this.#taskName = call.taskName;
    this.#hear = hear;
  }

  override attemptOf(): number {
    return this.#attempt;
  }

  override writeName(words: Int32Array, at: number): void {
    words.set(this.#taskName, at);
  }

  /** Only forgets the input: it is not a buffer of the codec, so it must not be returned to the codec. */
  protected override settled(): void {
    this.forget();
  }

  override done(_index: number, value: unknown): Unwanted {
    return this.#settle({ kind: "value", packed: value as Packed });
  }

  override failed(_index: number, error: unknown): Unwanted {
    return this.#settle({ kind: "error", packed: error as Packed });
  }

  override lost(_index: number, ending: Ending & Identity): Unwanted {
    return this.#settle({ kind: "lost", ending });
  }

  override refuse(error: Error): void {
    super.refuse(error);
    this.#hear({ kind: "refused", error });
  }

  override giveUp(_state: "finished" | "cancelled", error: unknown): void {
    if (this.dropped) return;
    super.giveUp("cancelled", error);
    this.#hear({ kind: "refused", error });
  }

  #settle(outcome: Outcome): Unwanted {
    const isWanted = !this.dropped;
    this.end();
    if (isWanted) this.#hear(outcome);
    return false;
  }
}

/** The job of a relayed call that each worker makes once. */
class RelayedEach extends EachJob {
  override readonly isRaw = true;
  readonly #names: Int32Array;
  readonly #hear: (position: number, outcome: Outcome) => void;

  constructor(
    fn: number,
    { name, spread, input }: RelayedCall,
    count: number,
    names: Int32Array,
    hear: (position: number, outcome: Outcome) => void,
  ) {
    super(fn, name, spread, new Array(count).fill(input));
    this.#names = names;
    this.#hear = hear;
    this.promise.catch(() => {});
  }

  override writeName(words: Int32Array, at: number, index: number): void {
    words.set(this.#names.subarray(4 * index, 4 * index + 4), at);
  }

  /** Only forgets the input: it is not a buffer of the codec, so it must not be returned to the codec. */
  protected override settled(index: number): void {
    this.forget(index);
  }

  override done(index: number, value: unknown): Unwanted {
    this.#hear(index, { kind: "value", packed: value as Packed });
    return false;
  }

  override failed(index: number, error: unknown): Unwanted {
    this.#hear(index, { kind: "error", packed: error as Packed });
    return false;
  }

  override lost(index: number, ending: Ending & Identity): Unwanted {
    this.#hear(index, { kind: "lost", ending });
    return false;
  }
}

/** A handle of a relayed call, to give it up. */
export interface Relayed {
  /** Takes the call back if no worker has begun with it. Returns whether it did: then there will be no outcome. */
  takeBack(): boolean;
  /**
   * Gives the call up. Its outcome is `refused`, at once; a running task can see that it was given up. `killAfter` is the number
   * of milliseconds after which its worker is replaced, unless the call has its own `killAfter`.
   */
  giveUp(killAfter?: number): void;
}

/** Has the calls of other programs run by workers of this machine. */
export class Relay {
  readonly #owner: Dispatcher;
  readonly #queue: SubmitQueue = new SubmitQueue(0);
  /**
   * Ends the listening for notifications. A relay listens between calls too, since calls follow one another, and their connection
   * keeps the program alive anyway.
   */
  readonly #rest: () => void;
  #calls = 0;
  #isOver = false;

  constructor(own: (options: OwnerOptions) => Dispatcher, options: OwnerOptions) {
    this.#owner = own(options);
    this.#rest = this.#owner.board.space.async.keepListening();
  }

  /** The error with which all calls are refused, if the workers cannot run: an initializer has thrown, for example. */
  get broken(): { error: unknown } | undefined {
    return this.#owner.broken;
  }

  /** Runs a call. `hear` is called once, with the outcome. */
  run(call: RelayedCall, hear: (outcome: Outcome) => void): Relayed {
    const owner = this.#owner;
    // A pool that has ended has no memory for descriptions.
    if (this.#isOver) {
      hear({ kind: "refused", error: new CancelledError("Cannot run task as its pool was terminated") });
      return { takeBack: () => false, giveUp: () => {} };
    }
    const fn = owner.functions.addressOfText(call.description, call.name);
    const options = { together: 0, killAfter: call.killAfter, priority: 0, retries: 0 };
    const task = new RelayedTask(owner.posted, this.#queue, this.#calls++, fn, call, options, hear);
    // No code of this program awaits the future.
    task.future.catch(() => {});
    if (owner.broken !== undefined) {
      task.giveUp("cancelled", owner.broken.error);
    } else {
      this.#queue.add(task);
      owner.begin(this.#queue);
    }
    return {
      takeBack: () => task.takeBack(),
      giveUp: (killAfter) => {
        const { number } = task;
        task.killAfter ??= killAfter;
        task.giveUp("cancelled", new CancelledError("Cannot finish task as it was given up"));
        owner.withdrawOne(number, task);
      },
    };
  }

  /**
   * Makes a call once in each of the `count` workers of the pool. `hear` is called with the outcome of each.
   *
   * @throws The error of a pool whose workers cannot start.
   */
  async each(
    call: RelayedCall,
    count: number,
    names: Int32Array,
    hear: (position: number, outcome: Outcome) => void,
  ): Promise<void> {
    const { errands, functions } = this.#owner;
    const fn = functions.addressOfText(call.description, call.name);
    const end = errands.begin();
    try {
      let job: EachJob | undefined;
      while (job === undefined) {
        await errands.warm(count);
        job = errands.send(count, () => new RelayedEach(fn, call, count, names, hear));
      }
    } finally {
      end();
    }
  }

  /** How many milliseconds a call of a function takes, as measured by the workers; 0: not known. */
  costOf({ description, name }: RelayedCall): number {
    const owner = this.#owner;
    return owner.isDestroyed ? 0 : costOf(owner.board.space, owner.functions.addressOfText(description, name)) / 1e6;
  }

  /** Ends the workers at once, and resolves when they have ended. */
  terminate(): Promise<void> {
    this.#isOver = true;
    this.#owner.terminate(new CancelledError("Cannot finish task as its pool was terminated"));
    return new Promise((resolve) =>
      this.#owner.close(() => {
        this.#rest();
        resolve();
      })
    );
  }
}
