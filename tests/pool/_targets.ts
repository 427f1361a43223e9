/** Functions for the tests of pools, in a file of their own, as Bun imports no test file in a worker. */

import type { Barrier, Event, Lock, Queue, RLock, RWLock, Semaphore, Value } from "@weft/concurrent/threading";
import { currentTask, Pool as ThreadPool, registerSerializable } from "@weft/concurrent/threading";
import { appendFileSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";

export function square(x: number): number {
  return x * x;
}

export async function squareLater(x: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return x * x;
}

export function add(a: number, b: number): number {
  return a + b;
}

export function identity<T>(value: T): T {
  return value;
}

export function countArguments(...args: unknown[]): number {
  return args.length;
}

/** Blocks for so many milliseconds and returns the item. */
export function takeTime(ms: number): number {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return ms;
}

/** Which worker this is: no other thread or process has the same. */
const worker = crypto.randomUUID();

/** Blocks for so many milliseconds and returns which worker did that. */
export function takeTimeAs(ms: number): string {
  takeTime(ms);
  return worker;
}

/** How often a timer of this worker was called, and how often its connection received data. */
const heard = { timer: 0, socket: 0 };

/** Keeps a timer, and a connection whose server answers each message. */
export function listen(port: number): void {
  setInterval(() => heard.timer++, 5).unref?.();
  const socket = connect(port, "127.0.0.1", () => socket.write("x"));
  socket.on("data", () => {
    heard.socket++;
    socket.write("x");
  });
  socket.on("error", () => {});
}

/** Blocks for so many milliseconds and returns what was received until then. */
export function takeTimeAndHear(ms: number): { timer: number; socket: number } {
  takeTime(ms);
  return { ...heard };
}

export function takeTimeBut(x: number, slow: number, ms: number): number {
  if (x === slow) takeTime(ms);
  return x;
}

export function failAt(x: number, ...indexes: number[]): number {
  if (indexes.includes(x)) throw new RangeError(`item ${x}`);
  return x;
}

export function failAbove100(x: number): number {
  if (x > 100) throw new RangeError(`item ${x}`);
  return x;
}

export function failLate(x: number): number {
  if (x === 0) takeTime(60);
  if (x === 0 || x === 3) throw new RangeError(`item ${x}`);
  return x;
}

class CustomError extends Error {
  override name = "CustomError";
  detail = { code: 7 };
}

export function failWith(kind: string): never {
  if (kind === "undefined") throw undefined;
  if (kind === "text") throw "text";
  if (kind === "custom") throw new CustomError("custom", { cause: new TypeError("cause") });
  if (kind === "function") throw () => {};
  throw new RangeError(kind);
}

export async function failLater(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  throw new RangeError("later");
}

export function returnFunction(x: number): unknown {
  return x === 2 ? { deep: [() => {}] } : x;
}

export function exit(code: number): void {
  process.exit(code);
}

export function exitAt(x: number, at: number): number {
  if (x === at) process.exit(3);
  return x;
}

export function exitAt5(x: number): number {
  if (x === 5) process.exit(3);
  return x;
}

export function failUncaught(): Promise<never> {
  setTimeout(() => {
    throw new Error("uncaught");
  }, 1);
  return new Promise(() => {});
}

export function pid(): number {
  return process.pid;
}

export function killSelf(): void {
  process.kill(process.pid, "SIGKILL");
}

export async function waitForEvent(event: Event): Promise<boolean> {
  return await event.wait({ timeout: 20_000 });
}

export function waitForEventSync(event: Event): boolean {
  return event.waitSync({ timeout: 20_000 });
}

export function setAndWait(begun: Semaphore, event: Event): boolean {
  begun.release();
  return event.waitSync({ timeout: 20_000 });
}

export function meet(barrier: Barrier): number {
  return barrier.waitSync({ timeout: 20_000 });
}

export function meetOrNot(barrier: Barrier, meets: boolean): number {
  return meets ? barrier.waitSync({ timeout: 20_000 }) : -1;
}

export function leaveLocked(lock: Lock): void {
  lock.acquireSync();
}

export function takeLock(lock: Lock): boolean {
  const guard = lock.acquireSync({ timeout: 5000 });
  guard[Symbol.dispose]();
  return guard.abandoned;
}

export function leaveAllLocked(rlock: RLock, rwlock: RWLock, other: RWLock): void {
  rlock.acquireSync();
  rlock.acquireSync();
  rwlock.readSync();
  other.writeSync();
}

export async function leaveLockedLater(lock: Lock): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  await lock.acquire();
}

export function lockForGood(lock: Lock): void {
  lock.acquireSync();
}

/** Runs until it is asked to give up, and reports that. */
export function busyUntilCancelled(begun: Semaphore, over: Semaphore): string {
  begun.release();
  while (!currentTask()!.cancelled);
  over.release();
  return "cancelled";
}

export async function idleUntilAborted(begun: Semaphore, over: Semaphore): Promise<string> {
  const { signal } = currentTask()!;
  begun.release();
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  over.release();
  return "aborted";
}

/** Computes until the value is not zero, without a call into the library that could end it. */
export function busyForEver(begun: Semaphore, ms: number): string {
  begun.release();
  const until = performance.now() + ms;
  while (performance.now() < until);
  return "much too late";
}

export function never(): Promise<void> {
  return new Promise(() => {});
}

export function isOutsideOfTask(): boolean {
  return currentTask() === undefined;
}

export async function signalOf(): Promise<boolean> {
  const before = currentTask();
  await new Promise((resolve) => setTimeout(resolve, 1));
  return before === currentTask() && before !== undefined && !before.cancelled;
}

let initialized: unknown[] = [];

export function initialize(...args: unknown[]): void {
  initialized = args;
}

export function countAndFail(starts: Value<"i32">): void {
  starts.add(1);
  throw new RangeError("no start");
}

export function countStarts(starts: Value<"i32">): void {
  starts.add(1);
}

export function whatWasInitialized(): unknown[] {
  return initialized;
}

const id = Math.random();

/** A number of the worker's own. */
export function workerId(): number {
  return id;
}

export function workerIdLater(x: number): number {
  takeTime(1 + x * 0);
  return id;
}

export function count(value: Value<"i32">): number {
  return value.add(1);
}

export function countAndTakeTime(value: Value<"i32">, ms: number): void {
  value.add(1);
  takeTime(ms);
}

export function sum(bytes: ArrayBuffer): number {
  return new Uint8Array(bytes).reduce((a, b) => a + b, 0);
}

export function fill(size: number): Uint8Array {
  return new Uint8Array(size).fill(size & 0xff);
}

export function put(queue: Queue<string>, text: string): void {
  queue.putSync(text);
}

export function returnLock(lock: Lock): Lock {
  return lock;
}

/** A pool inside a worker. */
export async function poolInside(n: number): Promise<number[]> {
  await using pool = new ThreadPool(2);
  return await pool.map(square, Array.from({ length: n }, (_, i) => i));
}

// Made again in each worker that imports this module.
export const ownPool: ThreadPool = new ThreadPool(1);

export async function useOwnPool(): Promise<string> {
  try {
    await ownPool.apply(square, [2]);
    return "no error";
  } catch (error) {
    return (error as Error).name;
  }
}

export function isSet(event: { readonly isSet: boolean }): boolean {
  return event.isSet;
}

class Own extends Error {}

/** Only the worker knows this class. */
export function failWithOwnClass(): never {
  registerSerializable(Own, {
    name: "known in the worker alone",
    serialize: ({ message }) => message,
    deserialize: (message) => new Own(message as string),
  });
  throw new Own("on purpose");
}

export function sumAll(buffers: ArrayBuffer[]): number {
  return buffers.reduce((all, buffer) => all + sum(buffer), 0);
}

export async function sumLater(buffer: ArrayBuffer): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return sum(buffer);
}

export function exitOnceThenSum(tries: Value<"i32">, buffer: ArrayBuffer): number {
  if (tries.add(1) === 0) process.exit(3);
  return sum(buffer);
}

/** How many buffers there are, and of each view its class, place, length and first element. */
export function describeViews(views: (Uint8Array | Uint16Array)[]): unknown {
  return {
    buffers: new Set(views.map(({ buffer }) => buffer)).size,
    views: views.map((view) => [view.constructor.name, view.byteOffset, view.length, view[0]]),
  };
}

/** The id of the task. */
export function taskId(): string {
  return currentTask()!.id;
}

/** The same with a number: `NaN` if the id is not always the same. */
export function idOf(x: number): string {
  const { id } = currentTask()!;
  return `${id} ${currentTask()!.id === id ? x : NaN}`;
}

/** The last part of it, where a task may be one of a batch. */
export function lastOfId(_x: number): number {
  return Number(currentTask()!.id.split("-")[2]);
}

/** Ends its worker, except at the third attempt. */
export function idOfThird(earlier: string): string {
  const { id, attempt } = currentTask()!;
  appendFileSync(earlier, `${id}\n`);
  if (attempt < 3) process.exit(3);
  return id;
}
