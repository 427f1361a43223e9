/**
 * One way to write short benches for both runtimes: `Deno.bench` on Deno, and the same cases played by `_play.ts`, which
 * measures them on Bun and runs them once, on either runtime, for `deno task bench:smoke`.
 *
 *     deno bench -A --no-check benches/locks_bench.ts
 *     deno task bench:bun benches/locks_bench.ts
 */

/** Where a case belongs, and what it is compared with. */
export interface BenchOptions {
  /** Cases of a group do the same work. */
  group: string;
  /** The bare operation of the platform: the other cases of the group are shown as multiples of it. */
  baseline?: boolean;
  /** Whether it is not part of this library, like the baseline. */
  peer?: boolean;
  /** For cases that take many milliseconds, like a start: the case runs this often, after one run that does not count. */
  n?: number;
}

/** One case that is measured. */
export interface Case extends BenchOptions {
  name: string;
  run: () => unknown;
}

/** The cases that the imported files declare, in their order. */
export const cases: Case[] = [];

/** Adds a case. The function does the work once. A function that returns a promise must be `async`: Deno awaits no other. */
export function bench(name: string, options: BenchOptions, run: () => unknown): void {
  cases.push({ name, ...options, run });
  // Under `deno run` this does nothing.
  if ("Deno" in globalThis) {
    const { group, baseline, n } = options;
    Deno.bench({ name, group, baseline, fn: run as () => void, ...(n !== undefined && { n, warmup: 1 }) });
  }
}

// `deno bench` does not show what other programs do meanwhile. Only there a bench file is the main module.
if ("Deno" in globalThis && Deno.mainModule.endsWith("_bench.ts")) {
  const { Watch } = await import("./lib/watch.ts");
  const watch = await Watch.begin();
  globalThis.addEventListener("unload", () => console.log(`\n${watch.tell()}`));
}

/** The last argument of {@linkcode keep}. Other modules can reach it, so the engine cannot know that nothing reads it. */
export const kept: { value: unknown } = { value: undefined };

/** Takes a value that nothing else uses, so that the engine does not drop the code that makes it. */
export function keep(value: unknown): void {
  kept.value = value;
}
