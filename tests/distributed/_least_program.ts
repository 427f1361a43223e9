import process from "node:process";
import { Pool } from "@weft/concurrent/distributed";
import { square } from "./_targets.ts";

if (import.meta.main) {
  const [connect, root] = process.argv.slice(2);
  await using pool = new Pool({ connect, root });
  console.log(await pool.map(square, [1, 2, 3]));
}
