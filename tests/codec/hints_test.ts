import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { SharedHandle } from "../../_internal/memory/shared_object.ts";
import * as multiprocessing from "../../multiprocessing/mod.ts";
import * as sync from "../../sync/mod.ts";
import * as threading from "../../threading/mod.ts";

const LIMIT = { timeout: 10_000 };
const ROOT = new URL("../../", import.meta.url);
const entries: Record<string, object> = { multiprocessing, sync, threading };

/** What the constructors of some classes must be told. */
const ARGUMENTS: Record<string, unknown[]> = {
  Barrier: [2],
  Latch: [1],
  SharedArray: ["i32", 1],
  Timer: [1, () => {}],
  Value: ["i32"],
};

function classes(): [string, new (...args: unknown[]) => object][] {
  return Object.entries(threading).filter(([, value]) =>
    typeof value === "function" && value.prototype instanceof SharedHandle
  ) as unknown as [string, new (...args: unknown[]) => object][];
}

function* sources(folder: URL): Generator<URL> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) yield* sources(new URL(`${entry.name}/`, folder));
    else if (entry.name.endsWith(".ts")) yield new URL(entry.name, folder);
  }
}

describe("a hint in a message", () => {
  it("names a class that exists, for every class whose objects processes do not share", LIMIT, () => {
    assert(classes().length > 14);
    for (const [name, Type] of classes()) {
      class Own extends Type {}
      for (const object of [new Type(...ARGUMENTS[name] ?? []), new Own(...ARGUMENTS[name] ?? [])]) {
        const { message } = assertThrows(
          () => new multiprocessing.Queue().putSync({ inside: [object] }),
          TypeError,
          "Cannot send item.inside[0] to another process",
        ) as TypeError;
        const [, named] = /(?:use|start a) (\w+) of @weft\/concurrent\/multiprocessing$/.exec(message) ?? [];
        assert(named !== undefined && named in multiprocessing, message);
      }
    }
  });

  it("for the current thread says what to send instead", LIMIT, () => {
    const error = assertThrows(() => new multiprocessing.Queue().putSync(threading.currentThread()));
    assertInstanceOf(error, TypeError);
    assertMatch(error.message, /send its name, or start a Process of/);
  });

  it("names entry points, classes and functions that the package exports", LIMIT, () => {
    const all: Record<string, unknown> = { ...sync, ...threading, ...multiprocessing };
    const faults: string[] = [];
    let hints = 0;
    for (const folder of ["_internal/", "sync/", "threading/", "multiprocessing/"]) {
      for (const file of sources(new URL(folder, ROOT))) {
        const text = readFileSync(file, "utf8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
        for (const [, entry] of text.matchAll(/@weft\/concurrent\/(\w+)/g)) {
          hints++;
          if (!(entry in entries)) faults.push(`${file.pathname}: @weft/concurrent/${entry}`);
        }
        // In a template or a string: "use Name", "call name()", "pass it to new Name".
        for (
          const [hint, name] of text.matchAll(
            /\b(?:use|start an?|to|new|of an?) ([A-Z]\w+)(?=[ ,.:;)`"'])(?=[^\n]*[`"])/g,
          )
        ) {
          if (!/[`"][^`"]*$/.test(text.slice(0, text.indexOf(hint)).split("\n").at(-1)!)) continue;
          hints++;
          if (!(name in all) && !(name in globalThis)) faults.push(`${file.pathname}: ${hint}`);
        }
      }
    }
    assert(hints > 10);
    assertEquals(faults, []);
  });
});
