/**
 * What a player does: the program at the other end of a driver's pipes that plays works on command. For Deno, Bun and Node;
 * programs in other languages do the same by themselves:
 *
 * - first a line `{"ready": true, "name": "…", "version": "…", "works": ["lock/free", …]}` on stdout;
 * - for each line `{"id": 1, "work": "lock/free", "n": 100000}` on stdin, the work n times, and then
 *   `{"id": 1, "ns": 1234567}`, or `{"id": 1, "error": "why not"}`;
 * - the end of stdin ends the player and what it started. What else it has to say goes to stderr.
 */

import process from "node:process";
import { createInterface } from "node:readline";

/**
 * Does something `n` times. Returns how many nanoseconds that took where not all that it does counts; else the time of the
 * whole call does.
 */
export type Work = (n: number) => number | void | Promise<number | void>;

/** What a driver asks for. */
export interface Order {
  readonly id: number;
  readonly work: string;
  readonly n: number;
}

/** Nanoseconds that something took. */
export async function timed(run: () => unknown): Promise<number> {
  const begin = performance.now();
  const result = run();
  if (result instanceof Promise) await result;
  return (performance.now() - begin) * 1e6;
}

/** The version of the runtime that runs this. */
export function runtimeVersion(): string {
  return process.versions.deno ?? process.versions.bun ?? process.versions.node;
}

/** Plays the works until stdin ends, then closes what was opened and exits. */
export async function play(
  name: string,
  works: Readonly<Record<string, Work>>,
  close?: () => unknown,
  version = runtimeVersion(),
): Promise<never> {
  // Programs that print in the middle of a work would break the lines of the answers.
  console.log = console.error;
  const say = (answer: unknown): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ ready: true, name, version, works: Object.keys(works) });
  for await (const line of createInterface({ input: process.stdin })) {
    const order: Order = JSON.parse(line);
    say({ id: order.id, ...await answer(works[order.work], order) });
  }
  await close?.();
  process.exit();
}

async function answer(work: Work | undefined, { work: name, n }: Order): Promise<{ ns: number } | { error: string }> {
  if (work === undefined) return { error: `no work '${name}'` };
  try {
    let own: number | void = undefined;
    const whole = await timed(async () => {
      own = await work(n);
    });
    return { ns: own ?? whole };
  } catch (error) {
    return { error: String(error) };
  }
}
