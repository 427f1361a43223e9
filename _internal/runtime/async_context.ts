/**
 * A value that follows an async function through its awaits.
 *
 * @module
 */

import { nodeProcess } from "./runtime.ts";

/** What is used of `AsyncLocalStorage`. */
export interface AsyncContext<T> {
  run<R>(value: T, action: () => R): R;
  getStore(): T | undefined;
}

/** Calls a function with its arguments, in the context of the moment in which this was made. */
export type Snapshot = <A extends unknown[], R>(fn: (...args: A) => R, ...args: A) => R;

interface AsyncLocalStorage {
  new <T>(): AsyncContext<T>;
  snapshot(): Snapshot;
}

// Not imported but asked for, since few programs need it and loading it takes longer than all else.
function storage(): AsyncLocalStorage {
  return (nodeProcess().getBuiltinModule("node:async_hooks") as { AsyncLocalStorage: AsyncLocalStorage })
    .AsyncLocalStorage;
}

/** A new context. */
export function createAsyncContext<T>(): AsyncContext<T> {
  return new (storage())<T>();
}

/**
 * The context of the caller, for what the library calls later: there it would find that of the event or of the other task
 * that happened to be the occasion.
 */
export function snapshotContext(): Snapshot {
  return storage().snapshot();
}

/** `fn`, to be called later in the context of now. */
export function bindContext<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const within = snapshotContext();
  return (...args) => within(fn, ...args);
}
