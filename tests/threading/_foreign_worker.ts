/** What workers do that the tests start themselves. */

import {
  adopt,
  AttachError,
  currentThread,
  enumerate,
  type Event,
  getIdent,
  type Lock,
  mainThread,
  type Queue,
  type ShareToken,
  Thread,
} from "@weft/concurrent/threading";

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
    case "start": {
      const queue = adopt<Queue<unknown>>(token);
      queue.putSync(await new Thread({ target: double, args: [21] }).start().result());
      break;
    }
  }
}
