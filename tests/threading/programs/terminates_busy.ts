import { Event, Thread } from "@weft/concurrent/threading";

export function compute(begun: Event): void {
  begun.set();
  for (;;);
}

if (import.meta.main) {
  const begun = new Event();
  const thread = new Thread({ target: compute, args: [begun] }).start();
  await begun.wait();
  thread.terminate();
  console.log("main ends");
}
