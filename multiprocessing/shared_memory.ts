/**
 * Memory with a name that any program of the user can open.
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

/** Which memory is created or attached to: a size, a name, or both. */
export type SharedMemoryOptions = {
  /** How many bytes the new memory has. Without it, the memory of the name is attached to. */
  size: number;
  /** Its name in the whole system, without slashes. New memory gets a name of its own where none is given. */
  name?: string;
} | {
  size?: undefined;
  /** The name of the memory that is attached to. */
  name: string;
};

/** Bytes: the system refuses longer names. */
const LONGEST = 255;

/** What is sent of a memory, whatever a subclass calls its own fields. */
let stateOf: (memory: SharedMemory) => { name: string; file: string; closed: boolean };

// The handles that this thread has of each memory, by its file, since a name may belong to another memory by now. The first
// handle is first: that is what the thread gets where the memory comes back to it.
const open = new Map<string, WeakRef<SharedMemory>[]>();

function firstOf(file: string): SharedMemory | undefined {
  const living = open.get(file)?.filter((handle) => handle.deref() !== undefined) ?? [];
  if (living.length > 0) open.set(file, living);
  else open.delete(file);
  return living[0]?.deref();
}

/**
 * Bytes that processes share without copying, under a name in the whole system: other programs of the same user, in
 * whatever language, can attach to it (on Linux it is `/dev/shm/NAME`, with access for the user alone).
 *
 * The memory stays until {@linkcode SharedMemory.unlink} and the last {@linkcode SharedMemory.close}. What a program did not
 * unlink is unlinked when its first process ends, and so all others: on Linux also by a signal or an uncaught
 * error, elsewhere (and without `/bin/sh`) then when the next program uses shared memory. A program that attached to it
 * never does that.
 *
 * It can be sent to other processes and threads, which attach to it by its name. Nothing orders plain reads and writes of
 * different processes but the locks, events and queues of this module. For numbers in the memory that a tree of processes has
 * anyway, `SharedArray` is simpler.
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
   * Creates memory, zeroed, if `size` is given; else attaches to the memory of that name.
   *
   * @throws {AttachError} If there is memory of that name already, or there is none to attach to.
   * @throws {RangeError} If `size` is not a whole number of 1 or more, or the system has no room for it.
   * @throws {TypeError} If `name` is not a name for a file, or neither is given.
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

  /** Its name in the whole system. */
  get name(): string {
    return this.#name;
  }

  /** How many bytes it has. */
  get size(): number {
    return this.#size;
  }

  /**
   * The bytes. The same object each time, until it is closed.
   *
   * @throws {InvalidStateError} If it is closed.
   */
  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined) throw new InvalidStateError("Cannot read shared memory as it is closed");
    return this.#buffer;
  }

  /** Whether this thread closed it. */
  get closed(): boolean {
    return this.#buffer === undefined;
  }

  /**
   * Gives this thread's view of the memory up: the buffer is detached, and arrays over it have no length any more. Doing
   * it twice does nothing. The memory itself stays for others.
   */
  close(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#buffer = undefined;
    open.set(this.#file, open.get(this.#file)?.filter((handle) => handle.deref() !== this) ?? []);
    firstOf(this.#file);
    // The program has transferred the buffer to another thread, which may still use it.
    if (buffer.detached) return;
    // First, so that nothing can touch what is not there any more.
    buffer.transfer(0);
    loadLibc("close shared memory").unmap(this.#address, this.#size);
  }

  /**
   * Takes the name away: no program can attach from now on, and the memory is freed once all handles are closed. Doing it twice
   * does nothing, and memory of the same name that was made later stays. It may be done after {@linkcode SharedMemory.close}.
   */
  unlink(): void {
    unlinkMemoryFile(this.#name, this.#file);
  }

  /** The same as {@linkcode SharedMemory.close}. */
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
      `Cannot receive shared memory "${name}" as it was unlinked, and other memory has its name now: unlink it once it was received`,
    );
  },
});
