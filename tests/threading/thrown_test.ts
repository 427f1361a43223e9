/** Errors that cannot be sent as they are. */

import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { inspect } from "node:util";
import { describe, it } from "node:test";
import { throwAggregate, throwFunction, throwPartly, throwUnreadable } from "./_thrown.ts";

const LIMIT = { timeout: 60_000 };

const kinds: [name: string, run: (target: () => unknown) => Promise<unknown>][] = [
  ["a thread", (target) => new threading.Thread({ target }).start().result()],
  ["a process", (target) => new multiprocessing.Process({ target }).start().result()],
  ["a task", async (target) => {
    await using pool = new threading.Pool(1);
    return await pool.apply(target);
  }],
];

for (const [name, run] of kinds) {
  describe(`an error that ${name} throws`, () => {
    it("arrives without the properties that cannot be sent", LIMIT, async () => {
      const error = await assertRejects(() => run(throwPartly), RangeError, "what matters") as RangeError & {
        code: number;
      };
      assertEquals(error.code, 7);
      assert(error.cause instanceof TypeError);
      assertEquals("retry" in error, false);
      assertMatch(error.stack!, /throwPartly/);
    });

    it("arrives without the properties that cannot be read", LIMIT, async () => {
      const error = await assertRejects(() => run(throwUnreadable), RangeError, "what matters") as RangeError & {
        code: number;
      };
      assertEquals([error.code, "bad" in error], [7, false]);
    });

    it("arrives with the errors in it, too", LIMIT, async () => {
      const { errors } = await assertRejects(() => run(throwAggregate), AggregateError, "several") as AggregateError;
      assertEquals(errors.map((error: Error) => [error.name, error.message]), [["Error", "whole"], [
        "TypeError",
        "partly",
      ]]);
    });

    it("is a DataCloneError that names what cannot be sent, if the thrown value is not an error", LIMIT, async () => {
      const error = await assertRejects(() => run(throwFunction)) as Error;
      assertEquals(error.name, "DataCloneError");
      assertMatch(error.message, /retry/);
    });
  });
}

describe("a shared object on the console", () => {
  it("shows its class and own properties, and not the memory", LIMIT, () => {
    const lock = Object.assign(new threading.Lock(), { label: "mine" });
    for (const shown of [inspect(new threading.Queue()), inspect({ lock }), inspect(new multiprocessing.Lock())]) {
      assert(shown.length < 200, shown);
      assertMatch(shown, /Queue|Lock/);
    }
    assertMatch(inspect(lock), /label/);
  });
});
