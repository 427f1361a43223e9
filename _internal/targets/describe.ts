/**
 * Functions, as descriptions by which another thread or process finds them.
 *
 * @module
 */

import { locationOf } from "../../sync/task.ts";
import { modulesOnStack } from "./stack.ts";

/** How to find a function or a class. Sent as JSON. */
export type TargetDescriptor =
  /** An export that is named. */
  | { kind: "export"; what: string; module: string; name: string }
  /** A function that one of the modules may export, and otherwise its source. */
  | { kind: "function"; what: string; module?: string; name: string; source: string; modules: string[] }
  /** A class that one of the modules must export. */
  | { kind: "subclass"; what: string; module?: string; name: string; source: string; modules: string[] };

/** What a function is for, and who was called with it. */
export interface DescribeOptions {
  /** For messages: "thread target". */
  what: string;
  /** The public function or class whose caller is the calling module. */
  stackAbove: (...args: never[]) => unknown | (abstract new (...args: never[]) => unknown);
}

type AnyFunction = (...args: never[]) => unknown;

/** Describes a function. */
export function describeTarget(fn: AnyFunction, { what }: { what: string; stackAbove: unknown }): TargetDescriptor {
  const location = locationOf(fn);
  if (location !== undefined) return { kind: "export", what, module: location.module, name: location.name };
  const modules = modulesOnStack();
  return { kind: "function", what, module: modules[0], name: fn.name, source: sourceOf(fn), modules };
}

/** Describes the class of an instance. */
export function describeSubclass(instance: object, _Base: unknown, { what }: { what: string }): TargetDescriptor {
  const type = instance.constructor as AnyFunction;
  const modules = modulesOnStack();
  const source = sourceOf(type);
  return { kind: "subclass", what, module: modules[0], name: type.name, source, modules };
}

function sourceOf(fn: AnyFunction): string {
  return Function.prototype.toString.call(fn);
}
