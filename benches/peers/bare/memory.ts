/** The memory of this program and its children. A shared page is divided among the processes that map it. Linux only. */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** Bytes of this process and of its descendants. */
export function memoryOfTree(): number {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d/.test(name)) continue;
    const stat = readText(`/proc/${name}/stat`);
    // The name is in brackets and may be anything, also brackets.
    if (stat !== "") parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const tree = new Set([process.pid]);
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.add(child);
  let kilobytes = 0;
  for (const pid of tree) kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readText(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
  return kilobytes * 1024;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
