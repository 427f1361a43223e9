import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Entry, measure, type Measured, stepsOf } from "../../benches/lib/measure.ts";
import { HangError, Player, PlayerError } from "../../benches/lib/player.ts";

const LIMIT = { timeout: 60_000 };

const FILE = fileURLToPath(new URL("./_player.ts", import.meta.url));
const COMMAND = [process.execPath, ...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []), FILE];

function entry(work: string, player = "one"): Entry {
  return { group: "test", name: work, runtime: "Test", ours: true, player, work, n: 10 };
}

/** Whether one of the players is stopped, on Linux. */
function isAnyChildStopped(): boolean {
  if (process.platform !== "linux") return false;
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).some((pid) => {
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return Number(parent) === process.pid && state === "T";
    } catch {
      return false;
    }
  });
}

/** Whether a process is there; a zombie is not. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("a player", () => {
  it("is greeted by, plays, and ends", LIMIT, async () => {
    const player = await Player.start({ command: COMMAND });
    assertEquals(player.greeting.name, "test");
    assertEquals(player.greeting.version, "1.2.3");
    assertEquals((await player.play("own", 4)).ns, 100);
    assertEquals((await player.play("own", 7, { parts: 3 })).ns, 175);
    const { ns, probeNs, probingNs } = await player.play("spin", 10, { parts: 20 });
    assertEquals([(await player.play("own", 1)).own, (await player.play("spin", 1)).own], [true, undefined]);
    assert(ns > 0 && probeNs! > 0 && probingNs! > 11 * probeNs!);
    await assertRejects(() => player.play("fail", 1), PlayerError, "RangeError: out of order");
    await assertRejects(() => player.play("other", 1), PlayerError, "no work 'other'");
    // A work that says itself how long it took: as often as makes the time that is wanted.
    assertEquals(await player.countFor("own", 1), 40_000);
    assertEquals(await player.countFor("own", 1, 1_000, 50_000), 50_000);
    await player.end();
    await assertRejects(() => player.play("own", 1), PlayerError, "the player ended");
  });

  it("is killed when a work hangs", LIMIT, async () => {
    const player = await Player.start({ command: COMMAND });
    await assertRejects(() => player.play("hang", 1, { limit: 50 }), HangError, "Cannot play 'hang' within 50 ms");
    await player.end();
  });

  it("goes with a driver that is killed, also while it is stopped", LIMIT, async () => {
    const driver = COMMAND.with(-1, fileURLToPath(new URL("./_stops_player.ts", import.meta.url)));
    const child = spawn(driver[0]!, [...driver.slice(1), JSON.stringify(COMMAND)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(child.stdout, "data") as [Uint8Array];
    const pid = Number(new TextDecoder().decode(line));
    process.kill(pid, 0);
    child.kill("SIGKILL");
    while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it(
    "that greets with other words is killed, and its driver told",
    { ...LIMIT, skip: process.platform === "win32" },
    async () => {
      for (const words of ["hello $$", '[\\"$$\\"]', "null $$"]) {
        const error = await assertRejects(
          () => Player.start({ command: ["sh", "-c", `echo "${words}"; exec sleep 60`] }),
          PlayerError,
          'its first line must be JSON with "ready": true: received',
        );
        const pid = Number(/received '\D*(\d+)/.exec(error.message)![1]);
        while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  );

  it("goes with a driver that ends before it is ready", { ...LIMIT, skip: process.platform === "win32" }, async () => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const starter = COMMAND.with(-1, fileURLToPath(new URL("./_starts_player.ts", import.meta.url)));
      const program = "echo $$ >&2; exec sleep 60";
      const child = spawn(starter[0]!, [...starter.slice(1), JSON.stringify(["sh", "-c", program])], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [[line]] = await Promise.all([once(child.stderr, "data"), once(child.stdout, "data")]) as [
        [Uint8Array],
        unknown,
      ];
      const pid = Number(new TextDecoder().decode(line));
      assert(isThere(pid));
      child.kill(signal);
      while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  it("that does not start is an error", LIMIT, async () => {
    await assertRejects(() => Player.start({ command: ["/nowhere/player"] }), PlayerError, "ended before it was ready");
  });
});

describe("measuring", () => {
  it("has a work that takes far longer than a sample should done once in each start", LIMIT, async () => {
    const steps: string[] = [];
    const plan = {
      groups: [{ name: "test", unit: "ns", better: "less" as const }],
      players: { one: { command: COMMAND } },
      entries: [{ ...entry("own"), n: undefined, least: 10 }],
      starts: 3,
      rounds: 2,
      sampleMs: 1e-6,
      patience: 0,
    };
    const { groups } = await measure({ ...plan, onStep: (done) => steps.push(done) });
    const { samples, dropped } = groups[0]!.contestants[0]!;
    // Where others are busy, some are dropped.
    assertEquals(samples.length + dropped, 3);
    assert(samples.every(({ value }) => value === 25));
    assertEquals(steps.length, stepsOf(plan));
  });

  it(
    "takes samples of each start in turns, and goes on without contestants that hang, fail or end",
    LIMIT,
    async () => {
      const plan = {
        groups: [{ name: "test", unit: "ns", better: "less" as const }],
        players: { one: { command: COMMAND } },
        entries: [entry("spin"), entry("hang"), entry("fail"), entry("end"), entry("own")],
        starts: 2,
        rounds: 2,
        limit: 2_000,
        patience: 0,
      };
      const steps: string[] = [];
      const soFar: Measured[] = [];
      const { groups, versions } = await measure({
        ...plan,
        onStep: (done) => steps.push(done),
        onStart: (measured) => soFar.push(measured),
      });
      // So that a run that is broken off leaves something.
      assertEquals(soFar.length, 2);
      assert(soFar[0]!.groups[0]!.contestants[0]!.samples.length > 0);
      assertEquals(soFar.at(-1)!.groups, groups);
      assertEquals(versions, { Test: "1.2.3" });
      assertEquals(steps.length, stepsOf(plan));
      const [spin, hang, fail, end, own] = groups[0]!.contestants;
      // On a busy machine the disturbed ones are fewer, and the note says so.
      assert(spin!.samples.length >= 2 && spin!.samples.every(({ value }) => value > 0));
      assertEquals(hang!.samples, []);
      assertEquals(hang!.note, "hangs");
      assertMatch(fail!.note!, /out of order/);
      assertMatch(end!.note!, /the player ended/);
      assert(own!.samples.every(({ value }) => value === 25));
      // What the processor did for a work beside its own time is not known; that of the others is, on Linux.
      assert(own!.samples.every(({ processorNs }) => processorNs === undefined));
      if (process.platform === "linux") assert(spin!.samples.every(({ processorNs }) => processorNs !== undefined));
      assertEquals(new Set(own!.samples.map(({ start }) => start)).size > 0, true);
    },
  );

  it("stops the players whose turn it is not, and has them go on", LIMIT, async () => {
    const stopped: boolean[] = [];
    const { groups } = await measure({
      groups: [{ name: "test", unit: "ns", better: "less" }],
      players: { one: { command: COMMAND }, two: { command: COMMAND } },
      entries: [entry("spin"), entry("spin", "two")],
      starts: 1,
      rounds: 3,
      limit: 20_000,
      patience: 0,
      onStep: () => stopped.push(isAnyChildStopped()),
    });
    for (const { samples, note } of groups[0]!.contestants) {
      assertEquals(note, undefined);
      assert(samples.length >= 2);
    }
    // In the first step there is only one player.
    if (process.platform === "linux") assert(stopped.slice(1).every((some) => some));
  });
});
