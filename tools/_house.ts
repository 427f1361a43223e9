/**
 * The library's source as files and imports: which file is on which floor, and what a thread loads.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../", import.meta.url);
const ROOMS = ["_internal", "sync", "threading", "multiprocessing", "distributed"];

/**
 * From the lowest floor to the highest: files, and folders that end with a slash. A file that is named itself is on its own
 * floor and not on that of its folder.
 */
export const FLOORS: readonly (readonly string[])[] = [
  ["_internal/atomics.ts", "_internal/errors.ts", "_internal/options.ts"],
  ["_internal/runtime/"],
  ["_internal/system/"],
  ["_internal/memory/"],
  ["_internal/targets/"],
  ["_internal/codec/"],
  ["_internal/queue/"],
  ["_internal/work/"],
  ["sync/"],
  ["_internal/threads/"],
  ["threading/thread.ts"],
  ["_internal/processes/"],
  ["_internal/pool/"],
  ["threading/"],
  ["multiprocessing/"],
  ["_internal/entries/"],
  ["mod.ts"],
  ["distributed/"],
];

/** One import declaration, or an export from another module. */
export interface Import {
  readonly from: string;
  readonly to: string;
  readonly line: number;
  /** Whether the import is erased when the program runs. */
  readonly isType: boolean;
}

/** All modules of the library, as paths from its root. */
export function sourceFiles(): string[] {
  const files = ["mod.ts"];
  for (const room of ROOMS) {
    for (const entry of readdirSync(new URL(room, ROOT), { recursive: true })) {
      const path = String(entry).replaceAll("\\", "/");
      if (path.endsWith(".ts")) files.push(`${room}/${path}`);
    }
  }
  return files.sort();
}

/** The text of a file. */
export function textOf(file: string): string {
  return readFileSync(fileURLToPath(new URL(file, ROOT)), "utf8");
}

const DECLARATION = /^(?:import|export)\s+(type\s+)?(?:(\{[^}]*\}|\*[^"';]*?|\w+)\s+from\s+)?"(\.[^"]+)";/gm;

/** What a module imports statically from other modules of the library. */
export function importsOf(file: string): Import[] {
  const text = textOf(file);
  const imports: Import[] = [];
  for (const { 0: all, 1: type, 2: names = "", 3: specifier, index } of text.matchAll(DECLARATION)) {
    const each = names.startsWith("{") ? names.slice(1, -1).split(",").map((name) => name.trim()).filter(Boolean) : [];
    imports.push({
      from: file,
      to: posix.join(posix.dirname(file), specifier),
      line: text.slice(0, index).split("\n").length,
      isType: type !== undefined ||
        all.startsWith("import") && each.length > 0 && each.every((name) => /^type\s/.test(name)),
    });
  }
  return imports;
}

/** The floor of a file; -1: of none. */
export function floorOf(file: string): number {
  const own = FLOORS.findIndex((floor) => floor.includes(file));
  return own >= 0
    ? own
    : FLOORS.findIndex((floor) => floor.some((room) => room.endsWith("/") && file.startsWith(room)));
}

/** Files without a floor, imports that run upwards, and circles, each in a sentence. */
export function misbuilt(): string[] {
  const imports = new Map(sourceFiles().map((file) => [file, importsOf(file)]));
  const problems: string[] = [];
  for (const [file, all] of imports) {
    if (floorOf(file) < 0) problems.push(`${file} is on no floor: name its room in tools/_house.ts`);
    for (const { from, to, line } of all) {
      if (!imports.has(to)) problems.push(`${from}:${line} imports ${to}, which is no module of the library`);
      else if (floorOf(to) > floorOf(from)) problems.push(`${from}:${line} imports ${to}, which is on a floor above`);
    }
  }
  for (const circle of circles(imports)) problems.push(`${circle.join(", ")} import one another in a circle`);
  return problems;
}

/** All modules that are loaded with a module, itself included. */
export function loadedWith(entry: string): Set<string> {
  const loaded = new Set<string>();
  const pending = [entry];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (loaded.has(file)) continue;
    loaded.add(file);
    for (const { to, isType } of importsOf(file)) if (!isType) pending.push(to);
  }
  return loaded;
}

// Groups of modules that reach each other, by Tarjan's algorithm.
function circles(imports: ReadonlyMap<string, readonly Import[]>): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    lowest.set(file, index.get(file)!);
    stack.push(file);
    for (const { to } of imports.get(file) ?? []) {
      if (!imports.has(to)) continue;
      if (!index.has(to)) visit(to);
      if (stack.includes(to)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(to)!));
    }
    if (lowest.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle);
  };
  for (const file of imports.keys()) if (!index.has(file)) visit(file);
  return found;
}
