/** The other thread of others.ts: it answers in the way that its first message names, for as long as the program runs. */

/** The words that both use, each on a line of its own. */
export const ASK = 0;
export const ANSWER = 32;
/** How many questions follow without a pause. */
export const COUNT = 48;
export const WORDS = 64;

/** How the partner learns that it is asked. */
export type Manner = "wait" | "waitAsync" | "look";

/** The first message. */
export interface Start {
  readonly words: Int32Array;
  readonly manner: Manner;
}

type WaitAsync = (words: Int32Array, at: number, seen: number) => { async: boolean; value: unknown };

async function answer({ words, manner }: Start): Promise<never> {
  for (let turn = 0;; turn++) {
    while (Atomics.load(words, ASK) === turn) {
      if (manner === "wait") Atomics.wait(words, ASK, turn);
      else await (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync(words, ASK, turn).value;
    }
    Atomics.store(words, ANSWER, turn + 1);
  }
}

/** Sleeps until it is asked, then answers so many questions without a sleep. */
function look(words: Int32Array): never {
  for (let turn = 0;;) {
    Atomics.wait(words, ASK, turn);
    const last = turn + Atomics.load(words, COUNT);
    while (turn < last) {
      while (Atomics.load(words, ASK) === turn);
      Atomics.store(words, ANSWER, ++turn);
    }
  }
}

const self = globalThis as unknown as { onmessage: (event: MessageEvent<Start>) => void };
self.onmessage = ({ data }) => {
  if (data.manner === "look") look(data.words);
  void answer(data);
};
