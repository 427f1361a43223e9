/** What the contestants are, in a line each: for the page, and for `--list`. */

/** By name, and by name and runtime where one name means several things. */
const ABOUT: Readonly<Record<string, string>> = {
  "threading": "this library's threads, and pools of them",
  "multiprocessing (spawn)": "this library's processes, each started anew, and pools of them",
  "multiprocessing (forkserver)": "this library's processes, started by a server that has the next one ready",
  "threading, CPython": "`threading` and `queue` of Python's standard library, under its global interpreter lock",
  "multiprocessing (spawn), CPython": "`multiprocessing` of Python's standard library, each process started anew",
  "multiprocessing (forkserver), CPython":
    "`multiprocessing` of Python's standard library, each process forked off a server",
  "ThreadPoolExecutor": "Python's `concurrent.futures`, with threads",
  "ProcessPoolExecutor": "Python's `concurrent.futures`, with processes",
  "bare Worker": "the platform's `Worker` and messages, as a program uses them without a library",
  "bare worker_threads": "Node's `worker_threads` and their messages, without a library",
  "child_process.fork": "the platform's child processes and their messages, without a library",
  "bare Atomics": "workers that use `Atomics` on shared words by hand: the floor, with no safety at all",
  "bare pair":
    "`Atomics.compareExchange` and `Atomics.exchange` of a word that is always free: the least that any lock does",
  "pthreads + futexes": "a program in C with POSIX threads, futexes and pipes",
  "fork + futexes + pipes": "a program in C with forked processes, locks in shared memory and pipes",
  "piscina": "npm's pool of worker threads",
  "tinypool": "npm's smaller fork of piscina, with threads or child processes",
  "workerpool": "npm's pool of threads or child processes",
  "poolifier": "npm's pool of threads or of Node's cluster",
  "threads": "npm's threads.js",
  "comlink": "npm's calls through messages; its users share tasks out by themselves",
  "multithreading": "npm's threads, locks and channels in the manner of Rust",
};

/** The names of all contestants, whether or not they can be had on this machine. */
export const CONTESTANT_NAMES: readonly string[] = [...new Set(Object.keys(ABOUT).map((key) => key.split(",")[0]!))];

/** What a contestant is. `undefined` if there is no description. */
export function aboutContestant(name: string, runtime: string): string | undefined {
  return ABOUT[`${name}, ${runtime}`] ?? ABOUT[name];
}
