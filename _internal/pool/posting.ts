/**
 * Decides which task is posted next, and how many tasks are posted at a time: enough to keep the workers busy for a moment. The
 * other tasks stay with their jobs. There, tasks of another job can overtake them, and no worker is concerned if they are given
 * up.
 *
 * @module
 */

import { isRoomWanted, keptForResults, RoomWait } from "../memory/room.ts";
import { noRoom, type Space } from "../memory/space.ts";
import { costOf } from "./functions.ts";
import type { Job, Source } from "./job.ts";
import { BATCH_ITEMS } from "./batch.ts";
import { needsBlock } from "./task.ts";
import type { Trays } from "./trays.ts";

/** How long the posted tasks should keep the workers busy: nanoseconds. */
const AHEAD_NS = 10_000_000;
/** The same if several jobs take turns: nanoseconds. */
const FAIR_NS = 2_500_000;
/** The maximum number of tasks that are posted and not over. */
const MOST = 1 << 12;
/** The number of tasks for each worker while their cost is not known. */
const PROBE = 4;
/** The maximum number of items that are posted and not over, if they go in batches, which need little room. */
const MOST_MANY = 1 << 14;
/** Calls that take longer do not go in batches: nanoseconds. */
const MANY_NS = 1_000;
/** How long a batch should take: nanoseconds. */
const BATCH_NS = 50_000;
/** The minimum number of items of a batch. */
const FEW = 8;
/** The number of tasks that a job posts in its turn, if other jobs wait. */
const TURN = 64;
/** The room that is waited for if there is none for another tray: bytes. */
const TRAY_BYTES = 1 << 14;

/** Takes tasks from their sources, which take turns, and writes them into trays. */
export class Posting {
  readonly #space: Space;
  readonly #trays: Trays;
  readonly #workers: number;
  readonly #concurrency: number;
  readonly #others: ReadonlySet<number> | undefined;
  readonly #refuse: (job: Job, index: number, error: Error) => void;
  /** Sources with tasks to post. The one that was served longest ago is first. */
  readonly #sources: Set<Source> = new Set();
  /** The wait of the next task for room, if there is no room. */
  #room: RoomWait | undefined;
  #isPosting = false;
  /** Whether a task had to wait because the limit or the trays were full. */
  #isFull = false;

  /**
   * `others`: functions that return something other than numbers, whose items do not go in batches; `undefined`: there are no
   * batches. `refuse` is called for a task for which there will never be room.
   */
  constructor(
    space: Space,
    trays: Trays,
    workers: number,
    concurrency: number,
    others: ReadonlySet<number> | undefined,
    refuse: (job: Job, index: number, error: Error) => void,
  ) {
    this.#space = space;
    this.#trays = trays;
    this.#workers = workers;
    this.#concurrency = concurrency;
    this.#others = others;
    this.#refuse = refuse;
  }

  /** Whether there is nothing to post. */
  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** The number of waiting tasks, as far as it is known. */
  get waiting(): number {
    let waiting = 0;
    for (const source of this.#sources) waiting += source.waiting;
    return waiting;
  }

  /** All sources. */
  get sources(): Source[] {
    return [...this.#sources];
  }

  /** Whether a task waits for room. */
  get wantsRoom(): boolean {
    return this.#room !== undefined;
  }

  /** Whether it is time to look for room again. */
  get isRoomTime(): boolean {
    return this.#room?.isTime ?? false;
  }

  /**
   * Takes on a source that may have tasks, or may have tasks again. A source that has come to its end is not taken on: when the
   * pool is closed and all else is done, nothing would be posted any more, and it would never be removed.
   */
  add(source: Source): void {
    if (!source.exhausted) this.#sources.add(source);
  }

  /** Removes all sources. */
  clear(): void {
    this.#sources.clear();
  }

  /** Posts nothing until there is time to look for room again: tasks were taken back so that others get their room. */
  waitForRoom(): void {
    this.#room ??= new RoomWait(this.#space);
  }

  /** Writes tasks into trays, as many as may be posted now. */
  post(): void {
    if (this.#sources.size === 0) this.#room = undefined;
    // An iterable that is read here may submit tasks itself: that call must not post again.
    if (this.#isPosting || !this.#mayPost()) return;
    this.#isPosting = true;
    try {
      this.#postAll();
    } finally {
      this.#isPosting = false;
    }
  }

  #postAll(): void {
    this.#isFull = false;
    const priorities: number[] = [];
    for (const { priority } of this.#sources) if (!priorities.includes(priority)) priorities.push(priority);
    if (priorities.length > 1) priorities.sort((a, b) => a - b);
    for (const priority of priorities) {
      while (this.#postRound(priority));
      // Tasks of later priorities wait until there is a place for all tasks of this one.
      if (this.#isFull) break;
    }
  }

  // Posts some tasks of each source of a priority, so that a long job does not block short ones. Returns whether there may be
  // more.
  #postRound(priority: number): boolean {
    let hasMore = false;
    for (const source of [...this.#sources]) {
      if (source.priority !== priority) continue;
      if (!this.#mayPost()) return false;
      this.#sources.delete(source);
      if (this.#postSome(source)) hasMore = true;
      // A source that has no task now is removed. add() brings it back when it gets a task.
      if (!source.exhausted) this.#sources.add(source);
    }
    return hasMore;
  }

  #mayPost(): boolean {
    return this.#sources.size > 0 && (this.#room === undefined || this.#room.isTime);
  }

  // Posts tasks of a source. Returns whether it may have more that may be posted.
  #postSome(source: Source): boolean {
    const trays = this.#trays;
    const most = this.#sources.size > 0 ? TURN : MOST;
    let fn = 0;
    let limit = 0;
    for (let n = 0; n < most; n++) {
      const job = source.peek();
      if (job === undefined) return false;
      if (job.fn !== fn) {
        fn = job.fn;
        limit = this.#limitOf(job);
      }
      this.#isFull = trays.out >= limit || !trays.canPut();
      if (this.#isFull) {
        if (trays.out < limit && trays.mayGrow) this.#needRoom(TRAY_BYTES);
        return false;
      }
      const many = this.#postMany(source, job, limit);
      if (many > 0) {
        n += many - 1;
        continue;
      }
      source.take();
      const { index } = source;
      const input = job.inputOf(index);
      const isLarge = needsBlock(input);
      // An input must not take room that a result waits for.
      const number = isLarge && isRoomWanted(this.#space)
        ? -1
        : trays.put(job, index, input, isLarge ? keptForResults(this.#space, trays.lent) : 0);
      if (number < 0) return this.#putBack(job, index, (input as Uint8Array).length);
      this.#room = undefined;
      job.posted?.(number);
    }
    return true;
  }

  // Posts several items of a job as one task, if that is worthwhile. Returns how many.
  #postMany(source: Source, { many }: Job, limit: number): number {
    if (many === undefined || this.#others === undefined || this.#others.has(many.fn)) return 0;
    const cost = costOf(this.#space, many.fn);
    if (cost === 0 || cost > MANY_NS) return 0;
    // Batches get smaller towards the end, so that all workers finish at about the same time.
    const part = Math.ceil(source.waiting / (4 * this.#workers));
    const most = Math.min(
      BATCH_ITEMS,
      part,
      Math.floor(BATCH_NS / cost),
      limit - this.#trays.out,
      many.together || BATCH_ITEMS,
    );
    if (most < FEW || !this.#trays.canPutBatch()) return 0;
    const count = many.takeMany(most);
    if (count > 0) this.#trays.putBatch(many, source.index, many.numbersOf(source.index, count));
    return count;
  }

  // The number of tasks that may be posted and not over while tasks of this job are posted.
  #limitOf(job: Job): number {
    const workers = this.#workers;
    const least = workers * this.#concurrency * 2;
    if (job.together > 0) return Math.min(MOST, Math.max(least, 2 * workers * job.together));
    const cost = costOf(this.#space, job.fn);
    if (cost === 0) return Math.max(least, workers * PROBE);
    const most = job.many !== undefined && cost <= MANY_NS ? MOST_MANY : MOST;
    return Math.max(least, Math.min(most, Math.ceil(workers * (this.#sources.size > 0 ? FAIR_NS : AHEAD_NS) / cost)));
  }

  #needRoom(bytes: number): number | undefined {
    this.#room ??= new RoomWait(this.#space);
    return this.#room.judge(bytes);
  }

  // Handles a task for which there is no room. Returns whether other tasks may be posted.
  #putBack(job: Job, index: number, bytes: number): boolean {
    const most = this.#needRoom(bytes);
    if (most === undefined || this.#trays.lent > 0) {
      // Tasks that end free their room, so this task waits.
      if (job.again(index)) this.#sources.add(job.source);
      return false;
    }
    this.#room = undefined;
    job.drop(index);
    this.#refuse(job, index, noRoom("give a task to the pool", bytes, most, "its arguments"));
    return true;
  }
}
