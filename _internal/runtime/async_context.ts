/**
 * A value that follows an async function through its awaits.
 *
 * @module
 */

/** What is used of `AsyncLocalStorage`. */
export interface AsyncContext<T> {
  run<R>(value: T, action: () => R): R;
  getStore(): T | undefined;
}

interface Modules {
  getBuiltinModule(name: "node:async_hooks"): { AsyncLocalStorage: new <T>() => AsyncContext<T> };
}

/** A new context. Not imported but asked for, since few programs need it and loading it takes longer than all else. */
export function createAsyncContext<T>(): AsyncContext<T> {
  const { process } = globalThis as unknown as { process: Modules };
  return new (process.getBuiltinModule("node:async_hooks").AsyncLocalStorage)<T>();
}
