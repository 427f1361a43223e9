/**
 * The modules on the call stack.
 *
 * @module
 */

import { ownModule } from "../runtime/bundle.ts";
import { urlOfPlace } from "../runtime/modules.ts";

/** Where this library is: its own frames are none of the caller's. */
const ROOT = ownModule("../../", import.meta.url).href;
const OWN = /^(?:_internal\/|sync\/|threading\/|multiprocessing\/|mod\.ts)/;

/** More frames than the ten that are usual: the caller may be behind some of its own. */
const DEPTH = 64;

interface CallSite {
  getFileName(): string | null | undefined;
  getScriptNameOrSourceURL?(): string | null | undefined;
}

interface ErrorHooks {
  stackTraceLimit?: number;
  prepareStackTrace?: unknown;
}

/** The modules of the functions that are being called, innermost first, as full URLs and without this library's. */
export function modulesOnStack(): string[] {
  const modules: string[] = [];
  for (const place of places()) {
    const module = urlOfPlace(place);
    if (module !== undefined && !isOwn(module) && !modules.includes(module)) modules.push(module);
  }
  return modules;
}

/** Whether a module is part of this library. */
export function isOwn(module: string): boolean {
  return module.startsWith(ROOT) && OWN.test(module.slice(ROOT.length));
}

// The text of a stack does not tell where a module's name ends, and Deno writes it without its escapes: `a b#c.ts`.
function places(): string[] {
  const hooks = Error as ErrorHooks;
  const { stackTraceLimit, prepareStackTrace } = hooks;
  let sites: unknown;
  let text: string | undefined;
  try {
    // Where intrinsics are frozen, the usual ten frames have to do, as text.
    Reflect.set(hooks, "stackTraceLimit", DEPTH);
    Reflect.set(hooks, "prepareStackTrace", (_error: unknown, callSites: unknown) => callSites);
    const error = new Error();
    sites = error.stack;
    text = String(sites);
  } finally {
    Reflect.set(hooks, "stackTraceLimit", stackTraceLimit);
    Reflect.set(hooks, "prepareStackTrace", prepareStackTrace);
  }
  if (Array.isArray(sites)) {
    return (sites as CallSite[])
      .map((site) => site.getFileName() ?? site.getScriptNameOrSourceURL?.())
      .filter((place) => typeof place === "string");
  }
  return text.split("\n")
    .map((line) => /^\s*at (?:.*? \()?(?:async )?((?:[a-z][a-z0-9+.-]*:|\/).*?)(?::\d+)?(?::\d+)?\)?$/i.exec(line)?.[1])
    .filter((place) => place !== undefined);
}
