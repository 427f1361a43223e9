/**
 * Memory files: files in the system's folder for shared memory, which any program of the same user can open by name.
 *
 * The kernel does not free a file that has a name. So a tree of processes that has memory files keeps a list of them, in
 * another file in the same folder. The list has these lines:
 *
 * ```text
 *   !pid start             the process that the tree began with
 *   +file temporary name   a memory file: its number in the file system, and two names
 * ```
 *
 * The files on the list that still exist are removed by the first of these that gets to it:
 *
 * - the first process of the tree, when it ends;
 * - the janitor (see lifeline.ts), if that process ended without running code of the library;
 * - the next program that uses shared memory, if the janitor was killed too.
 *
 * A memory file is made under a unique temporary name, then noted on the list, and only then gets its own name. So every file
 * that a killed process leaves under its own name is on the list. The list has the number of the file as well, so a file that
 * another program has made with the same name later is not removed.
 *
 * A process that makes memory files holds a lock on the list. Without the lock, a program that cannot see the processes of a
 * living tree, for instance from another container, would treat the tree as dead.
 *
 * @module
 */

import { add, load } from "../atomics.ts";
import { TOKEN_AT } from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import { existingSpace, type Space, spaceOf } from "../memory/space.ts";
import { EEXIST, ENOENT, type FileIdentity, type Libc } from "../system/calls.ts";
import { loadLibc } from "../system/system.ts";
import { AttachError } from "../errors.ts";
import { startJanitor } from "./lifeline.ts";
import { LIST_DESCRIPTOR, MEMORY_FILES, MEMORY_FILES_MUTEX, ROOT_PID, ROOT_START } from "./region.ts";

const LIST_PREFIX = "weft-";
const FILE_PREFIX = "weft_";
/** The most bytes of a list that are read. */
const MOST = 2 ** 24;

/** A memory file that this thread has mapped. */
export interface MemoryFile {
  readonly name: string;
  /** Its number in the file system. No other file has this number as long as the file exists. */
  readonly file: string;
  readonly address: number;
  readonly bytes: number;
}

/** Makes a memory file, and maps it. Without a name, it keeps its temporary name. */
export function createMemoryFile(name: string | undefined, bytes: number): MemoryFile {
  const action = "create shared memory";
  const space = spaceOf("process");
  const libc = loadLibc(action);
  const temporary = FILE_PREFIX + hexadecimal(crypto.getRandomValues(new Uint32Array(2)));
  const path = libc.memoryFolder + temporary;
  const descriptor = libc.open(path, "new");
  if (descriptor < 0) {
    throw new AttachError(`Cannot ${action} as ${path} cannot be created (error ${libc.errno()})`);
  }
  const { file } = libc.identify(descriptor);
  const fail = (error: Error): never => {
    libc.close(descriptor);
    remove(space, libc, [temporary, name ?? temporary], file);
    throw error;
  };
  const noRoom = (): RangeError =>
    new RangeError(`Cannot ${action} as the system has no room for it: needed ${bytes} bytes in ${libc.memoryFolder}`);
  if (!note(space, libc, file, temporary, name ?? temporary)) {
    libc.close(descriptor);
    libc.unlink(path);
    throw noRoom();
  }
  if (!libc.setSize(descriptor, bytes) || !libc.reserve(descriptor, 0, bytes)) fail(noRoom());
  const address = libc.map(descriptor, bytes);
  if (address === 0) fail(noRoom());
  if (name !== undefined) {
    if (!libc.link(path, libc.memoryFolder + name)) {
      const errno = libc.errno();
      libc.unmap(address, bytes);
      fail(
        new AttachError(
          errno === EEXIST
            ? `Cannot ${action} as the name is taken: received "${name}" (leave size out to attach to it)`
            : `Cannot ${action} as it cannot get this name (error ${errno}): received "${name}"`,
        ),
      );
    }
    libc.unlink(path);
  }
  libc.close(descriptor);
  return { name: name ?? temporary, file, address, bytes };
}

/** Maps a memory file that exists. */
export function attachMemoryFile(name: string): MemoryFile {
  const action = "attach to shared memory";
  // A thread that this thread starts later may get the memory as an argument. It loads the class for that only if this thread
  // has joined the processes' memory.
  spaceOf("process");
  const libc = loadLibc(action);
  const descriptor = libc.open(libc.memoryFolder + name);
  if (descriptor < 0) {
    const errno = libc.errno();
    throw new AttachError(
      errno === ENOENT
        ? `Cannot ${action} as there is no memory with that name: received "${name}"`
        : `Cannot ${action} as it cannot be opened (error ${errno}): received "${name}"`,
    );
  }
  // The size is checked before mapping: reading a page behind the end of the file would kill the program.
  const bytes = libc.sizeOf(descriptor);
  const { file } = libc.identify(descriptor);
  const address = bytes > 0 ? libc.map(descriptor, bytes) : 0;
  libc.close(descriptor);
  if (address === 0) {
    throw new AttachError(
      bytes > 0
        ? `Cannot ${action} as it cannot be mapped: needed ${bytes} bytes for "${name}"`
        : `Cannot ${action} as it has no size yet: received "${name}"`,
    );
  }
  return { name, file, address, bytes };
}

/** Removes the name of a memory file, if that file still has the name. */
export function unlinkMemoryFile(name: string, file: string): void {
  remove(spaceOf("process"), loadLibc("unlink shared memory"), [name], file);
}

function identityOf(libc: Libc, path: string): FileIdentity | undefined {
  const descriptor = libc.open(path, "read");
  if (descriptor < 0) return undefined;
  const identity = libc.identify(descriptor);
  libc.close(descriptor);
  return identity;
}

function remove(space: Space, libc: Libc, names: readonly string[], file: string): void {
  const { words, memory, id } = space;
  lockMutex(memory, MEMORY_FILES_MUTEX, id);
  let removed = false;
  for (const name of names) {
    if (identityOf(libc, libc.memoryFolder + name)?.file === file) {
      removed = libc.unlink(libc.memoryFolder + name) || removed;
    }
  }
  // The list is removed with its last memory file. A file that another program has made is not on this tree's list, and is not
  // counted.
  if (removed && isNoted(libc, words, file) && add(words, MEMORY_FILES, -1) === 1) libc.unlink(listPath(libc, words));
  unlockMutex(memory, MEMORY_FILES_MUTEX);
}

function listPath(libc: Libc, words: Int32Array): string {
  return libc.memoryFolder + LIST_PREFIX + hexadecimal([load(words, TOKEN_AT) >>> 0, load(words, TOKEN_AT + 1) >>> 0]);
}

function hexadecimal(numbers: Iterable<number>): string {
  return [...numbers].map((number) => number.toString(16).padStart(8, "0")).join("");
}

// Appends a memory file to the list of the tree. `false`: the system has no room for that.
function note(space: Space, libc: Libc, file: string, temporary: string, name: string): boolean {
  const { words, memory, id } = space;
  lockMutex(memory, MEMORY_FILES_MUTEX, id);
  const list = openList(libc, words);
  const noted = list >= 0 && libc.write(list, new TextEncoder().encode(`+${file} ${temporary} ${name}\n`));
  if (noted) add(words, MEMORY_FILES, 1);
  unlockMutex(memory, MEMORY_FILES_MUTEX);
  // The mutex is released first, because starting the janitor may fail, for instance if there are no more descriptors. Then the
  // sweep of the next program removes the files.
  if (noted) startJanitor(space, listPath(libc, words), libc.memoryFolder);
  return noted;
}

function isNoted(libc: Libc, words: Int32Array, file: string): boolean {
  if (load(words, MEMORY_FILES) === 0) return false;
  const list = libc.open(listPath(libc, words));
  if (list < 0) return false;
  const found = linesOf(libc, list).some((line) => line.startsWith(`+${file} `));
  libc.close(list);
  return found;
}

function openList(libc: Libc, words: Int32Array): number {
  const own = spaceOf("thread").words;
  let list = own[LIST_DESCRIPTOR] - 1;
  if (list >= 0) {
    if (libc.identify(list).names > 0) return list;
    libc.close(list);
    own[LIST_DESCRIPTOR] = 0;
  }
  for (let tries = 0; tries < 100; tries++) {
    list = libc.open(listPath(libc, words), "append");
    if (list < 0) return list;
    // Before this thread got the lock, another program may have presumed the tree dead and removed the list. Then make a
    // new list.
    if (libc.lockFile(list, "shared") && libc.identify(list).names > 0) {
      own[LIST_DESCRIPTOR] = list + 1;
      const start = (load(words, ROOT_START) >>> 0) + load(words, ROOT_START + 1) * 2 ** 32;
      return libc.write(list, new TextEncoder().encode(`!${load(words, ROOT_PID)} ${start}\n`)) ? list : -1;
    }
    libc.close(list);
  }
  return -1;
}

/** Removes the memory files of trees that have no living process. */
export function sweep(libc: Libc): void {
  for (const name of libc.list(libc.memoryFolder)) {
    if (name.startsWith(LIST_PREFIX)) sweepTree(libc, libc.memoryFolder + name);
  }
}

/**
 * In the first process of a tree, when it ends: removes the memory files of the tree that still exist. The other processes end
 * with this one, so their locks on the list are ignored. So is the lock of another program that is checking whether this tree
 * is alive.
 */
export function sweepAtExit(): void {
  const space = existingSpace("process");
  if (space === undefined || load(space.words, MEMORY_FILES) === 0) return;
  const libc = loadLibc("remove shared memory");
  if (load(space.words, ROOT_PID) !== libc.pid) return;
  const path = listPath(libc, space.words);
  const list = libc.open(path);
  if (list < 0) return;
  try {
    removeListed(libc, path, linesOf(libc, list));
  } finally {
    libc.close(list);
  }
}

function linesOf(libc: Libc, list: number): string[] {
  return new TextDecoder().decode(libc.read(list, Math.min(MOST, libc.sizeOf(list)))).split("\n");
}

function sweepTree(libc: Libc, path: string): void {
  const list = libc.open(path);
  if (list < 0) return;
  try {
    // A list of another user is ignored: it could name any file of this user.
    if (!libc.identify(list).own || !libc.lockFile(list)) return;
    const lines = linesOf(libc, list);
    for (const line of lines) {
      const [pid, start] = line.slice(1).split(" ").map(Number);
      if (line[0] === "!" && libc.startOf(pid) === start) return;
    }
    removeListed(libc, path, lines);
  } finally {
    libc.close(list);
  }
}

function removeListed(libc: Libc, path: string, lines: readonly string[]): void {
  for (const line of lines) {
    const [file, temporary, ...rest] = line.slice(1).split(" ");
    if (line[0] !== "+" || rest.length === 0) continue;
    for (const name of [temporary, rest.join(" ")]) {
      const path = libc.memoryFolder + name;
      if (!name.includes("/") && identityOf(libc, path)?.file === file) libc.unlink(path);
    }
  }
  libc.unlink(path);
}
