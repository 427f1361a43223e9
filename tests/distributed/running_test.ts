/** How agents and servers are started, found and ended, and what they say where that goes wrong. */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { devServer, EngineError, Pool, serve, type ServeOptions } from "@weft/concurrent/distributed";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { isDeno } from "../_runtime.ts";
import { commandOf, Fleet, Program, root } from "./_fleet.ts";
import { folder, notes } from "./_notes.ts";
import { Server } from "./_server.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("Pool", () => {
  it("is one of processes of this machine where no address is given", LIMIT, async () => {
    await using pool = new Pool(2);
    assertEquals(await pool.map(targets.square, [1, 2, 3]), [1, 4, 9]);
    assertEquals(await pool.ready(), { agents: 1, slots: 2 });
    const [agent] = await pool.agents();
    assertEquals([agent!.pid, agent!.slots, agent!.labels], [process.pid, 2, {}]);
    assertEquals((await pool.each(targets.pid)).length, 2);
  });

  it("knows its agents, and what they were started with", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { labels: { zone: "a" }, slots: 3 });
    await using pool = new Pool({ connect: fleet.url, root });
    assertEquals(await pool.ready({ timeout: 20_000 }), { agents: 1, slots: 3 });
    const [agent] = await pool.agents();
    assertEquals([agent!.labels, agent!.slots, agent!.pid], [{ zone: "a" }, 3, fleet.agents[0]!.child.pid]);
    assertEquals(agent!.name, `${agent!.host}-${agent!.pid}`);
    fleet.add();
    await until(() => pool.stats().workers === 5, "the second agent is there");
    fleet.agents[0]!.signal("SIGTERM");
    await until(() => pool.stats().workers === 2, "the first one has gone");
  });

  it("waits for agents only as long as the option says", LIMIT, async () => {
    await using server = await devServer();
    await using pool = new Pool({ connect: server.url, root });
    await assertRejects(() => pool.ready({ timeout: 50 }), Error, "50 ms");
    const controller = new AbortController();
    const ready = pool.ready({ signal: controller.signal });
    controller.abort(new EvalError("enough"));
    await assertRejects(() => ready, EvalError, "enough");
    assertEquals(await pool.agents(), []);
  });

  it("lets its program end at once, and its waiters go, when it is closed", LIMIT, async () => {
    await using fleet = await Fleet.start(1);
    const pool = new Pool({ connect: fleet.url, root });
    assertEquals((await pool.submit(targets.bytesOf, 2_000_000)).length, 2_000_000);
    await pool[Symbol.asyncDispose]();
    const lonely = new Pool({ connect: fleet.url, root, fleet: "none" });
    const ready = lonely.ready();
    ready.catch(() => {});
    lonely.terminate();
    await assertRejects(() => ready, Error, "closed");
    const program = fileURLToPath(new URL("./_least_program.ts", import.meta.url));
    const began = performance.now();
    const child = new Program([...commandOf(program), fleet.url, root]);
    assertEquals(await child.ended, 0);
    // It waited half a minute for nothing once.
    assert(performance.now() - began < 25_000);
  });

  it("is of one fleet, and does not see others", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { fleet: "other" });
    await using pool = new Pool({ connect: fleet.url, root, agentTimeout: 500 });
    await assertRejects(() => pool.submit(targets.square, 1), Error, 'no agent of fleet "default"');
    await using other = new Pool({ connect: fleet.url, root, fleet: "other" });
    assertEquals(await other.submit(targets.square, 3), 9);
  });

  it("rejects where the server refuses it, or is not there, and nothing crashes", LIMIT, async () => {
    await using server = await devServer();
    const wrong = server.url.replace(/\/\/.*@/, "//wrong@");
    {
      await using pool = new Pool({ connect: wrong, root });
      const error = await assertRejects(() => pool.submit(targets.square, 1), EngineError);
      assertMatch(error.message, /^Cannot connect to nats:\/\/127[^ ]*: .*uthorization/);
      assert(!error.message.includes("wrong"));
      await assertRejects(() => pool.ready(), EngineError);
    }
    await using pool = new Pool({ connect: "nats://127.0.0.1:9", root, engineTimeout: 200 });
    await assertRejects(() => pool.map(targets.square, [1]), EngineError, "nats://127.0.0.1:9");
    await assertRejects(() => serve({ connect: wrong, root }), EngineError, "uthorization");
  });

  it("validates its options", () => {
    const make = (options: object): Pool => new Pool({ connect: "nats://127.0.0.1:9", ...options } as never);
    for (const connect of [5, {}, { servers: [] }, { servers: [5] }, { servers: "nats://x", user: 5 }]) {
      assertThrows(() => make({ connect }), TypeError, "'connect");
    }
    for (const connect of ["http://host", "nats://", "redis://host:1", "nats://a b"]) {
      assertThrows(() => make({ connect }), RangeError, "'connect'");
    }
    for (const connect of ["redis://user:secret@host", "nats://u:p/secret@host:1", "secret@host:422222"]) {
      assert(!assertThrows(() => make({ connect }), Error).message.includes("secret"), connect);
    }
    assertThrows(
      () => make({ initializer: targets.initialize, initargs: [new Uint8Array(1 << 20)] }),
      RangeError,
      "initializer's",
    );
    assertThrows(() => make({ fleet: 5 }), TypeError, "'fleet'");
    for (const fleet of ["", "a.b", "a b", "x".repeat(65)]) assertThrows(() => make({ fleet }), RangeError, "'fleet'");
    assertThrows(() => make({ code: "maybe" }), TypeError, "'code'");
    for (const name of ["lease", "agentTimeout", "engineTimeout"]) {
      assertThrows(() => make({ [name]: "1" }), TypeError, `'${name}'`);
      assertThrows(() => make({ [name]: -1 }), RangeError, `'${name}'`);
      assertThrows(() => make({ [name]: NaN }), RangeError, `'${name}'`);
    }
    assertThrows(() => make({ window: 0 }), RangeError, "'window'");
    assertThrows(() => make({ max: 0 }), RangeError, "'max'");
    assertThrows(() => new Pool(0), RangeError, "'workers'");
  });
});

describe("serve", () => {
  it("ends what it has begun at SIGTERM, takes nothing more, and its program ends with 0", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { slots: 1 });
    await using pool = new Pool({ connect: fleet.url, root });
    const { file, lines } = notes();
    const futures = range(6).map((i) => pool.submit(targets.begin, file, i, 400));
    await until(() => lines().length === 1, "one was begun");
    const [first] = fleet.agents;
    first!.signal("SIGTERM");
    assertEquals(await first!.ended, 0);
    assertMatch(first!.output, /served/);
    const begun = lines().length;
    assert(begun <= 2, `${begun} were begun`);
    fleet.add();
    assertEquals(await Promise.all(futures), range(6));
    assertEquals(lines().map(Number).sort(), range(6));
  });

  it("ends what takes longer than the grace", LIMIT, async () => {
    await using fleet = await Fleet.start(1, { grace: 200 });
    await using pool = new Pool({ connect: fleet.url, root });
    const { file, lines } = notes();
    const future = pool.submit(targets.begin, file, 1, 60_000);
    await until(() => lines().length === 1, "it was begun");
    fleet.agents[0]!.signal("SIGTERM");
    const error = await future.catch((error) => error);
    assertEquals(error.name, "WorkerLostError");
    assertMatch(error.message, /its agent has ended/);
    assertEquals(await fleet.agents[0]!.ended, 0);
  });

  it("ends by its signal, and not at all where that is aborted before", LIMIT, async () => {
    await using server = await devServer();
    const end = new AbortController();
    const served = serve({ connect: server.url, root, slots: 1, kind: "threads", signal: end.signal });
    await using pool = new Pool({ connect: server.url, root });
    assertEquals(await pool.submit(targets.square, 3), 9);
    end.abort();
    await served;
    await serve({ connect: "nats://127.0.0.1:9", root, signal: end.signal });
  });

  it("serves no engine elsewhere without a secret", LIMIT, async () => {
    const error = await assertRejects(() => serve({ connect: "nats://10.255.255.1:4222", root }), TypeError);
    assertMatch(error.message, /every client of .*insecure: true/);
  });

  it("validates its options", LIMIT, async () => {
    const rejects = async (options: object, type: new () => Error, name: string): Promise<void> => {
      const all = { connect: "nats://127.0.0.1:9", root, ...options } as ServeOptions;
      await assertRejects(() => serve(all), type, name);
    };
    await rejects({ connect: undefined }, TypeError, "'connect'");
    await rejects({ root: undefined }, TypeError, "'root'");
    await rejects({ root: "/there/is/none" }, RangeError, "'root'");
    await rejects({ labels: { zone: 5 } }, TypeError, "'labels'");
    await rejects({ signal: {} }, TypeError, "'signal'");
    await rejects({ inline: "yes" }, TypeError, "'inline'");
    await rejects({ slots: 0 }, RangeError, "'slots'");
    await rejects({ kind: "fibers" }, TypeError, "'kind'");
    await rejects({ grace: "1" }, TypeError, "'grace'");
    await rejects({ grace: -1 }, RangeError, "'grace'");
    await rejects({ fleet: "a.b" }, RangeError, "'fleet'");
  });
});

describe("the agent of the command line", () => {
  const program = fileURLToPath(new URL("../../distributed/agent.ts", import.meta.url));

  it("says what it serves, and ends with 0 at SIGTERM", LIMIT, async () => {
    await using server = await devServer();
    const folder = fileURLToPath(root);
    const args = ["--connect", server.url, "--root", folder, "--slots", "1", "--threads", "--label", "zone=b"];
    const agent = new Program([...commandOf(program), ...args]);
    await using pool = new Pool({ connect: server.url, root });
    assertEquals(await pool.submit(targets.square, 4), 16);
    assertEquals((await pool.agents())[0]!.labels, { zone: "b" });
    assertMatch(
      agent.output,
      /^Serving fleet "default" of nats:\/\/127\.0\.0\.1:\d+ with 1 threads, modules below file:/,
    );
    agent.signal("SIGTERM");
    assertEquals(await agent.ended, 0);
    assertMatch(agent.output, /Ended/);
  });

  it("ends with 1 and a sentence where it cannot", LIMIT, async () => {
    const cases: [string[], RegExp][] = [
      [[], /^Cannot serve as there is no address of the engine: write --connect/],
      [["--connect", "nats://127.0.0.1:9"], /^Cannot connect to nats:\/\/127\.0\.0\.1:9/m],
      [["--connect", "redis://x"], /^Cannot serve as 'connect' must be an address of NATS/],
      [["--connect", "nats://x", "--slots", "many"], /^Cannot serve as --slots must be a number: received many/],
      [["--connect", "nats://x", "--label", "zone"], /^Cannot serve as --label must be KEY=VALUE: received zone/],
      [["--nonsense"], /nonsense/],
      [["--connect", "nats://x", "--creds", "/none"], /^Cannot serve as --creds cannot be read: /],
    ];
    await Promise.all(cases.map(async ([args, expected]) => {
      const agent = new Program([...commandOf(program), ...args]);
      assertEquals(await agent.ended, 1);
      assertMatch(agent.output, expected);
    }));
  });
});

describe("devServer", () => {
  it("ends with its program, also where that is killed, and leaves nothing", LIMIT, async () => {
    const program = `${folder}/server.ts`;
    writeFileSync(
      program,
      `import { devServer } from "${new URL("../../distributed/mod.ts", import.meta.url).href}";
      const servers = [await devServer(), await devServer()];
      console.log(JSON.stringify(servers.map(({ url }) => url)));
      setInterval(() => {}, 1000);`,
    );
    const child = new Program([...commandOf(program)]);
    await until(() => child.output.includes("\n") || child.child.exitCode !== null, "it has said where they are");
    const urls = JSON.parse(child.output.split("\n")[0]!) as string[];
    assertEquals(new Set(urls).size, 2);
    for (const url of urls) await assertServed(url, true);
    child.signal("SIGKILL");
    await child.ended;
    for (const url of urls) await assertServed(url, false);
  });

  it("validates its options, and says where there is no server", LIMIT, async () => {
    await assertRejects(() => devServer({ port: -1 }), RangeError, "'port'");
    await assertRejects(() => devServer({ store: 5 as never }), TypeError, "'store'");
    const taken = await devServer();
    const port = Number(new URL(taken.url).port);
    await assertRejects(() => devServer({ port }), EngineError, "does not come up");
    await taken[Symbol.asyncDispose]();
    const again = await devServer({ port });
    assertEquals(new URL(again.url).port, String(port));
    await again[Symbol.asyncDispose]();
  });
});

async function assertServed(url: string, expected: boolean): Promise<void> {
  for (const until = performance.now() + 5000;;) {
    const pool = new Pool({ connect: url, root, engineTimeout: 0 });
    const isThere = await pool.ready({ timeout: 20 }).catch((error) => error.name === "TimeoutError");
    await pool[Symbol.asyncDispose]();
    if (Boolean(isThere) === expected) return;
    assert(performance.now() < until, `${url} is ${expected ? "not " : ""}there`);
  }
}

describe("permissions", () => {
  it(
    "of the server's users are enough as docs/distributed.md has them, and an agent cannot give tasks",
    LIMIT,
    async () => {
      const text = readFileSync(new URL("../../docs/distributed.md", import.meta.url), "utf8");
      const authorization = /```text\nauthorization \{\n([^]*?)\n\}\n```/.exec(text)![1]!;
      const server = await Server.start(authorization);
      const as = (user: string): string => server.url.replace("secret@", `${user}:secret@`);
      await using fleet = await Fleet.start(0, {}, server);
      await using pool = new Pool({ connect: as("driver"), root, fleet: "blue" });
      const ready = pool.ready();
      // The program has made the queue, as an agent could.
      fleet.add({ connect: as("agent"), fleet: "blue" });
      await ready;
      assertEquals(await pool.map(targets.square, [1, 2, 3]), [1, 4, 9]);
      assertEquals((await pool.submit(targets.bytesOf, 2_000_000)).length, 2_000_000);
      await using other = new Pool({ connect: as("agent"), root, fleet: "blue", agentTimeout: 3000 });
      const error = await other.submit(targets.square, 1).catch((error) => error);
      assert(["NoAgentError", "EngineError"].includes(error.name), String(error));
    },
  );

  it("to read and to reach the server are enough for a program", { ...LIMIT, skip: !isDeno }, async () => {
    await using fleet = await Fleet.start(1);
    const program = fileURLToPath(new URL("./_least_program.ts", import.meta.url));
    const { host } = new URL(fleet.url.replace("nats:", "http:"));
    const flags = [`--allow-net=${host}`, `--allow-read`];
    const child = new Program([...commandOf(program, flags), fleet.url, root]);
    assertEquals(await child.ended, 0);
    assertEquals(child.output.trim(), "[ 1, 4, 9 ]");
    assert(!isAlive(child.child.pid!));
  });
});
