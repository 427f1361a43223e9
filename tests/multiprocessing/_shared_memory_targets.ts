/** What the threads of shared_memory_test.ts do. */

import { SharedMemory, sleep } from "@weft/concurrent/multiprocessing";

export function addInThread(memory: SharedMemory, number: number): [string, number] {
  new Int32Array(memory.buffer)[0] += number;
  const { name, size } = memory;
  memory.close();
  return [name, size];
}

/** Makes memory in a process, and stays. */
export async function createAndSit(name: string): Promise<void> {
  new SharedMemory({ size: 100, name });
  await sleep(600_000);
}
