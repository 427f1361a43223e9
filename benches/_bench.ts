/**
 * One way to write benchmarks for both runtimes: `Deno.bench` on Deno, and the same cases timed by hand on Bun.
 *
 *     deno bench -A --no-check benches/lock_bench.ts
 *     bun benches/lock_bench.ts
 */

import process from "node:process";

/** Where a case belongs, and what it is compared with. */
export interface BenchOptions {
  group: string;
  /** The others of the group are told as multiples of this one. */
  baseline?: boolean;
  /** How many of what is counted one call does; 1 if absent. */
  n?: number;
}

interface Case extends BenchOptions {
  name: string;
  run: () => unknown;
}

const cases: Case[] = [];

/** Adds a case. The function does one thing, or `n`, and may return a promise. */
export function bench(name: string, options: BenchOptions, run: () => unknown): void {
  if ("Deno" in globalThis) {
    Deno.bench({ name, group: options.group, baseline: options.baseline, fn: run as () => void });
    return;
  }
  if (cases.length === 0) setTimeout(runAll, 0);
  cases.push({ ...options, name, run });
}

async function runAll(): Promise<void> {
  for (const group of new Set(cases.map((one) => one.group))) {
    const members = cases.filter((one) => one.group === group);
    const times = new Map<Case, number>();
    for (const one of members) times.set(one, await nanoseconds(one));
    const reference = times.get(members.find((one) => one.baseline) ?? members[0]!)!;
    console.log(`\n${group}`);
    for (const one of members) {
      const time = times.get(one)!;
      console.log(
        `  ${one.name.padEnd(48)} ${format(time).padStart(10)}  ${(time / reference).toFixed(2).padStart(8)} x`,
      );
    }
  }
  process.exit();
}

/** The median of several samples of about 30 ms each. */
async function nanoseconds({ run, n = 1 }: Case): Promise<number> {
  let calls = 1;
  const time = async (): Promise<number> => {
    const begin = performance.now();
    for (let i = 0; i < calls; i++) {
      const result = run();
      if (result instanceof Promise) await result;
    }
    return performance.now() - begin;
  };
  while (await time() < 30 && calls < 2 ** 26) calls *= 2;
  const samples: number[] = [];
  for (let i = 0; i < 11; i++) samples.push(await time() * 1e6 / calls / n);
  return samples.sort((a, b) => a - b)[5]!;
}

function format(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(1)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} us` : `${(ns / 1e6).toFixed(2)} ms`;
}

/** A program, or a part of this one, that does so many operations a second. */
export interface Contestant {
  name: string;
  /** Returns operations a second; `undefined` where it cannot be run on this machine. */
  run: () => number | undefined | Promise<number | undefined>;
}

/**
 * Runs the contestants in turns, `rounds` times, and prints the median and the best of each, and how many times as fast the
 * first is by either. Where other programs are busy, the best is nearer to what the contestant does by itself.
 */
export async function compare(title: string, contestants: Contestant[], rounds = 5): Promise<void> {
  const results = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const result = await contestant.run();
      if (result !== undefined) results[i]!.push(result);
    }
  }
  for (const of of results) of.sort((a, b) => b - a);
  const medians = results.map((of) => of[of.length >> 1]);
  const bests = results.map((of) => of[0]);
  console.log(`\n${title}`);
  for (const [i, contestant] of contestants.entries()) {
    const median = medians[i];
    const best = bests[i];
    const line = median === undefined || best === undefined
      ? "not installed"
      : `${rate(median).padStart(10)}, best ${rate(best).padStart(10)}${
        i === 0
          ? ""
          : `   first is ${(medians[0]! / median).toFixed(2)} x, by the best ${(bests[0]! / best).toFixed(2)} x`
      }`;
    console.log(`  ${contestant.name.padEnd(44)} ${line}`);
  }
}

function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M/s`;
  return perSecond >= 1e3 ? `${(perSecond / 1e3).toFixed(1)} k/s` : `${perSecond.toFixed(1)} /s`;
}

/** Operations a second of a Python program that prints them; `undefined` without `python3`. */
export async function python(source: string): Promise<number | undefined> {
  const { execFile } = await import("node:child_process");
  return await new Promise((resolve) => {
    execFile("python3", ["-c", source], { timeout: 120_000 }, (error, stdout) => {
      resolve(error === null ? Number(stdout.trim()) : undefined);
    });
  });
}
