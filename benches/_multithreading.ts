/** The lock and the channel of the npm package `multithreading`, where it is installed: `npm install --prefix benches/peers`. */

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

interface Peer {
  spawn(moved: unknown, work: (...args: never[]) => unknown): { join(): Promise<{ ok: boolean; error?: unknown }> };
  move(...args: unknown[]): unknown;
  Mutex: new (value: Int32Array) => unknown;
  channel(capacity?: number): [unknown, { blockingRecv(): unknown }];
}

interface Guard {
  value: Int32Array;
  dispose(): void;
}

async function load(): Promise<Peer | undefined> {
  try {
    const { resolve } = createRequire(new URL("./peers/package.json", import.meta.url));
    return await import(pathToFileURL(resolve("multithreading")).href) as Peer;
  } catch {
    return undefined;
  }
}

// Its workers start with the first tasks.
async function warmUp(peer: Peer, threads: number): Promise<void> {
  await Promise.all(Array.from({ length: threads }, () => peer.spawn(peer.move(0), () => 0).join()));
}

/** Increments a second under its mutex, by so many threads. */
export async function mutexRate(threads: number, times: number): Promise<number | undefined> {
  const peer = await load();
  if (peer === undefined) return undefined;
  await warmUp(peer, threads);
  const words = new Int32Array(new SharedArrayBuffer(4));
  const mutex = new peer.Mutex(words);
  const begin = performance.now();
  const tasks = Array.from({ length: threads }, () => {
    return peer.spawn(
      peer.move(mutex, times),
      ((mutex: { blockingLock(): Guard }, times: number): void => {
        for (let i = 0; i < times; i++) {
          const guard = mutex.blockingLock();
          guard.value[0]++;
          guard.dispose();
        }
      }) as (...args: never[]) => unknown,
    );
  });
  for (const task of tasks) await task.join();
  const ms = performance.now() - begin;
  return words[0] === threads * times ? threads * times / ms * 1000 : undefined;
}

/** Small integers a second through its channel, from thread to thread. */
export async function channelRate(count: number): Promise<number | undefined> {
  const peer = await load();
  if (peer === undefined) return undefined;
  await warmUp(peer, 2);
  const [sender, receiver] = peer.channel(1024);
  const begin = performance.now();
  const put = peer.spawn(
    peer.move(sender, count),
    ((sender: { blockingSend(i: number): void }, count: number) => {
      for (let i = 0; i < count; i++) sender.blockingSend(i);
    }) as (...args: never[]) => unknown,
  );
  const got = peer.spawn(
    peer.move(receiver, count),
    ((receiver: { blockingRecv(): void }, count: number) => {
      for (let i = 0; i < count; i++) receiver.blockingRecv();
    }) as (...args: never[]) => unknown,
  );
  const outcomes = [await put.join(), await got.join()];
  const ms = performance.now() - begin;
  return outcomes.every(({ ok }) => ok) ? count / ms * 1000 : undefined;
}
