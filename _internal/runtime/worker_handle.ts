/**
 * What a thread knows of a worker that it has started, on each of the runtimes.
 *
 * @module
 */

/** A running worker, from the side of the thread that started it. */
export interface WorkerHandle {
  /** Sends a message. A `SharedArrayBuffer` in it is shared; `buffers` are transferred without a copy. */
  post(message: unknown, buffers?: ArrayBuffer[]): void;
  /** Sets whether the worker keeps the program alive. At first it does. */
  setRef(ref: boolean): void;
  /**
   * Stops it: on Bun and Node at once, on Deno at the next turn of its event loop, in Chromium after two seconds at most,
   * while the event loop of the page turns.
   */
  terminate(): void;
}

/** The events that the starting thread listens for. */
export interface WorkerListener {
  /** A message from the worker. */
  message(data: unknown): void;
  /** The worker could not be loaded, or failed in code in which the library could not catch the error. */
  error(message: string): void;
  /** The worker is gone. Deno does not report this. */
  close(exitCode: number): void;
}
