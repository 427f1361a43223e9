/** A worker that a program started itself. Gets tokens, and does with the object what the message says. */

import {
  adopt,
  type Event,
  type Lock,
  type Queue,
  type ShareToken,
  sleepSync,
  type Value,
} from "@weft/concurrent/sync";
import { currentThread } from "@weft/concurrent/threading";

type Message =
  | { do: "add"; tokens: [ShareToken, ShareToken] }
  | { do: "name"; tokens: [ShareToken] }
  | { do: "hold"; tokens: [ShareToken, ShareToken] }
  | { do: "twice"; tokens: [ShareToken, ShareToken] };

function work(message: Message): void {
  switch (message.do) {
    case "add": {
      const value = adopt<Value<"i32">>(message.tokens[0]);
      const done = adopt<Event>(message.tokens[1]);
      value.add(1);
      done.set();
      break;
    }
    case "name": {
      const queue = adopt<Queue<unknown>>(message.tokens[0]);
      queue.putSync([currentThread().name, queue]);
      break;
    }
    case "hold": {
      const lock = adopt<Lock>(message.tokens[0]);
      const holding = adopt<Event>(message.tokens[1]);
      lock.acquireSync();
      holding.set();
      sleepSync(60_000);
      break;
    }
    case "twice": {
      const lock = adopt<Lock>(message.tokens[0]);
      const again = adopt<Lock>(message.tokens[0]);
      const queue = adopt<Queue<boolean>>(message.tokens[1]);
      queue.putSync(lock === again);
      break;
    }
  }
}

const { parentPort } = (globalThis as { process?: { getBuiltinModule(name: string): { parentPort?: Port } } }).process
  ?.getBuiltinModule("node:worker_threads") ?? {};

interface Port {
  on(type: "message", listener: (message: Message) => void): void;
}

if (parentPort) parentPort.on("message", work);
else (globalThis as { onmessage?: unknown }).onmessage = (event: MessageEvent<Message>): void => work(event.data);
