/** The end of a pipe, as a thread gives it up. */

import { Pipe } from "@weft/concurrent/multiprocessing";
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { placeOf } from "../../_internal/memory/shared_object.ts";
import { End } from "../../_internal/processes/pipe_end.ts";
import { LIMIT, referencesTo } from "../pool/_helpers.ts";

describe("an end of a pipe", () => {
  it("is given up once, though a finalizer runs after the thread has given it up", LIMIT, () => {
    const [here, there] = Pipe<number>();
    const before = referencesTo(here);
    const end = new End(here, placeOf(here), false);
    assertEquals(referencesTo(here), before + 1);
    end.drop();
    end.drop();
    assertEquals(referencesTo(here), before);
    here.sendSync(1);
    assertEquals(there.recvSync(), 1);
    here.close();
    there.close();
  });
});
