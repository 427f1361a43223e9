/**
 * The buffers of the option `transfer`. A large buffer goes to a thread without a copy, in a message, once a worker has begun
 * with the task: before that it is not known which worker will run it. Other buffers are copied with the arguments.
 *
 * @module
 */

import { handOver, takeHanded } from "../codec/format.ts";

/** Copying fewer bytes takes less time than asking for them. */
const LEAST = 1 << 18;

/** The buffers of one call. */
export class GivingAway {
  readonly #buffers: readonly ArrayBuffer[];
  /** Buffers that can go without a copy and are not assigned to a task yet. */
  readonly #whole: Set<ArrayBuffer> = new Set();
  /** Buffers that go beside the input of a task, by the task's index. */
  readonly #beside: Map<number, ArrayBuffer[]> = new Map();

  /** `isCopied`: whether all buffers are copied. */
  constructor(buffers: readonly ArrayBuffer[], isCopied: boolean) {
    this.#buffers = buffers;
    if (isCopied) return;
    for (const buffer of buffers) if (buffer.byteLength >= LEAST) this.#whole.add(buffer);
  }

  /**
   * Packs the input of a task by `pack`. A buffer that is in several inputs goes with the first one, and is copied into the
   * others.
   */
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

  /**
   * Detaches the caller's buffers. Returns those that go beside the inputs, by the tasks' indexes; `undefined` if there are
   * none.
   */
  take(): Map<number, ArrayBuffer[]> | undefined {
    const moved = new Map<ArrayBuffer, ArrayBuffer>();
    for (const buffer of this.#buffers) if (!buffer.detached) moved.set(buffer, buffer.transfer());
    if (this.#beside.size === 0) return undefined;
    for (const [index, beside] of this.#beside) this.#beside.set(index, beside.map((buffer) => moved.get(buffer)!));
    return this.#beside;
  }
}
