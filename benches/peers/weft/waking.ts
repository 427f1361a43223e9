/** Works: a thread or process that sleeps at a queue is woken by an item. */

import { setTimeout as delay } from "node:timers/promises";
import { timed, type Work } from "../../lib/play.ts";
import { ASLEEP_MS } from "../bare/sizes.ts";
import type { Scope } from "./scope.ts";
import { answerAwaiting, answerBlocking } from "./targets.ts";

/** The works. */
export function waking(scope: Scope): Record<string, Work> {
  return { "wake/thread": wakes(scope, answerBlocking), "wake/promise": wakes(scope, answerAwaiting) };
}

function wakes(scope: Scope, target: typeof answerBlocking | typeof answerAwaiting): Work {
  return async (n) => {
    const [asked, answers] = [new scope.kind.Queue<number>(), new scope.kind.Queue<number>()];
    const partner = scope.start(target, [asked, answers]);
    const trip = (number: number): void => {
      asked.putSync(number);
      const answer = answers.getSync();
      if (answer !== number) throw new Error(`answer ${answer} came in place of ${number}`);
    };
    trip(n);
    let ns = 0;
    for (let i = 0; i < n; i++) {
      // Until then the partner has fallen asleep.
      await delay(ASLEEP_MS);
      ns += await timed(() => trip(i));
    }
    asked.putSync(-1);
    await partner.join();
    return ns;
  };
}
