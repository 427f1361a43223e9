/** Functions for the tests of options, in a file of their own, as Bun imports no test file in a worker. */

import type { Barrier, Event, Lock, Queue, Semaphore, SharedArray, Value } from "@weft/concurrent/threading";
import { currentTask } from "@weft/concurrent/threading";
import process from "node:process";
import { takeTime } from "./_targets.ts";

/** A number of the worker's own. */
const id = Math.random();

/** Waits without blocking its worker. */
export async function setAndWaitLater(begun: Semaphore, event: Event): Promise<number> {
  begun.release();
  await event.wait({ timeout: 20_000 });
  return currentTask()!.attempt;
}

export async function meetLater(barrier: Barrier): Promise<number> {
  return await barrier.wait({ timeout: 20_000 });
}

/** Keeps the greatest number of tasks that have run at a time. */
export async function countBeside(running: Value<"i32">, most: Value<"i32">): Promise<void> {
  const now = running.add(1) + 1;
  for (let known = most.value; known < now;) known = most.compareExchange(known, now);
  await new Promise((resolve) => setTimeout(resolve, 1));
  running.sub(1);
}

export function squareSometimesLater(x: number): number | Promise<number> {
  return x % 3 === 0 ? new Promise((resolve) => setTimeout(() => resolve(x * x), x % 4)) : x * x;
}

export function failSometimesLater(x: number): number | Promise<number> {
  if (x % 5 === 0) return new Promise((_, reject) => setTimeout(() => reject(new RangeError(`item ${x}`)), 1));
  if (x % 5 === 1) throw new RangeError(`item ${x}`);
  return x;
}

export async function waitForTimer(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether the current task is the same before and after, and knows afterwards that it was given up. */
export async function sayIfCancelled(begun: Semaphore, event: Event): Promise<[isSame: boolean, isCancelled: boolean]> {
  const task = currentTask()!;
  begun.release();
  await event.wait({ timeout: 20_000 });
  await new Promise((resolve) => setTimeout(resolve, 1));
  const result: [boolean, boolean] = [task === currentTask(), task.cancelled];
  return result;
}

/** The same for a caller that does not wait for the result. */
export async function putIfCancelled(
  begun: Semaphore,
  event: Event,
  queue: Queue<[boolean, boolean]>,
): Promise<void> {
  queue.putSync(await sayIfCancelled(begun, event));
}

/** Waits until its own signal is aborted, or the event is set. */
export async function waitForSignal(begun: Semaphore, event: Event, aborted: Semaphore): Promise<boolean> {
  const { signal } = currentTask()!;
  signal.addEventListener("abort", () => aborted.release());
  begun.release();
  await event.wait({ timeout: 20_000 });
  return signal.aborted;
}

export async function leaveLockedBeside(lock: Lock): Promise<void> {
  await lock.acquire();
}

export async function neverBeside(begun: Semaphore): Promise<void> {
  begun.release();
  await new Promise(() => {});
}

export async function workerIdBeside(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 2));
  return id;
}

export async function identityLater<T>(value: T): Promise<T> {
  await null;
  return value;
}

/** Blocks for so many milliseconds, and returns a promise although there is nothing to wait for. */
export async function takeTimeAsync(ms: number): Promise<number> {
  return await Promise.resolve(takeTime(ms));
}

let ticks = 0;

/** Has a timer count in this worker. */
export function tick(): void {
  setInterval(() => ticks++, 1).unref?.();
}

export async function ticksAfter(ms: number): Promise<number> {
  await Promise.resolve(takeTime(ms));
  return ticks;
}

const kept: number[][] = [];

/** Keeps some eight megabytes for as long as the worker lives, and returns which worker does so. */
export function grow(): number {
  kept.push(new Array<number>(1 << 20).fill(0.5));
  return id;
}

export function growAs(x: number): [x: number, worker: number] {
  return [x, grow()];
}

/** Keeps a lot of memory, then waits: the worker has to let it finish. */
export async function growAndWait(begun: Semaphore, event: Event): Promise<number> {
  grow();
  begun.release();
  await event.wait({ timeout: 20_000 });
  return id;
}

interface State {
  readonly step: number;
  count: number;
  readonly next: () => number;
}

/** A value that no worker can send. */
export function makeState(step: number): State {
  const state = { step, count: 0, next: () => state.count += step };
  return state;
}

export async function makeStateLater(step: number): Promise<State> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return makeState(step);
}

export function nextOfState(): number {
  return (currentTask()!.state as State).next();
}

export async function nextOfStateLater(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return nextOfState();
}

export function hasNoState(): boolean {
  return currentTask()!.state === undefined && "state" in currentTask()!;
}

export function attempt(): number {
  return currentTask()!.attempt;
}

/** `put` with a pair as its item. */
export function putAll([queue, text]: [Queue<string>, string]): void {
  queue.putSync(text);
}

export function throwFor(event: Event): never {
  throw new RangeError(event.isSet ? "set" : "not set");
}

/** Ends its worker, except at the given attempt. */
export function exitBefore(attempts: number, ..._rest: unknown[]): number {
  if (currentTask()!.attempt < attempts) process.exit(3);
  return currentTask()!.attempt;
}

/** Ends its worker for all numbers that are divisible by 5, at the first attempt. */
export function exitAtFives(x: number): [x: number, attempt: number] {
  if (x % 5 === 0 && currentTask()!.attempt === 1) process.exit(3);
  return [x, currentTask()!.attempt];
}

export function exitAtFivesOf(x: number, y: number): [x: number, y: number, attempt: number] {
  const [, attempt] = exitAtFives(x);
  return [x, y, attempt];
}

export async function exitLater(): Promise<number> {
  if (currentTask()!.attempt > 1) return currentTask()!.attempt;
  setTimeout(() => process.exit(3), 1);
  return await new Promise(() => {});
}

export function countAndExit(value: Value<"i32">): void {
  value.add(1);
  process.exit(3);
}

export function countAndThrow(value: Value<"i32">): never {
  value.add(1);
  throw new RangeError("on purpose");
}

/** The first attempt reads the event, and ends its worker. */
export function setAtLast(event: Event): number {
  if (currentTask()!.attempt === 1) process.exit(3);
  event.set();
  return currentTask()!.attempt;
}

export function setAllAtLast({ events }: { events: Event[] }): number {
  for (const event of events) setAtLast(event);
  return currentTask()!.attempt;
}

export function sumAtLast(bytes: ArrayBuffer): number {
  if (currentTask()!.attempt === 1) process.exit(3);
  return new Uint8Array(bytes).reduce((a, b) => a + b, 0);
}

/** Runs until its worker is ended, at the first attempt. */
export function stayOnce(begun: Semaphore, event: Event): number {
  begun.release();
  if (currentTask()!.attempt === 1) event.waitSync({ timeout: 20_000 });
  return currentTask()!.attempt;
}

export function countAndStay(value: Value<"i32">, begun: Semaphore, event: Event): void {
  value.add(1);
  begun.release();
  event.waitSync({ timeout: 20_000 });
}

/** Counts how often each item was begun; the worker of some ends at the first attempt. */
export function markAndExit(counts: SharedArray<"i32">, x: number, ...ends: number[]): number {
  counts.array[x]!++;
  if (ends.includes(x) && currentTask()!.attempt === 1) process.exit(3);
  return x * x;
}

export function markAndTakeTime(counts: SharedArray<"i32">, x: number, ms: number): number {
  counts.array[x]!++;
  takeTime(ms);
  return x * x;
}

export function kindOf(x: number | bigint): [x: number | bigint, type: string] {
  return [x, typeof x];
}

export function rangeAsGiven(...args: unknown[]): unknown[] {
  return args;
}

/** Squares its part of an array in place, and returns the sum of the old elements. */
export function squareRange(begin: number, end: number, { array }: SharedArray<"f64">): number {
  let sum = 0;
  for (let i = begin; i < end; i++) {
    sum += array[i]!;
    array[i]! *= array[i]!;
  }
  return sum;
}

export function failRangeLate(begin: number, end: number): number {
  if (begin === 0) takeTime(60);
  if (begin === 0 || begin === 30) throw new RangeError(`range ${begin} to ${end}`);
  return begin;
}

export function failRangeFrom(begin: number, _end: number, from: number): number {
  if (begin >= from) throw new RangeError(`range ${begin}`);
  return begin;
}

export function waitAtZero(begin: number, end: number, event: Event): number {
  if (begin === 0) event.waitSync({ timeout: 20_000 });
  return end - begin;
}

export function exitRangeAtZero(begin: number, end: number): [begin: number, end: number, attempt: number] {
  if (begin === 0 && currentTask()!.attempt === 1) process.exit(3);
  return [begin, end, currentTask()!.attempt];
}

/** Waits in the first worker that runs it. */
export function waitIfFirst(counter: Value<"i32">, begun: Semaphore, event: Event): number {
  if (counter.add(1) === 0) {
    begun.release();
    event.waitSync({ timeout: 20_000 });
  }
  return id;
}

export function failIfFirst(counter: Value<"i32">): void {
  if (counter.add(1) === 0) throw new RangeError("the first one");
}

export function exitIfFirst(counter: Value<"i32">): void {
  if (counter.add(1) === 0) process.exit(3);
}

export function countAs(counter: Value<"i32">): number {
  counter.add(1);
  return id;
}

/** An initializer that lets its caller see that it runs. */
export function waitToStart(begun: Semaphore, event: Event): void {
  begun.release();
  event.waitSync({ timeout: 20_000 });
}

export function failToStart(): never {
  throw new RangeError("no start");
}
