import { Pool } from "@weft/concurrent/distributed";
import { square } from "./_targets.ts";

/** A task that waits for a task of its own fleet. */
export async function squareElsewhere(connect: string, root: string, x: number): Promise<number> {
  await using pool = new Pool({ connect, root });
  return await pool.submit(square, x);
}
