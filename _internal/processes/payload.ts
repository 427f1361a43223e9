/**
 * What a child is told before its arguments.
 *
 * @module
 */

import type { TargetDescriptor } from "../targets/describe.ts";

/** What a process runs, and where. */
export interface ProcessHead {
  /** The class whose `run` it is, where that is not the one of `Process`. */
  type?: TargetDescriptor;
  /** What the `run` of `Process` calls. */
  target?: TargetDescriptor;
  /** The main module of the program. */
  main?: string;
  /** Where it shall run. */
  cwd: string;
  /** Its label. */
  name: string;
  /** For one that may not read them: the texts of the modules in which its target is looked for. */
  texts?: Record<string, string>;
  /** How it starts others. */
  method: "spawn" | "forkserver";
}
