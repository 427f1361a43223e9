/** Programs that stand still and go on: their agents are still theirs. */

import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { commandOf, Fleet, otherAgent, otherCommand, Program, root } from "./_fleet.ts";
import { notes } from "./_notes.ts";
import { Proxy } from "./_proxy.ts";
import type { Tasks } from "./_settling_program.ts";

const LIMIT = { timeout: 60_000 };
const PROGRAM = fileURLToPath(new URL("./_settling_program.ts", import.meta.url));

describe("a program that stands still for longer than the lease", () => {
  for (
    const [name, command] of [["of this runtime", commandOf(PROGRAM)], ["of the other one", otherCommand(PROGRAM)]]
  ) {
    const skip = command === undefined;
    it(`loses none of its tasks, and its agents end none of them: ${name}`, { ...LIMIT, skip }, async () => {
      await using fleet = await Fleet.start(1);
      fleet.add({}, otherAgent());
      // Slow, so that answers are on their way whenever it is stopped.
      await using proxy = await Proxy.start(fleet.url);
      proxy.toServer.delay = proxy.toClient.delay = 120;
      const { file, lines } = notes();
      const tasks: Tasks = { options: { connect: proxy.url, root, lease: 400 }, file, count: 10, ms: 1500 };
      const program = new Program([...command!, JSON.stringify(tasks)]);
      await until(() => lines().length >= 2, "some were begun");
      program.signal("SIGSTOP");
      // Five leases, in which tasks end and others are waited for.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      program.signal("SIGCONT");
      assertEquals(await program.ended, 0);
      assertMatch(program.output, /settled/);
      assertEquals(JSON.parse(/settled (.*)/.exec(program.output)![1]!), range(10));
      assertEquals(lines().map(Number).sort((a, b) => a - b), range(10));
    });
  }
});
