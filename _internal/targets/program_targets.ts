/**
 * The functions and classes that a bundled or compiled program gives to `freezeSupport()`. A bundle has no modules in which they
 * could be searched for. Its threads and processes give the same ones, in the same order, so a name is enough to find each.
 *
 * @module
 */

import type { AnyFunction } from "./source.ts";

/** The module that exports them, by its full name. There is no such file. */
export const PROGRAM = "freezeSupport()";

/** What that module exports. */
export type ProgramTargets = Record<string, AnyFunction>;

const names: Map<AnyFunction, string> = new Map();
let targets: ProgramTargets = {};

/** Sets what the program gives: objects whose values are functions and classes, such as the namespaces of modules. */
export function setProgramTargets(given: readonly object[]): ProgramTargets {
  targets = Object.create(null) as ProgramTargets;
  names.clear();
  for (const each of given) {
    for (const [key, value] of Object.entries(each)) {
      if (typeof value !== "function" || names.has(value as AnyFunction)) continue;
      let name = key;
      for (let number = 2; name in targets; number++) name = `${key} (${number})`;
      targets[name] = value as AnyFunction;
      names.set(value as AnyFunction, name);
    }
  }
  return targets;
}

/** The name of a function or class that the program has given; `undefined` of any other. */
export function nameOfProgramTarget(target: AnyFunction): string | undefined {
  return names.get(target);
}

/** Whether the program has given a function or class of that name. */
export function hasProgramTarget(name: string): boolean {
  return Object.hasOwn(targets, name);
}
