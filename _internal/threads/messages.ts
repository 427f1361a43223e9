/**
 * What a worker and the thread that started it tell each other.
 *
 * @module
 */

/** What a worker is told at its start. */
export interface Init {
  buffer: SharedArrayBuffer;
  id: number;
  record: number;
  /** Whether the program uses the processes' memory. */
  processes: boolean;
}

/** What a worker tells the thread that started it. */
export type Report =
  /** It waits for work, and has loaded what it may need. */
  | "ready"
  /** It has returned, and only daemons are below it: it need not keep the program alive. */
  | "unref"
  /** Its target threw, and this side has a hook for that. */
  | "failed"
  /** It is about to exit. */
  | "over";

/** Told to a worker that is kept for a thread to come. */
export const PREPARE = "prepare";
