/**
 * The system's C library as one runtime or the other calls it, and memory by its address: one {@linkcode Native} for both.
 *
 * Nothing is loaded before the first use, so that importing the library needs no permission.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { withoutPrototype } from "../options.ts";
import { deno, isBun, nodeProcess } from "../runtime/runtime.ts";

/**
 * The types of parameters and results. An `address` is a number here; call sites on a fast path give it through
 * {@linkcode Native.toAddress}. A `buffer` is a view of which the function gets the address, or `null`.
 */
type NativeType = "i32" | "i64" | "address" | "buffer";

/** A C function. */
export interface Signature {
  /** Its name in the library, where that is not the key. */
  readonly name?: string;
  readonly parameters: readonly NativeType[];
  readonly result: "i32" | "i64" | "address";
  /** Runs it on another thread; the result is a promise. Only where {@linkcode Native.hasAsync}. */
  readonly async?: boolean;
}

/** What a call takes. */
export type Argument = number | bigint | ArrayBufferView | null;

/** A string as C has it. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\0");
}

/** The functions of a library. */
export type Functions<S extends Record<string, Signature>> = {
  readonly [K in keyof S]: (...args: Argument[]) => S[K] extends { async: true } ? Promise<number> : number;
};

/** One runtime's foreign function interface. */
export interface Native {
  /** Functions of the first of the libraries that is there and has them. */
  open<S extends Record<string, Signature>>(libraries: readonly string[], signatures: S): Functions<S>;
  /** The memory at an address. It is not freed with the buffer. */
  view(address: number, bytes: number): ArrayBuffer;
  /** Where a large buffer is, as long as that lives. */
  addressOf(buffer: Uint8Array): number;
  /** The most bytes that {@linkcode Native.view} can be asked for on every version. */
  readonly longestView: number;
  /** What an `address` parameter takes fastest. */
  toAddress(address: number): number | bigint;
  /** Whether functions can run beside the event loop. */
  readonly hasAsync: boolean;
  /** Lets the program end although that call is under way. `false`: this runtime cannot. */
  unref(call: Promise<number>): boolean;
}

/** The system that the program runs on. */
interface System {
  readonly os: string;
  readonly arch: string;
}

/** Which system this is, in Node's words. */
export function system(): System {
  if (deno !== undefined) {
    const { os, arch } = deno.build;
    return {
      os: os === "windows" ? "win32" : os,
      arch: arch === "x86_64" ? "x64" : arch === "aarch64" ? "arm64" : arch,
    };
  }
  const { platform, arch } = nodeProcess();
  return { os: platform, arch };
}

/** Lets the threads of this process do something one after the other. */
export interface Turns {
  take(): void;
  give(): void;
}

let turns: Turns | undefined;

/** Says how the threads of this process take turns, before a thread opens a library. */
export function setTurns(takeAndGive: Turns): void {
  turns = takeAndGive;
}

let native: Native | undefined;

/** This runtime's interface. `action` is for messages. */
export function loadNative(action: string): Native {
  return native ??= choose(action);
}

function choose(action: string): Native {
  if (deno !== undefined) return denoNative(deno as unknown as DenoFfi, action);
  if (isBun) return bunNative();
  throw new NotSupportedError(
    `Cannot ${action} as this runtime has no foreign function interface that this library knows: threads and all of @weft/concurrent/sync work without it`,
  );
}

interface DenoFfi {
  readonly permissions: { querySync(descriptor: { name: "ffi" }): { state: string } };
  readonly errors: { NotCapable: new (message: string) => Error };
  dlopen(
    library: string,
    symbols: Record<string, unknown>,
  ): { symbols: Record<string, unknown>; close(): void };
  readonly UnsafeFnPointer: new (
    pointer: unknown,
    definition: Record<string, unknown>,
  ) => { call(...args: unknown[]): unknown };
  readonly UnsafePointer: {
    create(address: bigint): object | null;
    of(buffer: Uint8Array): object | null;
    value(pointer: object | null): bigint;
  };
  readonly UnsafePointerView: { getArrayBuffer(pointer: object, bytes: number): ArrayBuffer };
  /** Not for programs: only the one function that says whether a promise keeps the program alive. */
  readonly internal?: symbol;
}

function denoNative(Deno: DenoFfi, action: string): Native {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    throw new Deno.errors.NotCapable(
      `Cannot ${action} as that calls the system's C library, which must be allowed: run with --allow-ffi (threads and all of @weft/concurrent/sync work without it)`,
    );
  }
  const types: Record<NativeType, string> = { i32: "i32", i64: "i64", address: "usize", buffer: "buffer" };
  const internals = Deno.internal === undefined
    ? undefined
    : (Deno as unknown as Record<symbol, { core?: { unrefOpPromise?(promise: unknown): void } }>)[Deno.internal];
  const unref = internals?.core?.unrefOpPromise;
  return {
    hasAsync: true,
    toAddress: BigInt,
    longestView: 2 ** 32,
    addressOf: (buffer) => Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer))),
    view: (address, bytes) => Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(BigInt(address))!, bytes),
    unref: (call) => {
      unref?.(call);
      return unref !== undefined;
    },
    open<S extends Record<string, Signature>>(libraries: readonly string[], signatures: S): Functions<S> {
      const symbols: Record<string, unknown> = {};
      const aside: Record<string, Record<string, unknown>> = {};
      for (const [key, signature] of Object.entries(signatures)) {
        const { name, parameters, result, async } = withoutPrototype(signature);
        const definition = { parameters: parameters.map((type) => types[type]), result: types[result] };
        if (async === true) {
          aside[key] = withoutPrototype({ ...definition, nonblocking: true });
          symbols[key] = withoutPrototype({ name: name ?? key, type: "pointer" });
        } else {
          symbols[key] = withoutPrototype({ name: name ?? key, ...definition });
        }
      }
      return firstOf(libraries, (library) => {
        const opened = Deno.dlopen(library, symbols);
        const functions: Record<string, (...args: unknown[]) => unknown> = {};
        for (const [key, symbol] of Object.entries(opened.symbols)) {
          if (aside[key] === undefined) {
            functions[key] = symbol as (...args: unknown[]) => unknown;
          } else {
            const pointer = new Deno.UnsafeFnPointer(symbol, aside[key]);
            functions[key] = (...args) => pointer.call(...args);
          }
        }
        // An open library would be a leak to a test's sanitizers. What was found in it stays: it is the system's, which
        // the runtime itself is linked with. Only calls aside look for an open library, and these go by the address.
        opened.close();
        return numeric(functions, signatures);
      });
    },
  };
}

interface BunFfi {
  dlopen(
    library: string,
    symbols: Record<string, unknown>,
  ): { symbols: Record<string, (...args: unknown[]) => unknown> };
  toArrayBuffer(address: number, offset: number, bytes: number): ArrayBuffer;
  ptr(buffer: Uint8Array): number;
}

function bunNative(): Native {
  // Not imported: Deno would try to resolve it.
  const ffi = nodeProcess().getBuiltinModule("bun:ffi") as BunFfi;
  const types: Record<NativeType, string> = { i32: "i32", i64: "i64", address: "usize", buffer: "ptr" };
  return {
    hasAsync: false,
    toAddress: (address) => address,
    // Before 1.3.12 a length of 4 GiB was taken for 0.
    longestView: 2 ** 32 - 65536,
    addressOf: (buffer) => ffi.ptr(buffer),
    view: (address, bytes) => ffi.toArrayBuffer(address, 0, bytes),
    unref: () => false,
    open<S extends Record<string, Signature>>(libraries: readonly string[], signatures: S): Functions<S> {
      // A function is bound by its name in C, and may be wanted with several signatures: each in another round.
      const rounds: Record<string, string>[] = [];
      const used: Record<string, Signature> = {};
      for (const [key, signature] of Object.entries(signatures)) {
        if (withoutPrototype(signature).async === true) continue;
        used[key] = signature;
        const name = signature.name ?? key;
        const round = rounds.find((round) => round[name] === undefined);
        if (round !== undefined) round[name] = key;
        else rounds.push({ [name]: key });
      }
      return firstOf(libraries, (library) => {
        const named: Record<string, (...args: unknown[]) => unknown> = {};
        for (const round of rounds) {
          const symbols: Record<string, unknown> = {};
          for (const [name, key] of Object.entries(round)) {
            const { parameters, result } = used[key];
            symbols[name] = withoutPrototype({ args: parameters.map((type) => types[type]), returns: types[result] });
          }
          const found = inTurn(() => ffi.dlopen(library, symbols).symbols);
          for (const [name, key] of Object.entries(round)) named[key] = found[name];
        }
        return numeric(named, used) as Functions<S>;
      });
    },
  };
}

// Before 1.4 Bun compiles each function with a compiler that two threads must not use at once: the process crashes.
// https://github.com/oven-sh/bun/issues/40972
function inTurn<T>(open: () => T): T {
  turns?.take();
  try {
    return open();
  } finally {
    turns?.give();
  }
}

// Results of 64 bits may be bigints, and no address and no size has more than 53 bits.
function numeric<S extends Record<string, Signature>>(
  symbols: Record<string, (...args: unknown[]) => unknown>,
  signatures: S,
): Functions<S> {
  const functions: Record<string, unknown> = {};
  for (const [key, { result }] of Object.entries(signatures)) {
    const symbol = symbols[key];
    functions[key] = result === "i32" ? symbol : (...args: unknown[]) => Number(symbol(...args));
  }
  return functions as Functions<S>;
}

function firstOf<T>(libraries: readonly string[], open: (library: string) => T): T {
  const failures: unknown[] = [];
  for (const library of libraries) {
    try {
      return open(library);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new NotSupportedError(
    `Cannot use the C library as none of ${
      libraries.join(", ")
    } has what is needed: threads and all of @weft/concurrent/sync work without it`,
    { cause: failures[0] },
  );
}
