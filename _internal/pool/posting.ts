/**
 * Which task is posted next, and how many are posted at a time: as many as keep the workers busy for a moment. The rest stays
 * with its job, where another job's tasks can go before it, and where it is given up without a word to a worker.
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

/** So long the tasks that are posted should keep the workers busy: nanoseconds. */
const AHEAD_NS = 10_000_000;
/** The same where several jobs have their turns. */
const FAIR_NS = 2_500_000;
/** The most tasks that are posted and not over. */
const MOST = 1 << 12;
/** So many tasks a worker while nothing is known of their cost. */
const PROBE = 4;
/** The same of items in batches, which take little room. */
const MOST_MANY = 1 << 14;
/** A call that takes as long as this is a task of its own: nanoseconds. */
const MANY_NS = 1_000;
/** So long a batch should take: nanoseconds. */
const BATCH_NS = 50_000;
/** Fewer items are no batch. */
const FEW = 8;
/** A job's tasks are posted so many at a time where others wait as well. */
const TURN = 64;
/** What there has to be room for where a tray is wanted: bytes. */
const TRAY_BYTES = 1 << 14;

/** Takes tasks from their sources, in turns, and writes them into trays. */
export class Posting {
  readonly #space: Space;
  readonly #trays: Trays;
  readonly #workers: number;
  readonly #concurrency: number;
  readonly #others: ReadonlySet<number> | undefined;
  readonly #refuse: (job: Job, index: number, error: Error) => void;
  /** Jobs with tasks to post: the one that was served longest ago first. */
  readonly #sources: Set<Source> = new Set();
  /** What is to be posted next waits for room. */
  #room: RoomWait | undefined;
  #isPosting = false;
  /** Whether there was no place for a task that could be posted. */
  #isFull = false;

  /**
   * `others`: functions that return something else than numbers; without it items are never put together. `refuse` hears of tasks
   * for which there will never be room.
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

  /** How many tasks wait, as far as is known. */
  get waiting(): number {
    let waiting = 0;
    for (const source of this.#sources) waiting += source.waiting;
    return waiting;
  }

  /** All sources. */
  get sources(): Source[] {
    return [...this.#sources];
  }

  /** Whether room is waited for. */
  get wantsRoom(): boolean {
    return this.#room !== undefined;
  }

  /** Whether it is time to look for room again. */
  get isRoomTime(): boolean {
    return this.#room?.isTime ?? false;
  }

  /** Takes a source of tasks on, or goes on with it. */
  add(source: Source): void {
    this.#sources.add(source);
  }

  /** There is nothing to post any more. */
  clear(): void {
    this.#sources.clear();
  }

  /** What was taken back gives its room to others. */
  waitForRoom(): void {
    this.#room ??= new RoomWait(this.#space);
  }

  /** Writes tasks into trays, as many as are to be posted now. */
  post(): void {
    if (this.#sources.size === 0) this.#room = undefined;
    // An iterable that is read here may submit something itself.
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
      // What is less urgent waits until there is place for all that is more so.
      if (this.#isFull) break;
    }
  }

  // Has each source of a priority post some tasks: a long job does not keep short ones from running. Whether there may be more.
  #postRound(priority: number): boolean {
    let hasMore = false;
    for (const source of [...this.#sources]) {
      if (source.priority !== priority) continue;
      if (!this.#mayPost()) return false;
      this.#sources.delete(source);
      if (this.#postSome(source)) hasMore = true;
      // A source that has nothing now comes back by add().
      if (!source.exhausted) this.#sources.add(source);
    }
    return hasMore;
  }

  #mayPost(): boolean {
    return this.#sources.size > 0 && (this.#room === undefined || this.#room.isTime);
  }

  // Posts tasks of a source. Whether it may have more, and they may be posted.
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
      // Room that is wanted for a result is not taken for an input.
      const number = isLarge && isRoomWanted(this.#space)
        ? -1
        : trays.put(job, index, input, isLarge ? keptForResults(this.#space, trays.lent) : 0);
      if (number < 0) return this.#putBack(job, index, (input as Uint8Array).length);
      this.#room = undefined;
      job.posted?.(number);
    }
    return true;
  }

  // Posts items of a job as one task, where that is worth it. How many.
  #postMany(source: Source, { many }: Job, limit: number): number {
    if (many === undefined || this.#others === undefined || this.#others.has(many.fn)) return 0;
    const cost = costOf(this.#space, many.fn);
    if (cost === 0 || cost > MANY_NS) return 0;
    // Smaller and smaller ones, so that all workers come to the end together.
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

  // How many tasks may be posted and not over while those of this job are.
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

  // There is no room for a task. Whether others may be posted.
  #putBack(job: Job, index: number, bytes: number): boolean {
    const most = this.#needRoom(bytes);
    if (most === undefined || this.#trays.lent > 0) {
      // What is done gives its room back.
      if (job.again(index)) this.#sources.add(job.source);
      return false;
    }
    this.#room = undefined;
    job.drop(index);
    this.#refuse(job, index, noRoom("give a task to the pool", bytes, most, "its arguments"));
    return true;
  }
}
