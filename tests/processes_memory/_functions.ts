/** What the other processes do. Objects are found by name. */

import { processSpace } from "../../_internal/processes/process_memory.ts";
import { type Connection, Event, Lock, Queue, Value } from "../../multiprocessing/mod.ts";
import { Thread } from "../../threading/mod.ts";
import { holdLock, openInThread } from "./_thread_functions.ts";

/** Says its id, and waits until it is killed. */
export function sit(): void {
  new Queue({ name: "ids" }).putSync(processSpace().id);
  new Event({ name: "never" }).waitSync();
}

/** Holds the lock, and waits until it is killed. */
export function hold(): void {
  holdLock();
}

/** Holds the lock in a thread, and waits until it is killed. */
export async function holdInThread(): Promise<void> {
  await new Thread({ target: holdLock }).start().join();
}

/** Adds one so many times under the lock. */
export function count(times: string): void {
  const lock = new Lock({ name: "lock" });
  const total = new Value("i32", 0, { name: "total" });
  new Event({ name: "go" }).waitSync();
  for (let i = 0; i < Number(times); i++) {
    const guard = lock.acquireSync();
    total.value += 1;
    guard[Symbol.dispose]();
  }
}

/** Sends numbers back until it gets a negative one. */
export async function echo(how: string): Promise<void> {
  const there = new Queue<number>({ name: "there" });
  const back = new Queue<number>({ name: "back" });
  for (;;) {
    const item = how === "sync" ? there.getSync() : await there.get();
    if (item < 0) return;
    if (how === "sync") back.putSync(item);
    else await back.put(item);
  }
}

/** Several threads that come first at once, and the main thread: one region, different participants. */
export async function threads(): Promise<void> {
  const started = [1, 2, 3].map(() => new Thread({ target: openInThread }).start());
  const found = [processSpace().id];
  for (const thread of started) found.push(await thread.result());
  new Queue({ name: "ids" }).putSync(found);
}

/** Waits for two things at once in the event loop, and says so. */
export async function waitInTurn(): Promise<void> {
  const back = new Queue<number>({ name: "back" });
  const rounds = new Queue<number>({ name: "there" });
  for (;;) {
    const item = await rounds.get({ timeout: 20_000 });
    if (item < 0) return;
    back.putSync(item + 1);
  }
}

/** Ends in an orderly way with a promise that waits for nothing that comes. */
export function leavePending(): void {
  const memory = processSpace().memory;
  memory.listen(processSpace().entry + 6, () => {});
  new Queue({ name: "ids" }).putSync(0);
}

/** Receives a connection and does with it what is said. */
export async function connection(what: string): Promise<void> {
  const own = new Queue<Connection>({ name: "connections" }).getSync();
  const ids = new Queue({ name: "ids" });
  switch (what) {
    case "echo":
      try {
        for (;;) own.sendSync(own.recvSync());
      } catch (error) {
        if ((error as Error).name !== "EOFError") throw error;
      }
      return;
    case "echo bytes":
      try {
        for (;;) own.sendBytesSync(own.recvBytesSync());
      } catch (error) {
        if ((error as Error).name !== "EOFError") throw error;
      }
      return;
    case "echo async":
      try {
        for (;;) await own.send(await own.recv());
      } catch (error) {
        if ((error as Error).name !== "EOFError") throw error;
      }
      return;
    case "say and sit":
      own.sendSync("said");
      ids.putSync(1);
      new Event({ name: "never" }).waitSync();
      return;
    case "sit":
      ids.putSync(1);
      new Event({ name: "never" }).waitSync();
      return;
    case "say and return":
      own.sendSync("said");
      return;
    case "send numbers":
      for (let i = 0; i < 2000; i++) own.sendSync(i);
      return;
    case "send forever":
      for (let i = 0;; i++) own.sendSync({ i, text: "x".repeat(i % 9000) });
  }
}
