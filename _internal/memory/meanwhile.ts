/**
 * What a thread sees to while it is blocked: no event reaches it then.
 *
 * A thread that the runtime can stop from outside is stopped by the thread that started it, and only that one is told when
 * it is gone. Where the starter blocks, and perhaps for what such a thread holds, it has to look by itself.
 *
 * @module
 */

let attend: (() => void) | undefined;

/** Has `action` called now and then while this thread is blocked. It must take no mutex. */
export function onBlocked(action: () => void): void {
  attend = action;
}

/** Whether there is anything to see to: then no sleep may be longer than a slice. */
export function isAttending(): boolean {
  return attend !== undefined;
}

/** To be called after each slice of a sleep. */
export function seeToOthers(): void {
  attend?.();
}
