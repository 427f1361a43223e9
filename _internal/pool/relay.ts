/**
 * A pool of this machine that works for others: it gets the description of a function and the bytes of a call, and gives the
 * bytes of what came of it, which nothing here reads.
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

/** What came of a call. */
export type Outcome =
  /** It returned, or threw. The bytes may name objects of this machine. */
  | { kind: "value" | "error"; packed: Packed }
  /** It cannot be called: what to say of that. */
  | { kind: "refused"; error: unknown }
  /** Its worker ended. */
  | { kind: "lost"; ending: Ending & Identity };

/** A call, as others ask for it. */
export interface RelayedCall {
  /** The function, as `describeTarget` describes it, in JSON. */
  description: string;
  name: string;
  input: Packed;
  /** Whether the input is a list of arguments. */
  spread: boolean;
  killAfter: number | undefined;
  /** Which try of the task it is, from 1. */
  attempt: number;
  /** The four words by which the task is known to the program for which this one works. */
  taskName: Int32Array;
}

/** A call that was handed on. */
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

  /** Its input is no buffer of the codec's, which that may write again. */
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

/** A call that each worker makes once. */
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

  /** Its input is no buffer of the codec's, which that may write again. */
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

/** A call that was handed on, to be given up. */
export interface Relayed {
  /** Takes it back, if no worker has begun with it: no outcome will come. */
  takeBack(): boolean;
  /**
   * Gives it up: what runs is told so, and its outcome comes as a refusal, now. `killAfter`: so many milliseconds later its worker
   * is replaced, also where the call says nothing of that.
   */
  giveUp(killAfter?: number): void;
}

/** Has the calls of others done by workers of this machine. */
export class Relay {
  readonly #owner: Dispatcher;
  readonly #queue: SubmitQueue = new SubmitQueue(0);
  /** Calls come one after the other, from a connection that keeps the program alive: it listens between them as well. */
  readonly #rest: () => void;
  #calls = 0;
  #isOver = false;

  constructor(own: (options: OwnerOptions) => Dispatcher, options: OwnerOptions) {
    this.#owner = own(options);
    this.#rest = this.#owner.board.space.async.keepListening();
  }

  /** Why no call can be done any more, if so: an initializer has thrown, say. */
  get broken(): { error: unknown } | undefined {
    return this.#owner.broken;
  }

  /** Hands a call on. `hear` hears of one outcome. */
  run(call: RelayedCall, hear: (outcome: Outcome) => void): Relayed {
    const owner = this.#owner;
    // A pool that is gone has no room for descriptions any more.
    if (this.#isOver) {
      hear({ kind: "refused", error: new CancelledError("Cannot run task as its pool was terminated") });
      return { takeBack: () => false, giveUp: () => {} };
    }
    const fn = owner.functions.addressOfText(call.description, call.name);
    const options = { together: 0, killAfter: call.killAfter, priority: 0, retries: 0 };
    const task = new RelayedTask(owner.posted, this.#queue, this.#calls++, fn, call, options, hear);
    // No program here waits for it.
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
   * Has a call made once by each of so many workers, which are all there are. `hear` hears of an outcome of each. Throws what there is
   * to say where they cannot be had.
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

  /** Milliseconds that a call of a function takes, as the workers have measured; 0: they have not. */
  costOf({ description, name }: RelayedCall): number {
    const owner = this.#owner;
    return owner.isDestroyed ? 0 : costOf(owner.board.space, owner.functions.addressOfText(description, name)) / 1e6;
  }

  /** Ends the workers at once, and resolves when they have. */
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
