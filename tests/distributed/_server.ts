/** A server that tests kill and freeze: on one port, with one token, whenever it is started anew. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { findServer } from "../../distributed/_nats_server.ts";
import { Program } from "./_fleet.ts";

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** A server of NATS. */
export class Server implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  readonly #binary: string;
  readonly port: number;
  #program: Program | undefined;

  private constructor(folder: string, binary: string, port: number) {
    this.#folder = folder;
    this.#binary = binary;
    this.port = port;
    this.url = `nats://secret@127.0.0.1:${port}`;
  }

  /** @param more Other parts of its configuration. */
  static async start(authorization = 'token: "secret"', more = ""): Promise<Server> {
    const folder = mkdtempSync(`${tmpdir()}/nats-`);
    const server = new Server(folder, await findServer(folder), await freePort());
    server.change(authorization, more);
    await server.restart();
    return server;
  }

  /** What holds when it is started anew. */
  change(authorization: string, more = ""): void {
    const config = `listen: "127.0.0.1:${this.port}"
${authorization === "" ? "" : `authorization { ${authorization} }`}
jetstream { store_dir: "${this.#folder}/store" }
${more}`;
    writeFileSync(`${this.#folder}/server.conf`, config);
  }

  /** Starts it, after it was killed as well. */
  async restart(): Promise<void> {
    const program = this.#program = new Program([this.#binary, "-c", `${this.#folder}/server.conf`]);
    while (!/Server is ready/.test(program.output)) {
      if (program.child.exitCode !== null) throw new Error(program.output);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async kill(): Promise<void> {
    this.#program!.signal("SIGKILL");
    await this.#program!.ended;
  }

  freeze(): void {
    this.#program!.signal("SIGSTOP");
  }

  thaw(): void {
    this.#program!.signal("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
