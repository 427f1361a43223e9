/** Gives `adopt` tokens that `share` did not make. Prints the results. */

import process from "node:process";
import { adopt, type Lock as SyncLock, share, type ShareToken } from "@weft/concurrent/sync";
import { Lock, Queue, Thread } from "@weft/concurrent/threading";
import { HEAP_AT, MAGIC, MAGIC_AT, VERSION_AT } from "../../_internal/memory/memory.ts";
import { Random } from "../storm/_random.ts";
import { adoptAll } from "./_targets.ts";

const lock = new Lock();
const token = share(lock);
const outcomes = new Map<string, number>();

function attempt(wrong: unknown): void {
  let name: string;
  try {
    adopt(wrong as ShareToken);
    name = "adopted";
  } catch (error) {
    name = (error as Error).constructor.name;
    if (!(error as Error).message.startsWith("Cannot ")) name += `: ${(error as Error).message}`;
  }
  outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
}

// Objects that a random address may hit.
const queues = Array.from({ length: 20 }, () => new Queue<unknown>());
for (const queue of queues) queue.putSync({ text: "x".repeat(300) });

for (const wrong of [undefined, null, 1, "token", {}, [], { buffer: token.buffer }, { ...token, at: NaN }]) {
  attempt(wrong);
}
attempt({ ...token, buffer: new SharedArrayBuffer(64) });
attempt({ ...token, buffer: new ArrayBuffer(2 ** 20) });
attempt({ ...token, buffer: new SharedArrayBuffer(2 ** 20) });
const other = new SharedArrayBuffer(2 ** 20);
const words = new Int32Array(other);
words[MAGIC_AT] = MAGIC;
words[VERSION_AT] = 12_345;
attempt({ ...token, buffer: other });
const random = new Random(1);
for (let i = 0; i < 20_000; i++) {
  const at = random.chance(0.5) ? random.below(2 ** 31) : HEAP_AT + random.below(5_000);
  if (at === token.at) continue;
  attempt({ ...token, at: random.chance(0.9) ? at : -at });
}
// In a thread, where the lock still works.
const result = await new Thread({ target: adoptAll, args: [{ id: token.id, ticket: 1 }] }).start().result();
for (const [name, count] of result) outcomes.set(name, (outcomes.get(name) ?? 0) + count);
(adopt<SyncLock>(token)).acquireSync()[Symbol.dispose]();
console.log(JSON.stringify(Object.fromEntries(outcomes)));
process.exit(0);
