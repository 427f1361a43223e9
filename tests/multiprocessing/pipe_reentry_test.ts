import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "node:test";
import { type Connection, InvalidStateError, Pipe } from "@weft/concurrent/multiprocessing";
import { onUnpack, Stamp } from "../suites/reentry_targets.ts";

const LIMIT = { timeout: 60_000 };

const WITH_TIMEOUT = { timeout: 1000 };

/** A pipe, and what closes both ends and makes another pipe, which gets its memory and one message in each direction. */
function prepare(): { here: Connection; there: Connection; others: Connection[]; replace: () => void } {
  const [here, there] = Pipe();
  const others: Connection[] = [];
  const replace = (): void => {
    here.close();
    there.close();
    others.push(...Pipe());
    for (const other of others) other.sendSync("only this");
  };
  return { here, there, others, replace };
}

/** Takes all messages that are in a pipe. */
function messagesIn(ends: readonly Connection[]): unknown[] {
  const messages: unknown[] = [];
  for (const end of ends) while (end.pollSync()) messages.push(end.recvSync());
  return messages;
}

const ONE_EACH = ["only this", "only this"];

describe("Connection that is closed by code that it calls", () => {
  const sends: Record<string, (connection: Connection, value: unknown) => unknown> = {
    "send()": (connection, value) => connection.send(value),
    "send() with a timeout": (connection, value) => connection.send(value, WITH_TIMEOUT),
    "sendSync()": (connection, value) => connection.sendSync(value),
    "sendSync() with a timeout of 0": (connection, value) => connection.sendSync(value, { timeout: 0 }),
  };
  for (const [form, send] of Object.entries(sends)) {
    it(`${form} refuses a value whose getter closes it`, LIMIT, async () => {
      for (const padding of ["", "x".repeat(100_000)]) {
        const { here, others, replace } = prepare();
        const value = {
          get id() {
            replace();
            return padding;
          },
        };
        await assertRejects(async () => await send(here, value), InvalidStateError, "was closed meanwhile");
        assertEquals(messagesIn(others), ONE_EACH);
      }
    });
  }

  it("sendBytes() and sendBytesSync() refuse bytes whose getter closes it", LIMIT, async () => {
    for (const form of ["sendBytes", "sendBytesSync"] as const) {
      const { here, others, replace } = prepare();
      class Bytes extends Uint8Array<ArrayBuffer> {
        override get byteLength(): number {
          if (others.length === 0) replace();
          return super.byteLength;
        }
      }
      await assertRejects(
        async () => await here[form](new Bytes(new ArrayBuffer(8))),
        InvalidStateError,
        "was closed meanwhile",
      );
      assertEquals(messagesIn(others), ONE_EACH);
    }
  });

  const calls: Record<string, (connection: Connection, options: object) => unknown> = {
    "send()": (connection, options) => connection.send(1, options),
    "sendSync()": (connection, options) => connection.sendSync(1, options),
    "sendBytes()": (connection, options) => connection.sendBytes(new Uint8Array(8), options),
    "sendBytesSync()": (connection, options) => connection.sendBytesSync(new Uint8Array(8), options),
    "recv()": (connection, options) => connection.recv(options),
    "recvSync()": (connection, options) => connection.recvSync(options),
    "recvBytes()": (connection, options) => connection.recvBytes(options),
    "recvBytesSync()": (connection, options) => connection.recvBytesSync(options),
    "poll()": (connection, options) => connection.poll(options),
    "pollSync()": (connection, options) => connection.pollSync(options),
  };
  for (const [form, call] of Object.entries(calls)) {
    it(`${form} refuses options whose getter closes it`, LIMIT, async () => {
      const { here, others, replace } = prepare();
      const options = {
        get timeout() {
          if (others.length === 0) replace();
          return 100;
        },
      };
      await assertRejects(async () => await call(here, options), InvalidStateError, "was closed meanwhile");
      assertEquals(messagesIn(others), ONE_EACH);
    });
  }

  for (const form of ["recv", "recvSync"] as const) {
    it(`${form}() returns a value whose class closes it`, LIMIT, async () => {
      const { here, there, others, replace } = prepare();
      there.sendSync(new Stamp(1));
      onUnpack(replace);
      assertEquals(await here[form](), new Stamp(1));
      assertEquals(messagesIn(others), ONE_EACH);
    });
  }
});
