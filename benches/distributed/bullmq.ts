/** What BullMQ needs that is not in the repository: its packages, and a server. */

import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { versionOf } from "../lib/machine.ts";

const HERE = fileURLToPath(new URL("./bullmq/", import.meta.url));
/** In this order. */
const SERVERS = ["valkey-server", "redis-server"];
/** How one of them calls itself: `Valkey server v=8.0.1 sha=…`. */
const NAMES: Readonly<Record<string, string>> = { Valkey: "Valkey", Redis: "Redis" };

/** BullMQ, ready to be started. */
export interface Bullmq {
  /** The program of the server. */
  readonly server: string;
  /** Which versions these are, in a sentence. */
  readonly versions: string;
}

/** Finds a server, and installs the packages in exact versions. Otherwise returns in a sentence why there is no BullMQ here. */
export async function prepareBullmq(): Promise<Bullmq | string> {
  const named = process.env.WEFT_VALKEY_SERVER;
  const candidates = named === undefined || named === "" ? SERVERS : [named];
  const server = candidates.find((program) => versionOf(program, "--version") !== undefined);
  if (server === undefined) {
    return `Without BullMQ: there is no ${candidates.join(" or ")}, which WEFT_VALKEY_SERVER may name.`;
  }
  const { dependencies } = JSON.parse(readFileSync(`${HERE}package.json`, "utf8"));
  const isThere = (name: string): boolean => versionIn(name) === dependencies[name];
  if (!Object.keys(dependencies).every(isThere)) {
    const npm = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
    // A machine with Deno alone has no npm of its own.
    for (const command of [npm, [Deno.execPath(), "run", "-A", "npm:npm@11", ...npm.slice(1)]]) {
      const { code, output } = await run(command, { cwd: HERE, limit: 300_000 });
      if (code === 0) break;
      console.error(output);
    }
    if (!Object.keys(dependencies).every(isThere)) return "Without BullMQ: npm install failed.";
  }
  const packages = Object.keys(dependencies).map((name) => `${name} ${dependencies[name]}`);
  const { output } = await run([server, "--version"], { cwd: HERE, limit: 10_000 });
  const name = NAMES[output.split(" ")[0]!] ?? "a server";
  return { server, versions: `BullMQ is ${packages.join(" with ")} on ${name} ${versionOf(server, "--version")}.` };
}

function versionIn(name: string): string | undefined {
  const manifest = `${HERE}node_modules/${name}/package.json`;
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : undefined;
}
