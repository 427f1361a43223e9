/** Named objects of several programs, some of which are killed and frozen. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Event, Lock, Queue, Semaphore, Value } from "@weft/concurrent/distributed";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { addressOf } from "../../distributed/_address.ts";
import { connectTo } from "../../distributed/_nats_connect.ts";
import { connectNatsStore } from "../../distributed/_nats_store.ts";
import { Questions } from "../../distributed/_nats_questions.ts";
import { until } from "../suites/_until.ts";
import { commandOf, otherAgent, Program } from "./_fleet.ts";
import { freshAt } from "./_fresh.ts";
import { notes } from "./_notes.ts";
import { Server } from "./_server.ts";

const LIMIT = { timeout: 60_000 };
const PROGRAM = fileURLToPath(new URL("./_object_program.ts", import.meta.url));
const here = commandOf(PROGRAM);
/** That of the other runtime; this one, where it is not there. */
const there = [...otherAgent()?.slice(0, -1) ?? commandOf(PROGRAM).slice(0, -1), PROGRAM];

const http = await new Promise<number>((resolve) => {
  const free = createServer();
  free.listen(0, "127.0.0.1", () => {
    const { port } = free.address() as AddressInfo;
    free.close(() => resolve(port));
  });
});
const server = await Server.start(undefined, `http: "127.0.0.1:${http}"`);
after(() => server[Symbol.asyncDispose]());
const connect = server.url;

const fresh = freshAt(connect);

function start(command: readonly string[], what: string, ...args: unknown[]): Program {
  return new Program([...command, what, connect, ...args.map(String)]);
}

async function assertDone(programs: readonly Program[]): Promise<void> {
  for (const program of programs) {
    assertEquals(await program.ended, 0, program.output);
    assertMatch(program.output, /done/);
  }
}

/** How many subscriptions the server knows of. */
async function subscriptions(): Promise<number> {
  const { num_subscriptions } = await (await fetch(`http://127.0.0.1:${http}/subsz`)).json();
  return num_subscriptions;
}

describe("programs of both runtimes", () => {
  it("add to one value, and none of it is lost; and they end by themselves", LIMIT, async () => {
    const { name } = fresh();
    const programs = [here, there, there].map((command) => start(command, "add", name, 60));
    const value = new Value("i32", 0, { name, connect });
    for (let i = 0; i < 60; i++) await value.add(1);
    await assertDone(programs);
    assertEquals(await value.get(), 240);
  });

  it("do nothing with an object when a worker imports their main part", LIMIT, async () => {
    const file = fileURLToPath(new URL("./_unguarded_program.ts", import.meta.url));
    const program = new Program(commandOf(file), { WEFT_CONNECT: connect });
    assertEquals(await program.ended, 0, program.output);
    assertMatch(
      program.output,
      /^added to 0\n[^]*put the main part of the program under if \(import\.meta\.main\)[^]*is 1\n$/,
    );
  });

  it("change a file under one lock, and no change of it is lost", LIMIT, async () => {
    const { name } = fresh();
    const { file } = notes();
    writeFileSync(file, "0");
    await assertDone([here, there, there].map((command) => start(command, "count", name, 12, file)));
    assertEquals(readFileSync(file, "utf8"), "36");
  });

  it("send items to each other, and tell each other by an event", LIMIT, async () => {
    const [to, from, done] = [fresh(), fresh(), fresh()];
    const program = start(there, "echo", to.name, from.name, done.name);
    const [sent, got] = [new Queue<unknown>(to), new Queue<unknown>(from)];
    const waiting = new Event(done).wait();
    const items = [1, "a", undefined, 5n, new Date(5), new Uint8Array([1, 2]), { a: [new Map([[1, 2]])] }];
    for (const item of items) await sent.put(item);
    for (const item of items) assertEquals(await got.get(), item);
    await sent.shutdown();
    assertEquals(await waiting, true);
    await assertDone([program]);
  });

  it("that have used an object end within two seconds, with nothing closed", LIMIT, async () => {
    for (const command of [here, there]) {
      const program = start(command, "add", fresh().name, 1);
      await until(() => /done/.test(program.output), "it has added");
      const since = performance.now();
      assertEquals(await program.ended, 0);
      assert(performance.now() - since < 2000, `it has taken ${performance.now() - since} ms`);
    }
  });
});

describe("a holder", () => {
  it(
    "that is killed loses the lock after its lease and not before, and the next holder learns of it",
    LIMIT,
    async () => {
      const { name } = fresh();
      const lease = 1500;
      const holder = start(there, "hold", name, lease);
      await until(() => /token/.test(holder.output), "it holds the lock");
      const lock = new Lock({ name, connect });
      const acquiring = lock.acquire();
      // It has been seen for a while.
      await assertRejects(() => new Lock({ name, connect }).acquire({ timeout: lease }), Error, "1500 ms");
      const killed = performance.now();
      holder.signal("SIGKILL");
      const next = await acquiring;
      const after = performance.now() - killed;
      // It last said that it was there up to a third of its lease before.
      assert(after > lease * 0.6 && after < lease + 2000, `after ${after} ms`);
      const [, token, abandoned] = /token (\d+) (\w+)/.exec(holder.output)!;
      assertEquals([abandoned, next.abandoned, next.token > Number(token)], ["false", true, true]);
      assertEquals(await next.release(), true);
      const third = await lock.acquire();
      assertEquals(third.abandoned, false);
      await third.release();
    },
  );

  it("that was frozen for longer than its lease finds that it has lost the lock", LIMIT, async () => {
    const { name } = fresh();
    const holder = start(there, "hold", name, 600);
    await until(() => /token/.test(holder.output), "it holds the lock");
    const token = Number(/token (\d+)/.exec(holder.output)![1]);
    holder.signal("SIGSTOP");
    const next = await new Lock({ name, connect }).acquire();
    assertEquals([next.abandoned, next.isHeld, next.token > token], [true, true, true]);
    holder.signal("SIGCONT");
    await assertDone([holder]);
    assertMatch(holder.output, /lost LeaseLostError false false/);
    assertEquals([next.isHeld, await next.release()], [true, true]);
  });
});

describe("waiting", () => {
  it("by many getters that give up and come again takes a few subscriptions", LIMIT, async () => {
    const queue = new Queue<number>(fresh());
    await queue.get({ timeout: 1 }).catch(() => {});
    const before = await subscriptions();
    for (let i = 0; i < 40; i++) await queue.get({ timeout: 5 }).catch(() => {});
    await queue.size();
    const during = await subscriptions();
    assert(during <= before + 8, `${during} subscriptions after ${before}`);
    // Requests of getters that gave up are gone: the item comes at once.
    const getting = queue.get();
    await queue.put(1);
    assertEquals(await getting, 1);
  });

  it("asks for what is missing of a question that was over, and for no more", LIMIT, async () => {
    const { name } = fresh();
    const address = addressOf(connect, "look");
    const store = await connectNatsStore(address, "default", 5000);
    const connection = await connectTo(address, "default", 5000);
    const queue = store.queue(name);
    await queue.open(0);
    const got: number[] = [];
    const questions = new Questions(connection, store, `WEFT_default_queue_${name}`, "getters", (message) => {
      got.push(message.data[0]!);
      message.respond("+ACK");
    }, 150);
    questions.ask(2);
    await queue.put(new Uint8Array([1, 0]), "1");
    await until(() => got.length === 1, "the first has come");
    // The question was over, and another was asked.
    const asked = async (): Promise<number> => {
      const message = await connection.request(`$JS.API.CONSUMER.INFO.WEFT_default_queue_${name}.getters`);
      return message.json<{ num_waiting: number }>().num_waiting;
    };
    const since = performance.now();
    while (performance.now() - since < 400) await asked();
    while (await asked() !== 1);
    for (const i of [2, 3, 4]) await queue.put(new Uint8Array([i, 0]), `${i}`);
    await until(() => got.length === 2, "the second has come");
    const settled = performance.now();
    while (performance.now() - settled < 400) assertEquals(await asked(), 0);
    assertEquals([got, (await queue.state()).size], [[1, 2], 2]);
    questions.ask(1);
    await until(() => got.length === 3, "the third has come");
    questions.stop();
    await connection.close();
    await store.close();
  });

  it("for a permit by a program that is gone costs the others a moment", LIMIT, async () => {
    const { name } = fresh();
    const lease = await new Semaphore(1, { name, connect }).acquire();
    const [gone] = [start(here, "hold", name, 500)];
    await until(() => /token/.test(gone.output), "it holds the lock of that name");
    gone.signal("SIGKILL");
    assertEquals(await lease.release(), true);
    await (await new Lock({ name, connect }).acquire()).release();
  });
});
