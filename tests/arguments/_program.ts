/** Prints what `process.argv` and `Deno.args` are at the top of a module, in each kind of worker. */

import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

const { Deno } = globalThis as { Deno?: { args: string[] } };
const seen = [process.argv.slice(2), Deno?.args ?? process.argv.slice(2)];

export function atTheTop(): unknown {
  return seen;
}

export function main(): string | undefined {
  return process.argv[1];
}

export async function nested(): Promise<unknown[]> {
  const thread = new threading.Thread({ target: atTheTop }).start();
  const child = new multiprocessing.Process({ target: atTheTop }).start();
  return [await thread.result(), await child.result()];
}

if (import.meta.main) {
  for (const { Pool } of [threading, multiprocessing]) {
    await using pool = new Pool(1);
    console.log(JSON.stringify(await pool.submit(atTheTop)));
    for (const each of await pool.submit(nested)) console.log(JSON.stringify(each));
  }
  multiprocessing.setStartMethod("forkserver");
  // The second is a spare that came up beforehand.
  for (let i = 0; i < 2; i++) {
    console.log(JSON.stringify(await new multiprocessing.Process({ target: atTheTop }).start().result()));
  }
  const isMain = await new multiprocessing.Process({ target: main }).start().result() === process.argv[1];
  console.log(isMain ? "the main module is the program's" : "another main module");
}
