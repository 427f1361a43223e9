/**
 * Programs that bundlers have made, with the library in the bundle and outside of it, and executables: threads, processes and
 * pools work, the main part runs once, and processes end with the program.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isBun, isDeno, runFlags } from "../_runtime.ts";

const LIMIT = { timeout: 120_000 };
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const GUARDED = `${ROOT}tests/bundles/_guarded.ts`;
const CARELESS = `${ROOT}tests/bundles/_careless.ts`;
const BIN = `${ROOT}node_modules/.bin/`;
const RUN = [process.execPath, ...runFlags("-A", "--quiet")];
/** The bundler of this runtime. Node has none. */
const OWN = isBun ? "bun build" : isDeno ? "deno bundle" : "esbuild";
const SPECIFIERS = ["@weft/concurrent/multiprocessing", "@weft/concurrent/threading"];

/** The commands that make a bundle, without the library if `isExternal`. */
const TOOLS: Record<string, (main: string, out: string, isExternal: boolean) => string[]> = {
  "bun build": (main, out, isExternal) => [
    ...[`${BIN}bun`, "build", main, "--target=bun", `--outfile=${out}`],
    ...(isExternal ? ["--external", "@weft/concurrent/*"] : []),
  ],
  "deno bundle": (main, out, isExternal) => [
    ...[`${BIN}deno`, "bundle", "--quiet"],
    // This option takes all arguments up to the next one.
    ...(isExternal ? SPECIFIERS.flatMap((name) => ["--external", name]) : []),
    ...["-o", out, main],
  ],
  esbuild: (main, out, isExternal) => [
    ...[`${BIN}esbuild`, main, "--bundle", "--format=esm", "--platform=node", "--minify", `--outfile=${out}`],
    ...["--log-level=error", ...(isExternal ? ["--external:@weft/concurrent/*"] : [])],
  ],
};

/** What each kind prints after "main". */
const PRINTED: Record<string, string> = {
  thread: "9",
  process: "9",
  threads: "[[1,4,9],101,[2,3]]",
  processes: "[[1,4,9],101,[2,3]]",
  sync: "[9,16,0]",
  nested: "18",
  threadOfThread: "9",
  subclasses: "[6,9]",
  shared: "[6,1]",
  forkserver: "[0,1,4,9]",
  args: '[["args"],["args"],["args"]]',
};
const ALL = Object.keys(PRINTED);
const FEW = ["threads", "processes", "nested", "subclasses"];

/** The kinds of misuse, what is printed for each, and how many processes there are in all. */
const MISUSES: readonly [kind: string, printed: RegExp, processes: number][] = [
  ["unguarded", /^(?:NotSupportedError: Cannot start (?:thread|process) as .* await freezeSupport.*\n){3}$/, 1],
  ["unawaited", /^(?:NotSupportedError: .*\n){2}$/, 1],
  ["late", /^NotSupportedError: [^]*InvalidStateError: Cannot start process as the program was started again for/, 2],
  ["slow", /freezeSupport\(\) without await: put await before it/, 2],
  [
    "differs",
    /TargetError: Cannot use "square" as process target as freezeSupport\(\) exports nothing by that name/,
    2,
  ],
  ["list", /^TypeError: Cannot support a bundled program as 'targets' must be objects/, 1],
];

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

function execute(command: readonly string[], cwd: string, env: Record<string, string> = {}): Ended {
  const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  return { status, output: `${stdout}${stderr}` };
}

function succeed(command: readonly string[], cwd: string, env?: Record<string, string>): string {
  const { status, output } = execute(command, cwd, env);
  assertEquals(status, 0, `${command.join(" ")}: ${output}`);
  return output;
}

function has(tool: string): boolean {
  return existsSync(BIN + tool.split(" ")[0]);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("a bundle", () => {
  /** A folder with nothing of the library near it. */
  let folder: string;

  before(() => {
    folder = mkdtempSync(`${tmpdir()}/weft-bundle #1 -`);
    writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  });
  after(() => rmSync(folder, { recursive: true }));

  /** How often the program began, and in how many processes. */
  function beginnings(command: readonly string[]): { output: string; starts: number; processes: number } {
    const marks = `${folder}/marks`;
    rmSync(marks, { force: true });
    const { output } = execute(command, folder, { MARKS: marks });
    const lines = readFileSync(marks, "utf8").trim().split("\n");
    return { output, starts: lines.length, processes: new Set(lines).size };
  }

  function check(program: readonly string[], kinds: readonly string[], cwd = folder): void {
    for (const kind of kinds) assertEquals(succeed([...program, kind], cwd), `main\n${PRINTED[kind]}\n`, kind);
  }

  /** Checks a program with the library in it. */
  function checkWhole(program: readonly string[], kinds: readonly string[]): void {
    check(program, kinds);
    assertMatch(
      succeed([...program, "forgotten"], folder),
      /^main\nTargetError: Cannot use function ".+" as thread target as the program is bundled.*: give it to .*await freezeSupport\(\{ .+ \}\)\n$/,
    );
    const { output, starts, processes } = beginnings([...program, "process"]);
    assertEquals(output, "main\n9\n");
    assertEquals(processes, 2);
    // Each of them may have a worker that waits for the other.
    assert(starts <= 4, `${starts} starts`);
  }

  function checkMisuses(program: readonly string[]): void {
    for (const [kind, printed, expected] of MISUSES) {
      const { output, processes } = beginnings([...program, kind]);
      assertMatch(output, printed, `${kind}: ${output}`);
      assertEquals(processes, expected, `${kind}: ${output}`);
    }
  }

  async function checkKill(program: readonly string[], signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = spawn(program[0]!, [...program.slice(1), "stay"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const { promise: said, resolve } = Promise.withResolvers<string>();
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
      if (/ true\n/.test(output)) resolve(output);
    });
    const pids = JSON.parse(/\[.*\]/.exec(await said)![0]) as number[];
    assertEquals(pids.map(isAlive), [true, true]);
    child.kill(signal);
    const deadline = performance.now() + 10_000;
    while (pids.some(isAlive) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(pids.filter(isAlive), []);
  }

  function compile(main: string, ...flags: string[]): string[] {
    const program = `${folder}/program`;
    succeed([`${BIN}bun`, "build", main, "--compile", `--outfile=${program}`, ...flags], ROOT);
    return [program];
  }

  for (const [tool, build] of Object.entries(TOOLS)) {
    it(`works that ${tool} has put the library into`, { ...LIMIT, skip: !has(tool) }, () => {
      const bundle = `${folder}/bundle.js`;
      succeed(build(GUARDED, bundle, false), ROOT);
      checkWhole([...RUN, bundle], tool === OWN ? ALL : FEW);
    });

    it(`works that ${tool} has left the library out of`, { ...LIMIT, skip: !has(tool) }, () => {
      // Beside the library, whose name is found from there.
      const within = mkdtempSync(`${ROOT}tests/bundles/_bundle_`);
      try {
        succeed(build(GUARDED, `${within}/bundle.js`, true), ROOT);
        check([...RUN, `${within}/bundle.js`], FEW, within);
      } finally {
        rmSync(within, { recursive: true });
      }
    });
  }

  it("in the format of CommonJS works without an await at its top", { ...LIMIT, skip: !has("esbuild") }, () => {
    const within = mkdtempSync(`${ROOT}tests/bundles/_bundle_`);
    const bundle = `${folder}/bundle.cjs`;
    try {
      writeFileSync(
        `${within}/main.ts`,
        `
        import { freezeSupport, Process } from "@weft/concurrent/multiprocessing";
        import { Thread } from "@weft/concurrent/threading";
        function square(x: number): number { return x * x; }
        async function main(): Promise<void> {
          await freezeSupport({ square });
          console.log(await new Process({ target: square, args: [3] }).start().result());
          console.log(await new Thread({ target: square, args: [4] }).start().result());
        }
        void main();
        `,
      );
      const options = ["--bundle", "--format=cjs", "--platform=node", "--log-level=error", `--outfile=${bundle}`];
      succeed([`${BIN}esbuild`, `${within}/main.ts`, ...options], ROOT);
    } finally {
      rmSync(within, { recursive: true });
    }
    assertEquals(succeed([...RUN, bundle], folder), "9\n16\n");
  });

  it("never multiplies if it misuses the guard", { ...LIMIT, skip: !has(OWN) }, () => {
    const bundle = `${folder}/bundle.js`;
    succeed(TOOLS[OWN]!(CARELESS, bundle, false), ROOT);
    checkMisuses([...RUN, bundle]);
  });

  it("takes its processes with it when it is killed", { ...LIMIT, skip: !has(OWN) }, async () => {
    const bundle = `${folder}/bundle.js`;
    succeed(TOOLS[OWN]!(GUARDED, bundle, false), ROOT);
    await checkKill([...RUN, bundle], "SIGKILL");
  });

  describe("made an executable by bun build --compile", { skip: !isBun || !has("bun") }, () => {
    it("works in a folder without its sources", LIMIT, () => checkWhole(compile(GUARDED), ALL));

    it("works when it is minified and has bytecode", LIMIT, () => {
      checkWhole(compile(GUARDED, "--minify", "--bytecode", "--format=esm"), FEW);
    });

    it("never multiplies if it misuses the guard", LIMIT, () => checkMisuses(compile(CARELESS)));

    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      it(`takes its processes with it at ${signal}`, LIMIT, () => checkKill(compile(GUARDED), signal));
    }
  });

  // `deno compile` needs a runtime, denort, which it downloads.
  const { DENORT_BIN } = process.env;
  it("made an executable by deno compile works", { ...LIMIT, skip: !isDeno || DENORT_BIN === undefined }, () => {
    const program = `${folder}/program`;
    succeed([process.execPath, "compile", "-A", "--no-check", "--quiet", "-o", program, GUARDED], ROOT);
    checkWhole([program], ALL);
  });
});
