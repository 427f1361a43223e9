import { appendFileSync, existsSync } from "node:fs";
import process from "node:process";
import { Lock } from "@weft/concurrent/multiprocessing";
import { currentTask, sleep } from "@weft/concurrent/threading";

export function square(x: number): number {
  return x * x;
}

/** Notes in a file that it was begun, and returns after a while. */
export async function begin(file: string, id: number, ms: number): Promise<number> {
  appendFileSync(file, `${id}\n`);
  if (ms > 0) await sleep(ms);
  return id;
}

/** Notes in a file that it was begun, and returns when there is another file. */
export async function beginUntil(file: string, id: number, end: string): Promise<number> {
  appendFileSync(file, `${id}\n`);
  while (!existsSync(end)) await sleep(20);
  return id;
}

/** `begin` without an event loop meanwhile. */
export function compute(file: string, id: number, ms: number): number {
  appendFileSync(file, `${id}\n`);
  for (const until = performance.now() + ms; performance.now() < until;);
  return id;
}

/** Computes until it is asked to give up, or forever. */
export function spin(file: string, heeds: boolean): string {
  appendFileSync(file, `${process.pid}\n`);
  while (!heeds || !currentTask()!.cancelled);
  appendFileSync(file, "told\n");
  return "told";
}

export function pid(): number {
  return process.pid;
}

export function killSelf(): Promise<void> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

export class OwnError extends Error {
  override name = "OwnError";
}

export function fail(message: string): never {
  throw new OwnError(message, { cause: new RangeError("the cause") });
}

export function attempts(): number {
  return currentTask()!.attempt;
}

/** Dies in the first attempt. */
export function dieOnce(): number {
  if (currentTask()!.attempt === 1) process.kill(process.pid, "SIGKILL");
  return currentTask()!.attempt;
}

export function dieOnceFor(_item: number): number {
  return dieOnce();
}

let state = 0;

export function initialize(to: number): number {
  return state = to;
}

export function initialized(): [number, unknown] {
  return [state, currentTask()!.state];
}

export function refuseToBegin(): never {
  throw new EvalError("not today");
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length + bytes.at(-1)!;
}

export function bytesOf(length: number): Uint8Array {
  return new Uint8Array(length).fill(7);
}

export function giveLock(): unknown {
  return { locks: [new Lock()] };
}

/** Takes 1,500 ms if asked to, and otherwise next to no time. */
export async function mostlyShort(file: string, id: number, isLong: boolean): Promise<number> {
  if (isLong) {
    appendFileSync(file, `${id}\n`);
    await sleep(1500);
  }
  return id;
}

/** `begin` with its arguments as an item. */
export function beginFor(args: readonly [file: string, id: number, ms: number]): Promise<number> {
  return begin(...args);
}

export function range(from: number, to: number): [number, number] {
  return [from, to];
}

/** The process's number, after a moment in which others take tasks as well. */
export async function pidAfter(_item: number): Promise<number> {
  await sleep(10);
  return process.pid;
}
