/**
 * Shared memory with a name, which any program of the same user can open.
 *
 * @module
 */

import {
  attachMemoryFile,
  createMemoryFile,
  type MemoryFile,
  unlinkMemoryFile,
} from "../_internal/processes/memory_files.ts";
import "../_internal/processes/process_memory.ts";
import { loadLibc } from "../_internal/system/system.ts";
import { show, validateInteger } from "../_internal/options.ts";
import { AttachError, InvalidStateError } from "../_internal/errors.ts";
import { registerSerializable } from "../sync/settings.ts";

/** Options of {@linkcode SharedMemory}: a `size` creates new memory, and a `name` alone attaches to memory that exists. */
export type SharedMemoryOptions = {
  /** The size of the new memory in bytes. */
  size: number;
  /** The name of the new memory in the whole system, 1 to 255 bytes without slashes. Default: a name that is not in use. */
  name?: string;
} | {
  /** Left out, to attach to memory that exists. */
  size?: undefined;
  /** The name of the memory to attach to. */
  name: string;
};

/** The longest name in bytes that the system accepts. */
const LONGEST = 255;

/** Returns what is sent of a memory. It does not read public members, which a subclass may override. */
let stateOf: (memory: SharedMemory) => { name: string; file: string; closed: boolean };

// This thread's handles of each memory. The key is the file, because the name may belong to other memory by now. The oldest
// handle comes first: the thread gets it when the memory is sent back to it.
const open = new Map<string, WeakRef<SharedMemory>[]>();

function firstOf(file: string): SharedMemory | undefined {
  const living = open.get(file)?.filter((handle) => handle.deref() !== undefined) ?? [];
  if (living.length > 0) open.set(file, living);
  else open.delete(file);
  return living[0]?.deref();
}

/**
 * Bytes that processes share without copying, under a name in the whole system.
 *
 * - **Name.** Other programs of the same user, in any language, can attach to the memory. On Linux it is the file
 *   `/dev/shm/NAME`, to which only this user has access.
 * - **Sending.** It can be sent to other processes and threads, which attach to it by its name.
 * - **Visibility.** Plain reads and writes of different processes are not ordered. Use a lock, an event or a queue of this
 *   module to order them.
 * - **Life.** The memory exists until {@linkcode SharedMemory.unlink} has been called and every handle is closed. Memory that a
 *   program has created and not unlinked is unlinked when the first process of the program ends, since the other processes
 *   end with it. On Linux this also happens if a signal or an uncaught error ends that process. On other systems, and
 *   without `/bin/sh`, the next program that uses shared memory does it then. Memory that a program has only attached to is
 *   never unlinked by that program's end.
 *
 * For an array of numbers that only the processes of one program share, {@linkcode SharedArray} is simpler.
 *
 * Python: `multiprocessing.shared_memory.SharedMemory`.
 *
 * @example
 * ```ts
 * import { SharedMemory } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * using memory = new SharedMemory({ size: 1024 });
 * new Uint8Array(memory.buffer)[0] = 42;
 *
 * // Anywhere else, by the name:
 * using same = new SharedMemory({ name: memory.name });
 * assertEquals(new Uint8Array(same.buffer)[0], 42);
 * memory.unlink();
 * ```
 */
export class SharedMemory {
  readonly #name: string;
  readonly #size: number;
  readonly #file: string;
  readonly #address: number;
  #buffer: ArrayBuffer | undefined;

  static {
    stateOf = (memory) => ({ name: memory.#name, file: memory.#file, closed: memory.#buffer === undefined });
  }

  /**
   * Creates memory that is filled with zeros if `size` is given. Otherwise, attaches to the memory with that name.
   *
   * @param options `size` in bytes, `name`, or both.
   * @throws {AttachError} If `size` is given and the name is taken, or if `size` is not given and there is no memory with
   * that name.
   * @throws {RangeError} If `size` is not a whole number of 1 or more, or the system has no room for it.
   * @throws {TypeError} If `name` cannot be the name of a file, or neither `size` nor `name` is given.
   */
  constructor(options: SharedMemoryOptions) {
    const { size, name } = validate(options);
    const made: MemoryFile = size === undefined ? attachMemoryFile(name!) : createMemoryFile(name, size);
    this.#name = made.name;
    this.#size = made.bytes;
    this.#file = made.file;
    this.#address = made.address;
    this.#buffer = loadLibc("map shared memory").native.view(made.address, made.bytes);
    open.set(made.file, [...open.get(made.file) ?? [], new WeakRef(this)]);
  }

  /** The name of the memory in the whole system. Python: `SharedMemory.name`. */
  get name(): string {
    return this.#name;
  }

  /** The size of the memory in bytes. Python: `SharedMemory.size`. */
  get size(): number {
    return this.#size;
  }

  /**
   * The memory as a buffer. It is the same object each time. {@linkcode SharedMemory.close} detaches it.
   *
   * Python: `SharedMemory.buf`.
   *
   * @throws {InvalidStateError} If this handle is closed.
   */
  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined) throw new InvalidStateError("Cannot read shared memory as it is closed");
    return this.#buffer;
  }

  /**
   * Whether this handle is closed.
   *
   * Python has no equivalent.
   */
  get closed(): boolean {
    return this.#buffer === undefined;
  }

  /**
   * Closes this handle: detaches its buffer, so that typed arrays over the buffer have the length 0.
   *
   * The memory itself stays, for other handles and processes. Closing it again has no effect.
   *
   * Python: `multiprocessing.shared_memory.SharedMemory.close`.
   *
   * @example
   * ```ts
   * import { SharedMemory } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * const memory = new SharedMemory({ size: 1024 });
   * const bytes = new Uint8Array(memory.buffer);
   * memory.close();
   * assertEquals(bytes.length, 0);
   * memory.unlink();
   * ```
   */
  close(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#buffer = undefined;
    open.set(this.#file, open.get(this.#file)?.filter((handle) => handle.deref() !== this) ?? []);
    firstOf(this.#file);
    // If the program has transferred the buffer to another thread, that thread may still use the memory: leave it mapped.
    if (buffer.detached) return;
    // Detach before unmapping, so that no code can touch memory that is not mapped any more.
    buffer.transfer(0);
    loadLibc("close shared memory").unmap(this.#address, this.#size);
  }

  /**
   * Removes the name of the memory: no program can attach to it from now on. The memory is freed when every handle is closed.
   *
   * It may be called before or after {@linkcode SharedMemory.close}. Calling it again has no effect. Other memory that was
   * created with the same name since then stays.
   *
   * Python: `multiprocessing.shared_memory.SharedMemory.unlink`.
   *
   * @example
   * ```ts
   * import { AttachError, SharedMemory } from "@weft/concurrent/multiprocessing";
   * import { assertThrows } from "@std/assert";
   *
   * using memory = new SharedMemory({ size: 1024 });
   * memory.unlink();
   * assertThrows(() => new SharedMemory({ name: memory.name }), AttachError);
   * new Uint8Array(memory.buffer)[0] = 1; // this handle can still be used
   * ```
   */
  unlink(): void {
    unlinkMemoryFile(this.#name, this.#file);
  }

  /** Closes this handle, as {@linkcode SharedMemory.close} does, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function validate(options: SharedMemoryOptions): { size?: number; name?: string } {
  const action = "open shared memory";
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot ${action} as the options must be an object like { size: 1024 } or { name: "mine" }: received ${
        show(options)
      }`,
    );
  }
  const { size, name } = options;
  if (name !== undefined) {
    if (typeof name !== "string") {
      throw new TypeError(`Cannot ${action} as 'name' must be a string: received ${show(name)}`);
    }
    const length = new TextEncoder().encode(name).length;
    if (length === 0 || length > LONGEST || /[/\0\n]/.test(name) || name === "." || name === "..") {
      throw new TypeError(
        `Cannot ${action} as 'name' must be a name for a file, of 1 to ${LONGEST} bytes without slashes: received ${
          show(name)
        }`,
      );
    }
  }
  if (size !== undefined) {
    validateInteger(size, "'size'", 1, Number.MAX_SAFE_INTEGER, "create shared memory");
  } else if (name === undefined) {
    throw new TypeError(`Cannot ${action} as neither 'size' (to create it) nor 'name' (to attach to it) is given`);
  }
  return { size, name };
}

registerSerializable(SharedMemory, {
  name: "@weft/concurrent SharedMemory",
  serialize: (memory: SharedMemory): [string, string] => {
    const { name, file, closed } = stateOf(memory);
    if (closed) throw new InvalidStateError(`Cannot send shared memory "${name}" as it is closed`);
    return [name, file];
  },
  deserialize: ([name, file]: [string, string]): SharedMemory => {
    const memory = firstOf(file) ?? new SharedMemory({ name });
    if (stateOf(memory).file === file) return memory;
    memory.close();
    throw new AttachError(
      `Cannot receive shared memory "${name}" as it was unlinked, and other memory has its name now: unlink it after it was received`,
    );
  },
});
