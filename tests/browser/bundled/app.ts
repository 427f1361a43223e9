/** A program that a bundler puts into one file, without the library: its own exports run in threads. */

import { Pool } from "@weft/concurrent/threading";
import { square } from "./square.ts";

export { square };

export async function squares(): Promise<number[]> {
  await using pool = new Pool(2);
  return await pool.map(square, [1, 2, 3]);
}
