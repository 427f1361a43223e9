import { assert, assertEquals } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import { documentationOf, examine } from "../../tools/_public_docs.ts";

const LIMIT = { timeout: 60_000 };

const COMPLETE = `/**
 * A module.
 *
 * @module
 */

/** Options of a wait. */
export interface WaitOptions {
  /** Milliseconds after which the wait ends. */
  readonly timeout?: number;
}

/**
 * A thing.
 *
 * Python has no equivalent.
 *
 * @example Made
 * \`\`\`ts
 * new Thing(1);
 * \`\`\`
 */
export class Thing {
  /**
   * Makes a thing.
   *
   * @param size Its size in bytes.
   * @throws {RangeError} If the size is negative.
   */
  constructor(size: number) {
    if (size < 0) throw new RangeError();
    this.size = size;
  }

  /** Its size in bytes. */
  readonly size: number;

  /**
   * Waits for the thing.
   *
   * @param options Limits of the wait.
   * @returns Whether it came.
   * @throws If the signal is aborted.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return Promise.resolve(options !== undefined);
  }

  /**
   * The same, blocking.
   *
   * @returns Whether it came.
   *
   * @example Waited for
   * \`\`\`ts
   * new Thing(1).waitSync();
   * \`\`\`
   */
  waitSync(): boolean {
    return true;
  }

  /**
   * Fills it, see {@linkcode Thing.size}.
   *
   * @throws {Error} If it is full.
   *
   * @example Filled
   * \`\`\`ts
   * new Thing(1).fill();
   * \`\`\`
   */
  fill(): void {
    if (this.size > 0) throw new Error();
  }

  /** Drops it. */
  [Symbol.dispose](): void {}
}
`;

/** What lacks, where a line of the module or several are replaced. */
async function gapsWith(old: string, replacement: string): Promise<string[]> {
  assert(COMPLETE.includes(old), old);
  const folder = mkdtempSync(`${tmpdir()}/docs-`);
  try {
    writeFileSync(`${folder}/mod.ts`, COMPLETE.replace(old, replacement));
    return examine(await documentationOf([`${folder}/mod.ts`])).gaps.map((gap) => gap.replace(/^\S+ /, ""));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the check of public documentation", { skip: !("Deno" in globalThis) }, () => {
  it("finds nothing missing where nothing is, and counts symbols and members", LIMIT, async () => {
    assertEquals(await gapsWith("A module.", "A module."), []);
  });

  const planted: readonly [string, string, string, string[]][] = [
    ["a summary of a module", " * A module.\n *\n", "", ["the module has no summary"]],
    ["a summary of a member", "  /** Drops it. */\n", "", ["Thing.[Symbol.dispose] has no summary"]],
    ["a summary of an option", "  /** Milliseconds after which the wait ends. */\n", "", [
      "WaitOptions.timeout does not say its unit of time",
      "WaitOptions.timeout has no summary",
    ]],
    ["a unit of time", "Milliseconds after which", "After which", [
      "WaitOptions.timeout does not say its unit of time",
    ]],
    ["a parameter", "   * @param size Its size in bytes.\n", "", ["Thing.constructor has no @param for 'size'"]],
    ["the words of a parameter", "@param size Its size in bytes.", "@param size", [
      "Thing.constructor has no @param for 'size'",
    ]],
    ["the parameter that a comment names", "@param options Limits", "@param option Limits", [
      "Thing.wait has a @param 'option', which is no parameter",
      "Thing.wait has no @param for 'options'",
    ]],
    ["a result", "   * @returns Whether it came.\n   *\n", "", ["Thing.waitSync has no @returns"]],
    ["the errors of a wait", "   * @throws If the signal is aborted.\n", "", ["Thing.wait has no @throws"]],
    ["the errors of a constructor", "   * @throws {RangeError} If the size is negative.\n", "", [
      "Thing.constructor has no @throws",
    ]],
    ["the error that a body throws", "   * @throws {Error} If it is full.\n   *\n", "", ["Thing.fill has no @throws"]],
    ["the words of an error", "{Error} If it is full.", "{Error}", ["Thing.fill has an empty @throws"]],
    ["the words of a result", "@returns Whether it came.\n   *\n", "@returns\n   *\n", [
      "Thing.waitSync has an empty @return",
    ]],
    ["what a link names", "{@linkcode Thing.size}", "{@linkcode Thing.length}", [
      "Thing.fill links to 'Thing.length', which is no public symbol",
    ]],
    ["a line of its own for @ignore", "/** Drops it. */", "/** Drops it. @ignore */", [
      "Thing.[Symbol.dispose] has an @ignore that is no tag, since it is not in a line of its own",
    ]],
    ["a program in an example", "```ts\n   * new Thing(1).fill();", "```ts ignore\n   * new Thing(1).fill();", [
      "Thing.fill has an @example without a program",
      "Thing.fill has no @example in any of its spellings",
    ]],
    ["what a class is in Python", " * Python has no equivalent.\n", " * Nothing like it.\n", [
      "Thing does not say what it is in Python, or that Python has no equivalent",
    ]],
    [
      "the unit of a parameter",
      "@param size Its size in bytes.\n   * @throws {RangeError} If the size is negative.\n   */\n  constructor(size: number) {\n    if (size < 0)",
      "@param ms How long.\n   * @throws {RangeError} If it is negative.\n   */\n  constructor(ms: number, size = ms) {\n    if (ms < 0)",
      [
        "Thing.constructor does not say the unit of time of 'ms'",
        "Thing.constructor has no @param for 'size'",
      ],
    ],
    ["an example of a class", "@example Made", "@see Made", ["Thing has no @example"]],
    ["an example of a method in any spelling", "@example Waited for", "@see Waited for", [
      "Thing.wait has no @example in any of its spellings",
      "Thing.waitSync has no @example in any of its spellings",
    ]],
  ];
  for (const [what, old, replacement, gaps] of planted) {
    it(`fails where ${what} is missing`, LIMIT, async () => {
      assertEquals((await gapsWith(old, replacement)).sort(), gaps);
    });
  }
});
