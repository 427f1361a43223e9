import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import {
  BELL_COUNT,
  BELLS_AT,
  FREE_LIST_COUNT,
  FREE_LISTS_AT,
  HEAP_AT,
  PARTICIPANT_COUNT,
  PARTICIPANTS_AT,
} from "../../_internal/memory/memory.ts";
import { DEFAULT_SPINS, SLICE_MS } from "../../_internal/memory/wait_point.ts";
import { FLOORS, textOf } from "../../tools/_house.ts";

const LIMIT = { timeout: 60_000 };
const ROOT = new URL("../../", import.meta.url);

/** The rooms of each floor in the drawing, the lowest floor first. */
function drawn(page: string): string[][] {
  const [, drawing = ""] = /^## The floors$.*?^```text$(.*?)^```$/ms.exec(page) ?? [];
  return drawing.split("\n")
    .map((line) => line.match(/\w+(?:\/\w+)*(?:\/|\.ts)(?= )/g) ?? [])
    .filter((rooms) => rooms.length > 0)
    .reverse();
}

describe("docs/architecture.md", () => {
  it("draws each floor of the house, the highest on top", LIMIT, () => {
    assertEquals(drawn(textOf("docs/architecture.md")), FLOORS.map((rooms) => [...rooms]));
  });

  it("draws the memory with the addresses and sizes of the source", LIMIT, () => {
    const page = textOf("docs/architecture.md");
    const drawn = [...page.matchAll(/^ *(\d+) {2}(header|free lists|doorbells|participants|heap) +([\d,]*)/gm)]
      .map(([, at, name, count]) => [name, Number(at), Number(count!.replace(",", ""))]);
    assertEquals(drawn, [
      ["header", 0, 0],
      ["free lists", FREE_LISTS_AT, FREE_LIST_COUNT],
      ["doorbells", BELLS_AT, BELL_COUNT],
      ["participants", PARTICIPANTS_AT, PARTICIPANT_COUNT],
      ["heap", HEAP_AT, 0],
    ]);
  });

  it("gives the spins and the slices of a wait as the source does", LIMIT, () => {
    const page = textOf("docs/architecture.md");
    assertEquals(/while it pauses (\d+) times/.exec(page)?.[1], String(DEFAULT_SPINS));
    assertEquals(
      [...page.matchAll(/(?:no sleep is longer than|A timer looks every) (\d+) ms/g)].map(([, ms]) => Number(ms)),
      [
        SLICE_MS,
        SLICE_MS,
      ],
    );
  });

  it("lists its sections at its top", LIMIT, () => {
    const page = textOf("docs/architecture.md");
    const listed = [...page.matchAll(/^- \[([^\]]+)\]\(#/gm)].map(([, title]) => title);
    assertEquals(listed, [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title));
    assert(listed.length >= 11, `${listed.length} sections`);
  });

  it("names files and folders that exist", LIMIT, () => {
    const named = [...textOf("docs/architecture.md").matchAll(/`(\w[\w./-]*(?:\.ts|\.md|\/))`/g)].map(([, path]) =>
      path!
    );
    assert(named.length > 80, `${named.length} paths`);
    assertEquals(named.filter((path) => !existsSync(new URL(path, ROOT))), []);
  });
});
