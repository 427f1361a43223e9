import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  busyNoteOf,
  checkRun,
  labelOf,
  readFigures,
  readRun,
  remarkOf,
  type Run,
  samplesOf,
  stoppedNoteOf,
  writeRun,
} from "../../benches/lib/results.ts";
import { formatSpread } from "../../benches/lib/table.ts";
import { UserError } from "../../benches/lib/user_error.ts";
import { withFolder } from "./_folder.ts";
import { makeRun } from "./_made_runs.ts";

const LIMIT = { timeout: 10_000 };

/** A run of one sample. */
function withValue(value: number): Run {
  const run = makeRun({ seed: 1, starts: 1, rounds: 1 });
  const [contestant] = run.groups[0]!.contestants;
  return { ...run, groups: [{ ...run.groups[0]!, contestants: [{ ...contestant!, samples: [{ value, start: 0 }] }] }] };
}

describe("results of benchmarks", () => {
  it("are read as they were written", LIMIT, () =>
    withFolder((folder) => {
      const run = makeRun({ seed: 1, starts: 2, rounds: 2 });
      writeRun(join(folder, "run.json"), run);
      assertEquals(readRun(join(folder, "run.json")), run);
      writeFileSync(join(folder, "other.json"), "{");
      for (const name of ["none.json", "other.json"]) {
        assertThrows(() => readRun(join(folder, name)), TypeError, `${name} must be a file that bench:record`);
      }
      assertEquals(readdirSync(folder).sort(), ["other.json", "run.json"]);
    }));

  it("are refused where those of another program are needed, or samples", LIMIT, () =>
    withFolder((folder) => {
      const file = join(folder, "run.json");
      writeRun(file, makeRun({ seed: 1, starts: 1, rounds: 1 }));
      assertEquals(readRun(file, "peers").kind, "peers");
      assertThrows(
        () => readRun(file, "cores"),
        UserError,
        "must have those of bench:cores: received those of bench:peers",
      );
      const part = { ...makeRun({ seed: 1, starts: 1, rounds: 1 }), stopped: "3 of 40 groups" };
      writeRun(file, part);
      assertEquals(readFigures(file, "peers"), part);
      writeRun(file, { ...part, groups: [] });
      assertEquals(readRun(file), { ...part, groups: [] });
      assertThrows(() => readFigures(file), UserError, "run.json must have samples: received none");
    }));

  it("say that they are a part, if the run was stopped", LIMIT, () => {
    assertEquals(stoppedNoteOf({}), undefined);
    assertEquals(
      stoppedNoteOf({ stopped: "3 of 40 groups" }),
      "This is a part of a run that was stopped: 3 of 40 groups",
    );
  });

  it("may be below 0, and are written also where one of them is wrong", LIMIT, () =>
    withFolder((folder) => {
      const file = join(folder, "run.json");
      writeRun(file, withValue(-4096));
      assertEquals(readRun(file), withValue(-4096));
      assertThrows(() => writeRun(file, withValue(NaN)), TypeError, "samples[0].value' must be a finite number");
      assertEquals(JSON.parse(readFileSync(file, "utf8")).groups[0].contestants[0].samples[0].value, null);
    }));

  it("are refused with the place of what is wrong", LIMIT, () => {
    const run = makeRun({ seed: 1, starts: 1, rounds: 1 });
    const [contestant] = run.groups[0]!.contestants;
    const wrong: [value: unknown, message: string][] = [
      [{ ...run, schema: 7 }, "'schema' must be 1, or the file made anew with this version: received 7"],
      [
        { ...run, kind: "old" },
        "'kind' must be one of peers, cores, bench, distributed, account, fairness: received \"old\"",
      ],
      [{ ...run, groups: {} }, "'groups' must be an array: received {}"],
      [null, "'' must be an object: received null"],
      [{ ...run, date: "yesterday" }, "'date' must be a date in the form of ISO 8601: received \"yesterday\""],
      [{ ...run, stopped: 3 }, "'stopped' must be a string: received 3"],
      [
        { ...run, machine: { ...run.machine, cores: 1.5 } },
        "'machine.cores' must be a whole number of 1 or more: received 1.5",
      ],
      [
        {
          ...run,
          groups: [{ ...run.groups[0], contestants: [{ ...contestant, samples: [{ value: 1, start: -1 }] }] }],
        },
        "'groups[0].contestants[0].samples[0].start' must be a whole number of 0 or more: received -1",
      ],
      [
        {
          ...run,
          groups: [{ ...run.groups[0], contestants: [{ ...contestant, samples: [{ value: null, start: 0 }] }] }],
        },
        "'groups[0].contestants[0].samples[0].value' must be a finite number: received null",
      ],
    ];
    for (const [value, message] of wrong) {
      assertThrows(() => checkRun(value, "a.json"), TypeError, `Cannot read results of a.json: ${message}`);
    }
  });

  it("have a label for each contestant", LIMIT, () => {
    const contestant = { name: "threading", runtime: "Bun", ours: true, samples: [], dropped: 0 };
    assertEquals(labelOf(contestant), "threading, Bun");
    assertEquals(labelOf({ ...contestant, workers: 4 }), "threading, Bun x 4");
  });

  it("say how many samples of how many starts a figure is made of, and that a lone sample is one", LIMIT, () => {
    const [many] = makeRun({ seed: 1, starts: 3, rounds: 3 }).groups[0]!.contestants;
    const [lone] = makeRun({ seed: 1, starts: 1, rounds: 1 }).groups[0]!.contestants;
    assertEquals([samplesOf(many!), samplesOf(lone!)], ["9 from 3 starts", "1 from 1 start"]);
    assertEquals([0.032, undefined, Infinity].map(formatSpread), ["± 3.2 %", "one sample", "about 0"]);
  });

  it("say how busy the machine was, for a figure and for all", LIMIT, () => {
    const run = makeRun({ seed: 1, starts: 1, rounds: 1 });
    assertEquals(busyNoteOf(run), undefined);
    assertMatch(busyNoteOf(withValue(1))!, /^This system does not tell what other programs used/);
    const [group] = run.groups;
    const contestants = group!.contestants.map((each, i) => i < 3 ? { ...each, busy: 0.1 * (i + 1) } : each);
    assertEquals(remarkOf(contestants[2]!), "busy machine: others used up to 30 %");
    assertEquals(remarkOf(contestants[3]!), undefined);
    assertEquals(
      busyNoteOf({ ...run, groups: [{ ...group!, contestants }] }),
      "The machine was busy: in 3 of 60 figures other programs used up to 30 % of it",
    );
  });
});
