/** What tasks, arguments, results, errors and code mean on other machines. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { CodeMismatchError, EngineError, Pool, TargetError, task, WorkerLostError } from "@weft/concurrent/distributed";
import { Lock, Queue } from "@weft/concurrent/multiprocessing";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { fromPortable } from "../../distributed/_code.ts";
import { commandOf, Fleet, Program, root } from "./_fleet.ts";
import { folder, notes } from "./_notes.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };
const fleet = await Fleet.start(1);
after(() => fleet[Symbol.asyncDispose]());

describe("errors of tasks", () => {
  it("have their class, their cause and both stacks", LIMIT, async () => {
    await using pool = new Pool({ connect: fleet.url, root });
    const error = await assertRejects(() => pool.submit(targets.fail, "there"), Error, "there");
    assertEquals(error.name, "OwnError");
    assert(error.cause instanceof RangeError);
    assertMatch(error.stack!, /_targets\.ts[^]*thrown again by[^]*meaning_test\.ts/);
  });
});

describe("what is shared by threads or processes", () => {
  it("is refused as an argument, with its path, at the call", LIMIT, async () => {
    await using pool = new Pool({ connect: fleet.url, root });
    const queue = new Queue<number>();
    assertMatch(
      assertThrows(() => pool.submit(targets.square, { deep: [queue] } as never), TypeError).message,
      /args\[0\]\.deep\[0\] to another machine/,
    );
    const error = await assertRejects(() => pool.map(targets.square, [1, new Lock() as never]), TypeError);
    assertMatch(error.message, /items\[1\] to another machine/);
  });

  it("is refused as a result, with its path", LIMIT, async () => {
    await using pool = new Pool({ connect: fleet.url, root });
    const error = await assertRejects(() => pool.submit(targets.giveLock), TypeError);
    assertMatch(error.message, /result\.locks\[0\] to another machine/);
    assertEquals(await pool.submit(targets.square, 2), 4);
  });
});

describe("giving up", () => {
  it("tells a task that runs, and has no task begin that has not", LIMIT, async () => {
    await using pool = new Pool({ connect: fleet.url, root });
    const { file, lines } = notes();
    const controller = new AbortController();
    const { signal } = controller;
    const running = [0, 1].map(() => pool.apply(targets.spin, [file, true], { signal }));
    const waiting = range(5).map(() => pool.apply(targets.spin, [file, true], { signal }));
    for (const future of [...running, ...waiting]) future.catch(() => {});
    await until(() => lines().length === 2, "both run");
    controller.abort(new EvalError("enough"));
    await assertRejects(() => Promise.any(running.map((each) => each.then(() => {}))), AggregateError);
    await assertRejects(() => running[0]!, EvalError, "enough");
    await until(() => lines().filter((line) => line === "told").length === 2, "both were told");
    assertEquals(await pool.submit(targets.square, 3), 9);
    assertEquals(lines().length, 4);
  });

  it("replaces a worker that does not listen, where killAfter says so", LIMIT, async () => {
    await using pool = new Pool({ connect: fleet.url, root });
    const { file, lines } = notes();
    const deaf = [0, 1].map(() => pool.apply(targets.spin, [file, false], { timeout: 500, killAfter: 100 }));
    for (const future of deaf) future.catch(() => {});
    await until(() => lines().length === 2, "both run");
    assertEquals((await deaf[0]!.catch((error) => error)).name, "TimeoutError");
    // Both slots were taken.
    assertEquals(await pool.submit(targets.square, 3), 9);
  });

  it("cancels a future that has not begun, and no other", LIMIT, async () => {
    await using pool = new Pool(1, { connect: fleet.url, root });
    const { file, lines } = notes();
    const futures = range(8).map((i) => pool.submit(targets.begin, file, i, 300));
    for (const future of futures) future.catch(() => {});
    await until(() => lines().length > 0, "one was begun");
    assertEquals(futures[7]!.cancel(), true);
    assertEquals(futures[7]!.state, "cancelled");
    assertEquals(futures[0]!.cancel(), false);
    assertEquals(await futures[0], 0);
    assert(!lines().includes("7"));
  });
});

describe("the workers of an agent", () => {
  it("are initialized for each pool that asks for that, and a failure rejects all its tasks", LIMIT, async () => {
    {
      await using pool = new Pool({ connect: fleet.url, root, initializer: targets.initialize, initargs: [5] });
      assertEquals(await pool.submit(targets.initialized), [5, 5]);
    }
    {
      await using pool = new Pool({ connect: fleet.url, root });
      assertEquals(await pool.submit(targets.initialized), [0, undefined]);
    }
    await using pool = new Pool({ connect: fleet.url, root, initializer: targets.refuseToBegin });
    await assertRejects(() => pool.submit(targets.square, 1), EvalError, "not today");
    await assertRejects(() => pool.submit(targets.square, 1), EvalError, "not today");
  });

  it("are replaced after so many tasks", LIMIT, async () => {
    await using pool = new Pool({ connect: fleet.url, root, maxTasksPerChild: 1 });
    const pids = await Promise.all(range(4).map(() => pool.submit(targets.pid)));
    assertEquals(new Set(pids).size, 4);
  });
});

describe("code", () => {
  const library = new URL("../../distributed/mod.ts", import.meta.url).href;
  const driver = `
    import { Pool } from "${library}";
    import { twice } from "./work.ts";
    export { twice };
    if (import.meta.main) {
      const [connect, code] = JSON.parse(process.argv[2]!);
      const pool = new Pool({ connect, code, root: new URL("./", import.meta.url), fleet: "code" });
      try {
        console.log(await pool.submit(twice, 2), await pool.map((x: number) => twice(x) + 1, [1]));
      } catch (error) {
        console.log((error as Error).name + ": " + (error as Error).message);
      }
      await pool[Symbol.asyncDispose]();
    }`;

  function checkout(name: string, text = "return 2 * n(x);", other = "return x;", lock = "{}"): string {
    const path = `${folder}/${name}`;
    mkdirSync(path);
    writeFileSync(`${path}/driver.ts`, `import process from "node:process";${driver}`);
    writeFileSync(
      `${path}/work.ts`,
      `import { n } from "./other.ts";\nexport function twice(x: number): number { ${text} }\n`,
    );
    writeFileSync(`${path}/other.ts`, `export function n(x: number): number { ${other} }\n`);
    writeFileSync(`${path}/package-lock.json`, lock);
    return path;
  }

  async function outputOf(path: string, agentPath: string, code = "check", inline = true): Promise<string> {
    const agent = fleet.add({ root: pathToFileURL(agentPath).href, fleet: "code", inline });
    const program = new Program([...commandOf(`${path}/driver.ts`), JSON.stringify([fleet.url, code])]);
    await program.ended;
    agent.signal("SIGKILL");
    await agent.ended;
    return program.output.trim();
  }

  it("is the same below another root", LIMIT, async () => {
    assertEquals(await outputOf(checkout("a1"), checkout("a2")), "4 [ 3 ]");
  });

  it("that differs is refused by the name of the file, and nothing runs", LIMIT, async () => {
    const here = checkout("b1");
    for (
      const [name, theirs] of [
        ["work.ts", checkout("b2", "return 3 * n(x);")],
        ["other.ts", checkout("b3", undefined, "return x + 1;")],
        ["package-lock.json", checkout("b4", undefined, undefined, `{ "other": 1 }`)],
      ] as const
    ) {
      assertMatch(await outputOf(here, theirs), RegExp(`^CodeMismatchError: .*"twice" as ${name} differs on agent`));
    }
    rmSync(`${here}/package-lock.json`);
    const missing = checkout("b5");
    rmSync(`${missing}/other.ts`);
    assertMatch(await outputOf(here, missing), /^CodeMismatchError: .*other\.ts is missing/);
  });

  it("that has changed since is loaded anew for the programs that come after", LIMIT, async () => {
    const path = checkout("e1");
    const agent = fleet.add({ root: pathToFileURL(path).href, fleet: "code", slots: 1 });
    const run = async (): Promise<string> => {
      const program = new Program([...commandOf(`${path}/driver.ts`), JSON.stringify([fleet.url, "check"])]);
      await program.ended;
      return program.output.trim();
    };
    assertEquals(await run(), "4 [ 3 ]");
    writeFileSync(`${path}/other.ts`, "export function n(x: number): number { return x * 100; }\n");
    assertEquals(await run(), "400 [ 201 ]");
    agent.signal("SIGKILL");
    await agent.ended;
  });

  it("that differs is run where the pool says that it does not matter", LIMIT, async () => {
    assertEquals(await outputOf(checkout("c1"), checkout("c2", "return 3 * n(x);"), "trust"), "6 [ 4 ]");
  });

  it("of a function that no module exports is refused where the agent makes none", LIMIT, async () => {
    const output = await outputOf(checkout("d1"), checkout("d2"), "check", false);
    assertMatch(output, /^TargetError: .*no module exports it.*serve with \{ inline: true \}/);
  });

  it("that is otherwise valid is refused if the agent makes no functions from sources", LIMIT, async () => {
    const agent = fleet.add({ fleet: "strict", inline: false });
    await using pool = new Pool({ connect: fleet.url, root, fleet: "strict" });
    await pool.ready();
    const maker = task<(text: string) => unknown>("data:text/javascript,export const f = () => 42", "f");
    for (
      const target of [
        eval as (text: string) => unknown,
        maker,
        task<(text: string) => unknown>("node:vm", "runInThisContext"),
      ]
    ) {
      const error: unknown = await pool.submit(target, "1").catch((error) => error);
      assert(error instanceof TargetError, String(error));
    }
    assertEquals(await pool.submit(targets.square, 4), 16);
    agent.signal("SIGTERM");
    await agent.ended;
    assertThrows(
      () => fromPortable({ kind: "export", what: "task", module: "root:..%2fout.ts", name: "f" }, "file:///root/"),
      TargetError,
      "not below the agent's root",
    );
  });

  it("above the root is refused at the call", LIMIT, async () => {
    await using pool = new Pool({ connect: fleet.url, root: new URL("./", import.meta.url) });
    const named = task<typeof range>(new URL("../pool/_helpers.ts", import.meta.url), "range");
    assertMatch(assertThrows(() => pool.submit(named, 1), TargetError).message, /_helpers\.ts.*not below the root/);
  });
});

describe("the errors of a pool of many machines", () => {
  it("are of classes of their own", () => {
    for (const type of [CodeMismatchError, EngineError]) {
      const error = new type("no");
      assert(error instanceof Error && !(error instanceof WorkerLostError));
      assertEquals(error.name, type.name);
    }
  });
});
