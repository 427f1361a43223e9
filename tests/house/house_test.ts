import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { FLOORS, loadedWith, misbuilt, sourceFiles, textOf } from "../../tools/_house.ts";

const LIMIT = { timeout: 60_000 };

/** How many lines are neither empty nor of a comment: documentation makes no file too long. */
function linesOfCode(lines: readonly string[]): number {
  return lines.filter((line) => !/^\s*(?:$|\/\/|\/\*|\*)/.test(line)).length;
}

/** The lines of code of each class of a file, by name. */
function classesOf(file: string): Map<string, number> {
  const lengths = new Map<string, number>();
  let name: string | undefined;
  let begin = 0;
  const lines = textOf(file).split("\n");
  for (const [index, line] of lines.entries()) {
    const [, begins] = /^(?:export )?(?:default )?(?:abstract )?class (\w+)/.exec(line) ?? [];
    if (begins !== undefined) [name, begin] = [begins, index];
    if (name !== undefined && /^\}/.test(line)) {
      lengths.set(name, linesOfCode(lines.slice(begin, index + 1)));
      name = undefined;
    }
  }
  return lengths;
}

describe("the house", () => {
  it("has no import that runs upwards, and no circle", LIMIT, () => {
    assertEquals(misbuilt(), []);
  });

  it("has a room for each name on its floors", LIMIT, () => {
    const rooms = FLOORS.flat().filter((room) => room.endsWith("/"));
    assert(
      rooms.every((room) => sourceFiles().some((file) => file.startsWith(room))),
      "a floor names a room that is gone",
    );
  });

  it("has at most 220 modules", LIMIT, () => {
    const { length } = sourceFiles();
    console.log(`${length} modules`);
    assert(length <= 220, `${length} modules`);
  });

  it("has no file above 390 lines of code, no class above 290, and of the pool none above 260", LIMIT, () => {
    const long: string[] = [];
    for (const file of sourceFiles()) {
      const lines = linesOfCode(textOf(file).split("\n"));
      // The codec's state is in variables of its modules, where compilers find it. So its reader and writer are not split.
      if (lines > (file.startsWith("_internal/codec/") ? 445 : 390)) long.push(`${file}: ${lines} lines`);
      for (const [name, length] of classesOf(file)) {
        if (length > (file.startsWith("_internal/pool/") ? 260 : 290)) {
          long.push(`${file}, class ${name}: ${length} lines`);
        }
      }
    }
    assertEquals(long, []);
  });

  it("has no two files of one name, but for the entry points and the twins", LIMIT, () => {
    const byName = Map.groupBy(sourceFiles(), (file) => file.slice(file.lastIndexOf("/") + 1));
    const twins = new Set(["mod.ts", "pool.ts", "current.ts"]);
    // What machines share is called as what threads share.
    for (const name of ["event", "lock", "queue", "semaphore", "value"]) twins.add(`${name}.ts`);
    assertEquals([...byName].filter(([name, files]) => files.length > 1 && !twins.has(name)), []);
  });

  for (const [runtime, entry] of [["Deno", "worker_entry.ts"], ["Bun", "worker_entry_bun.ts"]]) {
    it(`loads at most 38 modules before a thread's own on ${runtime}`, LIMIT, () => {
      const loaded = loadedWith(`_internal/threads/${entry}`);
      console.log(`${loaded.size} modules on ${runtime}`);
      assert(loaded.size <= 38, [...loaded].sort().join("\n"));
    });
  }

  it("loads nothing for many machines but with ./distributed", LIMIT, () => {
    const entries = [
      "mod.ts",
      "sync/mod.ts",
      "threading/mod.ts",
      "multiprocessing/mod.ts",
      "_internal/entries/child_entry.ts",
    ];
    const loaded = entries.flatMap((entry) => [...loadedWith(entry)]);
    assertEquals(loaded.filter((file) => file.startsWith("distributed/") || file.endsWith("/relay.ts")), []);
    assert(loadedWith("distributed/mod.ts").has("_internal/pool/relay.ts"));
  });

  it("loads no code for workers, processes and system calls with ./sync", LIMIT, () => {
    const others = [...loadedWith("sync/mod.ts")].filter((file) =>
      /^(?:threading|multiprocessing|_internal\/(?:threads|processes|pool|work|system|entries))\//.test(file) ||
      /^_internal\/runtime\/(?:workers|spawn)\.ts$/.test(file)
    );
    assertEquals(others, []);
  });
});
