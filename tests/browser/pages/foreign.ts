/** A worker that the page starts itself, and that starts a thread. */

import { adopt, type Event, type SharedArray, type ShareToken, Thread } from "@weft/concurrent/threading";
import { add } from "./targets.ts";

globalThis.addEventListener("message", async (message) => {
  const tokens = (message as MessageEvent<ShareToken[]>).data;
  const [event, array] = [adopt<Event>(tokens[0]), adopt<SharedArray<"i32">>(tokens[1])];
  array.array[0] = 7;
  array.array[3] = await new Thread({ target: add, args: [1, 2] }).start().result();
  event.set();
});
