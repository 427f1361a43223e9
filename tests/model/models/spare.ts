import { load, store } from "../../../_internal/atomics.ts";
import { enter, entryOf, giveRecord, leaveUnused, RECORD } from "../../../_internal/memory/participants.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { type Model, model } from "../model.ts";

/** A word that nothing else uses: the id of the spare. */
const SPARE = 106;
const THREAD = 4000;

type Nothing = Record<string, never>;

/** What holds for a spare that ends while a thread is given to it. */
export const models: readonly Model<Record<string, object>>[] = [
  model<Nothing>({
    name:
      "Spare: a thread that comes while its worker leaves is the starter's to start elsewhere, or the worker's to end",
    setup: () => {
      const { memory, words } = spaceOf("thread");
      store(words, SPARE, enter(memory, 0));
      return {};
    },
    threads: [
      (actor) => {
        const { memory, words } = spaceOf("thread");
        if (!giveRecord(memory, load(words, SPARE), THREAD)) actor.count("started elsewhere", 1);
      },
      (actor) => {
        const { memory, words } = spaceOf("thread");
        const record = leaveUnused(memory, load(words, SPARE));
        actor.assert(record === 0 || record === THREAD, `the worker was given ${record}`);
        if (record !== 0) actor.count("ended", 1);
      },
    ],
    // Here the entries of the table of participants are part of the state.
    kills: true,
    end: (actor) => {
      const elsewhere = actor.count("started elsewhere", 0);
      const ended = actor.count("ended", 0);
      actor.assert(elsewhere + ended === 1, `it was started elsewhere ${elsewhere} times, and ended ${ended} times`);
      const { words } = spaceOf("thread");
      actor.assert(load(words, entryOf(load(words, SPARE)) + RECORD) === 0, "the record is still in the entry");
    },
  }),
];
