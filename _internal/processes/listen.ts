/**
 * Listening to words of the region: a thread's event loop learns when a word changes.
 *
 * On Deno, C functions can run beside the event loop, so a thread sleeps on each word in that way. On Bun they cannot.
 * There each thread that listens has a worker that sleeps on its behalf: this module is the thread's side, waiter.ts the
 * worker's.
 *
 * @module
 */

import { add, load, now, pause, store, wait } from "../atomics.ts";
import { spaceOf } from "../memory/space.ts";
import type { ThreadMemory } from "../memory/memory.ts";
import { requireOwnModules } from "../runtime/modules.ts";
import { ownFile } from "../runtime/own_files.ts";
import type { Libc } from "../system/calls.ts";
import { nextTurn } from "../runtime/runtime.ts";
import { onExit } from "../runtime/this_thread.ts";
import { startWorker } from "../runtime/workers.ts";
import type { Region } from "./region.ts";
import {
  CONTROL_BYTES,
  COUNT,
  ENTRIES,
  ENTRY_WORDS,
  MAX_ENTRIES,
  OVER,
  RANG,
  SEQUENCE,
  type WaiterInit,
} from "./waiter.ts";

/** Listens to a word, as {@linkcode Memory.listen} does. */
export type Listening = (index: number, onChange: () => void) => () => void;

/** The longest sleep. A change that was not notified is found after it. */
const SLICE_MS = 1000;
/** The longest sleep if the program cannot end during a sleep. */
const SHORT_SLICE_MS = 20;

/**
 * How many milliseconds a thread that ends a sleep waits for the sleep to begin. A sleep that begins even later ends by itself,
 * after its slice.
 */
const COMING = 0.5;
const ALL = 0x7fffffff;
/** In how many turns of the event loop a thread waits for the end of a sleep that it has woken. */
const TURNS = 12;
/** How many milliseconds it waits in the first of these turns, and at most in a turn. */
const FIRST = 0.02;
const LAST = 8;

/** A word and its listeners. */
interface Channel {
  readonly index: number;
  readonly listeners: Set<() => void>;
  /** The word as it was when the listeners were last called. */
  seen: number;
  sleeping: boolean;
}

/** Returns the function with which the calling thread listens to words of the region. */
export function listenTo(words: Int32Array, region: Region, libc: Libc): Listening {
  const channels = new Map<number, Channel>();
  const { watch, unwatch } = libc.waitAsync === undefined
    ? byWorker(words, region, libc, channels)
    : aside(words, region, libc, libc.waitAsync);
  return (index, onChange) => {
    let channel = channels.get(index);
    // Read before the listener is called for the first time: it is called again for every change after this.
    if (channel === undefined) {
      channels.set(index, channel = { index, listeners: new Set(), seen: load(words, index), sleeping: false });
    }
    const { listeners } = channel;
    const listener = (): void => onChange();
    listeners.add(listener);
    if (listeners.size === 1) watch(channel);
    onChange();
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) unwatch(channel);
    };
  };
}

/** Calls the listeners if the word has changed. */
function look(words: Int32Array, channel: Channel): void {
  const seen = load(words, channel.index);
  if (seen === channel.seen) return;
  channel.seen = seen;
  for (const listener of channel.listeners) listener();
}

interface Watching {
  watch(channel: Channel): void;
  unwatch(channel: Channel): void;
}

function aside(
  words: Int32Array,
  region: Region,
  libc: Libc,
  waitAsync: NonNullable<Libc["waitAsync"]>,
): Watching {
  let slice = SLICE_MS;
  const own = new Int32Array(new SharedArrayBuffer(4));
  const sleep = (channel: Channel): void => {
    channel.sleeping = true;
    const sleeping = waitAsync(region.address + channel.index * 4, channel.seen, slice);
    if (!libc.native.unref(sleeping)) slice = SHORT_SLICE_MS;
    sleeping.then(() => {
      channel.sleeping = false;
      if (channel.listeners.size === 0) return;
      look(words, channel);
      // The next sleep begins in a microtask, because the listeners may have got what they wait for and leave. A sleep
      // without a listener would have to be ended.
      queueMicrotask(() => {
        if (channel.listeners.size > 0 && !channel.sleeping) sleep(channel);
      });
    });
  };
  const end = ({ index, seen }: Channel): void => {
    // The thread that runs the sleep may not have reached the word yet. Try until it is there and was woken, or the word has
    // changed, so that it will not sleep at all.
    const deadline = now() + COMING;
    while (libc.wake(region.address + index * 4, ALL) === 0 && load(words, index) === seen && now() < deadline) pause();
  };
  // Waits a little in the next turns of the event loop, until the sleep is over. A test runner makes a few turns, each
  // shorter than a thread takes to wake up, and then reports operations that are still under way as a leak.
  const settle = (channel: Channel, turns = TURNS, ms = FIRST): void => {
    nextTurn(() => {
      if (!channel.sleeping || channel.listeners.size > 0 || turns === 0) return;
      wait(own, 0, 0, ms);
      settle(channel, turns - 1, Math.min(ms * 2, LAST));
    });
  };
  return {
    watch(channel) {
      // An earlier sleep that is still under way serves as well: any change since it began has woken it, or is about to.
      if (channel.sleeping) return;
      channel.seen = load(words, channel.index);
      sleep(channel);
    },
    unwatch(channel) {
      // End the sleep. If it ended by itself, it would outlive the test in which it began, and a test runner would report
      // a leak.
      if (!channel.sleeping) return;
      end(channel);
      settle(channel);
    },
  };
}

function byWorker(words: Int32Array, region: Region, libc: Libc, channels: Map<number, Channel>): Watching {
  let control: Int32Array | undefined;
  let address = 0;
  const begin = (): Int32Array => {
    requireOwnModules("wait for other processes without blocking");
    // Not a SharedArrayBuffer: the worker sleeps on a word of the page together with words of the region, so it needs an
    // address.
    address = libc.mapOwn(CONTROL_BYTES);
    if (address === 0) throw new RangeError("Cannot wait for other processes as the system has no memory for it");
    const page = new Int32Array(libc.native.view(address, CONTROL_BYTES));
    const worker = startWorker(ownFile("waiter"), {
      message: () => {
        store(page, RANG, 0);
        for (const channel of channels.values()) {
          if (channel.listeners.size > 0) look(words, channel);
        }
      },
      error: (message) => {
        throw new Error(`Cannot wait for other processes as the worker that does it could not be loaded: ${message}`);
      },
      close: () => {},
    });
    worker.setRef(false);
    // Node ends a worker only between calls of C functions, and the exit waits for that: do not let it wait for the slice.
    onExit(() => {
      store(page, OVER, 1);
      add(page, SEQUENCE, 1);
      libc.wake(address, 1);
    });
    const { memory, id } = spaceOf("thread");
    const { buffer } = memory as ThreadMemory;
    worker.post({ region, control: address, threads: { buffer, id } } satisfies WaiterInit);
    return page;
  };
  const tell = (): void => {
    control ??= begin();
    let count = 0;
    for (const { index, listeners, seen } of channels.values()) {
      if (listeners.size === 0 || count === MAX_ENTRIES) continue;
      store(control, ENTRIES + count * ENTRY_WORDS, index);
      store(control, ENTRIES + count * ENTRY_WORDS + 1, seen);
      count++;
    }
    store(control, COUNT, count);
    add(control, SEQUENCE, 1);
    libc.wake(address, 1);
  };
  let planned = false;
  return {
    watch(channel) {
      channel.seen = load(words, channel.index);
      tell();
    },
    unwatch() {
      // Channels are removed in a microtask, because a thread that has listened will probably listen again in the same
      // turn.
      if (planned) return;
      planned = true;
      queueMicrotask(() => {
        planned = false;
        for (const channel of channels.values()) {
          if (channel.listeners.size === 0) channels.delete(channel.index);
        }
        tell();
      });
    },
  };
}
