/** Agents, programs and the server are killed at random, again and again. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Pool, WorkerLostError } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isLong, rounds } from "../_rounds.ts";
import { range } from "../pool/_helpers.ts";
import { moment, until } from "../suites/_until.ts";
import { commandOf, Fleet, otherAgent, otherCommand, Program, root } from "./_fleet.ts";
import { notes } from "./_notes.ts";
import type { Tasks } from "./_settling_program.ts";
import { Server } from "./_server.ts";
import * as targets from "./_targets.ts";

const PROGRAM = fileURLToPath(new URL("./_settling_program.ts", import.meta.url));
/** How many tasks this program has, and how many each of the killed programs has. */
const OWN = rounds(500, 120);
const THEIRS = rounds(100, 40);
const PROGRAMS = rounds(5, 2);
const MS = 30;
const DEATHS = rounds(60, 8);
/** Milliseconds between deaths, at most. */
const PAUSE = 500;

/** A program with tasks of its own, of either runtime, that is killed, or says what has become of them. */
class Rival {
  readonly #program: Program;
  readonly #lines: () => string[];

  constructor(connect: string, number: number) {
    const { file, lines } = notes();
    const tasks: Tasks = { options: { connect, root, lease: 20_000 }, file, count: THEIRS, ms: MS };
    const other = number % 2 === 1 ? otherCommand(PROGRAM) : undefined;
    this.#program = new Program([...other ?? commandOf(PROGRAM), JSON.stringify(tasks)]);
    this.#lines = lines;
  }

  get hasBegun(): boolean {
    return this.#lines().length > 5;
  }

  kill(): void {
    this.#program.signal("SIGKILL");
  }

  /** Its tasks were begun once at most, and all of its promises have settled if it lived. */
  async check(): Promise<void> {
    const how = await this.#program.ended;
    const lines = this.#lines();
    assertEquals(new Set(lines).size, lines.length);
    if (how === "SIGKILL") return;
    assertEquals(how, 0, this.#program.output);
    const outcomes = JSON.parse(/settled (.*)/.exec(this.#program.output)![1]!) as (number | string)[];
    assertEquals(outcomes.length, THEIRS);
    for (const [i, outcome] of outcomes.entries()) {
      if (typeof outcome === "number") assertEquals(outcome, i);
      else assertMatch(outcome, /^WorkerLostError/);
    }
  }
}

describe("a storm", () => {
  it(
    "hangs nothing, begins nothing twice, and settles every promise",
    { timeout: isLong ? 290_000 : 60_000 },
    async () => {
      const server = await Server.start();
      await using fleet = await Fleet.start(0, {}, server);
      const agents = new Set<Program>();
      let started = 0;
      const add = (): void => void agents.add(fleet.add({}, ++started % 2 === 0 ? otherAgent() : undefined));
      for (let i = 0; i < 3; i++) add();
      await using pool = new Pool({ connect: fleet.url, root, lease: 20_000 });
      const { file, lines } = notes();
      const settled = Promise.allSettled(range(OWN).map((i) => pool.submit(targets.begin, file, i, MS)));
      const rivals = range(1).map((i) => new Rival(fleet.url, i));
      const kill = {
        agent: () => {
          const victim = [...agents][Math.floor(moment(agents.size))]!;
          victim.signal("SIGKILL");
          agents.delete(victim);
          add();
        },
        server: async () => {
          await server.kill();
          await new Promise((resolve) => setTimeout(resolve, moment(300)));
          await server.restart();
        },
        program: async () => {
          if (rivals.length === PROGRAMS) return;
          const last = rivals.at(-1)!;
          await until(() => last.hasBegun, "its tasks are done");
          last.kill();
          rivals.push(new Rival(fleet.url, rivals.length));
        },
      };
      const victims = ["agent", "server", "program", "agent"] as const;
      // Agents have to come to something between their deaths.
      for (let i = 0; i < DEATHS; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100 + moment(PAUSE)));
        await kill[victims[i % victims.length]!]();
      }
      for (const [i, outcome] of (await settled).entries()) {
        if (outcome.status === "fulfilled") assertEquals(outcome.value, i);
        else assert(outcome.reason instanceof WorkerLostError, String(outcome.reason));
      }
      assertEquals(new Set(lines()).size, lines().length);
      await Promise.all(rivals.map((rival) => rival.check()));
      // All that is left works.
      assertEquals(await pool.map(targets.square, range(20)), range(20).map((x) => x * x));
    },
  );
});
