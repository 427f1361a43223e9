import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { load } from "../../_internal/atomics.ts";
import { MEMORY_FILES } from "../../_internal/processes/region.ts";
import { processSpace } from "../../_internal/processes/process_memory.ts";
import { AttachError, InvalidStateError, Queue, SharedMemory } from "@weft/concurrent/multiprocessing";
import { Thread } from "@weft/concurrent/threading";
import { flags } from "../processes_memory/_children.ts";
import { addInThread } from "./_shared_memory_targets.ts";

const LIMIT = { timeout: 60_000 };
const FOLDER = "/dev/shm/";

/** A name that no other run of this file has. */
function ownName(): string {
  return `test-${process.pid}-${crypto.randomUUID()}`;
}

function exists(name: string): boolean {
  return readdirSync(FOLDER).includes(name);
}

interface Program {
  output: string;
  /** Kills it, and first what would remove its memory then. */
  endAll(): Promise<void>;
  end(signal: "SIGKILL"): Promise<void>;
}

/** Starts _shared_memory_program.ts; resolves with what it printed once that ends with a line "ready", or it has ended. */
async function program(...args: string[]): Promise<Program> {
  const script = fileURLToPath(new URL("./_shared_memory_program.ts", import.meta.url));
  const child = spawn(process.execPath, [...flags(), script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  let output = "";
  const ready = new Promise<void>((resolve) => {
    child.stdout.on("data", (data) => {
      output += data;
      if (output.endsWith("ready\n")) resolve();
    });
  });
  await Promise.race([ready, ended]);
  const end = async (signal: "SIGKILL"): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    output,
    endAll: async () => {
      const janitors = () => readdirSync("/proc").filter((pid) => isJanitorOf(pid, child.pid!));
      // The kernel lets its starter go on a moment before a started program has a command line to be known by.
      while (janitors().length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      const all = janitors();
      assertEquals(all.length, 1);
      process.kill(Number(all[0]), "SIGKILL");
      await end("SIGKILL");
    },
    end,
  };
}

function isJanitorOf(pid: string, program: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return parent === program && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("/bin/sh\0");
  } catch {
    return false;
  }
}

/** A program that sweeps and says nothing. */
async function runAnother(): Promise<void> {
  await (await program("create and unlink")).end("SIGKILL");
}

describe("SharedMemory", { skip: process.platform !== "linux" }, () => {
  it("is created zeroed, of the size that was asked for, under a name of its own", LIMIT, () => {
    const memory = new SharedMemory({ size: 1000 });
    assertEquals([memory.size, memory.buffer.byteLength], [1000, 1000]);
    assert(memory.buffer === memory.buffer);
    assert(new Uint8Array(memory.buffer).every((byte) => byte === 0));
    assert(exists(memory.name));
    const other = new SharedMemory({ size: 1 });
    assert(other.name !== memory.name);
    for (const each of [memory, other]) {
      each.unlink();
      each.close();
      assert(!exists(each.name));
    }
  });

  it("is the user's alone, and a plain file to other programs", LIMIT, () => {
    const name = ownName();
    using memory = new SharedMemory({ size: 4, name });
    new Uint8Array(memory.buffer).set([104, 111, 108, 97]);
    assertEquals(statSync(FOLDER + name).mode & 0o777, 0o600);
    assertEquals(spawnSync("cat", [FOLDER + name]).stdout.toString(), "hola");
    memory.unlink();
  });

  it("every process that attaches sees what is written, until the last has closed it", LIMIT, () => {
    const memory = new SharedMemory({ size: 16 });
    const same = new SharedMemory({ name: memory.name });
    assertEquals(same.size, 16);
    new Float64Array(memory.buffer)[1] = 2.5;
    assertEquals(new Float64Array(same.buffer)[1], 2.5);
    memory.close();
    memory.unlink();
    assertEquals(new Float64Array(same.buffer)[1], 2.5);
    assertThrows(() => new SharedMemory({ name: memory.name }), AttachError, "no memory with that name");
    same.close();
  });

  it("is not taken for another that got its name while it was under way", LIMIT, () => {
    const name = ownName();
    const queue = new Queue<SharedMemory>();
    const memory = new SharedMemory({ size: 16, name });
    queue.putSync(memory);
    memory.unlink();
    memory.close();
    using other = new SharedMemory({ size: 16, name });
    assertThrows(() => queue.getSync(), AttachError, "other memory has its name");
    assertEquals(other.closed, false);
    queue.putSync(other);
    assert(queue.getSync() === other);
    other.unlink();
  });

  it("closing detaches the buffer here, once", LIMIT, () => {
    const memory = new SharedMemory({ size: 8 });
    const array = new Uint8Array(memory.buffer);
    memory.close();
    memory.close();
    memory[Symbol.dispose]();
    assertEquals([memory.closed, array.length], [true, 0]);
    assertThrows(() => memory.buffer, InvalidStateError, "closed");
    assertThrows(() => new Queue().putSync(memory), InvalidStateError, "closed");
    memory.unlink();
    memory.unlink();
  });

  it("a buffer that the program gave away is not taken from under it", LIMIT, () => {
    const memory = new SharedMemory({ size: 4096 });
    const given = structuredClone(memory.buffer, { transfer: [memory.buffer] });
    memory.close();
    new Uint8Array(given)[0] = 1;
    memory.unlink();
  });

  it("a name that is taken and a name that does not exist are errors that say so", LIMIT, () => {
    const name = ownName();
    using memory = new SharedMemory({ size: 8, name });
    new Uint8Array(memory.buffer)[0] = 7;
    assertThrows(() => new SharedMemory({ size: 8, name }), AttachError, "taken");
    assertEquals(new Uint8Array(memory.buffer)[0], 7);
    memory.unlink();
    assertThrows(() => new SharedMemory({ name }), AttachError, name);
    using again = new SharedMemory({ size: 9, name });
    // Not what was made under the same name later.
    memory.unlink();
    assert(exists(name));
    again.unlink();
  });

  it("checks its arguments", LIMIT, () => {
    for (const size of [0, -1, 1.5, NaN, Infinity]) {
      assertThrows(() => new SharedMemory({ size }), RangeError, "size");
    }
    assertThrows(() => new SharedMemory({ size: "1" as never }), TypeError, "size");
    assertThrows(() => new SharedMemory(undefined as never), TypeError, "options");
    assertThrows(() => new SharedMemory({} as never), TypeError, "neither");
    for (const name of ["", "a/b", "/a", ".", "..", "a\0b", "x".repeat(300)]) {
      assertThrows(() => new SharedMemory({ size: 1, name }), TypeError, "name");
    }
  });

  it("no room is a RangeError, and leaves nothing", LIMIT, () => {
    const name = ownName();
    assertThrows(() => new SharedMemory({ size: 2 ** 45, name }), RangeError, "no room");
    assert(!exists(name));
    // The list of this program's memory files is gone with the last of them.
    assertEquals(load(processSpace().words, MEMORY_FILES), 0);
  });

  it("the list of what is to be removed stays when the memory of another program is unlinked", LIMIT, () => {
    const own = new SharedMemory({ size: 1 });
    const count = load(processSpace().words, MEMORY_FILES);
    const name = ownName();
    writeFileSync(FOLDER + name, "12345", { mode: 0o600 });
    using foreign = new SharedMemory({ name });
    foreign.unlink();
    assert(!exists(name));
    assertEquals(load(processSpace().words, MEMORY_FILES), count);
    own.unlink();
    own.close();
    assertEquals(load(processSpace().words, MEMORY_FILES), count - 1);
  });

  it("a file that is empty, or was made shorter, cannot be attached to beyond its end", LIMIT, () => {
    const name = ownName();
    writeFileSync(FOLDER + name, "", { mode: 0o600 });
    assertThrows(() => new SharedMemory({ name }), AttachError, "no size");
    writeFileSync(FOLDER + name, "12345");
    using whole = new SharedMemory({ name });
    assertEquals(whole.size, 5);
    truncateSync(FOLDER + name, 2);
    using part = new SharedMemory({ name });
    assertEquals(part.size, 2);
    part.unlink();
  });

  it("can be sent: the same object here, the same memory in a thread", LIMIT, async () => {
    using memory = new SharedMemory({ size: 8 });
    const queue = new Queue();
    queue.putSync({ memory });
    const received = (): SharedMemory => {
      queue.putSync({ memory });
      return (queue.getSync() as { memory: SharedMemory }).memory;
    };
    assert((queue.getSync() as { memory: SharedMemory }).memory === memory);
    const other = new SharedMemory({ name: memory.name });
    assert(received() === memory);
    other.close();
    assert(received() === memory);
    const thread = new Thread({ target: addInThread, args: [memory, 5] }).start();
    assertEquals(await thread.result(), [memory.name, 8]);
    assertEquals(new Int32Array(memory.buffer)[0], 5);
    memory.unlink();
  });

  it("what a program did not unlink is unlinked when it ends", LIMIT, async () => {
    const { output } = await program("create and return");
    assertMatch(output, /^weft_[0-9a-f]{16}\n$/);
    assert(!exists(output.trim()));
  });

  it("what a killed program has left is removed by the next one, and what lives stays", LIMIT, async () => {
    const name = ownName();
    const killed = await program("create and sit", name);
    const living = await program("create and sit");
    const [livingName] = living.output.split("\n");
    await runAnother();
    assert(exists(name));
    await killed.endAll();
    assert(exists(name));
    await runAnother();
    assert(!exists(name));
    assert(exists(livingName));
    await living.endAll();
    await runAnother();
    assert(!exists(livingName));
  });

  it("what another program made under the name of a killed one's is not removed", LIMIT, async () => {
    const name = ownName();
    const killed = await program("create and sit", name);
    await killed.endAll();
    spawnSync("rm", [FOLDER + name]);
    writeFileSync(FOLDER + name, "mine");
    await runAnother();
    assert(exists(name));
    spawnSync("rm", [FOLDER + name]);
  });

  it("a program that attached never removes it", LIMIT, async () => {
    using memory = new SharedMemory({ size: 8 });
    const { output } = await program("attach and return", memory.name);
    assertEquals(output, "8\n");
    assert(exists(memory.name));
    const killed = await program("attach and sit", memory.name);
    await killed.end("SIGKILL");
    await runAnother();
    assert(exists(memory.name));
    memory.unlink();
  });
});
