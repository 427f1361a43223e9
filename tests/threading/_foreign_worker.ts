/** What workers do that the tests start themselves. */

import {
  adopt,
  AttachError,
  currentThread,
  enumerate,
  type Event,
  getIdent,
  InvalidStateError,
  Lock,
  mainThread,
  type Queue,
  type ShareToken,
  Thread,
  type Value,
} from "@weft/concurrent/threading";
import { add } from "../../_internal/atomics.ts";
import { OBJECT_HEADER } from "../../_internal/memory/memory.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../_internal/memory/space.ts";

export interface Order {
  what: string;
  token: ShareToken;
  second?: ShareToken;
}

export function double(x: number): number {
  return 2 * x;
}

export async function obey({ what, token, second }: Order): Promise<void> {
  switch (what) {
    case "introduce": {
      const before = [currentThread().name, getIdent()];
      const queue = adopt<Queue<unknown>>(token);
      const again = adopt<Queue<unknown>>(second!);
      queue.putSync({
        before,
        name: currentThread().name,
        ident: getIdent(),
        main: mainThread().name,
        all: enumerate().map(({ name }) => name),
        same: again === queue,
      });
      break;
    }
    case "refuse": {
      const queue = adopt<Queue<string>>(token);
      try {
        adopt({ ...token, buffer: new SharedArrayBuffer(1 << 20) });
      } catch (error) {
        queue.putSync(`${error instanceof AttachError}`);
      }
      break;
    }
    case "hold": {
      const lock = adopt<Lock>(token);
      const held = adopt<Event>(second!);
      await lock.acquire();
      held.set();
      break;
    }
    case "hold and exit": {
      const lock = adopt<Lock>(token);
      const held = adopt<Event>(second!);
      lock.acquireSync();
      held.set();
      const { Deno, process } = globalThis as unknown as Record<string, { exit(): never }>;
      setTimeout(() => (Deno ?? process)!.exit(), 50);
      break;
    }
    case "use at exit": {
      const heard = adopt<Value<"i32">>(token);
      const lock = adopt<Lock>(second!);
      const { words } = spaceOf("thread");
      // Not by the handle, which cannot be used when the worker has left the memory.
      const count = locate(heard)!.at + OBJECT_HEADER;
      const uses = [() => lock.tryAcquire(), () => new Lock({ name: "foreign" }), () => adopt(second!)];
      const listener = (): void => {
        for (const use of uses) {
          try {
            use();
            add(words, count, 100);
          } catch (error) {
            add(words, count, error instanceof InvalidStateError ? 1 : 10);
          }
        }
      };
      const { Deno, process } = globalThis as unknown as Record<string, {
        exit(): never;
        on(event: "exit", listener: () => void): void;
      }>;
      if (Deno === undefined) process!.on("exit", listener);
      else globalThis.addEventListener("unload", listener);
      (Deno ?? process)!.exit();
      break;
    }
    case "start": {
      const queue = adopt<Queue<unknown>>(token);
      queue.putSync(await new Thread({ target: double, args: [21] }).start().result());
      break;
    }
  }
}
