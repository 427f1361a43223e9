/** What has to be said beside figures: marks in the cells of a table, and the notes below it that they point to. */

import { describeMachine } from "./machine.ts";
import { busyNoteOf, type Contestant, labelOf, type Run, stoppedNoteOf } from "./results.ts";

/** What has to be said of a figure. */
export interface Remark {
  /** Which figure it is. */
  readonly about: string;
  readonly note?: string;
  readonly busy?: number;
}

/** What has to be said of a contestant of a group. */
export function remarkOn(group: string, contestant: Contestant): Remark {
  const { note, busy } = contestant;
  return { about: `${group}: ${labelOf(contestant)}`, note, busy };
}

/** Notes of one table. */
export class Notes {
  readonly #texts: string[] = [];

  /** What follows a figure that is made of what these remarks are about. */
  mark(...remarks: readonly Remark[]): string {
    const numbers = remarks.flatMap(({ about, note }) =>
      note === undefined ? [] : [this.#numberOf(`${about}: ${note}`)]
    );
    const busy = remarks.some(({ busy }) => busy !== undefined) ? ["busy"] : [];
    const marks = [...numbers.map((number) => `note ${number}`), ...busy];
    return marks.length === 0 ? "" : ` (${marks.join(", ")})`;
  }

  /** A paragraph for below the table; none if there is nothing to say. */
  below(): string[] {
    return this.#texts.length === 0 ? [] : [this.#texts.map((text, i) => `Note ${i + 1}: ${text}.`).join("  \n")];
  }

  #numberOf(text: string): number {
    if (!this.#texts.includes(text)) this.#texts.push(text);
    return this.#texts.indexOf(text) + 1;
  }
}

/** What follows a figure where there is no room for notes, as in a chart. */
export function shortMark({ note, busy }: Pick<Contestant, "note" | "busy">): string {
  if (note !== undefined) return " (failed)";
  return busy === undefined ? "" : " (busy)";
}

/** What stands above the tables of a run: where, when and how it was measured, how to read it, and what else is to be said. */
export function headOf(run: Run, reading: string, more: readonly (string | undefined)[]): string {
  return sentences([
    describeMachine(run.machine),
    `${run.date.slice(0, 10)}, \`${run.command}\``,
    reading,
    run.quick ? "A quick run: the figures are rough" : "",
    stoppedNoteOf(run),
    busyNoteOf(run),
    ...more,
  ]);
}

/** Sentences, each with one full stop, as one paragraph. What is empty or absent is left out. */
export function sentences(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== "").map((text) => text!.replace(/\.?$/, ".")).join(" ");
}
