/** Uses a bit of everything in `sync`, with no permission at all. */

import {
  Barrier,
  Condition,
  Event,
  Latch,
  Lock,
  PriorityQueue,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  share,
  SharedArray,
  sleep,
  sleepSync,
  Value,
  waitAny,
} from "@weft/concurrent/sync";

const lock = new Lock({ name: "lock" });
lock.acquireSync()[Symbol.dispose]();
(await lock.acquire())[Symbol.dispose]();
new RLock().tryAcquire();
new RWLock().readSync();
new Semaphore(2).acquireSync();
const condition = new Condition();
{
  using _held = condition.acquireSync();
  condition.notifyAll();
  condition.waitSync({ timeout: 1 });
}
new Barrier(1).waitSync();
const latch = new Latch(1);
latch.countDown();
latch.waitSync();
const event = new Event();
setTimeout(() => event.set(), 5);
await event.wait();
await waitAny([event]);
new Value("i32", 1).add(2);
new SharedArray("f64", 3).array[0] = 1;
const queue = new Queue<unknown>();
queue.putSync({ error: new RangeError("x"), map: new Map([[1, new Date(0)]]), lock });
await queue.get();
new PriorityQueue<string>().putSync("x", { priority: 3 });
share(lock);
await sleep(1);
sleepSync(1);
console.log("done");
