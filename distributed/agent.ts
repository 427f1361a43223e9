#!/usr/bin/env bun
/**
 * An agent from the command line: it works for the pools of a fleet until SIGTERM or SIGINT, and then ends what it has begun.
 *
 * ```text
 * deno run -A jsr:@weft/concurrent/agent --connect nats://queue:4222 --root .
 * bunx weft-agent --connect nats://queue:4222 --root .
 * ```
 *
 * `--help` says what else there is.
 *
 * It exits with 0 when it has ended as it was told to, and otherwise with 1 and a sentence on stderr.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { cpuCount } from "../_internal/runtime/runtime.ts";
import { addressOf, addressOfEnvironment } from "./_address.ts";
import { rootFrom } from "./_code.ts";
import { serve, type ServeOptions } from "./serve.ts";

const HELP = `Works for the pools of a fleet until SIGTERM or SIGINT.

--connect ADDRESS   where the engine is; by default what WEFT_CONNECT says
--root FOLDER       the folder below which the modules are; by default this one
--fleet NAME        by default "default"
--slots N           how many tasks at a time; by default one for each processor
--threads           its workers are threads, and not processes
--creds FILE        a credentials file
--label KEY=VALUE   what pools say of it; more than once
--inline            makes functions that no module exports of their sources, also for an engine elsewhere
--insecure          serves an engine elsewhere without a password, token or key
--grace SECONDS     how long what runs may take at the end; by default 30`;

/** What a command line asks for. Throws a sentence. */
function optionsOf(args: string[]): ServeOptions {
  const { values } = parseArgs({
    args,
    options: {
      connect: { type: "string", default: addressOfEnvironment() },
      root: { type: "string", default: "." },
      fleet: { type: "string" },
      slots: { type: "string" },
      threads: { type: "boolean", default: false },
      creds: { type: "string" },
      label: { type: "string", multiple: true, default: [] },
      inline: { type: "boolean" },
      insecure: { type: "boolean" },
      grace: { type: "string" },
    },
  });
  const { connect, creds, slots, grace, threads, label, ...others } = values;
  if (connect === undefined) {
    throw new TypeError("Cannot serve as nothing says where the engine is: write --connect nats://host:4222");
  }
  const labels = Object.fromEntries(label.map((each) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(each) ?? [];
    if (key === undefined) throw new TypeError(`Cannot serve as --label must be KEY=VALUE: received ${each}`);
    return [key, value];
  }));
  return {
    ...others,
    connect: creds === undefined ? connect : { servers: connect, creds: textOf(creds) },
    labels,
    kind: threads ? "threads" : "processes",
    ...(slots !== undefined && { slots: numberOf("--slots", slots) }),
    ...(grace !== undefined && { grace: 1000 * numberOf("--grace", grace) }),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`Cannot serve as --creds cannot be read: ${(error as Error).message}`);
  }
}

function numberOf(option: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new RangeError(`Cannot serve as ${option} must be a number: received ${text}`);
}

// Tasks find the engine there as well, for what they share with others by name.
function shareAddress(connect: ServeOptions["connect"]): void {
  if (typeof connect !== "string") return;
  try {
    process.env.WEFT_CONNECT ??= connect;
  } catch {
    // Without the permission tasks have to be told.
  }
}

async function main(): Promise<void> {
  if (process.argv.slice(2).some((arg) => arg === "--help" || arg === "-h")) return console.log(HELP);
  try {
    const options = optionsOf(process.argv.slice(2));
    shareAddress(options.connect);
    const { shown } = addressOf(options.connect, "serve");
    const { fleet = "default", slots = cpuCount(), kind } = options;
    const where = rootFrom(options.root);
    const ready = (): void =>
      console.log(`Serving fleet "${fleet}" of ${shown} with ${slots} ${kind}, modules below ${where}`);
    const asked = (): void => console.log("Ending, when what runs has ended; the same signal again ends it now");
    process.once("SIGTERM", asked);
    process.once("SIGINT", asked);
    await serve({ ...options, ready });
    process.off("SIGTERM", asked);
    process.off("SIGINT", asked);
    console.log("Ended");
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();
