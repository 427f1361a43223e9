/**
 * The globals in which the runtimes differ, as far as the library uses them. Nothing is imported for that: a worker on
 * Deno pays ten milliseconds for `node:process`.
 *
 * @module
 */

/** What is used of `Deno`. */
export interface DenoGlobal {
  exit(code?: number): never;
  unrefTimer(id: number): void;
  errors: object;
}

/** What is used of `process`, on Bun and Node. */
export interface ProcessGlobal {
  exit(code?: number): never;
  getBuiltinModule(name: string): unknown;
  on(event: "exit" | "beforeExit", listener: (code: number) => void): void;
  on(event: "uncaughtException" | "unhandledRejection", listener: (error: unknown) => void): void;
}

/** On Deno. */
export const deno: DenoGlobal | undefined = (globalThis as { Deno?: DenoGlobal }).Deno;

/** Whether this is Bun. */
export const isBun: boolean = "Bun" in globalThis;

/**
 * Whether this thread may block: only the main thread of a browser may not. Programs that test pages elsewhere put a
 * `document` among the globals, too.
 */
export const mayBlock: boolean = !("document" in globalThis) || deno !== undefined || isBun ||
  typeof (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node === "string";

/** On Bun and Node. */
export function nodeProcess(): ProcessGlobal {
  return (globalThis as unknown as { process: ProcessGlobal }).process;
}

/** The number of this process. */
export function pidOfThis(): number {
  // Not both at once: to look at `process` costs Deno ten milliseconds.
  const { Deno } = globalThis as unknown as { Deno?: { pid: number } };
  return (Deno ?? nodeProcess() as unknown as { pid: number }).pid;
}
