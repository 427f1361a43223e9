/**
 * The command line of the programs of benchmarks: the options, the output of `--help`, and the errors of the caller, which are
 * printed in one line, with 2 as the exit code.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { UserError } from "./user_error.ts";

/** An option. */
export interface Option {
  readonly type: "string" | "boolean";
  /** The placeholder of its value in the help. */
  readonly value?: string;
  /** Its value if it is not given. Without a default it is `undefined` then, or `false`. */
  readonly default?: string;
  /** What it does, and what happens without it. */
  readonly about: string;
}

/** Options by name. */
export type Options = Readonly<Record<string, Option>>;

/** A program. */
export interface Command<O extends Options = Options> {
  /** What follows `deno task`. */
  readonly task: string;
  /** What it does. */
  readonly about: string;
  /** Its positional arguments, for the help: `OLD.json NEW.json`. Default: none. */
  readonly files?: string;
  readonly options: O;
  /** Examples: what follows the task, and what it does then. */
  readonly examples: readonly (readonly [args: string, does: string])[];
  /** The meaning of its exit codes, besides the 2 that all programs have. */
  readonly exitCodes: Readonly<Record<number, string>>;
}

/** What the caller gave. */
export interface Given<O extends Options> {
  readonly values: {
    readonly [K in keyof O]: O[K] extends { type: "boolean" } ? boolean
      : O[K] extends { default: string } ? string
      : string | undefined;
  };
  readonly files: readonly string[];
}

/**
 * Runs a program and exits with the code that it returns, 0 if none. Children of the program may still be running.
 */
export async function runCommand<O extends Options>(
  command: Command<O>,
  run: (given: Given<O>) => number | void | Promise<number | void>,
): Promise<never> {
  try {
    const given = readCommand(command, process.argv.slice(2));
    if (given === "help") console.log(helpOf(command));
    process.exit(given === "help" ? 0 : await run(given) ?? 0);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`error: ${error.message}`);
    process.exit(2);
  }
}

/** Reads the command line. */
export function readCommand<O extends Options>(command: Command<O>, args: readonly string[]): Given<O> | "help" {
  const options: Record<string, { type: "string" | "boolean"; default?: string | boolean; short?: string }> = {
    help: { type: "boolean", short: "h" },
  };
  for (
    const [name, { type, default: value = type === "boolean" ? false : undefined }] of Object.entries(command.options)
  ) {
    options[name] = { type, default: value };
  }
  try {
    const allowPositionals = command.files !== undefined;
    const { values: { help, ...values }, positionals } = parseArgs({ args: [...args], options, allowPositionals });
    return help === true ? "help" : { values: values as Given<O>["values"], files: positionals };
  } catch (error) {
    // The text after the first sentence is about positional arguments, and does not matter here.
    const [fault] = (error as Error).message.split(/\.? (?:To specify|This command)|\n/);
    throw new UserError(
      `Cannot run ${command.task}: ${fault!.charAt(0).toLowerCase()}${
        fault!.slice(1)
      }: see deno task ${command.task} --help`,
    );
  }
}

/** What `--help` prints. */
export function helpOf({ task, about, files, options, examples, exitCodes }: Command): string {
  const listed: [string, string][] = Object.entries(options).map((
    [name, { type, value = "TEXT", default: text, about }],
  ) => [
    type === "boolean" ? `--${name}` : `--${name}=${value}`,
    text === undefined ? about : `${about}. Default: ${text}`,
  ]);
  const codes = { 0: "it is done", ...exitCodes, 2: "an option, a file or a name is wrong" };
  return [
    `deno task ${[task, ...(files === undefined ? [] : [files]), "[options]"].join(" ")}`,
    about,
    `Options:\n${columns([...listed, ["--help", "prints this"]])}`,
    `Examples:\n${columns(examples.map(([args, does]) => [`deno task ${task} ${args}`.trimEnd(), does]))}`,
    `Exit codes:\n${columns(Object.entries(codes))}`,
  ].join("\n\n");
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

/** The most that an option counts: more would take months. */
const MOST = 1_000;

/** Reads an option that is a whole number from 1 to {@linkcode MOST}. `undefined` if it is not given. */
export function countOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text) || Number(text) > MOST) {
    throw new UserError(
      `Cannot run benchmarks: --${name} must be a whole number from 1 to ${MOST}: received '${text}'`,
    );
  }
  return Number(text);
}

/** Reads an option that is a list of names, with commas between them. `undefined` if it is not given. */
export function namesOption<T extends string>(
  name: string,
  text: string | undefined,
  known: readonly T[],
): T[] | undefined {
  if (text === undefined) return undefined;
  return text.split(",").map((each) => {
    const found = known.find((one) => one === each.trim());
    if (found !== undefined) return found;
    throw new UserError(`Cannot run benchmarks: --${name} must name some of ${known.join(", ")}: received '${text}'`);
  });
}
