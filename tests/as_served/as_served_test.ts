/**
 * The package as its users get it: modules of another host, imported by a program in a folder of its own with an import
 * map of its own. Deno alone, because Bun imports nothing over HTTP.
 */

import { assert, assertEquals } from "@std/assert";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { numberedExamples } from "../../tools/_examples.ts";
import { isLong } from "../_rounds.ts";
import { run, type RunResult } from "../../tools/_run.ts";
import { isDeno } from "../_runtime.ts";
import { entryPoints, packages, serve, type Server } from "./_server.ts";

const LIMIT = 60_000;

const BLOCKED_AT_ONCE = {
  "blocked_thread.ts": `
    import { Thread } from "@weft/concurrent/threading";
    export function hello(name: string) { console.log("hello " + name); }
    if (import.meta.main) {
      const t = new Thread({ target: hello, args: ["thread"] });
      t.start();
      console.log(t.joinSync({ timeout: 30_000 }));
    }`,
  "blocked_shared.ts": `
    import { Lock, Queue, Thread, Value } from "@weft/concurrent/threading";
    export function add(lock: Lock, value: Value<"i32">, queue: Queue<Lock>) {
      using _held = lock.acquireSync();
      value.value += 1;
      queue.putSync(lock);
    }
    if (import.meta.main) {
      const lock = new Lock();
      const value = new Value("i32");
      const queue = new Queue<Lock>();
      const threads = [1, 2].map(() => new Thread({ target: add, args: [lock, value, queue] }).start());
      console.log(threads.map((t) => t.joinSync({ timeout: 30_000 })).join(), value.value, queue.getSync() === lock);
    }`,
  "blocked_inline.ts": `
    import { Thread } from "@weft/concurrent/threading";
    export function twice(x: number) { return 2 * x; }
    if (import.meta.main) {
      const t = new Thread({ target: (x: number) => twice(x) + 1, args: [4] }).start();
      console.log(t.joinSync({ timeout: 30_000 }), await t.result());
    }`,
  "blocked_process.ts": `
    import { Process } from "@weft/concurrent/multiprocessing";
    export function hello(name: string) { console.log("hello " + name); }
    if (import.meta.main) {
      const p = new Process({ target: hello, args: ["process"] });
      p.start();
      console.log(p.joinSync({ timeout: 30_000 }), p.exitCode);
    }`,
};

describe("the package imported from a server", { skip: !isDeno }, () => {
  let server: Server;
  let folder: string;
  let npmCache: string;

  before(async () => {
    server = await serve();
    folder = mkdtempSync(`${tmpdir()}/as-served-`);
    const mapped = Object.entries(entryPoints).map(([name, path]) => [name, server.origin + path.slice(1)]);
    // Not what the package itself imports: its modules must say where that comes from.
    const { msgpackr: _, ...others } = packages;
    writeFileSync(`${folder}/deno.json`, JSON.stringify({ imports: { ...Object.fromEntries(mapped), ...others } }));
    cpSync(fileURLToPath(new URL("../../examples", import.meta.url)), `${folder}/examples`, { recursive: true });
    for (const [name, source] of Object.entries(BLOCKED_AT_ONCE)) writeFileSync(`${folder}/${name}`, source);
    const { output } = await run([process.execPath, "info", "--json"], { cwd: folder, limit: LIMIT });
    npmCache = JSON.parse(output).npmCache;
  });

  after(() => {
    server?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** A cache that has no module of the server yet. The npm packages are not what is tested: they come along. */
  function emptyCache(): string {
    const cache = mkdtempSync(`${folder}/cache-`);
    mkdirSync(npmCache, { recursive: true });
    symlinkSync(npmCache, `${cache}/npm`);
    return cache;
  }

  /** The paths of the server's modules that a cache has. Deno writes a file of it whole or not at all. */
  function cached(cache: string): Set<string> {
    const files = existsSync(`${cache}/remote`) ? readdirSync(`${cache}/remote`, { recursive: true }) : [];
    return new Set(
      files.map((file) => `${cache}/remote/${file}`)
        .filter((file) => statSync(file).isFile())
        .map((file) => /^\/\/ denoCacheMetadata=(.*)$/m.exec(readFileSync(file, "utf8"))?.[1])
        .filter((metadata) => metadata !== undefined)
        .map((metadata) => new URL(JSON.parse(metadata).url).pathname),
    );
  }

  function runWith(cache: string, file: string): Promise<RunResult> {
    const command = [process.execPath, "run", "-A", "--no-lock", "--no-prompt", "--quiet", file];
    return run(command, { cwd: folder, env: { DENO_DIR: cache }, limit: LIMIT });
  }

  async function coldAndWarm(file: string, check: (output: string) => string | undefined): Promise<void> {
    const cache = emptyCache();
    for (const state of ["cold", "warm"]) {
      const known = cached(cache);
      const before = server.requests.length;
      const { code, output } = await runWith(cache, file);
      assertEquals({ state, code, fault: check(output.trimEnd()), output }, {
        state,
        code: 0,
        fault: undefined,
        output,
      });
      const asked = server.requests.slice(before);
      // A spare worker may come to a module that it had no time for before: the first run may have ended while it
      // fetched one. But what is in the cache is not fetched again.
      if (state === "cold") assert(asked.length > 0);
      else assert(known.size > 0);
      assertEquals(asked.filter((path) => known.has(path)), []);
    }
  }

  for (const group of ["threading", "multiprocessing"]) {
    // The others, too, in the long run.
    const some = numberedExamples(group).filter(({ file }) => isLong || /\/0[23]_[^/]*$/.test(file));
    for (const example of some) {
      const file = example.file.slice(example.file.indexOf("examples/"));
      it(`runs ${file} with a cold and with a warm cache`, { timeout: 2 * LIMIT }, async () => {
        await coldAndWarm(file, example.check);
      });
    }
  }

  it("runs a thread while the main thread blocks at once", { timeout: 2 * LIMIT }, async () => {
    await coldAndWarm("blocked_thread.ts", (output) => output === "hello thread\ntrue" ? undefined : "other output");
  });

  it("runs threads with shared objects while the main thread blocks at once", { timeout: 2 * LIMIT }, async () => {
    await coldAndWarm("blocked_shared.ts", (output) => output === "true,true 2 true" ? undefined : "other output");
  });

  it("runs an inline function while the main thread blocks at once", { timeout: 2 * LIMIT }, async () => {
    await coldAndWarm("blocked_inline.ts", (output) => output === "true 9" ? undefined : "other output");
  });

  it("runs a process while the main thread blocks at once", { timeout: 2 * LIMIT }, async () => {
    await coldAndWarm(
      "blocked_process.ts",
      (output) => output === "hello process\ntrue 0" ? undefined : "other output",
    );
  });
});
