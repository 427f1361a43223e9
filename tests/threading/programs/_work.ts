import { Event, sleepSync, Thread } from "@weft/concurrent/threading";

export function sleepForEver(started: Event): void {
  started.set();
  sleepSync(1e9);
}

export function spin(started: Event): void {
  started.set();
  for (;;);
}

export async function turn(started: Event): Promise<void> {
  started.set();
  await new Promise((resolve) => setTimeout(resolve, 1e9));
}

export function speakLater(ms: number, text: string): void {
  sleepSync(ms);
  console.log(text);
}

/** A daemon that starts a non-daemon thread, and waits. */
export function startOther(started: Event): void {
  new Thread({ target: speakLater, args: [400, "the other ends"], daemon: false }).start();
  started.set();
  sleepSync(1e9);
}

export function startAndReturn(): void {
  new Thread({ target: speakLater, args: [300, "the inner one ends"] }).start();
}

export function fail(): void {
  throw new TypeError("on purpose", { cause: new Error("below") });
}

export function exitWith(code: number): void {
  const { Deno, process } = globalThis as unknown as Record<string, { exit(code: number): never }>;
  (Deno ?? process)!.exit(code);
}

export function print(lines: number, name: string): void {
  for (let i = 0; i < lines; i++) console.log(`${name} ${i} ${"x".repeat(200)} end`);
}

export function waitForEver(started: Event): void {
  started.set();
  new Event().waitSync();
}

export async function startDeep(depth: number): Promise<void> {
  if (depth === 0) new Event().waitSync();
  const inner = new Thread({ target: startDeep, args: [depth - 1] }).start();
  await inner.join();
}
