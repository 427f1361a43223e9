/**
 * What each part of a fleet costs: processor time of the server, of the program and of the agent, and messages, for a message with
 * tasks, for a task, and for the questions by which programs and agents know of each other. From that, on paper, what a large fleet
 * needs.
 *
 *     deno run -A --no-check benches/distributed/cost.ts
 *     deno run -A --no-check benches/distributed/cost.ts --agents=1000 --slots=4 --tasks=100000
 *     deno run -A --no-check benches/distributed/cost.ts --once     only that it runs
 *
 * A server, an agent with two slots and the program run on one machine, and share its processors; so times of waiting say nothing, and
 * none are given. Linux only, which reports the time of each process.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Pool } from "@weft/concurrent/distributed";
import { addressOf } from "../../distributed/_address.ts";
import type { Engine } from "../../distributed/_engine.ts";
import { connectNats } from "../../distributed/_nats.ts";
import { findServer } from "../../distributed/_nats_server.ts";
import { fromBytes, type News, toBytes } from "../../distributed/_wire.ts";
import { parseProcess, treeOf } from "../lib/load.ts";
import { describeMachine, thisMachine } from "../lib/machine.ts";
import { figures, table } from "../lib/table.ts";

const ROOT = new URL("../../", import.meta.url);
const AGENT = fileURLToPath(new URL("distributed/agent.ts", ROOT));
const RUNTIME = "Deno" in globalThis ? [process.execPath, "run", "-A", "--no-check", "--quiet"] : [process.execPath];
const SLOTS = 2;
/** The measured tasks: tasks that go one by one, and tasks of `map`. */
const [SINGLE, MANY] = [6000, 512_000];
/** Tasks with different times until their workers are replaced do not go together: milliseconds. */
const KILL_AFTER = 60_000;
/** Questions that are measured, and how many of them are open at a time. */
const [QUESTIONS, OPEN] = [20_000, 16];
/** Programs ask the agents that have their tasks, agents ask the programs whose tasks they have, and agents announce themselves. */
const [PROGRAM_ASKS, AGENT_ASKS, NEWS] = [0.3, 0.5, 5];
/** A program with tasks at many agents asks each of them so much less often, for every one of them: seconds. */
const EACH = 0.001;
/** If one program uses more than so much of a processor, there is no room for bursts. */
const FULL = 0.7;
const SIZES = [1, 16, 64, 256, 1024];

/** The task: as little as possible. */
export function next(x: number): number {
  return x + 1;
}

/** The use until a moment: microseconds of processor time, and the server's counts. */
interface Used {
  readonly server: number;
  readonly program: number;
  readonly agent: number;
  readonly workers: number;
  /** Messages with tasks. */
  readonly parcels: number;
  readonly messages: number;
  readonly bytes: number;
}

/** The same for each of something. */
type Cost = Used;

/** What the server reports about its queues, as far as it is needed. */
interface Queues {
  readonly account_details?: readonly {
    readonly stream_detail: readonly { readonly name: string; readonly state: { readonly last_seq: number } }[];
  }[];
}

class Measured {
  readonly #folder = mkdtempSync(join(tmpdir(), "weft-cost-"));
  readonly #children: ChildProcess[] = [];
  #monitor = "";
  url = "";

  async start(): Promise<void> {
    const config = join(this.#folder, "server.conf");
    const text = `listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nports_file_dir: "${this.#folder}"\n` +
      `jetstream { store_dir: "${this.#folder}/store" }\n`;
    writeFileSync(config, text);
    this.#run([await findServer(this.#folder), "-c", config]);
    let file: string | undefined;
    while (file === undefined) {
      await delay(20);
      file = readdirSync(this.#folder).find((name) => name.endsWith(".ports"));
    }
    // It is being written.
    await delay(50);
    const { nats, monitoring } = JSON.parse(readFileSync(join(this.#folder, file), "utf8")) as Record<string, string[]>;
    this.url = nats![0]!;
    this.#monitor = monitoring![0]!;
    const args = ["--connect", this.url, "--root", fileURLToPath(ROOT), "--slots", String(SLOTS)];
    const agent = this.#run([...RUNTIME, AGENT, ...args]);
    await new Promise<void>((resolve, reject) => {
      agent.stdout!.once("data", () => resolve());
      agent.once("exit", () => reject(new Error("Cannot start agent: it ended before it was ready")));
    });
  }

  #run([command, ...args]: string[]): ChildProcess {
    const child = spawn(command!, args, { stdio: ["ignore", "pipe", "ignore"] });
    this.#children.push(child);
    return child;
  }

  async #ask(what: string): Promise<unknown> {
    return await (await fetch(`${this.#monitor}/${what}`)).json();
  }

  async #used(): Promise<Used> {
    const stats = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
      try {
        return [parseProcess(readFileSync(`/proc/${pid}/stat`, "utf8"))];
      } catch {
        // It has ended.
        return [];
      }
    });
    const [server, agent] = this.#children.map(({ pid }) => stats.find((each) => each.pid === pid)!);
    const tree = treeOf(agent!.pid, stats).reduce((sum, { ownNs, reapedNs }) => sum + ownNs + reapedNs, 0);
    const { user, system } = process.cpuUsage();
    const counts = await this.#ask("varz") as Record<string, number>;
    const queues = await this.#ask("jsz?streams=true") as Queues;
    const queue = queues.account_details?.[0]?.stream_detail.find(({ name }) => name === "WEFT_default");
    return {
      server: server!.ownNs / 1e3,
      program: user + system,
      agent: agent!.ownNs / 1e3,
      workers: (tree - agent!.ownNs) / 1e3,
      parcels: queue?.state.last_seq ?? 0,
      messages: counts.in_msgs! + counts.out_msgs!,
      bytes: counts.in_bytes! + counts.out_bytes!,
    };
  }

  /** The cost of each of so many. */
  async costOf(count: number, run: () => Promise<unknown>): Promise<Cost> {
    const before = await this.#used();
    await run();
    const after = await this.#used();
    const names = Object.keys(before) as (keyof Used)[];
    return Object.fromEntries(names.map((name) => [name, (after[name] - before[name]) / count])) as unknown as Cost;
  }

  async end(): Promise<void> {
    for (const child of this.#children.reverse()) {
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The cost of a message, and of a task in it: from tasks that go one by one, and from tasks that go together. */
function apart(one: Cost, many: Cost): { message: Cost; task: Cost } {
  const names = Object.keys(one) as (keyof Cost)[];
  const each = (part: (name: keyof Cost) => number): Cost =>
    Object.fromEntries(names.map((name) => [name, Math.max(0, part(name))])) as unknown as Cost;
  const message = each((name) => (one[name] - many[name]) / (one.parcels - many.parcels));
  return { message, task: each((name) => one[name] - one.parcels * message[name]) };
}

/** An agent's name, and questions to it as a program asks them. */
async function questions(engine: Engine, count: number): Promise<() => Promise<void>> {
  const agent = await new Promise<string>((resolve) => {
    engine.answer("news", (bytes) => {
      resolve(fromBytes<News>(bytes).id);
      return undefined;
    });
    engine.tell("hello", new Uint8Array([1]));
  });
  const question = toBytes({ driver: "0123456789ab", given: [] });
  return async () => {
    let asked = 0;
    await Promise.all(Array.from({ length: OPEN }, async () => {
      while (asked++ < count) await engine.request(`agent.${agent}.held`, question, 2000);
    }));
  };
}

/** Agents that announce themselves, and have no slots. */
function pretend(engine: Engine, count: number): () => void {
  const tell = (): void => {
    for (let i = 0; i < count; i++) {
      const news: News = {
        id: `pretended${i}`,
        isLeaving: false,
        name: `host-${i}`,
        host: "host",
        pid: i,
        slots: 0,
        running: 0,
        labels: {},
      };
      engine.tell("news", toBytes(news));
    }
  };
  tell();
  const timer = setInterval(tell, 1000 * NEWS);
  return () => clearInterval(timer);
}

const cells = ({ server, program, agent, workers, messages, bytes }: Cost): string[] =>
  [server, program, agent, workers, messages, bytes].map((value) => figures(Math.max(0, value)));
const HEAD = ["server, µs", "program, µs", "agent, µs", "its workers, µs", "messages", "bytes"];

/** A fleet on paper. */
interface Paper {
  readonly agents: number;
  readonly slots: number;
  /** A second. */
  readonly tasks: number;
  readonly message: Cost;
  readonly task: Cost;
  readonly question: Cost;
}

/** What a fleet needs, at so many tasks in each message. */
function onPaper({ agents, slots, tasks, message, task, question }: Paper): string {
  const often = 1 / Math.max(PROGRAM_ASKS, EACH * agents) + 1 / AGENT_ASKS;
  // An agent has tasks of as many programs as it has slots, at most.
  const asked = (programs: number): number => agents * Math.min(programs, slots) * often;
  const rows = SIZES.map((size) => {
    const cores = (part: "server" | "program" | "agent", programs: number): number =>
      (tasks * (message[part] / size + task[part]) + asked(programs) * question[part]) / 1e6;
    let programs = 1;
    while (cores("program", programs) / programs > FULL) programs++;
    return [
      `${size}`,
      figures(tasks / size),
      figures(tasks / size * message.messages + asked(programs) * question.messages),
      figures(cores("server", programs)),
      `${programs}`,
      `${figures(100 * cores("agent", programs) / agents)} %`,
    ];
  });
  const head = [
    "tasks in a message",
    "messages with tasks, /s",
    "all messages, /s",
    "server, cores",
    "programs",
    "each agent, of a core",
  ];
  const alone = (part: "program" | "server"): string => `${figures(100 * asked(1) * question[part] / 1e6)} %`;
  const times = figures(asked(1));
  return `${table(head, rows, 0)}

A program that has tasks with all ${agents} agents asks and is asked ${times} times a second. That alone takes ${
    alone("program")
  } of a core in the program, and ${alone("server")} in the server.`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      agents: { type: "string", default: "1000" },
      slots: { type: "string", default: "4" },
      tasks: { type: "string", default: "100000" },
      once: { type: "boolean", default: false },
    },
  });
  const [agents, slots, rate] = [values.agents, values.slots, values.tasks].map(Number) as [number, number, number];
  const part = values.once ? 0.02 : 1;
  const measured = new Measured();
  try {
    await measured.start();
    const engine = await connectNats(addressOf(measured.url, "measure"), "default", 5000);
    let [one, many, crowded]: Cost[] = [];
    {
      await using pool = new Pool({ connect: measured.url, root: ROOT });
      const single = (count: number): Promise<unknown> =>
        Promise.all(Array.from({ length: count }, (_, i) => pool.apply(next, [i], { killAfter: KILL_AFTER + i })));
      const together = (count: number): Promise<unknown> => pool.map(next, Array.from({ length: count }, (_, i) => i));
      const [few, lots] = [Math.ceil(SINGLE * part), Math.ceil(MANY * part)];
      await single(Math.ceil(few / 4));
      one = await measured.costOf(few, () => single(few));
      await together(Math.ceil(lots / 4));
      many = await measured.costOf(lots, () => together(lots));
      const stop = pretend(engine, agents);
      await engine.flush();
      crowded = await measured.costOf(few, () => single(few));
      stop();
    }
    const ask = await questions(engine, Math.ceil(QUESTIONS * part));
    await ask();
    const question = await measured.costOf(Math.ceil(QUESTIONS * part), ask);
    const { message, task } = apart(one!, many!);
    // What a program does for a message may grow with the number of agents.
    const large = { ...message, program: message.program + Math.max(0, crowded!.program - one!.program) };
    const row = (name: string, cost: Cost): string[] => [name, figures(1 / cost.parcels), ...cells(cost)];
    const rows = [
      row("single calls that do not go together", one!),
      row(`the same, with ${agents} agents more`, crowded!),
      row("`map`", many!),
    ];
    const machine = describeMachine(thisMachine({ Deno: Deno.version.deno }));
    console.log(`${machine}, ${new Date().toISOString().slice(0, 10)}\n`);
    console.log(`For each task:\n\n${table(["", "tasks in a message", ...HEAD], rows)}\n`);
    const parts = [
      ["a message with tasks", ...cells(message)],
      ["a task in it", ...cells(task)],
      ["a question", ...cells(question)],
    ];
    console.log(`For each:\n\n${table(["", ...HEAD], parts)}\n`);
    console.log(`On paper, ${agents} agents with ${slots} slots, and ${rate} tasks a second:\n`);
    console.log(onPaper({ agents, slots, tasks: rate, message: large, task, question }));
    await engine.close();
  } finally {
    await measured.end();
  }
}

if (import.meta.main) await main();
