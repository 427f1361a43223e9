/** Programs that are no files: given as an argument, as input, or typed at a prompt. */

import { assertEquals, assertMatch } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { isBun, isNode, RUN_FLAGS } from "../_runtime.ts";

const LIMIT = 60_000;
const ROOT = new URL("../../", import.meta.url);
const folder = mkdtempSync(`${tmpdir()}/typed-in-`);
after(() => rmSync(folder, { recursive: true }));

const CONFIG = fileURLToPath(new URL("deno.json", ROOT));
/** Commands of a shell: `$1` is the file with the text, `$2` the runtime. */
const WAYS = isBun ? { "bun -e": `exec "$2" -e "$(cat "$1")"`, "bun run -": `exec "$2" run - < "$1"` } : isNode
  ? {
    "node -e": `exec "$2" ${RUN_FLAGS.join(" ")} --input-type=module -e "$(cat "$1")"`,
    "node -": `exec "$2" ${RUN_FLAGS.join(" ")} --input-type=module - < "$1"`,
  }
  : {
    "deno eval": `exec "$2" eval --config=${CONFIG} "$(cat "$1")"`,
    "deno run -": `exec "$2" run -A --no-check --config=${CONFIG} - < "$1"`,
    "deno repl": `exec "$2" repl -A --quiet --config=${CONFIG} < "$1"`,
  };

writeFileSync(`${folder}/tens.ts`, "const factor = 10;\nexport const ten = (x: number) => x * factor;\n");

// One command a line, as a prompt takes them.
function text(scope: string, kind: string): string {
  return `import { Pool, ${kind} } from "${ROOT}${scope}/mod.ts";
    const captured = 1;
    function square(x) { return x * x; }
    class Five extends ${kind} { run() { return 5; } }
    var pool = new Pool(1);
    console.log("named " + await pool.map(square, [1, 2]));
    console.log("inline " + await pool.map((x) => x + 1, [1, 2]));
    console.log("import() " + await pool.map(async (x) => (await import("./tens.ts")).ten(x), [1, 2]));
    console.log("one " + await new ${kind}({ target: square, args: [3] }).start().result());
    console.log("captured " + await pool.map((x) => x + captured, [1]).catch((error) => error));
    console.log("class " + await new Five().start().result().catch((error) => error));
    console.log("ended " + await pool.close() + await pool.join());
  `;
}

const EXPECTED = {
  named: "1,4",
  inline: "2,3",
  "import()": "10,20",
  one: "9",
  captured:
    /^TargetError: Cannot use \(x\) ?=> ?x \+ captured as task as it uses 'captured', and file:.* is no file that a worker could import: pass it as an argument, import it with import\(\) in the function, or name a function of a file with task\(\)$/,
  class:
    /^TargetError: Cannot use class "Five" as (?:thread|process) class as file:.* is no file that a worker could import: write the class into one$/,
  ended: "undefinedtrue",
};

describe("programs that are typed in", () => {
  for (const [scope, kind] of [["threading", "Thread"], ["multiprocessing", "Process"]]) {
    for (const [way, command] of Object.entries(WAYS)) {
      it(`run their functions by ${scope} with ${way}, once`, { timeout: LIMIT }, async () => {
        const file = `${folder}/${scope}.txt`;
        writeFileSync(file, text(scope, kind));
        const { output, timedOut } = await run(["sh", "-c", command, "sh", file, process.execPath], {
          cwd: folder,
          limit: LIMIT / 2,
        });
        assertEquals(timedOut, false, output);
        for (const [name, expected] of Object.entries(EXPECTED)) {
          const lines = output.split("\n").filter((line) => line.startsWith(`${name} `));
          assertEquals(lines.length, 1, `${name}: ${output}`);
          const said = lines[0].slice(name.length + 1);
          if (typeof expected === "string") assertEquals(said, expected);
          else assertMatch(said, expected);
        }
      });
    }
  }
});
