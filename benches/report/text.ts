/** What the report says in words, without a number: the figures are the tables' and charts'. */

/** The head of the page, before all figures. */
export const HEAD: string = `# Benchmarks

<!-- Made by \`deno task bench:report\` from benches/results/. Do not edit: the words are in benches/report/. -->

All figures on this page come from the files in \`benches/results/\`, which hold every sample of the runs. Below each table and
chart is the command that makes it anew.

Where a peer is ahead, the page says so. What the words in the tables mean is told at the end.`;

/** The end of the page. */
export const HOW: string = `## How to read the figures

- **Ratios.** What a machine does in a second says little about another, so what counts is how one contestant stands beside
  another. They ran in turns, A B A B, in one run: what the machine did in a minute was done to all of them. What is
  twice as good is twice as fast, or half the size. In the tables of all figures each is a multiple of the time of
  the best peer that can be had on its runtime, so that less is better there.
- **Peers** of ours on a runtime are what can be had on that runtime, and what runs elsewhere, as on Node,
  CPython and C. Bare operations of the platform are among them: they are the floor, and do less.
- **Median and spread.** A figure is the median of the samples of several starts. Half of the samples are within the spread
  to either side of it. A peer counts as ahead only where its lead is larger than both spreads together, and than what two
  starts of the same code differ by.
- **Time of the processor** is that of all threads and child processes for one operation. Where it is larger than the median
  the work was done side by side; where it is smaller, threads slept meanwhile.
- **Rounds and dropped.** Each sample waits for a quiet machine and is thrown away if other programs used the processors
  meanwhile; how many were thrown away is in the tables. A figure that had to be taken from a busy machine says so, as
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
      "What a start costs is the library's own modules. A worker loads some of them, and the rest when something shared " +
      "arrives or the program's own module imports the package, as most do. After the second start a spare worker with all of " +
      "it loaded waits for the next thread for a while; then a start costs a message and the import of the function's module. " +
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
