/**
 * Finds the functions that descriptions stand for, in the thread or process where they shall run.
 *
 * @module
 */

import { TargetError } from "../../sync/errors.ts";
import type { TargetDescriptor } from "./describe.ts";
import { whileImporting } from "./import_guard.ts";

type AnyFunction = (...args: unknown[]) => unknown;

/** The function. `label`: the name of this thread or process. */
export async function resolveTarget(descriptor: TargetDescriptor, label: string): Promise<AnyFunction> {
  if (descriptor.kind === "export") {
    const exports = await load(descriptor.module, label);
    const value = exports[descriptor.name];
    if (typeof value !== "function") {
      throw new TargetError(
        `Cannot use task as ${descriptor.what} as ${descriptor.module} exports no function "${descriptor.name}"`,
      );
    }
    return value as AnyFunction;
  }
  const found = await find(descriptor, label);
  if (found !== undefined) return found;
  const { name, source } = descriptor;
  const exports = descriptor.module === undefined ? {} : await load(descriptor.module, label);
  const method = /^(?:async\s+)?(?!function\b|class\b)[\w$]+\s*\(/.test(source) &&
    !/^(?:async\s*)?\([^]*?\)\s*=>/.test(source);
  const expression = method ? `({ ${source} })[${JSON.stringify(name)}]` : `(${source})`;
  return new Function("exports", `with (exports) return ${expression}`)({ ...exports }) as AnyFunction;
}

/** The class. */
export async function resolveSubclass(
  descriptor: TargetDescriptor,
  label: string,
): Promise<abstract new (...args: never[]) => unknown> {
  if (descriptor.kind === "subclass") {
    const found = await find(descriptor, label);
    if (found !== undefined) return found as never;
  }
  throw new TargetError(`Cannot use class as ${descriptor.what} as it is not exported`);
}

async function find(
  { modules, name, source }: Extract<TargetDescriptor, { source: string }>,
  label: string,
): Promise<AnyFunction | undefined> {
  for (const module of modules) {
    const exports = await load(module, label);
    for (const value of Object.values(exports)) {
      if (typeof value === "function" && value.name === name && Function.prototype.toString.call(value) === source) {
        return value as AnyFunction;
      }
    }
  }
  return undefined;
}

async function load(module: string, label: string): Promise<Record<string, unknown>> {
  return await whileImporting(module, label, () => import(module));
}
