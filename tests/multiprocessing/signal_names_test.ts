import { assertEquals } from "@std/assert";
import os from "node:os";
import { it } from "node:test";
import { signalName } from "../../_internal/runtime/spawn.ts";

it("signals have the names that the system gives them", { timeout: 60_000 }, () => {
  const names = Object.entries(os.constants.signals);
  for (let number = 1; number <= 31; number++) {
    const expected = names.filter(([, each]) => each === number).map(([name]) => name);
    assertEquals(expected.includes(signalName(number)), true, `${number}: ${signalName(number)}, ${expected}`);
  }
  assertEquals(signalName(99), "signal 99");
});
