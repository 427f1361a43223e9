/**
 * Buffers that a caller gives away with a task. To a thread they go without a copy, by a message, once a worker has begun with the
 * task: which worker that is, nothing says before. Else what is in them is copied with the arguments.
 *
 * @module
 */

import { handOver, takeHanded } from "../codec/format.ts";

/** To copy fewer bytes takes less time than to ask for them. */
const LEAST = 1 << 18;

/** The buffers of a call's `transfer`. */
export class GivingAway {
  readonly #buffers: readonly ArrayBuffer[];
  /** Those that can go without a copy, and did not so far. */
  readonly #whole: Set<ArrayBuffer> = new Set();
  /** Those that go beside the input of each task. */
  readonly #beside: Map<number, ArrayBuffer[]> = new Map();

  /** `isCopied`: all of them are copied. */
  constructor(buffers: readonly ArrayBuffer[], isCopied: boolean) {
    this.#buffers = buffers;
    if (isCopied) return;
    for (const buffer of buffers) if (buffer.byteLength >= LEAST) this.#whole.add(buffer);
  }

  /** Packs the input of a task by `pack`. A buffer that is in several inputs goes with the first, and is copied to the others. */
  pack<T>(index: number, pack: () => T): T {
    if (this.#whole.size === 0) return pack();
    handOver(this.#whole);
    let beside: ArrayBuffer[] = [];
    try {
      return pack();
    } finally {
      beside = takeHanded();
      for (const buffer of beside) this.#whole.delete(buffer);
      if (beside.length > 0) this.#beside.set(index, beside);
    }
  }

  /** Takes the buffers from the caller. Those that go beside the input of each task; `undefined`: there are none. */
  take(): Map<number, ArrayBuffer[]> | undefined {
    const moved = new Map<ArrayBuffer, ArrayBuffer>();
    for (const buffer of this.#buffers) if (!buffer.detached) moved.set(buffer, buffer.transfer());
    if (this.#beside.size === 0) return undefined;
    for (const [index, beside] of this.#beside) this.#beside.set(index, beside.map((buffer) => moved.get(buffer)!));
    return this.#beside;
  }
}
