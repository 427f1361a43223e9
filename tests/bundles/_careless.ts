/** A program that may be bundled or compiled and does not use the guard as it must: `PROGRAM KIND`. */

import { freezeSupport, Pool, Process } from "@weft/concurrent/multiprocessing";
import { Thread } from "@weft/concurrent/threading";
import { appendFileSync } from "node:fs";
import process from "node:process";

appendFileSync(process.env.MARKS!, `${process.pid}\n`);

export function square(x: number): number {
  return x * x;
}

async function attempt(action: () => unknown): Promise<void> {
  try {
    console.log(await action());
  } catch (error) {
    console.log(`${(error as Error).name}: ${(error as Error).message}`);
  }
}

const startProcess = (): Promise<number> => new Process({ target: square, args: [2] }).start().result();
const startThread = (): Promise<number> => new Thread({ target: square, args: [2] }).start().result();

const KINDS: Record<string, () => Promise<void>> = {
  async unguarded() {
    await attempt(startProcess);
    await attempt(startThread);
    await attempt(async () => {
      await using pool = new Pool(2);
      return await pool.map(square, [1]);
    });
  },
  async unawaited() {
    void freezeSupport({ square });
    await attempt(startProcess);
    await attempt(startThread);
  },
  async late() {
    await attempt(startProcess);
    await freezeSupport({ square });
    await attempt(startProcess);
  },
  async slow() {
    void freezeSupport({ square });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await attempt(startProcess);
    await attempt(startThread);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  },
  async differs() {
    await freezeSupport(process.env.WEFT_PROCESS === undefined ? { square } : {});
    await attempt(startProcess);
  },
  async list() {
    await attempt(() => freezeSupport(square as never));
  },
};

await KINDS[process.argv[2]!]!();
