#!/usr/bin/env bun
/**
 * An agent for the command line. It works for the pools of a fleet until it receives SIGTERM or SIGINT, and then
 * finishes the tasks that it has begun.
 *
 * ```text
 * deno run -A jsr:@weft/concurrent/agent --connect nats://queue:4222 --root .
 * bunx weft-agent --connect nats://queue:4222 --root .
 * ```
 *
 * `--help` lists all options.
 *
 * The exit code is 0 after it was asked to end, and 1 after an error, with a sentence on stderr.
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

--connect ADDRESS   the address of the engine; by default WEFT_CONNECT
--root FOLDER       the folder of the modules; by default the current folder
--fleet NAME        the name of the fleet; by default "default"
--slots N           how many tasks run at a time; by default one for each processor
--threads           workers are threads instead of processes
--creds FILE        a credentials file
--label KEY=VALUE   what pools show of this agent; may be repeated
--inline            accepts functions that no module exports, also from an engine on another machine
--insecure          serves an engine on another machine without a password, token or key
--grace SECONDS     how long running tasks get to finish at the end; by default 30`;

/** The options that the command line gives. Throws an error whose message is a sentence for the user. */
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
    throw new TypeError("Cannot serve as there is no address of the engine: write --connect nats://host:4222");
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

// Tasks inherit this variable, so that objects that they create by name find the engine.
function shareAddress(connect: ServeOptions["connect"]): void {
  if (typeof connect !== "string") return;
  try {
    process.env.WEFT_CONNECT ??= connect;
  } catch {
    // Without the permission to write the environment, tasks must pass the address themselves.
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
    const asked = (): void =>
      console.log("Ending when the running tasks have ended; the same signal again ends the agent now");
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
