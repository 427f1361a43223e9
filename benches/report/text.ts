/** What the report says in words, without a number: the figures are the tables' and charts'. */

import { COLUMNS as CORES } from "../cores/tables.ts";
import { COLUMNS as FLEET } from "../distributed/tables.ts";
import { COLUMNS as PEERS } from "../peers/tables.ts";

/** The head of the page, before all figures: from which files it is made. */
export function headOf(sources: readonly string[]): string {
  const files = sources.map((source) => `\`${source}\``).join(", ");
  return `# Benchmarks

<!-- Made by \`deno task bench:report\` from ${files}. Do not edit: the words are in benches/report/. -->

All figures on this page come from ${files}, which hold every sample of the runs. Below each table is the command that makes
it anew.

Where a peer is ahead, the page says so. What the words in the tables mean is told at the end.`;
}

/** How all of it is run again. */
export const COMMANDS: string = `## Run it yourself

\`\`\`sh
deno task bench             # short benches of each module beside the bare platform; on Bun: deno task bench:bun
deno task bench:record      # the same on both runtimes in turns, as results that can be compared and reported
deno task bench:cores       # what more workers bring
deno task bench:peers       # beside npm's pools, bare workers, CPython and C; --quick for a look
deno task bench:distributed # a fleet beside a job queue and the local pool
deno task bench:compare     # what changed between two results beyond the noise
deno task bench:report      # makes a page like this one of results
\`\`\`

Each of those with a colon tells with \`--help\` what else it can do. The machine should have nothing else to do meanwhile.`;

/** The end of the page. */
export const HOW: string = `## How to read the figures

- **Ratios.** What a machine does in a second says little about another, so what counts is how one contestant stands beside
  another. They ran in turns, A B A B, in one run: what the machine did in a minute was done to all of them. _Over_ means
  divided by: where ours is over a peer, less is better, and below one ours is ahead.
- **Peers** of ours on a runtime are what can be had on that runtime, and what runs _elsewhere_: on Node,
  CPython and C, where ours does not. What ours is compared with first is the best on its own runtime, since a program cannot
  have the others. Bare operations of the platform are among the peers: they are the floor, and do less.
- **${PEERS.time}**, **${PEERS.memory}**, **${PEERS.use}** is the median of the samples. **${PEERS.samples}** says how many there are, from how
  many starts of the program. **${PEERS.spread}**: half of the samples are so near to the median, to either side. A peer counts
  as ahead only where its lead is larger than both spreads together, and than what two starts of the same code differ by.
- **${PEERS.processor}** is that of all threads and child processes for one operation. Where it is larger than the median
  the work was done side by side; where it is smaller, threads slept meanwhile.
- **${PEERS.near}** and **${PEERS.far}** are in the rows of this library, which are bold: how many times as much it takes as
  the best of these peers, and which that is. In a peer's row they say whether that peer is the one.
- **${CORES.speedup}** is how many times as fast a job is with more workers: the time of the job without any, or with the fewest
  where it needs some, over its time with so many. **${CORES.efficiency}** is the speed-up by the number of cores that these
  workers can use. It is left out where all workers want one lock or one queue: more of them cannot be faster there.
  **${CORES.timesBare}** is how many times as long it takes as with as many bare workers.
- **${FLEET.asked}** is what the fleet was designed to reach, and **${FLEET.reached}** says whether the **${FLEET.ratio}** of the
  medians beside it does. \`p99\` is what one of a hundred exceeds: the longest where there are fewer.
- **${PEERS.notes}.** Each sample waits for a quiet machine and is thrown away as _disturbed_ if other programs used the
  processors meanwhile. A figure that had to be taken from a _busy_ machine says so, as
  does what is made of it, and is not to be relied on: what waits for another thread then waits for the scheduler first.
- **Noise.** The same code measured twice differs by some per cent. \`deno task bench:compare OLD.json NEW.json\` says what
  changed beyond that.`;

/** What is said of the works whose names match, below the tables. */
export const NOTES: readonly { readonly about: RegExp; readonly text: string }[] = [
  {
    about: /acquire and release/i,
    text:
      "The statement `using` itself costs on Deno: in a hot loop, dispose of the guard in `finally` or call `release`.",
  },
  {
    about: /^value|one number/i,
    text: "A `Value` of a wide type (`i64`, `f64`) costs more, since what is read is a `bigint` first.",
  },
  {
    about: /1 KB/,
    text:
      "Part of what a large string costs on Deno is spent on joining its parts, which is done at the first look at it.",
  },
  {
    about: /^start/i,
    text:
      "By profiles of the first start on Deno: more than half of it is the runtime's own, which makes the worker and its heap while " +
      "the starter stands still; then come the function's description, of which most is a first look at a stack and at the texts of " +
      "the modules on it, the library's files in the worker, the function's module there, and the timers that an awaited join is the " +
      "first to use. On Bun most of it is reading and translating the library's files, of which the processor's time grows with " +
      "their length: once in the program, and once more in the worker whose function's module imports the library. A bare worker " +
      "that imports the library as well is the floor there. Fewer and larger files, files that are marked as translated, and short " +
      "names were tried: each changes a start by no more than the noise.",
  },
  {
    about: /^start/i,
    text:
      "What a start costs is the library's own modules. A worker loads some of them, and the rest when something shared " +
      "arrives or the program's own module imports the package, as most do. After the second start a spare worker with all of " +
      "it loaded waits for the next thread for a while, and where one that has ended ran the same, it has imported its module as well: " +
      "then a start costs a message. So does that of a process by `forkserver`. " +
      "Where starts follow each other without a turn of the event loop between (`start()` and `joinSync()` in a loop) no spare " +
      "is made: nothing is done behind the program's back while it is blocked.",
  },
  {
    about: /64 MB.*shared/i,
    text: "A shared array is there at once, whatever its size: nothing is copied.",
  },
  {
    about: /idleness/i,
    text:
      "To look longer for the answer, and to wake a worker before the task was posted, were both tried and found slower on a " +
      "busy machine.",
  },
  {
    about: /^one (lock|queue)/i,
    text:
      "What is done under one lock, or with one queue, is done one after the other, however many cores there are: more workers " +
      "cannot make it faster. What counts is that it does not become much slower.",
  },
  {
    about: /items put and then taken/i,
    text: "Where cost grows in proportion, the larger number of items costs as much for each of them as the smaller.",
  },
];
