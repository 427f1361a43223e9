import { load, store } from "../../../_internal/atomics.ts";
import { isAlive } from "../../../_internal/memory/participants.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { block } from "../../../_internal/memory/wait_point.ts";
import {
  Board,
  Cursor,
  DONE,
  FREE,
  GIVEN_UP,
  ITEMS,
  OVER,
  POSTED,
  RESULT,
  TASKS,
} from "../../../_internal/pool/board.ts";
import { type Actor, type Model, model, times } from "../model.ts";

/** A word that nothing else uses: where the board is. */
const BOARD = 101;
const CLOSED = -9;

const setup = (slots: number) => (): Record<string, object> => {
  const space = spaceOf("thread");
  store(space.words, BOARD, Board.create(space, slots).at);
  return {};
};

function boardOf(): Board {
  const space = spaceOf("thread");
  return new Board(space, load(space.words, BOARD));
}

/** Chunk `n` has the units 10n + 1, 10n + 2, …: a byte each. */
function post(board: Board, slot: number, chunk: number, units: number): void {
  const inputs: Uint8Array[] = [];
  for (let i = 1; i <= units; i++) inputs.push(Uint8Array.of(10 * chunk + i));
  board.post(slot, chunk, ITEMS, 0, inputs, units);
}

/** What a worker does until the board is closed. */
function work(actor: Actor, board: Board): void {
  const { space } = board;
  const { id } = space;
  for (;;) {
    let slot = board.claim(id, 0);
    if (slot === 0) {
      slot = block(
        space,
        board.at + TASKS,
        () => board.claim(id, 0) || (board.closed ? CLOSED : undefined),
        Infinity,
      )!;
    }
    if (slot === CLOSED) slot = board.claim(id, 0);
    if (slot === 0) return;
    run(actor, board, slot);
  }
}

function run(actor: Actor, board: Board, slot: number): boolean {
  const { bytes, lengths } = board.input(slot);
  // Each unit begins at a multiple of eight bytes.
  let from = 0;
  const cursor = new Cursor();
  for (;;) {
    const unit = board.nextUnit(slot);
    if (unit < 0) break;
    const input = bytes.subarray(from, from + lengths[unit]);
    from += (lengths[unit] + 7) & ~7;
    actor.assert(input.length === 1 && input[0] % 10 === unit + 1, `unit ${unit} came as ${input}`);
    actor.assert(!actor.notes("begun").includes(input[0]), `${input[0]} was begun twice`);
    actor.note("begun", input[0]);
    board.append(slot, cursor, RESULT, input);
  }
  return board.finish(slot, board.space.id, 1);
}

/** Takes what a slot has, notes it, and frees it. */
function harvest(actor: Actor, board: Board, slot: number): void {
  const cursor = new Cursor();
  for (;;) {
    const outcome = board.read(slot, cursor);
    if (outcome === undefined) break;
    actor.note("result", outcome.data[0]);
  }
  board.clear(slot);
}

/** Units `from` to `to` of a chunk came back: nobody has begun, and nobody will begin with them. */
function noteBack(actor: Actor, chunk: number, { begin, end }: { begin: number; end: number }): void {
  for (let unit = begin; unit < end; unit++) {
    actor.assert(!actor.notes("begun").includes(10 * chunk + unit + 1), "a unit that was begun was taken back");
    actor.note("back", 10 * chunk + unit + 1);
  }
}

/** Each unit has a result, or came back; those that were begun by the dead may have neither. */
const accountFor = (...units: number[]) => (actor: Actor): void => {
  const results = actor.notes("result");
  const back = actor.notes("back");
  let lost = 0;
  for (const unit of units) {
    const times = results.filter((each) => each === unit).length + back.filter((each) => each === unit).length;
    actor.assert(times <= 1, `unit ${unit} was accounted for ${times} times`);
    if (times === 0) lost++;
  }
  actor.assert(lost <= actor.deaths, `${lost} units were lost, and ${actor.deaths} workers`);
};

/** Waits until all slots are over, and gives those up of which the worker has died. */
function finishAll(actor: Actor, board: Board): void {
  const { space } = board;
  const slots = board.table();
  block(space, board.at + DONE, () => {
    for (const slot of slots) {
      const claim = board.claimOf(slot);
      if (claim > 0 && !isAlive(space.memory, claim)) board.giveUp(slot, claim);
    }
    for (const slot of slots) {
      const claim = board.claimOf(slot);
      if (claim === POSTED || claim > 0) return undefined;
    }
    return true;
  }, Infinity);
  slots.forEach((slot, chunk) => {
    if (board.claimOf(slot) === GIVEN_UP) noteBack(actor, chunk, board.recall(slot, 0));
    if (board.claimOf(slot) !== FREE) harvest(actor, board, slot);
  });
}

/** What a pool's board promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Pool: each chunk is one worker's, and nobody sleeps beside one",
    setup: setup(2),
    plain: true,
    threads: [
      ...times(2, (actor) => work(actor, boardOf())),
      (actor) => {
        const board = boardOf();
        board.table().forEach((slot, chunk) => post(board, slot, chunk, 1));
        board.wake(2);
        finishAll(actor, board);
        board.close();
      },
    ],
    end: accountFor(1, 11),
    bound: 1,
  }),
  model({
    name: "Pool: units that are taken back are nobody else's, and the others come as they were given",
    setup: setup(1),
    plain: true,
    threads: [
      (actor) => work(actor, boardOf()),
      (actor) => {
        const board = boardOf();
        const [slot] = board.table();
        post(board, slot, 1, 3);
        board.wake(1);
        noteBack(actor, 1, board.recall(slot, 1));
        finishAll(actor, board);
        board.close();
      },
    ],
    end: accountFor(11, 12, 13),
  }),
  model({
    name: "Pool: a chunk that is taken back as a whole is not claimed",
    setup: setup(2),
    plain: true,
    threads: [
      (actor) => work(actor, boardOf()),
      (actor) => {
        const board = boardOf();
        const slots = board.table();
        slots.forEach((slot, chunk) => post(board, slot, chunk, 1));
        board.wake(2);
        if (board.takeBack(slots[0])) actor.note("back", 1);
        finishAll(actor, board);
        board.close();
      },
    ],
    end: accountFor(1, 11),
  }),
  model({
    name: "Pool: a worker takes no more than it may, and leaves that to others",
    setup: setup(1),
    plain: true,
    threads: [
      (actor) => {
        const board = boardOf();
        const slot = board.claim(board.space.id, 1);
        if (slot <= 0) return;
        actor.assert(board.input(slot).lengths.length <= 1, "it took more than it may");
        run(actor, board, slot);
      },
      (actor) => work(actor, boardOf()),
      (actor) => {
        const board = boardOf();
        const [slot] = board.table();
        post(board, slot, 0, 1);
        board.wake(1);
        if (board.takeBack(slot)) {
          actor.note("back", 1);
          actor.count("again", 1);
          post(board, slot, 1, 2);
          board.wake(1);
        }
        finishAll(actor, board);
        board.close();
      },
    ],
    end: (actor) => accountFor(...(actor.count("again") === 0 ? [1] : [1, 11, 12]))(actor),
    bound: 1,
  }),
  model({
    name: "Pool: of a worker that dies at most the unit that it ran is lost",
    setup: setup(1),
    plain: true,
    threads: [
      (actor) => work(actor, boardOf()),
      (actor) => {
        const board = boardOf();
        post(board, board.table()[0], 0, 3);
        board.wake(1);
        const { space } = board;
        block(space, board.at + DONE, () => {
          const [slot] = board.table();
          const claim = board.claimOf(slot);
          if (claim === OVER || claim > 0 && !isAlive(space.memory, claim)) return true;
          return claim === POSTED && actor.deaths > 0 ? true : undefined;
        }, Infinity);
        const [slot] = board.table();
        const claim = board.claimOf(slot);
        if (claim > 0) {
          actor.assert(board.giveUp(slot, claim), "the dead one finished");
          noteBack(actor, 0, board.recall(slot, 0));
        } else if (claim === POSTED) {
          noteBack(actor, 0, { begin: 0, end: 3 });
        }
        harvest(actor, board, slot);
        board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: a chunk is finished, or given up",
    setup: setup(1),
    plain: true,
    threads: [
      (actor) => {
        const board = boardOf();
        const slot = board.claim(board.space.id, 0);
        if (slot !== 0 && run(actor, board, slot)) actor.count("ended", 1);
      },
      (actor) => {
        const board = boardOf();
        const [slot] = board.table();
        post(board, slot, 0, 1);
        actor.step();
        const claim = board.claimOf(slot);
        if (claim > 0 && board.giveUp(slot, claim)) actor.count("ended", 1);
      },
    ],
    end: (actor) => actor.assert(actor.count("ended") <= 1, "it was finished and given up"),
  }),
  model({
    name: "Pool: a worker that looks without sleeping misses nothing",
    setup: setup(2),
    plain: true,
    threads: [
      (actor) => {
        const board = boardOf();
        const { id } = board.space;
        if (board.beginSpinning(id)) {
          const slot = board.claim(id, 0);
          board.endSpinning(id);
          if (slot !== 0) {
            if (board.hasPosted()) actor.count("passed on", 1);
            run(actor, board, slot);
          }
        }
        work(actor, board);
      },
      (actor) => {
        const board = boardOf();
        const slots = board.table();
        post(board, slots[0], 0, 1);
        board.wake(1);
        post(board, slots[1], 1, 1);
        board.wake(1);
        finishAll(actor, board);
        board.close();
      },
    ],
    end: accountFor(1, 11),
  }),
];
