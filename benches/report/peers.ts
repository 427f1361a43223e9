/** The part of the report that compares the library with its alternatives. */

import { Notes, remarkOn } from "../lib/notes.ts";
import { labelOf, type Run } from "../lib/results.ts";
import { factor, type Figures, isAhead, over, type Standing, standingsOf } from "../lib/standings.ts";
import { table } from "../lib/table.ts";
import { reasonFor } from "./reasons.ts";

/** The ratio of each of ours to the best of its peers, on its runtime and elsewhere: a row for each work. */
export function overview(run: Run): string {
  const all = run.groups.flatMap(standingsOf).filter(({ peers }) => peers.length > 0);
  const runtimes = [...new Set(all.map(({ ours }) => ours.contestant.runtime))];
  const rows = Map.groupBy(all, titleOf);
  const notes = new Notes();
  const cells = [...rows].map(([title, members]) => [
    title,
    ...runtimes.flatMap((runtime) => {
      const standing = members.find(({ ours }) => ours.contestant.runtime === runtime);
      return [besideBest(standing, standing?.near, notes), besideBest(standing, standing?.far, notes)];
    }),
  ]);
  const head = runtimes.flatMap((runtime) => [
    `Ours on ${runtime} over the best on ${runtime}`,
    `Ours on ${runtime} over the best elsewhere`,
  ]);
  return [table(["Work", ...head], cells), ...notes.below()].join("\n\n");
}

function besideBest(standing: Standing | undefined, best: Figures | undefined, notes: Notes): string {
  if (standing === undefined || best === undefined) return "";
  const { group, ours } = standing;
  const { name, runtime } = best.contestant;
  const doubts = notes.mark(...[ours, best].map(({ contestant }) => remarkOn(group.name, contestant)));
  const label = runtime === ours.contestant.runtime ? name : labelOf({ name, runtime });
  return `${factor(over(group, ours, best))} ${label}${doubts}`;
}

/** In how many works ours is ahead of the best peer, level, and behind: a sentence for each runtime and kind of peer. */
export function tally(run: Run): string {
  const all = run.groups.flatMap(standingsOf);
  const byRuntime = Map.groupBy(all, ({ ours }) => ours.contestant.runtime);
  return [...byRuntime].flatMap(([runtime, members]) => [
    ...tallyOf(members, ({ near }) => near, `On ${runtime}`, `there`),
    ...tallyOf(members, ({ far }) => far, `On ${runtime}`, "elsewhere"),
  ]).join(" ");
}

function tallyOf(
  standings: readonly Standing[],
  bestOf: (standing: Standing) => Figures | undefined,
  subject: string,
  where: string,
): string[] {
  const pairs = standings.flatMap((standing) => {
    const [{ group, ours }, best] = [standing, bestOf(standing)];
    return best !== undefined && canBeJudged(ours, best) ? [{ group, ours, best }] : [];
  });
  if (pairs.length === 0) return [];
  const ahead = pairs.filter(({ group, ours, best }) => isAhead(group, ours, best)).length;
  const behind = pairs.filter(({ group, ours, best }) => isAhead(group, best, ours)).length;
  return [
    `${subject}, ours is ahead of the best peer ${where} in ${ahead} of ${pairs.length} figures, level with it within the noise ` +
    `in ${pairs.length - ahead - behind}, and behind in ${behind}.`,
  ];
}

/** Whether ours and some peer have several samples from a quiet machine: others show nothing about the noise, nor does 0. */
function canBeJudged(ours: Figures, ...peers: Figures[]): boolean {
  const isSound = ({ median, spread, contestant }: Figures) =>
    median > 0 && spread !== undefined && contestant.busy === undefined;
  return isSound(ours) && peers.some(isSound);
}

/** The work, with the name of ours if several of ours do it. */
function titleOf({ group, ours }: Standing): string {
  const names = new Set(group.contestants.filter((each) => each.ours).map(({ name }) => name));
  const { name, workers } = ours.contestant;
  return (names.size === 1 ? group.name : `${group.name}: ${name}`) + (workers === undefined ? "" : ` x ${workers}`);
}

/** A peer that is ahead of some of ours in a work, on at least one runtime of ours. */
interface Lead {
  readonly title: string;
  readonly peer: Figures;
  readonly because: string | undefined;
  /** The ratio of ours to the peer, with marks, by the runtime of ours. */
  readonly ratios: Map<string, string>;
}

/** Which peers are ahead of which of ours, and why: a table with the reasons below it, or a sentence if no peer is ahead. */
export function behind(run: Run): string {
  const notes = new Notes();
  const leads = leadsOf(run, notes);
  if (leads.length === 0) {
    return run.groups.flatMap(standingsOf).some(({ ours, peers }) => canBeJudged(ours, ...peers))
      ? "No peer is ahead of the library by more than the noise."
      : "These are lone samples, or samples from a busy machine: a lead cannot be distinguished from the noise.";
  }
  const runtimes = [...new Set(leads.flatMap((lead) => [...lead.ratios.keys()]))];
  const reasons = [...new Set(leads.flatMap(({ because }) => because ?? []))];
  const rows = leads.map(({ title, peer: { contestant }, because, ratios }) => [
    title,
    contestant.name,
    contestant.runtime,
    ...runtimes.map((runtime) => ratios.get(runtime) ?? ""),
    because === undefined ? "not known" : letterOf(reasons.indexOf(because)),
  ]);
  return [
    "<details><summary>Where a peer is ahead by more than the noise, by how much, and why</summary>",
    "This library divided by the peer. The letters stand for the reasons below.",
    table(["Work", "Peer", "Its runtime", ...runtimes.map((runtime) => `Ours on ${runtime} over it`), "Why"], rows, 3),
    ...notes.below(),
    ...reasons.map((because, i) => `**${letterOf(i)}.** ${because}`),
    "</details>",
  ].join("\n\n");
}

function leadsOf(run: Run, notes: Notes): Lead[] {
  const leads = new Map<string, Lead>();
  for (const standing of run.groups.flatMap(standingsOf)) {
    const { group, ours, peers } = standing;
    const title = titleOf(standing);
    for (const peer of peers.filter((each) => isAhead(group, each, ours))) {
      const label = labelOf(peer.contestant);
      const key = `${title}\n${label}`;
      const lead = leads.get(key) ?? { title, peer, because: reasonFor(group.name, label), ratios: new Map() };
      leads.set(key, lead);
      const doubts = notes.mark(...[ours, peer].map(({ contestant }) => remarkOn(group.name, contestant)));
      lead.ratios.set(ours.contestant.runtime, factor(over(group, ours, peer)) + doubts);
    }
  }
  const titles = [...new Set([...leads.values()].map(({ title }) => title))];
  return [...leads.values()].sort((a, b) => titles.indexOf(a.title) - titles.indexOf(b.title));
}

/** `A`, `B`, …: reasons have letters, since figures are numbers. */
function letterOf(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}
