/** The words of the report, without numbers: the figures are in the tables and charts. */

import { COLUMNS as ACCOUNTS } from "../account/tables.ts";
import { COLUMNS as CORES } from "../cores/tables.ts";
import { COLUMNS as FLEET } from "../distributed/tables.ts";
import { COLUMNS as PEERS } from "../peers/tables.ts";

/** The head of the page, before all figures: it names the files that the page is made of. */
export function headOf(sources: readonly string[]): string {
  const files = sources.map((source) => `\`${source}\``).join(", ");
  return `# Benchmarks

<!-- Made by \`deno task bench:report\` from ${files}. Do not edit: the words are in benches/report/. -->

All figures on this page come from ${files}, which hold every sample of the runs. The command that measures them again is
below each table.

If a peer is ahead, the page says so. [How to read the figures](#how-to-read-the-figures) explains the tables.`;
}

/** The commands that run everything again. */
export const COMMANDS: string = `## Run it yourself

\`\`\`sh
deno task bench             # short benches of each module beside the bare platform; on Bun: deno task bench:bun
deno task bench:record      # the same on both runtimes in turns, as results that can be compared and reported
deno task bench:cores       # the speed-up with more workers
deno task bench:peers       # beside npm's pools, bare workers, CPython and C; --quick for a short run
deno task bench:distributed # a fleet beside a job queue and the local pool
deno task bench:account     # what locks, queues and pipes are made of, and what that takes
deno task bench:fairness    # how a lock is shared by threads that want it all the time
deno task bench:compare     # what changed between two results beyond the noise
deno task bench:report      # makes a page like this from results
\`\`\`

Each command with a colon explains its options with \`--help\`. Run them on a machine that is otherwise idle.`;

/** What the compilers make of the pieces, and how the tables of an account are read. */
export const ACCOUNT: string =
  `The pieces that locks, queues and pipes are made of, measured without the library, and then the
operations of the library. An operation is its pieces and a rest: **${ACCOUNTS.pieces}** are the medians of as many bare atomic
operations as it makes when nothing is in its way, and of the other pieces that the table after it names. **${ACCOUNTS.rest}** is its
median without these. An exchange, or a compare-exchange, counts as half of a pair. **${ACCOUNTS.writes}** are counted from the
source, for \`x86-64\`, where a plain read or write does on the free path what other processors need an atomic operation for.

- **Deno.** Its engine compiles each call of \`Atomics\` as a call of a builtin. The call takes several nanoseconds before
  it touches memory, so an atomic read costs not much less than an atomic write, and many times as much as a plain read. The free paths
  therefore make no atomic reads where a plain read is enough. A buffer of a fixed length is as fast with gigabytes as with a page.
- **Bun.** Its engine, JavaScriptCore, inlines atomic operations, so a pair takes about as long as the processor
  needs for it. It puts a fence behind an atomic load, which then costs as much as a store. The memory of threads grows there, and the
  compiled code reads the length of a growable buffer before each access. Locks and queues therefore use an array of a fixed length
  over that buffer: compare the first three tables.
- **Guards** are objects, and most of them are allocated: a guard that is dropped at once may cost nothing, since the compiler then
  sees that nothing uses it. A guard that is disposed of is used, and stays.
- **Promises.** An awaited operation adds a turn of the microtask queue for each \`await\`, and a promise or two.
- **The first calls.** Both engines interpret code first, and compile it in steps while the program runs. Until the best code is
  there, an operation costs several times as much. A program that acquires a lock some thousands of times never gets there, so a short
  benchmark shows these costs. The last table shows both.
- **Other threads** dominate as soon as they take part. A word that goes to another processor and back takes as long as dozens of
  atomic operations of one thread, and a wake-up many times as long as that.`;

/** What is measured of fairness. */
export const FAIRNESS: string =
  "How a lock is shared by threads that want it all the time: throughput, and what the least served thread gets of it.";

/** The end of the page. */
export const HOW: string = `## How to read the figures

- **Ratios.** The time of an operation on this machine says little about another machine. The ratio of two contestants says more.
  They ran in turns, A B A B, in the same run, so a change in the machine's load affected all of them. _Over_ means divided by:
  where ours is over a peer, less is better, and below one ours is ahead.
- **Ours** is this library. **Peers** are the alternatives on the same runtime, and alternatives that run _elsewhere_: on
  Node, CPython and C. The first comparison is with the best peer on the same runtime, since a program cannot
  use the others. Bare operations of the platform are among the peers: they do less, and are the lower limit.
- **${PEERS.time}**, **${PEERS.memory}**, **${PEERS.use}** is the median of the samples. **${PEERS.samples}** is their number, and the
  number of starts of the program that they come from.
- **${PEERS.spread}**: half of the samples are within this distance of the median. A peer counts as ahead only if its lead is larger
  than both spreads together, and larger than the difference between two starts of the same code.
- **${PEERS.processor}** is the processor time of all threads and child processes for an operation. If it is larger than the median,
  the work ran in parallel. If it is smaller, threads slept meanwhile.
- **${PEERS.near}** and **${PEERS.far}**: in the bold rows, which are this library's, the ratio to the best of these peers, and the
  name of that peer. In a peer's row they show whether it is that peer.
- **${CORES.speedup}** is the time of the job without workers (or with the fewest workers, if it needs some) divided by its time with
  this many workers. **${CORES.efficiency}** is the speed-up divided by the number of cores that these workers can use. It is left out
  if all workers use the same lock or queue, since more workers cannot be faster there. **${CORES.timesBare}** is the time of the job
  divided by its time with the same number of bare workers.
- **${FLEET.asked}** is the target that the fleet was designed for. **${FLEET.reached}** says whether the **${FLEET.ratio}** of the
  medians meets it. \`p99\` is the value that a hundredth of the samples exceed: the longest sample if there are fewer.
- **${PEERS.notes}.** Each sample waits for a quiet machine. It is discarded as _disturbed_ if other programs used the processors
  meanwhile. A figure that had to be measured on a _busy_ machine is marked, and so is every figure that is derived from it. Do
  not rely on these figures: an operation that waits for another thread then first waits for the scheduler.
- **Noise.** Two measurements of the same code differ by some percent. \`deno task bench:compare OLD.json NEW.json\` shows what
  changed beyond that.`;

/** Notes below the tables, for the works whose names match. */
export const NOTES: readonly { readonly about: RegExp; readonly text: string }[] = [
  {
    about: /acquire and release/i,
    text:
      "On Deno the statement `using` itself takes time. In a hot loop, dispose of the guard in `finally` or call `release`.",
  },
  {
    about: /^value|one number/i,
    text: "A `Value` of a wide type (`i64`, `f64`) takes longer, since it is first read as a `bigint`.",
  },
  {
    about: /1 KB/,
    text:
      "On Deno, part of the time of a large string goes into joining its parts, which happens when it is first read.",
  },
  {
    about: /^start/i,
    text:
      "Profiles of the first start on Deno: more than half of the time is the runtime's own, which makes the worker and its heap while " +
      "the starter is blocked. The rest is, in this order: the description of the function (mostly the first read of a stack and of the " +
      "modules on it), the library's files in the worker, the function's module there, and the timers that an awaited join is the " +
      "first to use.",
  },
  {
    about: /^start/i,
    text:
      "Profiles of the first start on Bun: most of the time goes into reading and transpiling the library's files. It grows with their " +
      "length, and is spent once in the program and once more in the worker if the function's module imports the library. The lower " +
      "limit there is a bare worker that imports the library as well. Fewer and larger files, files that are marked as transpiled, and " +
      "short names were tried: each changes a start by no more than the noise.",
  },
  {
    about: /^start/i,
    text:
      "The library's own part of a start is the load of its modules. A worker loads some of them at the start. It loads the rest when " +
      "a shared object arrives, or when the program's own module imports the package, as most do. After the second start, a spare " +
      "worker with all modules loaded waits for the next thread for a while. If an earlier thread ran the same function, the spare has " +
      "imported the function's module as well, and a start takes a single message. So does the start of a process by `forkserver`.",
  },
  {
    about: /^start/i,
    text:
      "If starts follow each other without a turn of the event loop in between (`start()` and `joinSync()` in a loop), no spare is " +
      "made: the library does nothing in the background while the program is blocked.",
  },
  {
    about: /64 MB.*shared/i,
    text: "A shared array is available at once, whatever its size: nothing is copied.",
  },
  {
    about: /idleness/i,
    text:
      "Two changes were tried and were slower on a busy machine: to poll longer for the answer, and to wake a worker before the " +
      "task is posted.",
  },
  {
    about: /^one (lock|queue)/i,
    text:
      "Operations under the same lock, or on the same queue, run one after another on any number of cores, so more workers cannot " +
      "make them faster. They should not become much slower.",
  },
  {
    about: /items put and then taken/i,
    text:
      "If the time grows in proportion, an item takes as long with the larger number of items as with the smaller number.",
  },
];
