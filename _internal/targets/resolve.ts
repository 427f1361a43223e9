/**
 * Finds the functions that descriptions stand for, in the thread or process where they shall run.
 *
 * @module
 */

import { TargetError } from "../../sync/errors.ts";
import { ownModule } from "../runtime/bundle.ts";
import { atGlobalPath } from "./builtins.ts";
import type { TargetDescriptor } from "./describe.ts";
import { exportOf } from "./load.ts";
import type { Search } from "./search.ts";

type AnyFunction = (...args: unknown[]) => unknown;
type AnyClass = abstract new (...args: never[]) => unknown;
type Sought = Extract<TargetDescriptor, { kind: "function" | "subclass" }>;

type SearchClass = new (sought: Sought, label: string) => Search;

// Not written into the import(): Deno would look through all of that at the start of each worker. Where it is needed for
// most threads it is in the graph of their entry, and says here that it is loaded.
const SEARCH = ownModule("./search.ts", import.meta.url).href;
let searchClass: SearchClass | undefined;

/** Says that what looks for functions by their source is loaded. */
export function setSearch(type: SearchClass): void {
  searchClass = type;
}

/**
 * The function.
 *
 * @param label The name of this thread or process.
 * @throws {TargetError} If it is not to be found, or cannot run here.
 * @throws What a module throws that is imported for it.
 */
export async function resolveTarget(descriptor: TargetDescriptor, label: string): Promise<AnyFunction> {
  switch (descriptor.kind) {
    case "global": {
      const value = atGlobalPath(descriptor.path);
      if (typeof value === "function") return value as AnyFunction;
      throw new TargetError(
        `Cannot use ${descriptor.path} as ${descriptor.what} as there is no such function in a worker: call it in a function of yours`,
      );
    }
    case "export":
      return await exportOf(descriptor, label) as AnyFunction;
    default:
      return await (await search(descriptor, label)).function();
  }
}

/** The class. */
export async function resolveSubclass(descriptor: TargetDescriptor, label: string): Promise<AnyClass> {
  if (descriptor.kind !== "subclass") throw new TypeError("Cannot make a thread as this describes no class");
  const { module, exported, what } = descriptor;
  if (module !== undefined && exported !== undefined) {
    return await exportOf({ module, name: exported, what }, label) as AnyClass;
  }
  return await (await search(descriptor, label)).class();
}

async function search(sought: Sought, label: string): Promise<Search> {
  if (searchClass === undefined) await import(SEARCH);
  return new searchClass!(sought, label);
}
