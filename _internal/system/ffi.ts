/**
 * Calls of the system's C library, and access to memory by its address, with one interface for Deno, Bun and
 * Node: {@linkcode Native}.
 *
 * Nothing is loaded before the first use, so importing this package needs no permission.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { withoutPrototype } from "../options.ts";
import { deno, isBrowser, isBun, isNode, nodeProcess } from "../runtime/runtime.ts";

/**
 * The types of parameters and results. An `address` is a number; a call on a fast path converts it with
 * {@linkcode Native.toAddress}. For a `buffer`, a call passes a view or `null`, and the function gets the address.
 */
type NativeType = "i32" | "i64" | "address" | "buffer";

/** A C function. */
export interface Signature {
  /** Its name in the library. Default: its key. */
  readonly name?: string;
  readonly parameters: readonly NativeType[];
  readonly result: "i32" | "i64" | "address";
  /** Whether it runs on another thread and returns a promise. Ignored unless {@linkcode Native.hasAsync}. */
  readonly async?: boolean;
}

/** An argument of a call. */
export type Argument = number | bigint | ArrayBufferView | null;

/** A string in the form of C: as UTF-8 bytes with a 0 at the end. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\0");
}

/** The functions of a library. */
export type Functions<S extends Record<string, Signature>> = {
  readonly [K in keyof S]: (...args: Argument[]) => S[K] extends { async: true } ? Promise<number> : number;
};

/** The foreign function interface of the runtime. */
export interface Native {
  /** Binds functions of the first library in the list that exists and has all of them. */
  open<S extends Record<string, Signature>>(libraries: readonly string[], signatures: S): Functions<S>;
  /** Returns a buffer of the memory at an address. The memory is not freed when the buffer is garbage-collected. */
  view(address: number, bytes: number): ArrayBuffer;
  /** The address of a large buffer. It stays valid as long as the buffer exists. */
  addressOf(buffer: Uint8Array): number;
  /** The most bytes that {@linkcode Native.view} accepts on every supported version of the runtime. */
  readonly longestView: number;
  /** Converts an address to the type that an `address` parameter takes fastest. */
  toAddress(address: number): number | bigint;
  /** Whether functions can run beside the event loop, on another thread. */
  readonly hasAsync: boolean;
  /** Lets the program end while that call is under way. `false`: the runtime cannot do that. */
  unref(call: Promise<number>): boolean;
}

/** The system on which the program runs. */
interface System {
  readonly os: string;
  readonly arch: string;
}

/** The system on which the program runs, with the names that Node uses. */
export function system(): System {
  if (deno !== undefined) {
    const { os, arch } = deno.build;
    return {
      os: os === "windows" ? "win32" : os,
      arch: arch === "x86_64" ? "x64" : arch === "aarch64" ? "arm64" : arch,
    };
  }
  if (isBrowser) return { os: "a browser", arch: "" };
  const { platform, arch } = nodeProcess();
  return { os: platform, arch };
}

/** A mutex between the threads of this process. */
export interface Turns {
  take(): void;
  give(): void;
}

let turns: Turns | undefined;

/** Sets how the threads of this process take turns when they open a library: see {@linkcode inTurn}. */
export function setTurns(takeAndGive: Turns): void {
  turns = takeAndGive;
}

let native: Native | undefined;

/** The interface of this runtime. `action` is used in error messages. */
export function loadNative(action: string): Native {
  return native ??= choose(action);
}

function choose(action: string): Native {
  if (deno !== undefined) return denoNative(deno as unknown as DenoFfi, action);
  if (isBun) return bunNative();
  if (isNode) return nodeNative(action);
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
  /** Deno's internals, which are not meant for programs. Only `unrefOpPromise` of them is used. */
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
        // The sanitizers of tests would report an open library as a leak, so close it. Its functions stay valid, because
        // the runtime itself is linked with the C library. Only asynchronous calls check that the library is open, and
        // these are made through the address of the function.
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
  // Not with an import, which Deno would try to resolve.
  const ffi = nodeProcess().getBuiltinModule("bun:ffi") as BunFfi;
  const types: Record<NativeType, string> = { i32: "i32", i64: "i64", address: "usize", buffer: "ptr" };
  return {
    hasAsync: false,
    toAddress: (address) => address,
    // Versions before 1.3.12 take a length of 4 GiB for 0.
    longestView: 2 ** 32 - 65536,
    addressOf: (buffer) => ffi.ptr(buffer),
    view: (address, bytes) => ffi.toArrayBuffer(address, 0, bytes),
    unref: () => false,
    open<S extends Record<string, Signature>>(libraries: readonly string[], signatures: S): Functions<S> {
      return openInRounds(libraries, signatures, {
        define: ({ parameters, result }) => ({ args: parameters.map((type) => types[type]), returns: types[result] }),
        open: (library, symbols) => inTurn(() => ffi.dlopen(library, symbols).symbols),
      });
    },
  };
}

type Call = (...args: unknown[]) => unknown;

/** How Bun and Node bind functions, by their names in C. */
interface Binding {
  /** What the runtime wants to know of a function. */
  define(signature: Signature): object;
  /** Binds the functions that are defined. */
  open(library: string, symbols: Record<string, unknown>): Record<string, Call>;
  /** Makes a bound function take the arguments that this library passes. */
  adapt?(call: Call, parameters: readonly NativeType[]): Call;
}

/**
 * Binds the functions that are not asynchronous. A name of C occurs once in each round, so a function that is needed with several
 * signatures takes several rounds.
 */
function openInRounds<S extends Record<string, Signature>>(
  libraries: readonly string[],
  signatures: S,
  { define, open, adapt = (call) => call }: Binding,
): Functions<S> {
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
    const named: Record<string, Call> = {};
    for (const round of rounds) {
      const symbols: Record<string, unknown> = {};
      for (const [name, key] of Object.entries(round)) symbols[name] = withoutPrototype(define(used[key]));
      const found = open(library, symbols);
      for (const [name, key] of Object.entries(round)) named[key] = adapt(found[name], used[key].parameters);
    }
    return numeric(named, used) as Functions<S>;
  });
}

interface NodeFfi {
  dlopen(
    library: string,
    symbols: Record<string, unknown>,
  ): { readonly functions: Record<string, (...args: unknown[]) => unknown> };
  toArrayBuffer(address: bigint, bytes: number, copy: boolean): ArrayBuffer;
  getRawPointer(buffer: Uint8Array): bigint;
}

/** What {@linkcode NodeFfi.dlopen} has returned. Node would close a library that nothing refers to. */
const opened: unknown[] = [];

function nodeNative(action: string): Native {
  const { getBuiltinModule, permission, version } = nodeProcess();
  if (permission?.has("ffi") === false) {
    throw new NotSupportedError(
      `Cannot ${action} as that calls the system's C library, which must be allowed: run with --allow-ffi (threads and all of @weft/concurrent/sync work without it)`,
    );
  }
  const ffi = getBuiltinModule("node:ffi") as NodeFfi | undefined;
  if (ffi === undefined) {
    throw new NotSupportedError(
      `Cannot ${action} as that calls the system's C library, and this Node has no node:ffi: received ${version}, expected 26.1.0 or later without --no-experimental-ffi (threads and all of @weft/concurrent/sync work without it)`,
    );
  }
  const types: Record<NativeType, string> = { i32: "i32", i64: "i64", address: "u64", buffer: "buffer" };
  return {
    hasAsync: false,
    toAddress: BigInt,
    longestView: 2 ** 32,
    addressOf: (buffer) => Number(ffi.getRawPointer(buffer)),
    view: (address, bytes) => ffi.toArrayBuffer(BigInt(address), bytes, false),
    unref: () => false,
    open<S extends Record<string, Signature>>(libraries: readonly string[], signatures: S): Functions<S> {
      return openInRounds(libraries, signatures, {
        define(signature) {
          const parameters = signature.parameters.map((type) => types[type]);
          const result = types[signature.result];
          // The keys changed their names between versions.
          return { parameters, arguments: parameters, result, return: result };
        },
        open(library, symbols) {
          const found = ffi.dlopen(library, symbols);
          opened.push(found);
          return found.functions;
        },
        adapt: withBigints,
      });
    },
  };
}

// Node takes no number for a parameter of 64 bits.
function withBigints(call: Call, parameters: readonly NativeType[]): Call {
  const places = [...parameters.keys()].filter((at) => parameters[at] === "i64" || parameters[at] === "address");
  if (places.length === 0) return call;
  return (...args) => {
    for (const at of places) if (typeof args[at] === "number") args[at] = BigInt(args[at]);
    return call(...args);
  };
}

// Bun before 1.4 compiles each function with a compiler that crashes the process if two threads use it at once.
// https://github.com/oven-sh/bun/issues/40972
function inTurn<T>(open: () => T): T {
  turns?.take();
  try {
    return open();
  } finally {
    turns?.give();
  }
}

// Converts results of 64 bits, which may be bigints, to numbers. No address and no size has more than 53 bits.
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
    } has the functions that are needed: threads and all of @weft/concurrent/sync work without it`,
    { cause: failures[0] },
  );
}
