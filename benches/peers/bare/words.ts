/** Words that bare workers share: where each is, a start line, and round trips through two of them. */

/** Where they are, each on a line of the cache of its own. */
export const LOCK = 0, COUNT = 32, THERE = 64, GO = 96, ASKED = 128, ANSWERED = 160, PUT = 192, TAKEN = 224;
const WORDS = 256;

/** New words, all of them 0. */
export function makeWords(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * WORDS));
}

/** A worker is there, and waits until it may go. */
export function standInLine(words: Int32Array): void {
  Atomics.add(words, THERE, 1);
  Atomics.wait(words, GO, 0);
}

/** Resolves when so many workers are there. */
export async function allThere(words: Int32Array, workers: number): Promise<void> {
  while (Atomics.load(words, THERE) < workers) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Lets the workers go. */
export function go(words: Int32Array): void {
  Atomics.store(words, GO, 1);
  Atomics.notify(words, GO);
}

/** What ends {@linkcode echo} and {@linkcode echoAwaiting}. */
const END = -1;

/** Asks with a number above 0, another one than the last, and waits for the answer. */
export function ask(words: Int32Array, number: number): void {
  Atomics.store(words, ASKED, number);
  Atomics.notify(words, ASKED);
  for (let seen = number - 1; seen !== number; seen = Atomics.load(words, ANSWERED)) {
    Atomics.wait(words, ANSWERED, seen);
  }
}

/** The same, but awaits the answer. */
export async function askAndAwait(words: Int32Array, number: number): Promise<void> {
  Atomics.store(words, ASKED, number);
  Atomics.notify(words, ASKED);
  for (let seen = number - 1; seen !== number; seen = Atomics.load(words, ANSWERED)) {
    await Atomics.waitAsync(words, ANSWERED, seen).value;
  }
}

/** Answers each number with itself until {@linkcode endEcho} is called. */
export function echo(words: Int32Array): void {
  for (let last = 0;;) {
    Atomics.wait(words, ASKED, last);
    const asked = Atomics.load(words, ASKED);
    if (asked === END) return;
    if (asked === last) continue;
    last = asked;
    Atomics.store(words, ANSWERED, asked);
    Atomics.notify(words, ANSWERED);
  }
}

/** The same, but awaits each number. */
export async function echoAwaiting(words: Int32Array): Promise<void> {
  for (let last = 0;;) {
    await Atomics.waitAsync(words, ASKED, last).value;
    const asked = Atomics.load(words, ASKED);
    if (asked === END) return;
    if (asked === last) continue;
    last = asked;
    Atomics.store(words, ANSWERED, asked);
    Atomics.notify(words, ANSWERED);
  }
}

/** Ends {@linkcode echo} and {@linkcode echoAwaiting}. */
export function endEcho(words: Int32Array): void {
  Atomics.store(words, ASKED, END);
  Atomics.notify(words, ASKED);
}
