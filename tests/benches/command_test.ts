/** The command line of the programs of benchmarks. */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { countOption, helpOf, namesOption, readCommand } from "../../benches/lib/command.ts";
import { UserError } from "../../benches/lib/user_error.ts";
import { run } from "../../tools/_run.ts";

const LIMIT = { timeout: 10_000 };

const COMMAND = {
  task: "bench:some",
  about: "Does something.",
  options: {
    quick: { type: "boolean", about: "a look" },
    size: { type: "string", value: "N", default: "7", about: "how large" },
    out: { type: "string", value: "FILE", about: "where to" },
  },
  examples: [["--quick", "a look at it"]],
  exitCodes: { 1: "it is worse" },
} as const;

describe("the command line of benchmarks", () => {
  it("gives what the caller gave, and defaults for the rest", LIMIT, () => {
    assertEquals(readCommand(COMMAND, ["--out=a.json"]), {
      values: { quick: false, size: "7", out: "a.json" },
      files: [],
    });
    assertEquals(readCommand(COMMAND, ["--out=a.json", "--help"]), "help");
  });

  it("refuses what it does not know, in one line that names the help", LIMIT, () => {
    const wrong = [["--quik"], ["file.json"], ["--out"], ["--quick=yes"]];
    for (const args of wrong) {
      const { message } = assertThrows(() => readCommand(COMMAND, args), UserError);
      assertMatch(message, /^Cannot run bench:some: [^\n]*: see deno task bench:some --help$/);
    }
    const { message } = assertThrows(() => readCommand(COMMAND, ["--quik"]), UserError);
    assertStringIncludes(message, "unknown option '--quik'");
    assertEquals(readCommand({ ...COMMAND, files: "FILE" }, ["a", "b"]), {
      values: { quick: false, size: "7" },
      files: ["a", "b"],
    } as never);
  });

  it("tells of each option its default, and what exit codes mean", LIMIT, () => {
    const help = helpOf(COMMAND);
    assertStringIncludes(help, "deno task bench:some [options]\n\nDoes something.");
    assertMatch(help, /^ {2}--size=N +how large\. Default: 7$/m);
    assertMatch(help, /^ {2}deno task bench:some --quick +a look at it$/m);
    assertMatch(help, /^ {2}1 +it is worse$/m);
    assertMatch(help, /^ {2}2 +an option, a file or a name is wrong$/m);
  });

  it("takes only known names, and lists these", LIMIT, () => {
    assertEquals(namesOption("jobs", undefined, ["cpu", "lock"]), undefined);
    assertEquals(namesOption("jobs", "lock, cpu", ["cpu", "lock"]), ["lock", "cpu"]);
    for (const text of ["", "nope", "cpu,", "cp"]) {
      assertThrows(
        () => namesOption("jobs", text, ["cpu", "lock"]),
        UserError,
        `Cannot run benchmarks: --jobs must name some of cpu, lock: received '${text}'`,
      );
    }
  });

  it("takes only whole numbers from 1 to 1,000 for counts", LIMIT, () => {
    assertEquals([countOption("starts", undefined), countOption("starts", "12")], [undefined, 12]);
    for (const text of ["", "0", "-1", "2.5", "many", "1001"]) {
      assertThrows(() => countOption("starts", text), UserError, "--starts must be a whole number from 1 to 1000");
    }
  });
});

// The programs run on Deno alone.
if ("Deno" in globalThis) {
  const ROOT = fileURLToPath(new URL("../../", import.meta.url));
  const start = async (args: readonly string[]) =>
    await run([Deno.execPath(), "run", "-A", "--no-check", "--quiet", ...args], { cwd: ROOT, limit: 20_000 });
  const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
    "bench:cores": ["benches/cores/main.ts"],
    "bench:peers": ["benches/peers/main.ts"],
    "bench:distributed": ["benches/distributed/main.ts"],
    "bench:account": ["benches/account/main.ts"],
    "bench:fairness": ["benches/fairness/main.ts"],
    "bench:record": ["benches/record.ts"],
    "bench:compare": ["benches/compare.ts"],
    "bench:report": ["benches/report.ts"],
    "bench:bun": ["tools/bench.ts"],
    "bench:smoke": ["tools/bench.ts", "--once"],
  };
  for (const [task, program] of Object.entries(PROGRAMS)) {
    it(`${task} tells with --help how it is called, and refuses an option that it has not`, LIMIT, async () => {
      const [help, wrong] = await Promise.all([start([...program, "--help"]), start([...program, "--nope"])]);
      assertEquals(help.code, 0, help.output);
      assertStringIncludes(help.output, `deno task ${task} `);
      assertEquals(wrong.code, 2, wrong.output);
      assertMatch(wrong.output, new RegExp(`^error: Cannot run ${task}: unknown option '--nope': [^\\n]*\\n$`));
    });
  }

  it("a quick run, and a part of one, leaves the results alone that are kept", LIMIT, async () => {
    const { placesFor } = await import("../../benches/lib/program.ts");
    const at = (isWhole: boolean, named = {}) => {
      const { out, charts } = placesFor("peers", isWhole, named);
      return [out, charts];
    };
    assertEquals(at(true).map((path) => resolve(path)), [`${ROOT}benches/results/peers.json`, `${ROOT}out/peers`]);
    assertEquals(at(false).map((path) => resolve(path)), [`${ROOT}out/peers.json`, `${ROOT}out/peers`]);
    assertEquals(at(true, { out: "/a/b.json" }), ["/a/b.json", "/a/b"]);
    assertEquals(at(false, { out: "/a/b.json", svg: "/c.svg" }), ["/a/b.json", "/c"]);
    assertEquals(at(false, { from: "/a/b.json" })[1], "/a/b");
  });

  const WRONG: readonly (readonly [title: string, args: readonly string[], message: string])[] = [
    ["a file that is not there", ["benches/compare.ts", "no.json", "no.json"], "no.json must be a file that"],
    ["a page of no results", ["benches/report.ts", "no.json"], "no.json must be a file that"],
    ["a job that there is not", ["benches/cores/main.ts", "--jobs="], "--jobs must name some of cpu, mandelbrot"],
    ["a work that there is not", ["benches/peers/main.ts", "--works=nope"], "--works must be names or beginnings of"],
    ["a contestant that there is not", ["benches/peers/main.ts", "--players=nope"], "--players must name some of"],
    ["a scope that there is not", ["benches/peers/main.ts", "--scope=nope"], "must name some of threads, processes"],
    ["a file without benches", ["benches/record.ts", `${ROOT}tests/benches/_none.ts`], "a file must declare some"],
    ["a file that cannot be", ["benches/cores/main.ts", "--out=/dev/null/a.json"], "--out must be a file that can be"],
    ["a chart that cannot be", ["benches/peers/main.ts", "--svg=/dev/null/a"], "--svg must be a file that can be"],
    ["a bench that there is not", ["benches/record.ts", "benches/no_bench.ts"], "received 'benches/no_bench.ts'"],
  ];
  for (const [title, args, message] of WRONG) {
    it(`a program of benchmarks tells of ${title} in one line, with 2 as the exit code`, LIMIT, async () => {
      const { code, output } = await start(args);
      assertEquals(code, 2, output);
      // On a fresh machine Deno says what it downloads.
      assertMatch(output.replace(/^Download .*\n/gm, ""), /^error: Cannot [^\n]*\n$/);
      assertStringIncludes(output, message);
    });
  }
}
