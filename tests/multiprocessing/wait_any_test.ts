import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { putWhenSet, setLater } from "./wait_any_targets.ts";

const LIMIT = { timeout: 60_000 };

describe("waitAny with things of both memories", () => {
  it("returns when the one of the processes' memory is ready, and then when the process has ended", LIMIT, async () => {
    for (const blocking of [true, false]) {
      const never = new threading.Event();
      const queue = new multiprocessing.Queue<string>();
      const go = new multiprocessing.Event();
      const process = new multiprocessing.Process({ target: putWhenSet, args: [queue, go] }).start();
      const things = [never, queue];
      go.set();
      const wait = async (what: typeof things | [typeof never, typeof process]): Promise<number | undefined> => {
        return blocking
          ? multiprocessing.waitAnySync(what, { timeout: 30_000 })
          : await multiprocessing.waitAny(what, { timeout: 30_000 });
      };
      assertEquals(await wait(things), 1);
      assertEquals(queue.tryGet(), "item");
      assertEquals(await wait([never, process]), 1);
      assertEquals(process.exitCode, 0);
    }
  });

  it("returns when the one of the threads' memory is ready", LIMIT, async () => {
    const queue = new multiprocessing.Queue<string>();
    const event = new threading.Event();
    const timer = new threading.Thread({ target: setLater, args: [event] }).start();
    assertEquals(multiprocessing.waitAnySync([queue, event], { timeout: 30_000 }), 1);
    event.clear();
    const waiting = threading.waitAny([queue, event]);
    event.set();
    assertEquals(await waiting, 1);
    assert(await timer.join());
  });

  it("returns undefined when the time is over", LIMIT, async () => {
    const things = [new multiprocessing.Lock(), new threading.Lock()];
    for (const lock of things) lock.acquireSync();
    assertEquals(threading.waitAnySync(things, { timeout: 20 }), undefined);
    assertEquals(await threading.waitAny(things, { timeout: 20 }), undefined);
    things[0].release();
    assertEquals(threading.waitAnySync(things), 0);
  });

  it("knows when a connection has a message, and when its other end is gone", LIMIT, async () => {
    const [receiver, sender] = multiprocessing.Pipe<string>({ duplex: false });
    const never = new threading.Event();
    assertEquals(multiprocessing.waitAnySync([never, receiver], { timeout: 5 }), undefined);
    sender.sendSync("message");
    assertEquals(multiprocessing.waitAnySync([never, receiver], { timeout: 30_000 }), 1);
    assertEquals(await multiprocessing.waitAny([receiver, never]), 0);
    assertEquals(receiver.recvSync(), "message");
    const waiting = multiprocessing.waitAny([never, receiver], { timeout: 30_000 });
    sender.close();
    assertEquals(await waiting, 1);
  });
});
