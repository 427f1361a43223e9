/**
 * The modules on the call stack.
 *
 * @module
 */

/** Where this library is: its own frames are none of the caller's. */
const ROOT = new URL("../../", import.meta.url).href;
const OWN = /^(?:_internal\/|sync\/|threading\/|multiprocessing\/|mod\.ts)/;

/** More frames than the ten that are usual: the caller may be behind some of its own. */
const DEPTH = 64;

/** The modules of the functions that are being called, innermost first, as full URLs and without this library's. */
export function modulesOnStack(): string[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = DEPTH;
  let { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const modules: string[] = [];
  for (const line of (stack ?? "").split("\n")) {
    const module = moduleOf(line);
    if (module !== undefined && !isOwn(module) && !modules.includes(module)) modules.push(module);
  }
  return modules;
}

/** Whether a module is part of this library. */
export function isOwn(module: string): boolean {
  return module.startsWith(ROOT) && OWN.test(module.slice(ROOT.length));
}

// "    at name (file:///a.ts:1:2)", "    at async name (…)", "    at file:///a.ts:1:2", on Bun "    at name (/a.ts:1:2)".
function moduleOf(line: string): string | undefined {
  const match = /^\s*at (?:.*? \()?(?:async )?((?:[a-z][a-z0-9+.-]*:|\/).*?)(?::\d+)?(?::\d+)?\)?$/i.exec(line);
  if (match === null) return undefined;
  return urlOf(match[1]);
}

/** The URL of a module that a stack names by URL or by path. */
export function urlOf(place: string): string | undefined {
  if (place.startsWith("/")) return new URL(`file://${encodePath(place)}`).href;
  if (/^(?:file|https?|data|blob):/.test(place)) return place;
  return undefined;
}

function encodePath(path: string): string {
  return path.replace(/%/g, "%25").replace(/\\/g, "%5C").replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(
    /\t/g,
    "%09",
  )
    .replace(/#/g, "%23");
}
