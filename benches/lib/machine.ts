/** The machine of a run. A figure means nothing without it. */

import { execFileSync } from "node:child_process";
import os from "node:os";

/** A machine, as it is kept with the results. */
export interface Machine {
  /** The processor's model. */
  readonly processor: string;
  /** Logical processors that a program may use. */
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  /** `linux 6.18.44 x64`. */
  readonly system: string;
  /** Versions by the name of the runtime or tool: `{ "Deno": "2.9.6" }`. */
  readonly versions: Readonly<Record<string, string>>;
}

/** This machine. `versions` are the versions of the runtimes, as their players report them. */
export function thisMachine(versions: Record<string, string>): Machine {
  return {
    processor: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: navigator.hardwareConcurrency,
    memory: os.totalmem(),
    // What stands behind the version, as in 6.18.44-name-of-a-build, says nothing to a reader.
    system: `${os.platform()} ${os.release().replace(/-.*/, "")} ${os.arch()}`,
    versions,
  };
}

/** The machine in a line, for below a table. */
export function describeMachine(machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const memory = `${Math.round(machine.memory / 2 ** 30)} GiB`;
  return [`${machine.cores} cores of ${machine.processor}`, memory, machine.system, ...versions].join(", ");
}

/** The version that a command prints. `undefined` if it is not installed. */
export function versionOf(command: string, ...args: string[]): string | undefined {
  try {
    const output = execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /\d+(\.\d+)+/.exec(output)?.[0];
  } catch {
    return undefined;
  }
}
