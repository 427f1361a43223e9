import { assert, assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isLong } from "../_rounds.ts";
import { run } from "../../tools/_run.ts";
import { isDeno, isNode, RUN_FLAGS, runFlags } from "../_runtime.ts";

const LIMIT = 60_000;
/** Flags with which a program can call the garbage collector. */
const COLLECTING = [...runFlags("-A", "--v8-flags=--expose-gc"), ...isNode ? ["--expose-gc"] : []];

async function runProgram(name: string, flags: readonly string[] = RUN_FLAGS, limit = LIMIT) {
  const file = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
  const command = [process.execPath, ...flags, file];
  const { code, output, timedOut } = await run(command, { limit });
  assertEquals(timedOut, false, output);
  return { code, output: output.trimEnd() };
}

describe("a program with threads", () => {
  it("ends when main has ended and only daemons run, busy ones too, without a word", { timeout: LIMIT }, async () => {
    assertEquals(await runProgram("daemons"), { code: 0, output: "main ends" });
  });

  it("does not wait for a thread that was terminated, also where that computes on", { timeout: LIMIT }, async () => {
    assertEquals(await runProgram("terminates_busy"), { code: 0, output: "main ends" });
  });

  it("waits for a thread that is no daemon, also below a daemon", { timeout: LIMIT }, async () => {
    assertEquals(await runProgram("non_daemon_below_daemon"), { code: 0, output: "main ends\nthe other ends" });
  });

  it("hears nothing from threads of threads that are terminated", { timeout: LIMIT }, async () => {
    assertEquals(await runProgram("terminates_trees"), { code: 0, output: "main ends" });
  });

  it("waits for threads after main, and for threads that they started", { timeout: LIMIT }, async () => {
    const { code, output } = await runProgram("threads_outlive_main");
    assertEquals({ code, output: output.split("\n").sort() }, {
      code: 0,
      output: ["main ends", "the inner one ends", "the outer one ends"],
    });
  });

  it("reports the error of a thread and goes on; its exit code is its own", { timeout: LIMIT }, async () => {
    const { code, output } = await runProgram("thread_fails");
    assertEquals(code, 0, output);
    assertMatch(output, /Exception in thread failing:[^]*TypeError: on purpose[^]*main ends$/);
    assertMatch(output, /below/);
    assertEquals(output.match(/Exception/g)?.length, 1);
  });

  it("ends at once with an error or an exit of main", { timeout: LIMIT }, async () => {
    const failed = await runProgram("main_fails");
    assertEquals(failed.code, 1);
    assertMatch(failed.output, /main fails/);
    assertEquals(await runProgram("main_exits"), { code: 5, output: "" });
  });

  it("prints whole lines from its threads, also while main blocks", { timeout: LIMIT }, async () => {
    const { code, output } = await runProgram("prints");
    const lines = output.split("\n");
    assertEquals([code, lines.length, lines.pop()], [0, 601, "main ends"]);
    for (const line of lines) assertMatch(line, /^[abc] \d+ x{200} end$/);
    for (const name of ["a", "b", "c"]) {
      const numbers = lines.filter((line) => line.startsWith(`${name} `)).map((line) => Number(line.split(" ")[1]));
      assertEquals(numbers, Array.from({ length: 200 }, (_, i) => i));
    }
  });

  it(
    "that starts threads when it is imported gets an error that says what to write instead",
    { timeout: LIMIT },
    async () => {
      const { code, output } = await runProgram("no_guard");
      assertEquals(code, 0, output);
      assertMatch(output, /InvalidStateError[^]*import\.meta\.main/);
      assertEquals(output.match(/worked/g), null);
      assertMatch(output, /main ends$/);
    },
  );

  it("ends although the module of a thread exits when it is imported", { timeout: LIMIT }, async () => {
    assertEquals(await runProgram("module_exits"), { code: 0, output: "WorkerLostError 3\nmain ends" });
  });

  it("drops no reference a second time in finalizers that run when its handles were given up", {
    timeout: LIMIT,
  }, async () => {
    const { code, output } = await runProgram("late_finalizers", COLLECTING);
    assertEquals(code, 0, output);
    // A reference for each of the hundred names, and one for each handle of main: at first, when a thread has had handles too,
    // with second handles, when all handles were given up, and after their finalizers.
    assertEquals(JSON.parse(output), [200, 200, 300, 100, 100, 100]);
  });

  it("frees what threads leave behind only as a living participant", { timeout: LIMIT }, async () => {
    assertEquals(await runProgram("frees_at_end"), { code: 0, output: "freed by the dead: 0" });
  });

  it("lets a thread end as it did, although a listener of the program throws while it exits", {
    timeout: LIMIT,
  }, async () => {
    const { code, output } = await runProgram("exit_listener_throws");
    assertEquals(code, 0, output);
    const lines = output.split("\n").filter((line) => /^(?:returned|exited|tried|main) /.test(line));
    // On Deno, process.exit() throws that error before the thread exits. On Node it throws it, too, so the target may catch it.
    const [exited, tried, printed] = isDeno ? ["in a listener", 8, 0] : [3, 4, isNode ? 2 : 3];
    assertEquals(lines, ["returned 7", `exited ${exited}`, `tried ${tried}`, "main ends"]);
    assertEquals(output.match(/^Exception in a listener of a thread's exit:/gm)?.length ?? 0, printed, output);
  });

  it("cannot use shared objects in a listener of a thread's exit: the thread has left the memory", {
    timeout: LIMIT,
  }, async () => {
    const { code, output } = await runProgram("exit_listener_uses");
    assertEquals(code, 0, output);
    const refused =
      "a queue from args, the older handle of a name, the newer handle of a name, a name, a new lock, a pool, the thread";
    const lines = ["returns", "exits", "is told to end"].map((way) => `${way}: refused ${refused}`);
    assertEquals(output.split("\n"), [...lines, "items: 0"]);
  });

  it("gets back the memory of threads that have ended", { timeout: 240_000, skip: !isLong }, async () => {
    const { code, output } = await runProgram("memory", COLLECTING, 220_000);
    assertEquals(code, 0, output);
    const { rss, shared } = JSON.parse(output) as { rss: number; shared: number };
    // Four hundred threads with 4 KB in and out each: 3 MB if none were given back.
    assert(shared < 500_000, `${shared} bytes of shared memory`);
    assert(rss < 80_000_000, `${rss} bytes`);
  });
});
