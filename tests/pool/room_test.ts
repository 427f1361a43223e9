/** Pools whose data exceed the shared memory go on with what fits. */

import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";

const PROGRAM = fileURLToPath(new URL("./_room_program.ts", import.meta.url));
const LIMIT = { timeout: 60_000 };

for (const kind of ["thread", "process"]) {
  describe(`${kind} Pool: in less memory than its data take`, () => {
    const holds = async (part: string): Promise<void> => {
      const flags = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
      const command = [process.execPath, ...flags, PROGRAM, kind, part];
      const { code, output } = await run(command, { limit: 50_000 });
      assertEquals({ code, output: output.trim() }, { code: 0, output: "done" });
    };

    it("map goes on with what fits", LIMIT, () => holds("map"));
    it("submitted tasks wait for room", LIMIT, () => holds("submit"));
    it("starmap goes on with what fits", LIMIT, () => holds("starmap"));
    it("imap and imapUnordered go on with what fits", LIMIT, () => holds("imap"));
    it("results larger than inputs, and than half of it, wait for room", LIMIT, () => holds("results"));
    it("many pools share it", LIMIT, () => holds("pools"));
    it("results wait for what a queue holds", LIMIT, () => holds("queue"));
    it("only what can never fit is refused, with what was needed and what there is", LIMIT, () => holds("never"));
  });
}
