import { DONE } from "../../../_internal/pool/board.ts";
import { FREE, OVER, phaseOf, STATE, takeOutcome } from "../../../_internal/pool/task.ts";
import { block } from "../../../_internal/memory/wait_point.ts";
import { type Actor, type Model, model } from "../model.ts";
import { accountFor, Inputs, outcomeOf, Owner, pool, setup, small } from "../_pool_parts.ts";

/** An owner that posts several inputs as one task: it does what posted.ts and losses.ts do with batches. */
class BatchOwner extends Owner {
  /** Posts inputs side by side. */
  postBatch(inputs: readonly number[]): void {
    const { actor, trays } = this;
    actor.assert(trays.canPut() && trays.canPutBatch(), "there is no room");
    trays.putBatch(new Inputs(this.fn, 0, false), inputs[0], Float64Array.from(inputs));
    for (const input of inputs) actor.note("put", input);
    this.publish(inputs);
  }

  /** Takes the items that the worker has not reached. */
  takeRest(number: number): void {
    const { actor, trays } = this;
    const rest = trays.takeRest(number);
    const behind = trays.indexes[number] + trays.batches[number]!.count;
    for (let i = 0; i < rest; i++) actor.note("back", behind + i);
  }

  /** Takes the batch back, or the items that its worker has not reached. */
  withdraw(number: number): void {
    const { actor, trays } = this;
    if (trays.jobs[number] === undefined) return;
    const inputs = Array.from({ length: trays.batches[number]!.count }, (_, i) => trays.indexes[number] + i);
    if (!this.takeBack(number)) return this.takeRest(number);
    for (const input of inputs) actor.note("back", input);
  }

  override deliver(number: number): void {
    const { actor, trays, space, words } = this;
    const task = trays.taskOf(number);
    actor.assert(phaseOf(words[task + STATE]) === OVER, "a task that was reported is not over");
    this.takeRest(number);
    const { done, count } = trays.batches[number]!;
    this.tellDone(number, done);
    if (done === count) return;
    const input = trays.indexes[number] + done;
    actor.assert(takeOutcome(space, task) === String(input), `${input} became something else`);
    actor.note("told", input);
  }

  override lose(number: number): void {
    const { actor, trays } = this;
    if (trays.jobs[number] === undefined) return;
    this.takeRest(number);
    const { doneForSure, count } = trays.batches[number]!;
    this.tellDone(number, doneForSure);
    if (doneForSure < count) actor.note("lost", trays.indexes[number] + doneForSure);
  }

  /** Takes the results of the first `done` items. */
  tellDone(number: number, done: number): void {
    const { actor, trays } = this;
    const { values, from } = trays.batches[number]!;
    const first = trays.indexes[number];
    for (let i = 0; i < done; i++) {
      actor.assert(values[from + i] === outcomeOf(first + i), `${first + i} became ${values[from + i]}`);
      actor.note("told", first + i);
    }
    trays.settle(number);
  }

  /** Waits until the batch is back, or the worker has ended; then nothing is left. */
  finish(): void {
    const { space, board, trays, words } = this;
    const hasEnded = block(space, board.at + DONE, () => {
      this.collect();
      if (words[trays.taskOf(0) + STATE] === FREE) return false;
      return this.hasEnded(0) ? true : undefined;
    }, Infinity);
    if (hasEnded) this.deal(0);
    this.withdraw(0);
    this.clear();
    board.close();
  }
}

/** A worker with a batch, of which the owner takes the rest at any moment. */
const batch = (others = Infinity): Model<Record<string, object>>["threads"] =>
  pool(1, { others, steps: true }, (actor: Actor) => {
    const owner = new BatchOwner(actor);
    owner.postBatch([1, 2, 3]);
    actor.step();
    owner.withdraw(0);
    owner.finish();
  });

/** What holds for several items that are one task. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Pool: each item of a batch is called once or comes back, wherever the owner takes the rest",
    setup: setup(1),
    scale: small(2),
    threads: batch(),
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: a batch stops behind an item that returns no number, and the items behind that come back",
    setup: setup(1),
    scale: small(2),
    threads: batch(2),
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: a batch whose worker dies loses at most the item that it was in",
    setup: setup(1),
    scale: small(2),
    threads: batch(),
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2, 3),
  }),
];
