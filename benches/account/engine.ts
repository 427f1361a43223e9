/** What the engine takes for calls, clocks, objects and promises. */

import type { Work } from "../lib/play.ts";
import { keep, kept } from "../_harness.ts";
import { AWAIT, CLOCK } from "./plan.ts";

const pause = (Atomics as { pause?: () => void }).pause;

/** As large as the guard of a lock. */
class Guard {
  readonly #lock: object;
  readonly #acquisition: number;
  #abandoned: boolean;

  constructor(lock: object, acquisition: number, abandoned: boolean) {
    this.#lock = lock;
    this.#acquisition = acquisition;
    this.#abandoned = abandoned;
  }

  get sum(): unknown {
    return this.#abandoned ? this.#lock : this.#acquisition;
  }
}

interface Callee {
  call(x: number): number;
}

/**
 * An object with a method that returns at once. Engines do not inline a function of this size, however little of it runs, so what
 * remains is the call.
 */
function makeLarge(): Callee {
  const rest = Array.from({ length: 400 }, (_, i) => `x = x * ${i + 2} % 1000003; y[${i}] = x;`).join("\n");
  const text = `return { call(x) { if (x >= 0) return x; const y = []; ${rest} return y.length; } };`;
  return new Function(text)() as Callee;
}

/** The works. */
export function engineWorks(): Record<string, Work> {
  const lock = {};
  const large = makeLarge();
  const settled = Promise.resolve(1);
  // deno-lint-ignore require-await
  const later = async (x: number): Promise<number> => x;
  return {
    "Atomics.pause": (n) => {
      if (pause === undefined) throw new Error("this runtime has no Atomics.pause");
      for (let i = 0; i < n; i++) pause();
    },
    "performance.now": (n) => {
      let last = 0;
      for (let i = 0; i < n; i++) last = performance.now();
      keep(last);
    },
    [CLOCK]: (n) => {
      let last = 0;
      for (let i = 0; i < n; i++) last = Date.now();
      keep(last);
    },
    "call of a method that is too large to be inlined": (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum = (sum + large.call(i)) | 0;
      keep(sum);
    },
    "guard: an object with three private fields": (n) => {
      for (let i = 0; i < n; i++) kept.value = new Guard(lock, i, false);
      keep((kept.value as Guard).sum);
    },
    [AWAIT]: async (n) => {
      for (let i = 0; i < n; i++) await settled;
    },
    "await of an async function": async (n) => {
      for (let i = 0; i < n; i++) await later(i);
    },
  };
}
