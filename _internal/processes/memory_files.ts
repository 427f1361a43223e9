/**
 * Memory files: files in the system's own folder for shared memory, which any program of the user can open by name.
 *
 * What has a name is not freed by the kernel. So a tree of processes that has memory files keeps a list of them in a file
 * beside them, and the first process at its end, the janitor where that ran no code of the library (see lifeline.ts), or the
 * next program that uses shared memory if both were killed, removes what is listed and still there:
 *
 * ```text
 *   !pid start             the process that the tree began with
 *   +file temporary name   a memory file: its number in the file system, and two names
 * ```
 *
 * A memory file is made under a temporary name that no other has, noted, and only then gets its own name: whichever
 * process is killed, what it leaves is noted, and no file of that name that another program made later is taken for it. The
 * processes that make memory files hold a lock on the list, so that a living tree is not taken for dead where its processes
 * cannot be seen.
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
/** More bytes than any list has. */
const MOST = 2 ** 24;

/** A memory file that this thread has mapped. */
export interface MemoryFile {
  readonly name: string;
  /** Its number in the file system, which no other file has at the time. */
  readonly file: string;
  readonly address: number;
  readonly bytes: number;
}

/** Makes a memory file, of a name of its own where none is given. */
export function createMemoryFile(name: string | undefined, bytes: number): MemoryFile {
  const action = "create shared memory";
  const space = spaceOf("process");
  const libc = loadLibc(action);
  const temporary = FILE_PREFIX + hexadecimal(crypto.getRandomValues(new Uint32Array(2)));
  const path = libc.memoryFolder + temporary;
  const descriptor = libc.open(path, "new");
  if (descriptor < 0) {
    throw new AttachError(`Cannot ${action} as ${path} cannot be made (error ${libc.errno()})`);
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
            : `Cannot ${action} as it cannot be given its name (error ${errno}): received "${name}"`,
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
  // So that threads of this process know that they need to, and how.
  spaceOf("process");
  const libc = loadLibc(action);
  const descriptor = libc.open(libc.memoryFolder + name);
  if (descriptor < 0) {
    const errno = libc.errno();
    throw new AttachError(
      errno === ENOENT
        ? `Cannot ${action} as there is none of that name: received "${name}"`
        : `Cannot ${action} as it cannot be opened (error ${errno}): received "${name}"`,
    );
  }
  // Before mapping: touching what is not there would end the program.
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

/** Takes the name of a memory file away, if it is still the name of that file. */
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
  // With the last memory file the list goes, too. One that another program made is on no list of this tree.
  if (removed && isNoted(libc, words, file) && add(words, MEMORY_FILES, -1) === 1) libc.unlink(listPath(libc, words));
  unlockMutex(memory, MEMORY_FILES_MUTEX);
}

function listPath(libc: Libc, words: Int32Array): string {
  return libc.memoryFolder + LIST_PREFIX + hexadecimal([load(words, TOKEN_AT) >>> 0, load(words, TOKEN_AT + 1) >>> 0]);
}

function hexadecimal(numbers: Iterable<number>): string {
  return [...numbers].map((number) => number.toString(16).padStart(8, "0")).join("");
}

// Appends a memory file to the list of the tree. `false`: there is no room.
function note(space: Space, libc: Libc, file: string, temporary: string, name: string): boolean {
  const { words, memory, id } = space;
  lockMutex(memory, MEMORY_FILES_MUTEX, id);
  const list = openList(libc, words);
  const noted = list >= 0 && libc.write(list, new TextEncoder().encode(`+${file} ${temporary} ${name}\n`));
  if (noted) add(words, MEMORY_FILES, 1);
  unlockMutex(memory, MEMORY_FILES_MUTEX);
  // Not with the mutex held: it may fail, where descriptors are used up, say. Then the next program's sweep does its work.
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
    // Before this lock another program may have taken the list for that of a dead tree, and removed it.
    if (libc.lockFile(list, "shared") && libc.identify(list).names > 0) {
      own[LIST_DESCRIPTOR] = list + 1;
      const start = (load(words, ROOT_START) >>> 0) + load(words, ROOT_START + 1) * 2 ** 32;
      return libc.write(list, new TextEncoder().encode(`!${load(words, ROOT_PID)} ${start}\n`)) ? list : -1;
    }
    libc.close(list);
  }
  return -1;
}

/** Removes the memory files of trees all of whose processes are dead. */
export function sweep(libc: Libc): void {
  for (const name of libc.list(libc.memoryFolder)) {
    if (name.startsWith(LIST_PREFIX)) sweepTree(libc, libc.memoryFolder + name);
  }
}

/**
 * In the first process of a tree, at its end: removes what is left of the tree's memory files. The other processes end with it.
 * Their locks on the list, and that of a program which looks whether this tree lives, do not matter any more.
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
    // Not another user's list, which could name anything.
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
