/** What libc_darwin.ts asks of a Mac, as its manuals have it: files with names and locks, and words to sleep on. */

import { assert, assertEquals } from "@std/assert";
import type { Argument, Functions, Native, Signature } from "../../_internal/system/ffi.ts";

const ENOENT = 2;
const EEXIST = 17;
const EWOULDBLOCK = 35;
const FOLDER = "/var/folders/aa/bb/C/";

interface File {
  readonly number: number;
  readonly user: number;
  size: number;
  content: number[];
  links: number;
  /** By open file. */
  readonly locks: Map<Open, "shared" | "alone">;
}

interface Open {
  readonly file: File;
  at: number;
  readonly append: boolean;
}

/** A machine. */
export class FakeMac {
  readonly names: Map<string, File> = new Map();
  /** Bytes that the disk has left. */
  room = 2 ** 40;
  /** How many sleep on the word at an address. */
  readonly sleepers: Map<number, number> = new Map();
  readonly slept: { value: number; nanoseconds: number }[] = [];
  #files = 100;

  /** Names of files. */
  list(): string[] {
    return [...this.names.keys()].map((path) => path.slice(FOLDER.length)).sort();
  }

  newFile(user: number): File {
    return { number: ++this.#files, user, size: 0, content: [], links: 0, locks: new Map() };
  }

  /** A process of that user. */
  start(user = 501): FakeProcess {
    return new FakeProcess(this, user);
  }
}

/** A process, and what it has open. */
export class FakeProcess {
  readonly open: Map<number, Open> = new Map();
  readonly native: Native;
  /** Called before a name is given, as another process could come in between. */
  beforeLink: () => void = () => {};
  #errno = new Int32Array(1);
  #memory: Map<number, ArrayBuffer> = new Map();
  #directories: Map<number, string[]> = new Map();
  #next = 1;
  readonly mac: FakeMac;
  readonly user: number;

  constructor(mac: FakeMac, user: number) {
    this.mac = mac;
    this.user = user;
    this.native = {
      hasAsync: false,
      addressOf: () => 0,
      longestView: 2 ** 32,
      toAddress: (address) => address,
      view: (address, bytes) => {
        const memory = this.#memory.get(address);
        if (memory === undefined || memory.byteLength < bytes) throw new RangeError(`no ${bytes} bytes at ${address}`);
        return memory.byteLength === bytes ? memory : memory.slice(0, bytes);
      },
      unref: () => false,
      open: <S extends Record<string, Signature>>(_libraries: readonly string[], signatures: S): Functions<S> => {
        const functions: Record<string, unknown> = {};
        for (const [key, { name, parameters, async }] of Object.entries(signatures)) {
          if (async === true) continue;
          const call = this.#calls[(name ?? key).replace("$INODE64", "")];
          functions[key] = (...args: Argument[]) => {
            assertEquals(args.length, parameters.length, key);
            return call(...args as never[]);
          };
        }
        return functions as Functions<S>;
      },
    };
  }

  /** It ends, however that comes. */
  end(): void {
    for (const descriptor of [...this.open.keys()]) this.#close(descriptor);
  }

  #fail(errno: number): number {
    this.#errno[0] = errno;
    return -1;
  }

  #add(file: File, append: boolean): number {
    const descriptor = this.#next++;
    this.open.set(descriptor, { file, at: 0, append });
    return descriptor;
  }

  #close(descriptor: number): number {
    const open = this.open.get(descriptor)!;
    open.file.locks.delete(open);
    this.open.delete(descriptor);
    return 0;
  }

  #allocate(bytes: ArrayBuffer): number {
    const address = this.#next++ * 0x10000;
    this.#memory.set(address, bytes);
    return address;
  }

  readonly #calls: Record<string, (...args: never[]) => number> = {
    os_sync_wait_on_address: (_at: number, value: number) => {
      this.mac.slept.push({ value, nanoseconds: Infinity });
      return 0;
    },
    os_sync_wait_on_address_with_timeout: (
      _at: number,
      value: number,
      size: number,
      flags: number,
      clock: number,
      nanoseconds: number,
    ) => {
      assertEquals([size, flags, clock], [4, 1, 32]);
      this.mac.slept.push({ value, nanoseconds });
      return 0;
    },
    os_sync_wake_by_address_any: (at: number, size: number, flags: number) => {
      assertEquals([size, flags], [4, 1]);
      const count = this.mac.sleepers.get(at) ?? 0;
      if (count === 0) return this.#fail(ENOENT);
      this.mac.sleepers.set(at, count - 1);
      return 0;
    },
    os_sync_wake_by_address_all: (at: number, size: number, flags: number) => {
      assertEquals([size, flags], [4, 1]);
      if ((this.mac.sleepers.get(at) ?? 0) === 0) return this.#fail(ENOENT);
      this.mac.sleepers.set(at, 0);
      return 0;
    },
    mkostemp: (template: Uint8Array) => {
      const file = this.mac.newFile(this.user);
      const end = template.indexOf(0);
      template.set(new TextEncoder().encode(`${file.number}`.padStart(6, "x")), end - 6);
      this.mac.names.set(text(template), file);
      file.links = 1;
      return this.#add(file, false);
    },
    open: (path: Uint8Array, flags: number) => {
      const file = this.mac.names.get(text(path));
      return file === undefined ? this.#fail(ENOENT) : this.#add(file, (flags & 8) !== 0);
    },
    close: (descriptor: number) => {
      // What succeeds may change it.
      this.#errno[0] = 0;
      return this.#close(descriptor);
    },
    flock: (descriptor: number, how: number) => {
      assert((how & 4) !== 0, "it would block");
      const open = this.open.get(descriptor)!;
      const kind = (how & 2) !== 0 ? "alone" : "shared";
      for (const [other, lock] of open.file.locks) {
        if (other !== open && (kind === "alone" || lock === "alone")) return this.#fail(EWOULDBLOCK);
      }
      open.file.locks.set(open, kind);
      return 0;
    },
    lseek: (descriptor: number, at: number, whence: number) => {
      const open = this.open.get(descriptor)!;
      return open.at = whence === 2 ? open.file.size : at;
    },
    ftruncate: (descriptor: number, size: number) => {
      this.open.get(descriptor)!.file.size = size;
      return 0;
    },
    fstatvfs: (_descriptor: number, space: Uint32Array) => {
      space[2] = 4096;
      space[6] = this.mac.room / 4096;
      return 0;
    },
    fstat: (descriptor: number, status: Uint32Array) => {
      const { file } = this.open.get(descriptor)!;
      status.set([1, file.links << 16 | 0o100600, file.number, 7, file.user]);
      return 0;
    },
    mmap: () => this.#allocate(new ArrayBuffer(4096)),
    munmap: () => 0,
    read: (descriptor: number, bytes: Uint8Array, most: number) => {
      const open = this.open.get(descriptor)!;
      const part = open.file.content.slice(open.at, open.at + most);
      bytes.set(part);
      open.at += part.length;
      return part.length;
    },
    write: (descriptor: number, bytes: Uint8Array) => {
      const open = this.open.get(descriptor)!;
      if (open.append) open.at = open.file.size;
      for (const byte of bytes) open.file.content[open.at++] = byte;
      open.file.size = open.file.content.length;
      return bytes.length;
    },
    geteuid: () => this.user,
    link: (path: Uint8Array, second: Uint8Array) => {
      this.beforeLink();
      const file = this.mac.names.get(text(path));
      if (file === undefined) return this.#fail(ENOENT);
      if (this.mac.names.has(text(second))) return this.#fail(EEXIST);
      this.mac.names.set(text(second), file);
      file.links++;
      return 0;
    },
    unlink: (path: Uint8Array) => {
      const file = this.mac.names.get(text(path));
      if (file === undefined) return this.#fail(ENOENT);
      file.links--;
      this.mac.names.delete(text(path));
      return 0;
    },
    opendir: () => {
      const address = this.#next++ * 0x10000;
      this.#directories.set(address, [".", "..", ...this.mac.list()]);
      return address;
    },
    readdir: (directory: number) => {
      const name = this.#directories.get(directory)!.shift();
      if (name === undefined) return 0;
      const entry = new Uint8Array(21 + 1024);
      new DataView(entry.buffer).setUint16(18, name.length, true);
      entry.set(new TextEncoder().encode(name), 21);
      return this.#allocate(entry.buffer);
    },
    closedir: () => 0,
    confstr: (name: number, bytes: Uint8Array) => {
      assertEquals(name, 65538);
      bytes.set(new TextEncoder().encode(FOLDER));
      return FOLDER.length + 1;
    },
    proc_pidinfo: (_pid: number, flavor: number, zombies: number, info: Uint32Array, bytes: number) => {
      assertEquals([flavor, zombies, bytes], [3, 0, 136]);
      info.set([1_700_000_000, 0, 250_000, 0], 30);
      return bytes;
    },
    __error: () => {
      this.#memory.set(8, this.#errno.buffer);
      return 8;
    },
  };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
