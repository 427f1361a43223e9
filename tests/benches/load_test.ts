import process from "node:process";
import { describe, it } from "node:test";
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import {
  isDisturbed,
  loadBetween,
  LoadMeter,
  parseIdle,
  parseProcess,
  parseProcessors,
  treeOf,
  type Usage,
} from "../../benches/lib/load.ts";
import { toldOf } from "../../benches/lib/watch.ts";

const LIMIT = { timeout: 10_000 };

const STAT = `cpu  300 20 100 900 30 0 5 7 0 0
cpu0 100 10 50 400 10 0 5 7 0 0
cpu1 200 10 50 500 20 0 0 0 0 0
intr 1 2 3
ctxt 12345
`;

/** The text of /proc/PID/stat. */
function statOf(pid: number, parent: number, session: number, ticks: readonly number[]): string {
  return `${pid} (a (b) c) S ${parent} ${session} ${session} 0 -1 4194304 100 0 0 0 ${ticks.join(" ")} 20 0 3 0 5 6 7`;
}

function usage(at: number, idleNs: number, treeNs: number | undefined, driverNs = 0): Usage {
  return { at, idleNs, treeNs, driverNs };
}

it("what is printed and not kept tells how much others used, and says so where that was much", LIMIT, () => {
  const told = (othersShare?: number) => toldOf({ wallNs: 1e9, processorNs: 1e9, othersShare }, 2);
  assertEquals(told(0.02), "A quiet machine: other programs used 0.04 of 2 cores meanwhile");
  assertMatch(told(0.4), /^The machine was busy.*other programs used 0\.80 of 2 cores meanwhile$/);
  assertMatch(told(), /^This system does not tell/);
});

describe("the load of the machine", () => {
  it("is read of the processors that the program may use", LIMIT, () => {
    assertEquals(parseIdle(STAT, new Set([0, 1])), (400 + 10 + 500 + 20) * 1e7);
    assertEquals(parseIdle(STAT, new Set([1])), (500 + 20) * 1e7);
    assertEquals([...parseProcessors("0-2,5,8-9\n")], [0, 1, 2, 5, 8, 9]);
  });

  it("has the times of a process whose name has brackets in it", LIMIT, () => {
    assertEquals(parseProcess(statOf(17, 3, 16, [11, 12, 13, 14])), {
      pid: 17,
      parent: 3,
      session: 16,
      ownNs: 23e7,
      reapedNs: 27e7,
    });
  });

  it("counts descendants to a tree, and those of its session whose parent has ended", LIMIT, () => {
    const all = ([[10, 1, 10], [11, 10, 10], [12, 11, 12], [13, 1, 10], [14, 13, 14], [20, 1, 20], [1, 0, 1]] as const)
      .map(([pid, parent, session]) => parseProcess(statOf(pid, parent, session, [0, 0, 0, 0])));
    assertEquals(treeOf(10, all).map(({ pid }) => pid).sort(), [10, 11, 12, 13, 14]);
    assertEquals(treeOf(99, all), []);
  });

  it("is what was busy, less what the measured programs and the driver used", LIMIT, () => {
    // Two processors for a second: 1.2 s idle, 0.5 s the programs', 0.1 s the driver's.
    const load = loadBetween(usage(0, 0, 1e9, 1e9), usage(1e9, 1.2e9, 1.5e9, 1.1e9), 2);
    assertEquals(load.processorNs, 0.5e9);
    assertAlmostEquals(load.othersShare!, 0.1);
    assertEquals(isDisturbed(load, 2), true);
  });

  it("is not a disturbance where ticks alone may have made it", LIMIT, () => {
    const quiet = loadBetween(usage(0, 0, 0), usage(0.1e9, 0.08e9, 0.1e9), 2);
    assertAlmostEquals(quiet.othersShare!, 0.1);
    assertEquals(isDisturbed(quiet, 2), false);
    // More was used than time went by, as rounding may have it.
    assertEquals(loadBetween(usage(0, 0, 0), usage(1e9, 1e9, 1.2e9), 2).othersShare, 0);
  });

  it("is not known where the system does not tell", LIMIT, () => {
    const load = loadBetween(usage(0, 0, undefined), usage(1e9, 0, undefined), 2);
    assertEquals([load.processorNs, load.othersShare], [undefined, undefined]);
    assertEquals(isDisturbed(load, 2), undefined);
  });

  it("is not known of a moment, in which ticks tell nothing", LIMIT, () => {
    const load = loadBetween(usage(0, 0, 0), usage(0.05e9, 0, 0), 2);
    assertEquals([load.othersShare, isDisturbed(load, 2)], [1, undefined]);
  });

  it("is a disturbance where others used half a core, however many there are", LIMIT, () => {
    const disturbed = [1, 2, 4, 16, 64, 128].map((processors) => {
      const idle = (others: number) => (processors - others) * 1e9;
      return [0.03, 0.75].map((others) =>
        isDisturbed(loadBetween(usage(0, 0, 0), usage(1e9, idle(others), 0), processors), processors)
      );
    });
    assertEquals(disturbed, Array(6).fill([false, true]));
  });

  it("of a moment is judged by a look of a tenth of a second around it", LIMIT, async () => {
    const meter = new LoadMeter();
    const { wallNs, othersShare } = await meter.look(process.pid, meter.read(process.pid));
    if (process.platform !== "linux") return assertEquals(othersShare, undefined);
    assert(wallNs > 0.95e8);
    assert(othersShare! >= 0 && othersShare! <= 1);
  });
});
