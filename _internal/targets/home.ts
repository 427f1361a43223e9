/**
 * The modules that this thread runs functions of.
 *
 * @module
 */

const modules: Set<string> = new Set();
let main: string | undefined;

/** Notes that this thread runs a function of a module of a program whose main module is `ofProgram`. */
export function addHome(module: string | undefined, ofProgram: string | undefined): void {
  if (module !== undefined) modules.add(module);
  main ??= ofProgram;
}

/** Where to look for a function when the stack does not tell. */
export function homeModules(): string[] {
  return [...modules];
}

/** The main module of the program, where this thread is not the main one. */
export function mainOfProgram(): string | undefined {
  return main;
}
