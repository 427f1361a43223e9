/** How thoroughly the programs of benchmarks measure: the options for that, and their effect. */

import { countOption, type Options } from "./command.ts";

/** How often each contestant is started, and how many samples are taken in each start. */
export interface Pace {
  readonly starts: number;
  readonly rounds: number;
}

/** The paces of a program: as usual, and of a quick run. */
export interface Paces {
  readonly usual: Pace;
  readonly quick: Pace;
}

/** The options that say how thoroughly. `remark` is what else they do. */
export function paceOptions({ usual, quick }: Paces, remark = "") {
  const number = (key: keyof Pace): string =>
    usual[key] === quick[key] ? `${usual[key]}` : `${usual[key]}; ${quick[key]} with --quick`;
  return {
    starts: { type: "string", value: "N", about: `starts of each contestant${remark}. Default: ${number("starts")}` },
    rounds: { type: "string", value: "N", about: `samples of each start${remark}. Default: ${number("rounds")}` },
  } as const satisfies Options;
}

/** What the caller wants. `isThorough`: no less than usual. */
export function paceOf(
  values: { readonly quick: boolean; readonly starts?: string; readonly rounds?: string },
  { usual, quick }: Paces,
): Pace & { readonly isThorough: boolean } {
  const pace = values.quick ? quick : usual;
  const starts = countOption("starts", values.starts) ?? pace.starts;
  const rounds = countOption("rounds", values.rounds) ?? pace.rounds;
  return { starts, rounds, isThorough: !values.quick && starts >= usual.starts && rounds >= usual.rounds };
}
