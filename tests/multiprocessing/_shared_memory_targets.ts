/** What the threads of shared_memory_test.ts do. */

import type { SharedMemory } from "@weft/concurrent/multiprocessing";

export function addInThread(memory: SharedMemory, number: number): [string, number] {
  new Int32Array(memory.buffer)[0] += number;
  const { name, size } = memory;
  memory.close();
  return [name, size];
}
