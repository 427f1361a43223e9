/** Remarks about figures: marks in the cells of a table, and the notes below it that they point to. */

import { describeMachine } from "./machine.ts";
import { busyNoteOf, type Contestant, labelOf, type Run, stoppedNoteOf } from "./results.ts";

/** A remark about a figure. */
export interface Remark {
  /** Which figure it is. */
  readonly about: string;
  readonly note?: string;
  readonly busy?: number;
}

/** The remarks about a contestant of a group. */
export function remarkOn(group: string, contestant: Contestant): Remark {
  const { note, busy } = contestant;
  return { about: `${group}: ${labelOf(contestant)}`, note, busy };
}

/** Notes of one table. */
export class Notes {
  readonly #texts: string[] = [];

  /** The marks behind a figure with these remarks. */
  mark(...remarks: readonly Remark[]): string {
    const numbers = remarks.flatMap(({ about, note }) =>
      note === undefined ? [] : [this.#numberOf(`${about}: ${note}`)]
    );
    const busy = remarks.some(({ busy }) => busy !== undefined) ? ["busy"] : [];
    const marks = [...numbers.map((number) => `note ${number}`), ...busy];
    return marks.length === 0 ? "" : ` (${marks.join(", ")})`;
  }

  /** A paragraph for below the table. Empty if there are no remarks. */
  below(): string[] {
    return this.#texts.length === 0 ? [] : [this.#texts.map((text, i) => `Note ${i + 1}: ${text}.`).join("  \n")];
  }

  #numberOf(text: string): number {
    if (!this.#texts.includes(text)) this.#texts.push(text);
    return this.#texts.indexOf(text) + 1;
  }
}

/** The mark behind a figure if there is no room for notes, as in a chart. */
export function shortMark({ note, busy }: Pick<Contestant, "note" | "busy">): string {
  if (note !== undefined) return " (failed)";
  return busy === undefined ? "" : " (busy)";
}

/** The text above the tables of a run: where, when and how it was measured, how to read it, and remarks. */
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

/** Sentences, each with one full stop, as one paragraph. Empty or absent sentences are left out. */
export function sentences(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== "").map((text) => text!.replace(/\.?$/, ".")).join(" ");
}
