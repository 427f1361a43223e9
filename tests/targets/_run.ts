import { Thread } from "@weft/concurrent/threading";

/** Runs a function in a thread, from a module between the caller and the library. */
export function run<A extends unknown[], R>(target: (...args: A) => R | Promise<R>, ...args: A): Promise<Awaited<R>> {
  return new Thread({ target, args, name: "Runner" }).start().result();
}
