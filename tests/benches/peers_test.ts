import { assert, assertEquals, assertThrows } from "@std/assert";
import { existsSync, readdirSync, statSync } from "node:fs";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { isLong } from "../_rounds.ts";
import { HangError, Player } from "../../benches/lib/player.ts";
import { afterOthers } from "../../benches/peers/bare/repeated.ts";
import { checkItems, isItem } from "../../benches/peers/weft/targets.ts";

const LIMIT = { timeout: 120_000 };
const PEERS = fileURLToPath(new URL("../../benches/peers/", import.meta.url));
const RUNTIME = process.versions.deno === undefined
  ? [process.execPath]
  : [process.execPath, "run", "-A", "--no-check"];
/** Works that wait on purpose, or do much even if they are done once: the others show that the player works. */
const SLOW = /0000|MB|killed|idleness|cold|spare|ten/;

/** Whether a work is played here: only Linux tells what memory a process has. */
function isPlayed(work: string): boolean {
  return !SLOW.test(work) && (process.platform === "linux" || !work.startsWith("memory"));
}

/** Has a player do all that it can once, and ends it. Resolves to the works in which it hung. */
async function playAll(command: readonly string[], limit?: number): Promise<string[]> {
  let player = await Player.start({ command });
  const hung: string[] = [];
  try {
    assert(player.greeting.works.length > 0);
    for (const work of player.greeting.works.filter(isPlayed)) {
      try {
        const result = (await player.play(work, 1, { limit })).ns;
        assert(result > 0, `'${work}' gave ${result}`);
      } catch (error) {
        if (!(error instanceof HangError)) throw error;
        hung.push(work);
        player = await Player.start({ command });
      }
    }
  } finally {
    await player.end();
  }
  return hung;
}

/** Fails with the works in which a player hung. */
async function playAllWithoutHang(command: readonly string[]): Promise<void> {
  assertEquals(await playAll(command), [], "works in which the player hung");
}

for (const scope of ["threads", "processes", "forkserver"]) {
  it(`this library's player of ${scope} plays all its works`, LIMIT, async () => {
    await playAllWithoutHang([...RUNTIME, `${PEERS}weft/player.ts`, scope]);
  });
}

for (const scope of ["threads", "atomics", "pair", "processes"]) {
  it(`the bare player of ${scope} plays all its works`, LIMIT, async () => {
    await playAllWithoutHang([...RUNTIME, `${PEERS}bare/player.ts`, scope]);
  });
}

it("a worker of this library's pool that is killed has its task rejected", LIMIT, async () => {
  const player = await Player.start({ command: [...RUNTIME, `${PEERS}weft/player.ts`, "threads"] });
  try {
    assert((await player.play("pool/killed", 1)).ns > 0);
  } finally {
    await player.end();
  }
});

/** Has a player do a work several times. */
async function playOften(command: readonly string[], work: string, n: number, times: number): Promise<number[]> {
  const player = await Player.start({ command });
  try {
    const figures: number[] = [];
    for (let i = 0; i < times; i++) figures.push((await player.play(work, n)).ns);
    return figures;
  } finally {
    await player.end();
  }
}

it("the ring written by hand passes more numbers than it holds", LIMIT, async () => {
  const figures = await playOften([...RUNTIME, `${PEERS}bare/player.ts`, "atomics"], "queue/integers", 10_000, 2);
  assert(figures.every((ns) => ns > 0), `${figures}`);
});

it("an item that is not the next one is an error", LIMIT, () => {
  assertEquals([isItem(3, 3), isItem({ id: 3 }, 3)], [true, true]);
  assertEquals([isItem(4, 3), isItem({ id: 4 }, 3)], [false, false]);
  checkItems(0, 10);
  assertThrows(() => checkItems(2, 10), Error, "items that were not the next one: 2 of 10");
});

it("a start finds earlier starts before it, also if it is the only start", LIMIT, async () => {
  let starts = 0;
  const ns = await afterOthers(1, () => Promise.resolve(++starts));
  assertEquals([starts, ns], [3, 3]);
});

// What other languages and packages need is there only after a run of `deno task bench:peers`.
const PYTHON = `${PEERS}python/player.py`;
const C = `${PEERS}out/c_player`;

/** Whether something was made, and none of what it is made of has changed since. */
function isMade(file: string, ...sources: string[]): boolean {
  if (!existsSync(file)) return false;
  const changed = sources.flatMap((path) =>
    statSync(path).isDirectory() ? readdirSync(path).map((name) => `${path}/${name}`) : [path]
  );
  return changed.every((source) => statSync(source).mtimeMs < statSync(file).mtimeMs);
}

const HAS_C = isMade(C, `${PEERS}c`);
const HAS_NODE =
  isMade(`${PEERS}out/lib/play.js`, `${PEERS}../lib/play.ts`, `${PEERS}../lib/probe.ts`, `${PEERS}bare`) &&
  isMade(`${PEERS}node/node_modules/.package-lock.json`, `${PEERS}node/package.json`);
for (const scope of ["threads", "processes"]) {
  it(
    `the C player of ${scope} plays all its works, where it was compiled`,
    { ...LIMIT, skip: !HAS_C },
    async () => {
      await playAllWithoutHang([C, scope]);
    },
  );
}
const noC = !HAS_C || process.platform !== "linux";
it("memory of C's threads is found again and again, in a new program each time", { ...LIMIT, skip: noC }, async () => {
  const figures = await playOften([C, "threads"], "memory/idle", 5, 4);
  // The stacks of threads that have ended are used again; a player that goes on would find nothing more.
  assert(figures.every((bytes) => bytes > 5 * 1024 && bytes < 2 ** 20), `${figures}`);
});
it("C's player has a second thread, and says which figures are its own", { ...LIMIT, skip: noC }, async () => {
  const player = await Player.start({ command: [C, "threads"] });
  try {
    // Without another thread its library takes locks without atomic operations.
    assertEquals(readdirSync(`/proc/${player.pid}/task`).length, 2);
    assertEquals((await player.play("lock/free", 1000)).own, undefined);
    assertEquals((await player.play("start/in turn", 1)).own, true);
  } finally {
    await player.end();
  }
});
// In the long run: that takes several seconds.
const folders = process.env.PATH?.split(":") ?? [];
const hasPython = isLong && folders.some((folder) => existsSync(`${folder}/python3`));
for (const name of ["threads", "spawn", "forkserver", "thread-pool", "process-pool"]) {
  it(`CPython's player '${name}' plays all its works, where python3 is`, { ...LIMIT, skip: !hasPython }, async () => {
    await playAllWithoutHang(["python3", PYTHON, name]);
  });
}
const PACKAGES = ["piscina", "tinypool", "workerpool", "poolifier", "threads", "comlink"];
for (const name of PACKAGES) {
  const skip = !HAS_NODE || !existsSync(`${PEERS}node/node_modules/${name}`);
  it(`the player of npm's ${name} plays all its works, where it is installed`, { ...LIMIT, skip }, async () => {
    // Some of them hang now and then where the machine is busy, which is theirs; in all works none of them does.
    const hung = await playAll(["node", `${PEERS}node/player.mjs`, name, "threads"], 15_000);
    assert(hung.length < 3, `hung in ${hung}`);
  });
}

const skip = process.versions.bun === undefined || !HAS_NODE || !existsSync(`${PEERS}node/node_modules/multithreading`);
it(
  "the player of npm's multithreading plays all its works on Bun, where it is installed",
  { ...LIMIT, skip },
  async () => {
    await playAllWithoutHang([process.execPath, `${PEERS}node/player.mjs`, "multithreading", "threads"]);
  },
);
