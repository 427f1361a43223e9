/** The works of each section. What a section does not need is not loaded. */

import type { Work } from "../lib/play.ts";

/** By the name of the player. */
export const WORKS: Readonly<Record<string, () => Promise<Record<string, Work>>>> = {
  fixed: async () => (await import("./words.ts")).wordWorks("fixed"),
  growing: async () => (await import("./words.ts")).wordWorks("growing"),
  threads: async () => (await import("./words.ts")).wordWorks("threads"),
  processes: async () => (await import("./words.ts")).wordWorks("processes"),
  engine: async () => (await import("./engine.ts")).engineWorks(),
  copies: async () => (await import("./copies.ts")).copyWorks(),
  others: async () => (await import("./others.ts")).otherWorks(),
  native: async () => (await import("./native.ts")).nativeWorks(),
  locks: async () => (await import("./locks.ts")).lockWorks(),
  queues: async () => (await import("./queues.ts")).queueWorks(),
  codec: async () => (await import("./queues.ts")).codecWorks(),
  pipes: async () => (await import("./pipes.ts")).pipeWorks(),
  floors: async () => (await import("./floors.ts")).floorWorks(),
  first: async () => (await import("./first.ts")).firstWorks(),
};
