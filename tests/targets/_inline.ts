/** Hands over functions that no module exports. */

import process from "node:process";
import { default as standardPath, join } from "node:path";
import { double, later as soon } from "./_functions.ts";
import * as functions from "./_functions.ts";
import type { run as Run } from "./_run.ts";
import { run } from "./_run.ts";

export let counter = 1;
export const constants = { ten: 10 };

/** Is exported, and hidden by a local variable of the same name below. */
export const shadow = "of the module";

export function raise(): number {
  return ++counter;
}

const secret = 5;

function unexported(n: number): number {
  return n <= 1 ? 1 : n * unexported(n - 1);
}

function usesUnexported(x: number): number {
  return unexported(x) + 1;
}

export default function exportedByDefault(x: number): number {
  return x + 1000;
}

function listedFunction(x: number): number {
  return x + 2000;
}
export { listedFunction as listedAs };

class Box {
  value: number;

  constructor(value: number) {
    this.value = value;
  }
}

class Sealed {
  #value = 1;
  static reader(): (thing: object) => unknown {
    return (thing) => (thing as Sealed).#value;
  }
}

/** What each gives. */
export const works = {
  arrow: () => run((x: number) => x + 1, 1),
  asyncArrow: () =>
    run(async (x: number) => {
      await 0;
      return x + 2;
    }, 1),
  expression: () =>
    run(function (x: number) {
      return x + 3;
    }, 1),
  named: () =>
    run(function factorial(n: number): number {
      return n <= 1 ? 1 : n * factorial(n - 1);
    }, 5),
  declared: () => run(unexported, 5),
  method: () =>
    run(
      {
        method(x: number) {
          return x + 4;
        },
      }.method,
      1,
    ),
  asyncMethod: () =>
    run(
      {
        async method(x: number) {
          await 0;
          return x + 5;
        },
      }.method,
      1,
    ),
  oddMethod: () =>
    run(
      {
        "an odd-name"(x: number) {
          return x + 6;
        },
      }["an odd-name"],
      1,
    ),
  numberedMethod: () =>
    run(
      {
        7(x: number) {
          return x + 7;
        },
      }[7],
      1,
    ),
  computedMethod: () => {
    const key = `key${process.argv.length}`;
    return run(
      {
        [key](x: number) {
          return x + 8;
        },
      }[key],
      1,
    );
  },
  methodCalledAsync: () =>
    run(
      {
        async(x: number) {
          return x + 9;
        },
      }.async,
      1,
    ),
  methodCalledGet: () =>
    run(
      {
        get(x: number) {
          return x + 10;
        },
      }.get,
      1,
    ),
  getter: () =>
    run(
      Object.getOwnPropertyDescriptor(
        {
          get eleven() {
            return 11;
          },
        },
        "eleven",
      )!.get!,
    ),
  staticMethod: () =>
    run(
      class {
        static twelve() {
          return 12;
        }
      }.twelve,
    ),
  exported: () => run((x: number) => double(x) + constants.ten, 1),
  exportedLive: () =>
    run(() => {
      const before = counter;
      raise();
      return [before, counter];
    }),
  exportedByDefault: () => run((x: number) => exportedByDefault(x) + 1, 1),
  exportedAs: () => run((x: number) => listedFunction(x) + 1, 1),
  shorthand: () => run(() => ({ constants, counter })),
  newTarget: () => run(() => new Date(constants.ten).getTime()),
  imported: () => run((x: number) => double(x) + functions.triple(x), 2),
  importedRenamed: () => run((x: number) => soon(x), 2),
  importedFromRuntime: () => run(() => join("a", standardPath.basename("/x/b"))),
  importedTyped: () => run((x: number) => typeof (x as unknown as typeof Run), 2),
  dynamicImport: () => run(async () => (await import("./_functions.ts")).double(21)),
  dynamicImportBare: () => run(async () => typeof (await import("@std/async/delay")).delay),
  globals: () => run((x: number) => Math.max(x, Number.MAX_SAFE_INTEGER) > 0 && typeof console.log === "function", 1),
  absent: () => run(() => typeof (globalThis as { absent?: unknown }).absent),
  absentByName: () => run(() => typeof notDeclaredAnywhere),
  destructured: () =>
    run(({ a = constants.ten, b: [c = a] = [] }: { a?: number; b?: number[] }, ...[d = c]: number[]) => [a, c, d], {}),
  lookAlikes: () =>
    run((x: number) => {
      // this, super, import.meta, secret
      const words = ["this", `super ${x} ${`import.meta`}`, /secret = [/"]this/.source, 'yield "unexported"'];
      const object = { this: 1, secret: 2, unexported: 3, super: 4 };
      label: for (let index = 0; index < 2; index++) if (index === x) continue label;
      return [words.length, object.this / object.secret / object.unexported > 0, object.super];
    }, 1),
  ownThis: () =>
    run((x: number) => {
      class Point {
        x = x;
        double() {
          return this.x * 2;
        }
      }
      function Old(this: { y: number }) {
        this.y = x;
      }
      const object = {
        z: x,
        sum() {
          return this.z + new Point().double();
        },
      };
      return object.sum() + (new (Old as unknown as new () => { y: number })()).y;
    }, 2),
  ownVariables: () =>
    run((list: number[]) => {
      let total = 0;
      for (const item of list) total += item;
      for (let index = 0; index < 2; index++) total++;
      try {
        throw new Error("1");
      } catch (error) {
        const { message } = error as Error;
        total += Number(message);
      }
      // deno-lint-ignore no-var no-inner-declarations
      if (total > 0) { var hoisted = total; }
      [total] = [hoisted! + 1];
      ({ total } = { total: total + 1 });
      return total + inner();
      function inner() {
        return arguments.length;
      }
    }, [1, 2, 3]),
  using: () =>
    run(() => {
      const log: string[] = [];
      {
        using _one = { [Symbol.dispose]: () => void log.push("disposed") };
        log.push("used");
      }
      return log;
    }),
  awaitUsing: () =>
    run(async () => {
      const log: string[] = [];
      {
        await using _one = {
          async [Symbol.asyncDispose]() {
            await 0;
            log.push("disposed");
          },
        };
        log.push("used");
      }
      return log;
    }),
  privateName: () =>
    run(() => {
      class Counter {
        #count = 1;
        static has(object: object) {
          return #count in object;
        }
        next() {
          return ++this.#count;
        }
      }
      return [new Counter().next(), Counter.has(new Counter())];
    }),
  nested: () => run(() => run2()),
  builtin: () => run(Math.sqrt, 16),
  builtinGlobal: () => run(parseInt, "12px"),
  builtinWritten: () => run(structuredClone, { a: 1 } as unknown as string),
  builtinClass: () => run(String, 5),
  builtinConsole: () => run(console.debug.name === "debug" ? console.assert : console.log, true),
  templateTag: () => run(() => tag`x${1}`),
  optionalCall: () => run((x?: number) => double?.(x ?? 3), undefined),
};

export function tag(strings: TemplateStringsArray, ...values: unknown[]): string {
  return strings.join("|") + values.join();
}

export function run2(): Promise<number> {
  return run((x: number) => double(x), 4);
}

declare const notDeclaredAnywhere: unknown;

/** What each says. */
export const fails = {
  captured: () => {
    const limit = Number("5");
    return run((x: number) => x < limit, 1);
  },
  capturedLikeAnExport: () => {
    const shadow = String("local");
    return run(() => shadow);
  },
  capturedLikeAGlobal: () => {
    const name = String("local");
    return run(() => name);
  },
  capturedParameter: () => [1].map((status) => run(() => status))[0],
  unexportedConstant: () => run((x: number) => x + secret + Box.length, 1),
  unexportedFunction: () => run(usesUnexported, 1),
  unexportedClass: () => run((x: number) => new Box(x).value, 1),
  undeclared: () => run(() => notDeclaredAnywhere),
  assigned: () => run(() => (counter as number) = 5),
  assignedLocal: () => {
    let done = Number("0");
    return run(() => {
      done++;
    }).finally(() => done);
  },
  importMeta: () => run(() => import.meta.url),
  capturedArguments: () => run(outerArguments()),
  outerPrivateName: () => run(Sealed.reader(), {}),
};

// deno-lint-ignore no-explicit-any
function outerArguments(..._args: any[]): () => number {
  return () => arguments.length;
}

/** What is seen at once. */
export const thrown = {
  this: () =>
    run(function (this: { x: number }) {
      return this.x;
    }),
  thisInArrow: () =>
    run(
      {
        make(): () => unknown {
          return () => this;
        },
      }.make(),
    ),
  super: () =>
    run(
      {
        method() {
          return super.toString();
        },
      }.method,
    ),
  newTarget: () =>
    run(function () {
      return new.target;
    }),
  generator: () =>
    run(function* numbers() {
      yield 1;
    }),
  asyncGenerator: () =>
    run(async function* numbers() {
      yield 1;
    }),
  bound: () => run(double.bind(null, 1)),
  native: () => run(Array.prototype.map as () => unknown),
  nativeGetter: () => run(Object.getOwnPropertyDescriptor(Map.prototype, "size")!.get!),
  mapMethod: () => run(Map.prototype.get as () => unknown),
  randomUUID: () => run(crypto.randomUUID),
  class: () => run(Box as unknown as () => unknown),
  nativeClass: () => run(Map as unknown as () => unknown),
  promise: () => run(Promise.resolve as () => unknown),
};
