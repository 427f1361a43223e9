/**
 * Results as they can stand in Markdown. Names, notes and versions are whatever a program or a machine calls itself: a `|` in them
 * would be a cell of its own, a `<` a tag.
 */

import type { Run } from "./results.ts";

/** Text that says the same in Markdown, in a line and in a cell of a table. What stands for itself there is left as it is. */
export function plain(text: string): string {
  return oneLine(text)
    .replaceAll(/[\\`|[\]]/g, "\\$&")
    // Between letters, or between spaces, these mean nothing.
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_")
    .replaceAll(/(?<!\s|^)\*|\*(?!\s|$)/g, "\\*")
    .replaceAll(/&(?=#?\w+;)/g, "&amp;")
    .replaceAll("<", "&lt;");
}

/** Text that can stand between backticks. */
export function inCode(text: string): string {
  return oneLine(text).replaceAll("`", "'");
}

/** A run whose text can stand in Markdown, its command between backticks. */
export function inMarkdown<R extends Run & { readonly note?: string }>(run: R): R {
  const { machine, note, notes, stopped, groups } = run;
  return {
    ...run,
    command: inCode(run.command),
    note: note === undefined ? undefined : plain(note),
    notes: notes?.map(plain),
    stopped: stopped === undefined ? undefined : plain(stopped),
    machine: {
      ...machine,
      processor: plain(machine.processor),
      system: plain(machine.system),
      versions: Object.fromEntries(
        Object.entries(machine.versions).map(([name, version]) => [plain(name), plain(version)]),
      ),
    },
    groups: groups.map((group) => ({
      ...group,
      name: plain(group.name),
      unit: plain(group.unit),
      contestants: group.contestants.map(({ name, runtime, note, ...contestant }) => ({
        ...contestant,
        name: plain(name),
        runtime: plain(runtime),
        note: note === undefined ? undefined : plain(note),
      })),
    })),
  };
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}
