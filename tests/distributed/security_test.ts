/** By which secrets and certificates a server lets programs and agents in, and what they hear where it does not. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type ConnectOptions, devServer, EngineError, Pool, serve } from "@weft/concurrent/distributed";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { Authority, canMake } from "./_certificates.ts";
import { keyOfUser, operator } from "./_credentials.ts";
import { commandOf, Fleet, otherAgent, Program, root } from "./_fleet.ts";
import { folder, notes } from "./_notes.ts";
import { Server } from "./_server.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };
/** Refused is refused: nothing is waited for. Milliseconds, with a machine that has much to do. */
const SOON = 3000;

const tls = canMake ? certificates() : undefined;
const WITH_TLS = { ...LIMIT, skip: tls === undefined ? "there is no openssl" : false };

function certificates() {
  const authority = new Authority(folder, "authority");
  const other = new Authority(folder, "other");
  return {
    ca: authority.cert,
    caFile: authority.certFile,
    other,
    server: authority.sign("server", "DNS:localhost,IP:127.0.0.1"),
    elsewhere: authority.sign("elsewhere", "DNS:elsewhere.example,DNS:localhost,IP:10.1.1.1"),
    client: authority.sign("client"),
    stranger: other.sign("stranger"),
  };
}

/** What a server's configuration says of TLS. */
function tlsOf({ certFile, keyFile }: { certFile: string; keyFile: string }, isMutual = false): string {
  const mutual = isMutual ? `, ca_file: "${tls!.caFile}", verify: true` : "";
  return `tls { cert_file: "${certFile}", key_file: "${keyFile}"${mutual} }`;
}

/** Agents of this runtime and of the other one do tasks of a pool, all with the same options or with those given. */
async function assertWorks(server: Server, pools: ConnectOptions, agents = pools): Promise<void> {
  await using fleet = await Fleet.start(0, {}, server);
  fleet.add({ connect: agents });
  fleet.add({ connect: agents }, otherAgent());
  await using pool = new Pool({ connect: pools, root });
  assertEquals(await pool.submit(targets.square, 3), 9);
  await until(() => pool.stats().workers === 4, "both agents are there");
  assertEquals(await pool.map(targets.square, range(50)), range(50).map((x) => x * x));
}

/** A pool and an agent are refused, soon and with a reason, and so is an agent that is a program: it ends with that. */
async function assertRefused(connect: ConnectOptions, reason: RegExp): Promise<void> {
  const began = performance.now();
  await using pool = new Pool({ connect, root });
  const error = await assertRejects(() => pool.submit(targets.square, 1), EngineError);
  assertMatch(error.message, reason);
  await assertRejects(() => pool.ready(), EngineError);
  assertMatch((await assertRejects(() => serve({ connect, root }), EngineError)).message, reason);
  assert(performance.now() - began < SOON, `after ${performance.now() - began} ms`);
}

/** Agents of both runtimes, of which it is expected that they end by themselves. */
function agentsThatEnd(connect: ConnectOptions): Program[] {
  const own = commandOf(fileURLToPath(new URL("./_agent.ts", import.meta.url)));
  return [own, otherAgent()].filter((command) => command !== undefined).map((command) => {
    return new Program([...command, JSON.stringify({ connect, root, slots: 2 })]);
  });
}

/** They have ended with a sentence. */
async function assertEnded(agents: readonly Program[], sentence: RegExp): Promise<void> {
  for (const agent of agents) {
    assertEquals(await agent.ended, 1, agent.output);
    assertMatch(agent.output, sentence);
  }
}

describe("TLS", () => {
  it("is used where the address asks for it, or the server", WITH_TLS, async () => {
    const server = await Server.start(undefined, tlsOf(tls!.server));
    const { port } = server;
    const { ca, caFile } = tls!;
    const byName: ConnectOptions = { servers: `nats://secret@localhost:${port}`, tls: { caFile } };
    await assertWorks(server, { servers: `tls://secret@127.0.0.1:${port}`, tls: { ca } }, byName);
  });

  it("is that of both sides where the server asks for it", WITH_TLS, async () => {
    const server = await Server.start("", tlsOf(tls!.server, true));
    const { ca, caFile, client: { cert, key, certFile, keyFile } } = tls!;
    const servers = `tls://127.0.0.1:${server.port}`;
    await assertWorks(server, { servers, tls: { ca, cert, key } }, { servers, tls: { caFile, certFile, keyFile } });
  });

  it("refuses a server of an unknown authority, or of another place", WITH_TLS, async () => {
    await using server = await Server.start(undefined, tlsOf(tls!.server));
    await using elsewhere = await Server.start(undefined, tlsOf(tls!.elsewhere));
    const at = ({ port }: Server): string => `tls://secret@127.0.0.1:${port}`;
    const { ca, other } = tls!;
    const unknown = /^Cannot connect to tls:\/\/127\.0\.0\.1:\d+: .*certificate/;
    await assertRefused({ servers: at(server), tls: { ca: other.cert } }, unknown);
    await assertRefused({ servers: at(server) }, unknown);
    await assertRefused({ servers: at(elsewhere), tls: { ca } }, /127\.0\.0\.1.*10\.1\.1\.1/);
  });

  it("is not left out where the server has none", WITH_TLS, async () => {
    await using server = await Server.start();
    await assertRefused({ servers: server.url.replace("nats:", "tls:") }, /'tls'/);
  });

  it("refuses files that are not there", WITH_TLS, async () => {
    await using server = await Server.start(undefined, tlsOf(tls!.server));
    const servers = `tls://secret@127.0.0.1:${server.port}`;
    await assertRefused({ servers, tls: { caFile: `${folder}/none.pem` } }, /none\.pem/);
  });

  it("says so where the server refuses the client's certificate, and ends no program", WITH_TLS, async () => {
    await using server = await Server.start("", tlsOf(tls!.server, true));
    const servers = `tls://127.0.0.1:${server.port}`;
    const { ca, stranger: { cert, key } } = tls!;
    // The refusal comes at any moment after the handshake.
    for (let i = 0; i < 10; i++) {
      await assertRefused({ servers, tls: { ca } }, /certificate|alert/i);
      await assertRefused({ servers, tls: { ca, cert, key } }, /certificate|alert/i);
    }
    await assertEnded(
      agentsThatEnd({ servers, tls: { ca } }),
      /^EngineError: Cannot connect to tls:.*(?:certificate|alert)/i,
    );
  });

  it("that is no longer right is reported, and agents and pools go on when it is right again", WITH_TLS, async () => {
    const server = await Server.start(undefined, tlsOf(tls!.server));
    await using fleet = await Fleet.start(0, {}, server);
    const connect = { servers: `tls://secret@127.0.0.1:${server.port}`, tls: { ca: tls!.ca } };
    fleet.add({ connect });
    fleet.add({ connect }, otherAgent());
    await using pool = new Pool({ connect, root, engineTimeout: 1000 });
    assertEquals(await pool.submit(targets.square, 2), 4);
    await until(() => pool.stats().workers === 4, "both agents are there");
    // Its certificate is another authority's; it asks for certificates itself.
    for (const config of [tlsOf(tls!.stranger), tlsOf(tls!.server, true)]) {
      await server.kill();
      server.change('token: "secret"', config);
      await server.restart();
      const error = await assertRejects(() => pool.submit(targets.square, 3), EngineError);
      assertMatch(error.message, /away for 1000 ms/);
      await server.kill();
      server.change('token: "secret"', tlsOf(tls!.server));
      await server.restart();
      for (let result = 0; result !== 16;) result = await pool.submit(targets.square, 4).catch(() => 0);
    }
    assertEquals(fleet.agents.map(({ child }) => child.exitCode), [null, null]);
  });
});

describe("secrets", () => {
  it("are a user with a password", LIMIT, async () => {
    const server = await Server.start("user: anna, password: secret");
    const servers = `nats://127.0.0.1:${server.port}`;
    await assertRefused({ servers, user: "anna", pass: "wrong" }, /Authorization Violation/);
    await assertRefused({ servers: servers.replace("//", "//anna:wrong@") }, /Authorization Violation/);
    await assertRefused({ servers }, /Authorization Violation/);
    await assertWorks(server, { servers, user: "anna", pass: "secret" }, {
      servers: servers.replace("//", "//anna:secret@"),
    });
  });

  it("are a token", LIMIT, async () => {
    const server = await Server.start('token: "a%20b@c"');
    const servers = `nats://127.0.0.1:${server.port}`;
    await assertRefused({ servers, token: "wrong" }, /Authorization Violation/);
    await assertWorks(server, { servers, token: "a%20b@c" }, { servers: servers.replace("//", "//a%2520b%40c@") });
  });

  it("are an nkey", LIMIT, async () => {
    const { nkey, seed } = keyOfUser();
    const server = await Server.start(`users: [{ nkey: ${nkey} }]`);
    const servers = `nats://127.0.0.1:${server.port}`;
    await assertRefused({ servers, nkey: keyOfUser().seed }, /Authorization Violation/);
    await assertRefused({ servers, nkey: "nonsense" }, /^Cannot connect to nats:(?!.*nonsense)/);
    await assertWorks(server, { servers, nkey: seed });
  });

  it("are credentials that an operator's account has signed", LIMIT, async () => {
    const { config, creds, foreign } = operator();
    const server = await Server.start("", config);
    const servers = `nats://127.0.0.1:${server.port}`;
    await assertRefused({ servers, creds: foreign }, /Authorization Violation/);
    await assertRefused({ servers, creds: "nonsense" }, /^Cannot connect to nats:(?!.*nonsense)/);
    await assertWorks(server, { servers, creds });
  });

  it("that are others from now on end agents and pools that have the old ones", LIMIT, async () => {
    const server = await Server.start();
    await using fleet = await Fleet.start(0, {}, server);
    const agents = agentsThatEnd({ servers: server.url });
    await using pool = new Pool({ connect: server.url, root });
    const { file, lines } = notes();
    const running = pool.submit(targets.begin, file, 1, 60_000);
    await until(
      () => lines().length === 1 && pool.stats().workers === 2 * agents.length,
      "it runs, and both are there",
    );
    await server.kill();
    server.change('token: "other"');
    await server.restart();
    const error = await assertRejects(() => running, EngineError);
    assertMatch(error.message, /^Cannot go on as nats:.* has ended the connection: .*Authorization Violation/);
    await assertRejects(() => pool.submit(targets.square, 3), EngineError, "Authorization Violation");
    await assertEnded(agents, /EngineError: Cannot go on as nats:.*Authorization Violation/);
    // The next ones have them.
    const connect = server.url.replace("secret", "other");
    fleet.add({ connect });
    await using next = new Pool({ connect, root });
    assertEquals(await next.submit(targets.square, 3), 9);
  });

  it("are not in what is said of a server, nor in the command that starts an agent", LIMIT, async () => {
    await using server = await devServer();
    await using pool = new Pool({ connect: server.url, root, agentTimeout: 100 });
    const secret = new URL(server.url.replace("nats:", "http:")).username;
    const error: Error = await pool.submit(targets.square, 1).catch((error) => error);
    assertEquals(error.name, "NoAgentError");
    assert(!error.message.includes(secret));
  });
});
