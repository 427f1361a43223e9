/** Pools whose data exceed the shared memory go on with the tasks that fit. */

import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isLong } from "../_rounds.ts";
import { run } from "../../tools/_run.ts";
import { RUN_FLAGS } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("./_room_program.ts", import.meta.url));
const LIMIT = { timeout: 60_000 };
/** Variants of the same, and waits of five seconds for room. */
const LONG = { ...LIMIT, skip: !isLong };

for (const kind of ["thread", "process"]) {
  describe(`${kind} Pool: in less memory than its data take`, () => {
    const holds = async (part: string): Promise<void> => {
      const command = [process.execPath, ...RUN_FLAGS, PROGRAM, kind, part];
      const { code, output } = await run(command, { limit: 50_000 });
      assertEquals({ code, output: output.trim() }, { code: 0, output: "done" });
    };

    it("map goes on with the items that fit", LIMIT, () => holds("map"));
    it("submitted tasks wait for room", LONG, () => holds("submit"));
    it("starmap goes on with the items that fit", LONG, () => holds("starmap"));
    it("imap and imapUnordered go on with the items that fit", LONG, () => holds("imap"));
    it("results larger than the inputs, and than half of the memory, wait for room", LIMIT, () => holds("results"));
    it("numbers go by themselves if there is no room for batches", LIMIT, () => holds("numbers"));
    it("many pools share it", LONG, () => holds("pools"));
    it("results wait for memory that a queue holds", LONG, () => holds("queue"));
    it("only what can never fit is refused, with the bytes needed and the bytes available", LONG, () => holds("never"));
  });
}
