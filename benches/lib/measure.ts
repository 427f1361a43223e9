/**
 * Measures contestants in turns, so that the state of the machine affects all of them alike.
 *
 * A contestant is a work of a player. The players are started several times, since two starts of one program differ by more
 * than two samples of one start do; in each start every contestant has its turn in every round, in one order and then in
 * the other. A sample during which others used the processors is thrown away and taken again, as long as there is patience. A
 * short one is judged by what they used in a tenth of a second around it. A work that takes seconds is done once in each start.
 */

import { isDisturbed, type Load, loadBetween, LoadMeter } from "./load.ts";
import type { Played } from "./play.ts";
import { HangError, LONG, Player, type PlayerOptions } from "./player.ts";
import type { Contestant, Group, Sample } from "./results.ts";

/** A contestant: its name and its player. */
export interface Entry extends Pick<Contestant, "name" | "runtime" | "ours" | "workers"> {
  /** The name of its group. */
  readonly group: string;
  /** The name of its player. */
  readonly player: string;
  readonly work: string;
  /** How often the work is done in a sample, if that is fixed. */
  readonly n?: number;
  /** Whether the first sample needs no warming: each time runs in a new program, or warms what it needs. */
  readonly unwarmed?: boolean;
  /** In how many parts a sample is taken, so that the time of atomic operations is known throughout. Default: 1. */
  readonly parts?: number;
  /** How often it is done at least: if it is cut into parts, so that there are enough. */
  readonly least?: number;
}

/** What is measured, and how thoroughly. */
export interface Plan {
  readonly groups: readonly Omit<Group, "contestants">[];
  readonly players: Readonly<Record<string, PlayerOptions>>;
  readonly entries: readonly Entry[];
  /** How often the players are started. */
  readonly starts: number;
  /** How many samples of each contestant are taken in each start. */
  readonly rounds: number;
  /** How long a sample should take. Default: 200. */
  readonly sampleMs?: number;
  /** Milliseconds after which an unfinished work counts as hanging. Default: 30,000. */
  readonly limit?: number;
  /** Milliseconds that the run may spend on waiting for a quiet machine. Default: 60,000. */
  readonly patience?: number;
  /** Milliseconds after which no start is begun, and no round that is not the first of its start. Default: none. */
  readonly budget?: number;
  /** Called with what is done, when a step of {@linkcode stepsOf} is over. */
  readonly onStep?: (done: string) => void;
  /** Called with the results so far, after each start. */
  readonly onStart?: (soFar: Measured) => void;
}

/** The results. */
export interface Measured {
  readonly groups: Group[];
  /** Of the runtimes, as their players report them. */
  readonly versions: Record<string, string>;
  /** Remarks about the run, a sentence each. */
  readonly notes?: readonly string[];
}

/** How many steps a plan has: a contestant's preparation in each start, and its samples. */
export function stepsOf({ entries, starts, rounds }: Pick<Plan, "entries" | "starts" | "rounds">): number {
  return entries.length * starts * (1 + rounds);
}

/** How often a work is done before its first sample, where it is known how often a sample does it. */
const WARMING = 2;

/** Milliseconds that a player gets when it goes on after a stop. */
const SETTLING = 10;

interface Taken {
  readonly sample: Sample;
  readonly disturbed: boolean;
}

/** An entry during the run. */
interface Seat {
  readonly entry: Entry;
  readonly taken: Taken[];
  n: number;
  /** Whether a sample of it is {@linkcode LONG}. */
  long: boolean;
  /** The reason why it cannot go on. */
  note?: string;
}

/** Carries out a plan. */
export async function measure(plan: Plan): Promise<Measured> {
  const run = new Measuring(plan);
  for (let start = 0; start < plan.starts; start++) {
    await run.start(start);
    plan.onStart?.(run.measured());
  }
  return run.measured();
}

class Measuring {
  readonly seats: Seat[];
  readonly versions: Record<string, string> = {};
  readonly #plan: Plan;
  readonly #meter = new LoadMeter();
  readonly #players = new Map<string, Player>();
  /** The running player: all others are stopped. */
  #awake: Player | undefined;
  readonly #begin = performance.now();
  /** What may still be spent on waiting. */
  #patience: number;
  /** Whether others used the processors at the last check. */
  #restless = true;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#patience = plan.patience ?? 60_000;
    this.seats = plan.entries.map((entry) => ({ entry, taken: [], n: entry.n ?? 0, long: false }));
  }

  /** One start of all players. Steps without time left count as done, so that the progress is right. */
  async start(start: number): Promise<void> {
    const isLate = (): boolean => performance.now() - this.#begin > (this.#plan.budget ?? Infinity);
    const nothing = (): Promise<void> => Promise.resolve();
    const leftOut = start > 0 && isLate();
    try {
      for (const seat of this.seats) await this.#guarded(seat, leftOut ? nothing : () => this.#prepare(seat));
      for (let round = 0; round < this.#plan.rounds; round++) {
        const late = leftOut || round > 0 && isLate();
        for (const seat of round % 2 === 0 ? this.seats : this.seats.toReversed()) {
          const enough = late || round > 0 && seat.long;
          await this.#guarded(seat, enough ? nothing : () => this.#takeSample(seat, start));
        }
      }
    } finally {
      for (const { pid } of this.#players.values()) this.#meter.signal(pid, "SIGCONT");
      await Promise.all([...this.#players.values()].map((player) => player.end()));
      this.#players.clear();
    }
  }

  /** The results so far. */
  measured(): Measured {
    const groups = this.#plan.groups.map((group) => ({
      ...group,
      contestants: this.seats.filter(({ entry }) => entry.group === group.name)
        .map((seat) => contestantOf(seat, this.#plan)),
    }));
    return { groups, versions: { ...this.versions } };
  }

  /** Does a step of a contestant. If it fails, the contestant does not go on. */
  async #guarded(seat: Seat, step: () => Promise<void>): Promise<void> {
    const { group, name, runtime, workers, player } = seat.entry;
    if (seat.note === undefined) {
      try {
        await step();
      } catch (error) {
        seat.note = error instanceof HangError ? "hangs" : (error as Error).message;
        // The player's other contestants go on with another start of it, as it may have ended or be in a bad state.
        this.#players.get(player)?.kill();
        this.#players.delete(player);
      }
    }
    this.#plan.onStep?.(`${group}: ${name}, ${runtime}${workers === undefined ? "" : ` x ${workers}`}`);
  }

  /** The player of an entry, ready. All others are stopped: even waiting programs use the processor now and then. */
  async #playerOf({ player: name, runtime }: Entry): Promise<Player> {
    let player = this.#players.get(name);
    if (player !== undefined && player === this.#awake) return player;
    if (this.#awake !== undefined) this.#meter.signal(this.#awake.pid, "SIGSTOP");
    this.#awake = undefined;
    if (player === undefined) {
      const options = this.#plan.players[name];
      if (options === undefined) throw new TypeError(`Cannot measure: player '${name}' must be in the plan's players`);
      player = await Player.start(options);
      this.#players.set(name, player);
      this.versions[runtime] = player.greeting.version;
    } else {
      this.#meter.signal(player.pid, "SIGCONT");
      // It does first what was due meanwhile.
      await new Promise((resolve) => setTimeout(resolve, SETTLING));
    }
    return this.#awake = player;
  }

  /** Warms the contestant's code, and finds out how often it has to be done, which is the same in all starts. */
  async #prepare(seat: Seat): Promise<void> {
    const { work, least } = seat.entry;
    const { sampleMs = 200, limit } = this.#plan;
    const player = await this.#playerOf(seat.entry);
    if (seat.n === 0) {
      seat.n = await player.countFor(work, sampleMs, limit, least);
    } else if (seat.entry.unwarmed !== true && !seat.long) {
      for (let i = 0; i < WARMING; i++) await player.play(work, seat.n, { limit });
    }
  }

  /** Takes one sample, again if it was disturbed. */
  async #takeSample(seat: Seat, start: number): Promise<void> {
    const player = await this.#playerOf(seat.entry);
    for (let tries = 0; tries < 3; tries++) {
      if (this.#restless) this.#patience -= await this.#meter.quiet(Math.min(this.#patience, 10_000));
      const before = this.#meter.read(player.pid);
      const { work, parts } = seat.entry;
      const played = await player.play(work, seat.n, { limit: this.#plan.limit, parts });
      const { processorNs } = loadBetween(before, this.#meter.read(player.pid), this.#meter.processors);
      seat.long = played.ns > LONG * 1e6 * (this.#plan.sampleMs ?? 200);
      const around = await this.#meter.look(player.pid, before);
      const disturbed = this.#restless = isDisturbed(around, this.#meter.processors) ?? false;
      seat.taken.push({ sample: sampleOf(played, seat.n, { ...around, processorNs }, start), disturbed });
      if (!disturbed || this.#patience <= 0) break;
    }
  }
}

function sampleOf({ ns, own, probeNs, probingNs = 0 }: Played, n: number, load: Load, start: number): Sample {
  const isKnown = load.processorNs !== undefined && own !== true;
  return {
    value: rounded(ns / n),
    processorNs: isKnown ? rounded(Math.max(0, load.processorNs - probingNs) / n) : undefined,
    probeNs: probeNs === undefined ? undefined : rounded(probeNs),
    othersShare: load.othersShare === undefined ? undefined : Number(load.othersShare.toFixed(3)),
    start,
  };
}

/** Meaningless digits would make the files large. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

/** The contestant as it is kept: its undisturbed samples, or the least disturbed where there are too few. */
function contestantOf({ entry, taken, long, note }: Seat, { starts, rounds }: Plan): Contestant {
  const quiet = taken.filter(({ disturbed }) => !disturbed);
  const rest = taken.filter(({ disturbed }) => disturbed)
    .sort((a, b) => (a.sample.othersShare ?? 0) - (b.sample.othersShare ?? 0));
  const wanted = Math.min(taken.length, Math.ceil(starts * (long ? 1 : rounds) / 2));
  const filled = rest.slice(0, Math.max(0, wanted - quiet.length));
  const { name, runtime, ours, workers } = entry;
  return {
    name,
    runtime,
    ours,
    workers,
    samples: [...quiet, ...filled].map(({ sample }) => sample),
    dropped: rest.length - filled.length,
    busy: filled.length === 0 ? undefined : Math.max(...filled.map(({ sample }) => sample.othersShare ?? 0)),
    note,
    failed: note === undefined ? undefined : true,
  };
}
