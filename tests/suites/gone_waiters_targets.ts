import type * as threading from "@weft/concurrent/threading";

/** Objects that other threads keep this one from. */
export interface Held {
  readonly lock: threading.Lock;
  readonly rwlock: threading.RWLock;
  readonly semaphore: threading.Semaphore;
  readonly full: threading.Queue<unknown>;
  readonly empty: threading.Queue<unknown>;
}

/** Begins waits that never end, and returns. */
export async function leaveWaits(held: Held, named: threading.Event, bytes: number): Promise<void> {
  const waits = [
    held.lock.acquire(),
    held.rwlock.write(),
    held.semaphore.acquire(),
    held.full.put([named, new Uint8Array(bytes)]),
    held.full.putMany([[named, new Uint8Array(bytes)]]),
    held.empty.get(),
  ];
  for (const wait of waits) wait.catch(() => {});
  // Waiters put up their bars after four looks in vain.
  await new Promise((resolve) => setTimeout(resolve, 1200));
}

/** Waits for a lock until it is ended. */
export function waitFor(lock: threading.Lock, begun: threading.Latch): void {
  begun.countDown();
  lock.acquireSync();
}

/** Waits for room in a full queue until it is ended. */
export async function waitToPut(
  full: threading.Queue<unknown>,
  named: threading.Event,
  begun: threading.Latch,
  way: string,
  bytes: number,
): Promise<void> {
  const item = [named, "x".repeat(bytes)];
  if (way !== "put") begun.countDown();
  if (way === "putSync") full.putSync(item);
  if (way === "putManySync") full.putManySync([item]);
  if (way === "putMany") await full.putMany([item, 1, item, item]);
  const aborts = Array.from({ length: 5 }, () => new AbortController());
  const puts = aborts.map(({ signal }) => full.put(item, { signal }).catch(() => {}));
  aborts[3]!.abort();
  aborts[1]!.abort();
  begun.countDown();
  await Promise.all(puts);
}

/** Ends while promises wait to put, and are given up at the same moment. */
export async function endWhilePutting(
  full: threading.Queue<unknown>,
  named: threading.Event,
  way: "abort" | "shutdown",
  bytes: number,
): Promise<void> {
  const item = [named, "x".repeat(bytes)];
  const abort = new AbortController();
  for (const put of [full.putMany([item, item], { signal: abort.signal }), full.put(item, { signal: abort.signal })]) {
    put.catch(() => {});
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (way === "abort") abort.abort();
  else full.shutdown();
}

/** Puts a batch of large items, for which there is room one by one. */
export function putPiecemeal(
  full: threading.Queue<unknown>,
  begun: threading.Latch,
  count: number,
  bytes: number,
): void {
  begun.countDown();
  full.putManySync(Array.from({ length: count }, () => "x".repeat(bytes)));
}
