/** The part of the report that sets the library beside what people use instead. */

import { labelOf, type Run } from "../lib/results.ts";
import { table } from "../lib/table.ts";
import { factor, type Figures, isAhead, noteMark, type Standing, standings, times } from "./figures.ts";
import { reasonFor } from "./reasons.ts";

/** How many times as good each of ours is as the best of its peers, a row for each work. */
export function overview(run: Run): string {
  const all = run.groups.flatMap(standings).filter(({ peers }) => peers.length > 0);
  const runtimes = [...new Set(all.map(({ ours }) => ours.contestant.runtime))];
  const rows = Map.groupBy(all, titleOf);
  return table(
    ["", ...runtimes],
    [...rows].map(([title, members]) => [
      title,
      ...runtimes.map((runtime) => {
        const standing = members.find(({ ours }) => ours.contestant.runtime === runtime);
        return standing === undefined ? "" : besideBest(standing);
      }),
    ]),
  );
}

/** In how many works ours is ahead of the best peer, level with it, and behind: a sentence for each runtime. */
export function tally(run: Run): string {
  const all = run.groups.flatMap(standings).filter(({ ours, peers }) => canBeJudged(ours, ...peers.slice(0, 1)));
  const byRuntime = Map.groupBy(all, ({ ours }) => ours.contestant.runtime);
  return [...byRuntime].map(([runtime, members]) => {
    const ahead = members.filter(({ group, ours, peers }) => isAhead(group, ours, peers[0]!)).length;
    const behind = members.filter(({ group, ours, peers }) => isAhead(group, peers[0]!, ours)).length;
    const level = members.length - ahead - behind;
    return `On ${runtime}, ours is ahead of the best peer in ${ahead} of ${members.length} figures, level with it within the ` +
      `noise in ${level}, and behind in ${behind}.`;
  }).join(" ");
}

/** Whether there are several samples of ours and of some peer: a lone one says nothing of the noise. */
function canBeJudged(ours: Figures, ...peers: Figures[]): boolean {
  return ours.spread !== undefined && peers.some(({ spread }) => spread !== undefined);
}

/** The work, with the name of ours where several of ours do it. */
function titleOf({ group, ours }: Standing): string {
  const names = new Set(group.contestants.filter((each) => each.ours).map(({ name }) => name));
  return names.size === 1 ? group.name : `${group.name}: ${ours.contestant.name}`;
}

function besideBest({ group, ours, peers }: Standing): string {
  const best = peers[0]!;
  return `${factor(times(group, ours, best))} ${labelOf(best.contestant)}${noteMark(ours, best)}`;
}

/** Which peers are ahead of which of ours, and why: a list by work, or a sentence that says that none is. */
export function behind(run: Run): string {
  const lines = run.groups.flatMap((group) => {
    const leads = standings(group).flatMap(({ ours, peers }) =>
      peers.filter((peer) => isAhead(group, peer, ours)).map((peer) => ({ ours, peer }))
    );
    if (leads.length === 0) return [];
    const list = leads.map(({ ours, peer }) => {
      const lead = factor(times(group, peer, ours));
      return `${labelOf(peer.contestant)} by ${labelOf(ours.contestant)} ${lead}${noteMark(ours, peer)}`;
    });
    const reasons = new Set(leads.flatMap(({ peer }) => reasonFor(group.name, labelOf(peer.contestant)) ?? []));
    const why = reasons.size === 0 ? "Why is not known yet." : [...reasons].join(" ");
    return `- **${group.name}**: ${list.join(", ")}. ${why}`;
  });
  if (lines.length === 0) {
    return run.groups.flatMap(standings).some(({ ours, peers }) => canBeJudged(ours, ...peers))
      ? "No peer is ahead of the library by more than the noise."
      : "These are lone samples, in which a lead cannot be told from the noise.";
  }
  return `Where a peer is ahead by more than the noise, how many times as good as ours it is, and why:\n\n${
    lines.join("\n")
  }`;
}
