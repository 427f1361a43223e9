/**
 * A program that is ended from outside: `PROGRAM METHOD`. It prints the pids of its children, their children and itself, one
 * line of JSON, once all of them run.
 */

import { Event, Process, Queue, setStartMethod, sleep } from "@weft/concurrent/multiprocessing";
import process from "node:process";
import { block, idle, spin, startChildren } from "./_process_targets.ts";

if (import.meta.main) {
  const [method, ending] = process.argv.slice(2);
  setStartMethod(method as "spawn");
  const pids = new Queue<number>();
  const never = new Event();
  const children: Process<never[]>[] = [];
  const begin = async (target: (...args: never[]) => unknown, daemon: boolean, ...args: unknown[]) => {
    const started = new Event();
    const child = new Process<never[]>({ target, args: [...args, started] as never[], daemon }).start();
    children.push(child);
    if (target !== startChildren) await started.wait();
    return child.pid!;
  };
  const daemons = ending === "end";
  const all = [process.pid, await begin(spin, daemons), await begin(idle, daemons)];
  const blocked = new Event();
  const last = new Process({ target: block, args: [blocked, never], daemon: daemons }).start();
  all.push(last.pid!);
  await blocked.wait();
  const below = new Event();
  all.push(new Process({ target: startChildren, args: [pids, below, never], daemon: daemons }).start().pid!);
  for (let i = 0; i < 3; i++) all.push(await pids.get());
  await below.wait();
  console.log(JSON.stringify(all));
  if (ending === "exit") process.exit(3);
  if (ending === "throw") throw new Error("the main module failed");
  if (ending === "block") last.joinSync();
  if (ending === "wait") await sleep(600_000);
}
