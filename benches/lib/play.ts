/**
 * What a player does: the program at the other end of a driver's pipes that plays works on command. For Deno, Bun and Node;
 * programs in other languages do the same by themselves:
 *
 * - first a line `{"ready": true, "name": "…", "version": "…", "works": ["lock/free", …]}` on stdout;
 * - for each line `{"id": 1, "work": "lock/free", "n": 100000}` on stdin, the work n times, and then
 *   `{"id": 1, "ns": 1234567}`, or `{"id": 1, "error": "why not"}`. With `"own": true` if the time leaves out a part of what was
 *   done, like the starts of the workers: then the processor's time, which is measured from outside, is not that of the work;
 * - players that can may do it in as many parts as the line's `"parts"` says and add `"probeNs"` and `"probingNs"`: what the bare
 *   atomic operations of a lock took before, between and after the parts, and how long all of these took together;
 * - the end of stdin ends the player and what it started. Other output goes to stderr.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { probe, warmProbe } from "./probe.ts";

/**
 * Does something `n` times. Returns how many nanoseconds that took if not everything that it does counts. Otherwise the time of
 * the whole call counts.
 */
export type Work = (n: number) => number | void | Typical | Promise<number | void | Typical>;

/** What a work returns if everything that it does counts, but the median instead of the average. */
export interface Typical {
  readonly typicalNs: number;
}

/** The order of a driver. */
export interface Order {
  readonly id: number;
  readonly work: string;
  readonly n: number;
  /** In how many parts it is done. Default: 1. */
  readonly parts?: number;
}

/** The result of an order. */
export interface Played {
  /** The whole time. */
  readonly ns: number;
  /** Whether more was done than this time includes. */
  readonly own?: boolean;
  /** What the bare atomic operations of a lock took meanwhile, if the player reports it. */
  readonly probeNs?: number;
  /** How long the player took to find that out. */
  readonly probingNs?: number;
}

/** Nanoseconds that something took. */
export async function timed(run: () => unknown): Promise<number> {
  const begin = performance.now();
  const result = run();
  if (result instanceof Promise) await result;
  return (performance.now() - begin) * 1e6;
}

/** Does something `n` times, one after the other. Resolves to the median time of one. */
export async function typicalOf(n: number, run: (i: number) => unknown): Promise<Typical> {
  const times: number[] = [];
  for (let i = 0; i < n; i++) times.push(await timed(() => run(i)));
  return { typicalNs: times.sort((a, b) => a - b)[times.length >> 1]! };
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
  warmProbe();
  const say = (answer: unknown): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ ready: true, name, version, works: Object.keys(works) });
  for await (const line of createInterface({ input: process.stdin })) {
    const order: Order = JSON.parse(line);
    say({ id: order.id, ...await answer(works[order.work], order) });
  }
  await close?.();
  process.exit();
}

async function answer(work: Work | undefined, order: Order): Promise<Played | { error: string }> {
  if (work === undefined) return { error: `no work '${order.work}'` };
  try {
    return await playInParts(work, order);
  } catch (error) {
    return { error: String(error) };
  }
}

async function playInParts(work: Work, { n, parts = 1 }: Order): Promise<Played> {
  const count = Math.max(1, Math.min(parts, n));
  const probes = [probe()];
  let ns = 0;
  let isOwn = false;
  for (let part = 0, done = 0; part < count; part++) {
    const until = Math.round(n * (part + 1) / count);
    let told: number | void | Typical = undefined;
    const whole = await timed(async () => {
      told = await work(until - done);
    });
    const own = told as number | Typical | undefined;
    ns += typeof own === "object" ? own.typicalNs * (until - done) : own ?? whole;
    isOwn ||= typeof own === "number";
    done = until;
    probes.push(probe());
  }
  const sum = (values: number[]): number => values.reduce((a, b) => a + b);
  return {
    ns,
    own: isOwn || undefined,
    probeNs: sum(probes.map(({ probeNs }) => probeNs)) / probes.length,
    probingNs: sum(probes.map(({ wholeNs }) => wholeNs)),
  };
}
