/** What child processes may do. Deno alone, because Bun allows everything. */

import { Event, NotSupportedError, Process } from "@weft/concurrent/multiprocessing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { load } from "../../_internal/atomics.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import { OBJECT_HEADER } from "../../_internal/memory/memory.ts";
import {
  inheritedPermissions,
  parseCommandLine,
  type PermissionName,
} from "../../_internal/processes/runtime_command.ts";
import { OUTCOME, VALUE } from "../../_internal/work/record.ts";
import { isDeno } from "../_runtime.ts";
import * as targets from "./_permission_targets.ts";

const LIMIT = { timeout: 60_000 };
const HERE = fileURLToPath(new URL(".", import.meta.url));

describe("permissions of processes", { skip: !isDeno }, () => {
  it("are those of the program", LIMIT, async () => {
    const { whole } = await new Process({ target: targets.granted }).start().result();
    assertEquals(whole, ["read", "write", "net", "env", "run", "sys", "ffi", "import"]);
  });

  it("are fewer where that is asked for", LIMIT, async () => {
    const child = new Process({
      target: targets.granted,
      args: [[{ name: "env", variable: "HOME" }, { name: "env", variable: "PATH" }]],
      permissions: { read: true, ffi: true, env: ["HOME"] },
    });
    assertEquals(await child.start().result(), { whole: ["read", "ffi"], items: ["granted", "prompt"] });
  });

  it('"none": gets arguments and gives results all the same', LIMIT, async () => {
    const none = { permissions: "none" } as const;
    const asked = new Process({ target: targets.granted, args: [[{ name: "read", path: "/etc" }]], ...none });
    assertEquals(await asked.start().result(), { whole: [], items: ["prompt"] });
    const child = new Process({ target: targets.add, args: [2, 3], ...none }).start();
    assert(child.joinSync({ timeout: 20_000 }));
    assertEquals(child.exitCode, 0);
    assertEquals(await child.result(), 5);
    const failed = new Process({ target: targets.fail, ...none }).start();
    await assertRejects(() => failed.result(), RangeError, "no");
    assertEquals(failed.exitCode, 1);
    assertEquals(await new Process({ target: Math.sqrt, args: [49], ...none }).start().result(), 7);
    const subclass = new targets.Tripler({ args: [5], ...none });
    subclass.factor = 4;
    assertEquals(await subclass.start().result(), 20);
    const busy = new Process({ target: targets.spin, ...none }).start();
    busy.kill();
    assert(await busy.join());
    assertEquals(busy.exitCode, -9);
  });

  it('"none": what the program sends on the channel of its results does no harm', LIMIT, async () => {
    for (const blocked of [false, true]) {
      const child = new Process({ target: targets.chatter, permissions: "none" }).start();
      if (blocked) assert(child.joinSync({ timeout: 30_000 }));
      assertEquals(await child.result(), "the result");
    }
  });

  it('"none": arguments and results of any size, also while the starter blocks', LIMIT, async () => {
    const large = "x".repeat(2_000_000);
    const child = new Process({ target: targets.add, args: [large as never, 1], permissions: "none" }).start();
    assert(child.joinSync({ timeout: 30_000 }));
    assertEquals(child.exitCode, 0);
    assert(await child.result() as unknown === `${large}1`);
    const other = new Process({ target: targets.add, args: [large as never, 2], permissions: "none" }).start();
    assert(await other.result() as unknown === `${large}2`);
  });

  it('"none": the result is there also where the end is noticed before anything was read', LIMIT, async () => {
    const child = new Process({ target: targets.add, args: [2, 3], permissions: "none" }).start();
    // The event loop, which reads, does not turn.
    while (child.isAlive);
    // Also to threads that cannot read it: of them only the starter can.
    const { space, at } = locate(child)!;
    assertEquals(load(space.words, at + OBJECT_HEADER + OUTCOME), VALUE);
    assertEquals(await child.result(), 5);
  });

  it('"none": the folder and the environment are as asked for, the standard input is empty', LIMIT, async () => {
    const child = new Process({
      target: targets.surroundings,
      args: ["WEFT_TEST"],
      cwd: "/",
      env: { WEFT_TEST: "yes" },
      permissions: { read: true, env: true },
    });
    assertEquals(await child.start().result(), { cwd: "/", variable: "yes", hasPath: true, input: null });
  });

  it('"none": reads no file, also none of its own modules', LIMIT, async () => {
    const files = ["_permission_targets.ts", "process_permissions_test.ts", "../../deno.json"].map((file) =>
      HERE + file
    );
    const refused = files.map(() => "NotCapable");
    const exported = new Process({ target: targets.tryToRead, args: [files], permissions: "none" });
    assertEquals(await exported.start().result(), refused);
    const inline = new Process({
      target: (files: string[]) => targets.tryToRead(files),
      args: [files],
      permissions: "none",
    });
    assertEquals(await inline.start().result(), refused);
  });

  it("a process without ffi is given no shared object", LIMIT, () => {
    const child = new Process({ target: targets.take, args: [new Event()], permissions: { read: true } });
    assertThrows(() => child.start(), TypeError, "share");
    assertEquals(child.pid, undefined);
  });

  it("a busy process without ffi ends with its starter, too", LIMIT, async () => {
    const program = spawn(process.execPath, ["run", "-A", "--no-check", `${HERE}_none_program.ts`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<number>((resolve) => program.stdout!.once("data", (data) => resolve(Number(data))));
    program.kill("SIGKILL");
    const begin = performance.now();
    while (isRunning(pid)) {
      assert(performance.now() - begin < 2000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});

describe("permissions elsewhere", { skip: isDeno }, () => {
  it("are not supported", () => {
    assertThrows(() => new Process({ permissions: "none" }), NotSupportedError);
    assertThrows(() => new Process({ permissions: { read: true } }), NotSupportedError);
    new Process({ permissions: "inherit" });
  });
});

describe("flags", () => {
  const resolve = (path: string) => path.startsWith("/") ? path : `/folder/${path}`;
  const parse = (line: string) => parseCommandLine(line.split(" "), resolve);
  const flags = (line: string, query: (name: PermissionName, item?: string) => string) =>
    inheritedPermissions(parse(line), {
      resolve,
      query: (name, item) => {
        const state = query(name, item);
        return { state: state === "partial" ? "granted" : state, partial: state === "partial" };
      },
    });

  it("that matter to modules are given on, with absolute paths", () => {
    const { kept } = parse(
      "run -A --config a.json --import-map=b.json -q --unstable-kv --seed 5 --watch x.ts --config c",
    );
    assertEquals(kept, ["--config=/folder/a.json", "--import-map=/folder/b.json", "-q", "--unstable-kv"]);
    assertEquals(parse("test --filter x --no-lock a_test.ts --cached-only").kept, ["--no-lock", "--cached-only"]);
    assertEquals(parse("--no-config x.ts --no-lock").kept, ["--no-config"]);
  });

  it("are -A only where all is granted", () => {
    assertEquals(flags("run -A x.ts", () => "granted"), ["-A"]);
    assertEquals(flags("run -A x.ts", (name) => name === "net" ? "denied" : "granted").includes("--allow-net"), false);
    assertEquals(flags("run -A x.ts", (name) => name === "net" ? "partial" : "granted").includes("--allow-net"), false);
  });

  it("never widen a grant in part", () => {
    const query = (name: PermissionName, item?: string) =>
      name === "read" ? item === "/folder/a" ? "granted" : "prompt" : name === "env" ? "partial" : "denied";
    assertEquals(flags("run -R=a,/b --allow-env --deny-env=HOME --allow-net x.ts --allow-run", query), [
      "--allow-read=/folder/a",
      "--deny-env=HOME",
      "--allow-env",
    ]);
  });
});

function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
