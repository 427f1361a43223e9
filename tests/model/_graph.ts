/**
 * Loads the library's source, patched and transformed, once for each thread of a model.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Patch } from "./model.ts";
import { colour, importsOf, parse, type Site, type Source, transform } from "./_transform.ts";
import { atomics, barrierAction, globals, machine } from "./_virtual_threads.ts";

const ROOT = new URL("../../", import.meta.url);

/** Modules that talk to the runtime, and what stands in for them. */
const STAND_INS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "_internal/atomics.ts": atomics,
  "_internal/runtime/this_thread.ts": {
    exitThread: () => machine.exit(),
    isImportingTargets: () => false,
    importingModule: () => undefined,
    createAsyncContext: () => machine.createContext(),
  },
  // No program of a model is a bundle.
  "_internal/runtime/own_files.ts": { requireBegun: () => {} },
  "sync/_barrier_action.ts": barrierAction,
};

/**
 * Smaller numbers, with which the same happens in fewer steps: a table of participants that fits into a cache, and no
 * spinning, which only delays what happens anyway.
 */
export const SCALE: readonly Patch[] = [
  { file: "_internal/memory/memory.ts", find: /PARTICIPANT_COUNT = \d+;/, replace: "PARTICIPANT_COUNT = 16;" },
  { file: "_internal/memory/participants.ts", find: /const SPINS = \d+;/, replace: "const SPINS = 0;" },
  { file: "sync/_rw_word.ts", find: /const CLAIM_SPINS = \d+;/, replace: "const CLAIM_SPINS = 0;" },
];

/** The modules that the explorer itself needs, whatever a model imports. */
const CORE = ["memory", "participants", "shared_object", "space"].map((name) => `_internal/memory/${name}.ts`);

/** A module's exports. */
// deno-lint-ignore no-explicit-any
export type Exports = Record<string, any>;

/** The modules of one thread. */
export interface Instance {
  readonly load: (file: string) => Exports;
  /** Resets the state of the modules to what it was after they were evaluated. */
  readonly reset: () => void;
}

type Body = (...args: unknown[]) => void;

const texts = new Map<string, string>();
const parsed = new Map<string, Source>();
const compiled = new Map<string, { body: Body; sites: Site[] }>();
const externals = new Map<string, Exports>();

function read(file: string): string {
  let text = texts.get(file);
  if (text === undefined) texts.set(file, text = readFileSync(fileURLToPath(new URL(file, ROOT)), "utf8"));
  return text;
}

/** The source of a file with its patches. Each patch must fit exactly once. */
export function patched(file: string, patches: readonly Patch[]): string {
  let text = read(file);
  for (const patch of patches) {
    if (patch.file !== file) continue;
    const parts = text.split(patch.find);
    if (parts.length !== 2) {
      throw new Error(
        `Cannot patch ${file} as what is to be replaced is there ${parts.length - 1} times: ${
          typeof patch.find === "string" ? JSON.stringify(patch.find) : patch.find
        }`,
      );
    }
    text = parts.join(patch.replace);
  }
  return text;
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return new URL(specifier, new URL(from, "file:///")).pathname.slice(1);
}

const NAMES = [...Object.keys(globals), "require", "exports", "$reset", "$empty"];

/** A set of modules, transformed. */
export class Graph {
  readonly #modules = new Map<string, { body: Body; imports: Map<string, string | undefined> }>();
  readonly sites: Site[] = [];
  readonly #entry: string;

  private constructor(entry: string) {
    this.#entry = entry;
  }

  /** Reads and transforms a module and everything it imports. */
  static async load(entry: string, patches: readonly Patch[]): Promise<Graph> {
    const graph = new Graph(entry);
    const all = [...SCALE, ...patches];
    const sources = new Map<string, Source>();
    const unused = new Set(all.map((patch) => patch.file));
    const pending = [entry, ...CORE];
    for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
      if (sources.has(file) || STAND_INS[file] !== undefined) continue;
      unused.delete(file);
      const text = patched(file, all);
      const key = `${file}\n${text}`;
      let source = parsed.get(key);
      if (source === undefined) parsed.set(key, source = parse(file, text));
      sources.set(file, source);
      const imports = new Map<string, string | undefined>();
      for (const specifier of importsOf(source)) {
        const resolved = resolve(file, specifier);
        imports.set(specifier, resolved);
        if (resolved !== undefined) pending.push(resolved);
        else if (!externals.has(specifier)) externals.set(specifier, await import(specifier));
      }
      graph.#modules.set(file, { body: () => {}, imports });
    }
    for (const file of unused) {
      if (patches.some((patch) => patch.file === file)) {
        throw new Error(`Cannot patch ${file} as ${entry} does not import it`);
      }
    }
    const colours = colour([...sources.values()]);
    // The same text with the same colours gives the same code, apart from the numbers of its sites.
    const palette = [...colours.reaching].sort().join();
    for (const [file, source] of sources) {
      const key = `${file}\n${source.text}\n${palette}`;
      let module = compiled.get(key);
      if (module === undefined) {
        const sites: Site[] = [];
        const code = transform(source, colours, sites);
        const body = new Function("$base", ...NAMES, `"use strict";\n${code}\n//# sourceURL=model:${file}`) as Body;
        compiled.set(key, module = { body, sites });
      }
      const base = graph.sites.length;
      graph.sites.push(...module.sites);
      const { body } = module;
      graph.#modules.get(file)!.body = (...args) => body(base, ...args);
    }
    return graph;
  }

  /** Evaluates the modules again, so that the state at their top level belongs to another thread. */
  instantiate(): Instance {
    const cache = new Map<string, Exports>();
    const resets: (() => void)[] = [];
    const collections: (Map<unknown, unknown> | Set<unknown>)[] = [];
    const load = (file: string): Exports => {
      const standIn = STAND_INS[file];
      if (standIn !== undefined) return standIn;
      let exports = cache.get(file);
      if (exports !== undefined) return exports;
      cache.set(file, exports = {});
      const { body, imports } = this.#modules.get(file)!;
      const values: Record<string, unknown> = {
        ...globals,
        require: (specifier: string): Exports => {
          const resolved = imports.get(specifier);
          return resolved === undefined ? externals.get(specifier)! : load(resolved);
        },
        exports,
        $reset: (reset: () => void) => resets.push(reset),
        $empty: (collection: Map<unknown, unknown>) => collections.push(collection),
      };
      body(...NAMES.map((name) => values[name]));
      return exports;
    };
    load(this.#entry);
    const emptied = collections.filter((collection) => collection.size === 0);
    return {
      load,
      reset: () => {
        for (const reset of resets) reset();
        for (const collection of emptied) collection.clear();
      },
    };
  }

  /** Whether a file is among the modules. */
  has(file: string): boolean {
    return this.#modules.has(file);
  }
}
