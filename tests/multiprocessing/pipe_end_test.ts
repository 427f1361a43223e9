/** The end of a pipe, as a thread gives it up. */

import { Pipe } from "@weft/concurrent/multiprocessing";
import { Thread } from "@weft/concurrent/threading";
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { load, store } from "../../_internal/atomics.ts";
import { TOP_AT } from "../../_internal/memory/memory.ts";
import { placeOf } from "../../_internal/memory/shared_object.ts";
import { ALL_SLEEPERS, register } from "../../_internal/memory/wait_point.ts";
import { GET_BAR, GET_POINT, PUT_BAR, PUT_POINT } from "../../_internal/processes/pipe.ts";
import { End } from "../../_internal/processes/pipe_end.ts";
import { LIMIT, referencesTo } from "../pool/_helpers.ts";
import { leaveWaiting } from "./_pipe_targets.ts";

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

  it("leaves nothing of the pipe when its thread ends while promises wait", LIMIT, async () => {
    const tops: number[] = [];
    for (let round = 0; round < 12; round++) {
      const [here, there] = Pipe<number>();
      const thread = new Thread({ target: leaveWaiting, args: [there] }).start();
      await thread.join();
      const { space } = placeOf(here);
      here.close();
      there.close();
      tops.push(load(space.words, TOP_AT));
    }
    assertEquals(tops.at(-1), tops[3]);
  });

  for (const [what, count] of [["no", 0], ["one", 1], ["three", 3]] as const) {
    it(`without a bar, wakes as many receivers as there are messages: ${what}`, LIMIT, () => {
      const [here, there] = Pipe<number>();
      const end = new End(there, placeOf(there), false);
      const { space, input } = end;
      for (let i = 0; i < count; i++) here.sendSync(i);
      // As if four receivers slept behind the bar.
      for (let i = 0; i < 4; i++) register(space, input + GET_POINT);
      store(space.words, input + GET_BAR, 1);
      end.unbarReceive();
      assertEquals(load(space.words, input + GET_BAR), 0);
      assertEquals(load(space.words, input + GET_POINT) & ALL_SLEEPERS, 4 - count);
      end.unbarReceive();
      assertEquals(load(space.words, input + GET_POINT) & ALL_SLEEPERS, 4 - count);
      end.drop();
    });
  }

  it("without a bar, wakes the senders that there is room for", LIMIT, () => {
    const [here] = Pipe<number>();
    const end = new End(here, placeOf(here), false);
    const { space, output } = end;
    for (let i = 0; i < 4; i++) register(space, output + PUT_POINT);
    store(space.words, output + PUT_BAR, 1);
    end.unbarSend();
    assertEquals(load(space.words, output + PUT_BAR), 0);
    assertEquals(load(space.words, output + PUT_POINT) & ALL_SLEEPERS, 0);
    end.drop();
  });
});
