/**
 * Plays the cases of bench files without `deno bench`, on either runtime.
 *
 *     _play.ts benches/locks_bench.ts             measures them on a quiet machine and prints a table of each group
 *     _play.ts --once benches/locks_bench.ts      runs each case once and counts the cases that threw
 *     _play.ts --list benches/locks_bench.ts      lists the cases in JSON
 *     _play.ts --player benches/locks_bench.ts    plays them on command (see lib/play.ts), for record.ts
 */

import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Case, cases } from "./_harness.ts";
import { play, type Work } from "./lib/play.ts";
import { Watch } from "./lib/watch.ts";

const AsyncFunction = (async () => {}).constructor;

/** Runs each case once. Returns how many threw. */
async function runOnce(): Promise<number> {
  let failed = 0;
  for (const { group, name, run } of cases) {
    try {
      const result = run();
      if (result instanceof Promise && run.constructor !== AsyncFunction) {
        throw new TypeError(
          "Cannot bench: a function that returns a promise must be 'async', since Deno awaits no other",
        );
      }
      await result;
    } catch (error) {
      failed++;
      console.error(`FAIL ${group}: ${name}`, error);
    }
  }
  console.log(`${cases.length - failed} passed, ${failed} failed`);
  return failed;
}

/** Measures each case and prints the groups as they are done. */
async function measureAll(): Promise<void> {
  if (cases.length === 0) throw new TypeError("Cannot play benches: the files must declare some: received none");
  const { measure } = await import("mitata");
  const watch = await Watch.begin();
  for (const group of new Set(cases.map((member) => member.group))) {
    const members = cases.filter((member) => member.group === group);
    const times = new Map<Case, number>();
    for (const member of members) {
      // If the first call loads or reserves something, mitata would take the function for slow.
      for (let i = 0; i < (member.n === undefined ? 3 : 1); i++) await member.run();
      times.set(member, (await measure(member.run, amountFor(member))).p50);
    }
    const baseline = times.get(members.find((member) => member.baseline) ?? members[0]!)!;
    console.log(`\n${group.padEnd(54)} ${"Time".padStart(10)} ${"over bare".padStart(12)}`);
    for (const [{ name }, time] of times) {
      console.log(`  ${name.padEnd(52)} ${format(time).padStart(10)} ${(time / baseline).toFixed(2).padStart(10)} x`);
    }
  }
  console.log(`\n${watch.tell()}`);
}

/** How long mitata measures: a third of a second, in batches if a call is too short to be timed alone. */
function amountFor({ n }: Case): Record<string, number> {
  if (n !== undefined) return { min_cpu_time: 0, min_samples: n };
  return { min_cpu_time: 3e8, batch_samples: 1024, batch_threshold: 20_000 };
}

function format(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(1)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` : `${(ns / 1e6).toFixed(2)} ms`;
}

/** The case as a work of a player. */
function workOf({ run }: Case): Work {
  if (run.constructor === AsyncFunction) {
    return async (n) => {
      for (let i = 0; i < n; i++) await run();
    };
  }
  return (n) => {
    for (let i = 0; i < n; i++) run();
  };
}

/** The name of a case among the works of a player. */
export function workName({ group, name }: Pick<Case, "group" | "name">): string {
  return `${group}: ${name}`;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { once: { type: "boolean" }, list: { type: "boolean" }, player: { type: "boolean" } },
  });
  for (const file of positionals) await import(pathToFileURL(resolve(file)).href);
  if (values.list) console.log(JSON.stringify(cases));
  else if (values.player) {
    await play("benches", Object.fromEntries(cases.map((each) => [workName(each), workOf(each)])));
  } else if (values.once) process.exitCode = await runOnce() > 0 ? 1 : 0;
  else await measureAll();
  // Partners of the benches, which wait for more to do, end with the program.
  process.exit();
}
