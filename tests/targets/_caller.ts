/** Passes on its own functions, and functions that it imports in every way. */

import { Thread } from "@weft/concurrent/threading";
import { camelCase } from "./_between.ts";
import defaultFunction, { count, double, later as renamed, shown, triple, where, withDefaults } from "./_functions.ts";
import * as functions from "./_functions.ts";
import { fromElsewhere, twice } from "./_reexports.ts";
import { basename } from "node:path";
import { getLineInfo } from "acorn";
import { run } from "./_run.ts";

export let offset = 100;

export function setOffset(value: number): void {
  offset = value;
}

export function own(x: number): number {
  return x + offset;
}

export const ownArrow = async (x: number): Promise<number> => {
  await 0;
  return x - offset;
};

function unlisted(x: number): number {
  return x + 0.25;
}
export { unlisted as listed };

export default class {}

/** What each sort of target gives. */
export const calls = {
  own: () => run(own, 1),
  ownArrow: () => run(ownArrow, 1),
  renamedExport: () => run(unlisted, 1),
  imported: () => run(double, 4),
  importedArrow: () => run(triple, 4),
  renamedImport: () => run(renamed, 4),
  renamedByItsModule: () => run(shown, 4),
  default: () => run(defaultFunction, 4),
  namespace: () => run(functions.double, 5),
  reexported: () => run(twice, 6),
  reexportedDefault: () => run(fromElsewhere, 6),
  withDefaults: () => run(withDefaults, { b: {} }, 3, 4),
  importMeta: () => run(where),
  state: () => run(count),
  throughAModuleBetween: () => run(camelCase, "Foo_bar"),
  bare: () => run(getLineInfo, "ab\nc", 4),
  runtime: () => run(basename, "/a/b.ts"),
  notExportedItself: () => run(functions.tools.half, 3),
  fromTimer: () => new Promise((resolve) => setTimeout(() => resolve(run(own, 5)), 1)),
  afterAwait: async () => {
    await 0;
    return await new Thread({ target: own, args: [6] }).start().result();
  },
  behindAnotherFunction: () => tail(own, 7),
  twins: () => run(functions.fourfold, 1),
  closureLikeOneExport: () => run(functions.makeAdder(10), 1),
  dynamicallyImported: async () => run((await import("./_dynamic.ts")).seven, 2),
  closureLikeAnExport: () => run(functions.makeTimes(10), 1),
};

function tail(fn: (x: number) => number, x: number): Promise<number> {
  return run(fn, x);
}
