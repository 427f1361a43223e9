/**
 * The parts of a model: what threads do with a few shared objects, and what must hold in any order of their steps.
 *
 * @module
 */

import type { Guard } from "../../sync/guard.ts";

/** What the scheduler may do besides choosing the next thread, and how often in one execution. */
export interface Faults {
  /** Threads that end between two operations: any of {@linkcode Model.mortal}. */
  deaths?: number;
  /** Sleeps that end without a reason. */
  spurious?: number;
  /** Timeouts that pass while a thread can run. (When no thread can, all timeouts pass, whatever this says.) */
  timeouts?: number;
  /** Slices in which sleepers look for dead threads, while a thread can run. */
  slices?: number;
}

/** One small program. */
export interface Model<T extends Record<string, object>> {
  /** `Lock: two threads exclude each other`. */
  readonly name: string;
  /** Makes the objects, once, before the threads start. */
  readonly setup: (actor: Actor) => T;
  /** What each thread does. Each thread has its own handles to what `setup` returned. */
  readonly threads: readonly ((actor: Actor, objects: T) => void | Promise<void>)[];
  /** Called when no thread has anything left to do. */
  readonly end?: (actor: Actor, objects: T) => void;
  readonly faults?: Faults;
  /** Indexes of the threads that may die. All, if absent. */
  readonly mortal?: readonly number[];
  /** The program kills threads itself, with `kill`: the words for that are watched. */
  readonly kills?: boolean;
  /** Objects have plain data besides atomic words: states are told apart by it, too. */
  readonly plain?: boolean;
  /** The most preemptions of the ordinary run, where the general bound would take too long. */
  readonly bound?: number;
  /** Changes to the source for this model alone: smaller limits. */
  readonly scale?: readonly Patch[];
  /** Threads that are expected never to end: not a deadlock. */
  readonly endless?: readonly number[];
}

/** A change to a source file. It must fit exactly once. */
export interface Patch {
  /** Path from the root of the project. */
  readonly file: string;
  /** An expression where it is a number whose value does not matter, for example. */
  readonly find: string | RegExp;
  readonly replace: string;
}

/** A change that breaks something, and the models. At least one of them must fail. */
export interface BrokenVariant {
  /** What is wrong: `Event: notifies before it stores`. */
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Beginnings of names of models. */
  readonly caughtBy: readonly string[];
  /** The preemptions needed, if more than the general bound. */
  readonly bound?: number;
}

/** What a thread of a model can use besides the library. */
export interface Actor {
  /** Index of the thread. */
  readonly index: number;
  /** Fails the execution. */
  assert(condition: boolean, message: string): void;
  /** A moment in which other threads may run. */
  step(): void;
  /** Enters the section of that name, where at most `limit` threads may be at a time, for a moment. */
  inside(section: string, limit?: number): void;
  /** Enter and leave a section, if another function leaves it or several threads share it. */
  enter(section: string, limit?: number): void;
  leave(section: string): void;
  /** Adds to a number that all threads share, and returns the new value. Takes no time. */
  count(name: string, by?: number): number;
  /** Notes a value. The order of notes is part of the state. */
  note(name: string, value: number): void;
  /** Values noted under that name so far. */
  notes(name: string): readonly number[];
  /** A signal that the scheduler aborts at any moment, or never. */
  signal(): AbortSignal;
  /** Whether that thread was killed by the scheduler. */
  isDead(index: number): boolean;
  /** How many threads were killed. */
  readonly deaths: number;
  /** Puts the beginning of an operation into the history, and later its end. For {@linkcode Actor.linearizable}. */
  begin(operation: string, argument?: number): number;
  finish(call: number, result: unknown): void;
  /** Fails unless the history is one of a sequential object, which `apply` steps: `undefined` if it cannot be. */
  linearizable<S>(
    initial: S,
    apply: (state: S, operation: string, argument: number | undefined, result: unknown) => S | undefined,
  ): void;
  /** Whether the operation timed out or was aborted. */
  gaveUp(error: unknown): boolean;
  /** Ends an acquisition. */
  release(guard: Guard): void;
  /** Ends another thread from outside, as `terminate()` does: it runs no more code. */
  kill(index: number): void;
}

/** A timeout that models use: the scheduler chooses when it passes. */
export const TIMEOUT = 100;

/** Gives a model its types. */
export function model<T extends Record<string, object>>(description: Model<T>): Model<Record<string, object>> {
  return description as unknown as Model<Record<string, object>>;
}

/** So many threads that do the same. {@linkcode Actor.index} tells them apart. */
export function times<T extends Record<string, object>>(
  count: number,
  thread: Model<T>["threads"][number],
): Model<T>["threads"] {
  return Array.from({ length: count }, () => thread);
}
