/**
 * What a thread sees to while it is blocked: no event reaches it then.
 *
 * A thread that the runtime can stop from outside is stopped by the thread that started it, and only that one is told when
 * it is gone. A process that was asked to end is killed by the thread that asked, if it does not. Where that thread blocks,
 * and perhaps for what the other holds, it has to look by itself.
 *
 * @module
 */

const actions: Set<() => void> = new Set();

/** Has `action` called now and then while this thread is blocked. It must take no mutex. Returns what ends that. */
export function onBlocked(action: () => void): () => void {
  actions.add(action);
  return () => void actions.delete(action);
}

/** Whether there is anything to see to: then no sleep may be longer than a slice. */
export function isAttending(): boolean {
  return actions.size > 0;
}

/** To be called after each slice of a sleep. */
export function seeToOthers(): void {
  for (const action of actions) action();
}
