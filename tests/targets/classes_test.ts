import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { TargetError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";
import Default, * as classes from "./_classes.ts";

const LIMIT = { timeout: 30_000 };

describe("subclasses with a run() of their own", () => {
  it("run with the fields that the instance has here", LIMIT, async () => {
    const thread = new classes.Adder(5);
    thread.left = 10;
    assertEquals(await thread.start().result(), 18);
    assertEquals(await new classes.Inherited(5).start().result(), 1 + 5 + 3 + 1000 + 20000);
  });

  it("are made there without running their constructor again", LIMIT, async () => {
    const thread = new classes.Described();
    assertEquals(await thread.start().result(), [0, true, thread.name, true, true]);
  });

  it("may be asynchronous and take arguments", LIMIT, async () => {
    assertEquals(await new classes.Asynchronous().start().result(), 5);
    assertEquals(await new classes.WithArguments(3, "ab").start().result(), "ababab");
  });

  it("are found as default exports and by other names", LIMIT, async () => {
    assertEquals(await new Default().start().result(), "default");
    assertEquals(await new classes.Renamed().start().result(), "listed 1");
  });

  it("must be exported", LIMIT, async () => {
    const error = await assertRejects(() => classes.makeUnexported().start().result(), TargetError);
    assertMatch(error.message, /class "Unexported".*_classes\.ts does not export it: export it/);
  });

  it("must not have private members, which are not there on the other side", LIMIT, () => {
    for (
      const [make, member] of [
        [() => new classes.PrivateField(), "#field"],
        [() => new classes.PrivateMethod(), "#method"],
        [() => new classes.InheritedPrivate(), "#field"],
      ] as const
    ) {
      const error = assertThrows(() => void make().start(), TargetError) as Error;
      assertMatch(error.message, RegExp(`private member '${member}'.*declare it`));
    }
  });

  it("of a class that a function made are not taken for another of its classes", LIMIT, async () => {
    const Other = classes.makeClass("other");
    const error = await assertRejects(() => new Other().start().result(), TargetError);
    assertMatch(error.message, /"Made".*captures.*top level/);
  });

  it("need not be exported if they have no run()", LIMIT, async () => {
    assertEquals(await classes.makeOnlyNamed().start().result(), 7);
  });
});
