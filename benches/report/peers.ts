/** The part of the report that sets the library beside what people use instead. */

import { labelOf, type Run } from "../lib/results.ts";
import { factor, type Figures, isAhead, noteMark, type Standing, standingsOf, times } from "../lib/standings.ts";
import { table } from "../lib/table.ts";
import { reasonFor } from "./reasons.ts";

/** How many times as good each of ours is as the best of its peers, a row for each work. */
export function overview(run: Run): string {
  const all = run.groups.flatMap(standingsOf).filter(({ peers }) => peers.length > 0);
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
  const all = run.groups.flatMap(standingsOf).filter(({ ours, peers }) => canBeJudged(ours, ...peers.slice(0, 1)));
  const byRuntime = Map.groupBy(all, ({ ours }) => ours.contestant.runtime);
  return [...byRuntime].map(([runtime, members]) => {
    const ahead = members.filter(({ group, ours, peers }) => isAhead(group, ours, peers[0]!)).length;
    const behind = members.filter(({ group, ours, peers }) => isAhead(group, peers[0]!, ours)).length;
    const level = members.length - ahead - behind;
    return `On ${runtime}, ours is ahead of the best peer in ${ahead} of ${members.length} figures, level with it within the ` +
      `noise in ${level}, and behind in ${behind}.`;
  }).join(" ");
}

/** Whether there are several samples of ours and of some peer from a quiet machine: others say nothing of the noise. */
function canBeJudged(ours: Figures, ...peers: Figures[]): boolean {
  const isSound = ({ spread, contestant }: Figures) => spread !== undefined && contestant.busy === undefined;
  return isSound(ours) && peers.some(isSound);
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
    const leads = standingsOf(group).flatMap(({ ours, peers }) =>
      peers.filter((peer) => isAhead(group, peer, ours)).map((peer) => ({ ours, peer }))
    );
    if (leads.length === 0) return [];
    const list = leads.map(({ ours, peer }) => {
      const lead = factor(times(group, peer, ours));
      return `${labelOf(peer.contestant)} by ${labelOf(ours.contestant)} ${lead}${noteMark(ours, peer)}`;
    });
    return `- **${group.name}**: ${list.join(", ")}. ${whyAhead(group.name, leads.map(({ peer }) => peer))}`;
  });
  if (lines.length === 0) {
    return run.groups.flatMap(standingsOf).some(({ ours, peers }) => canBeJudged(ours, ...peers))
      ? "No peer is ahead of the library by more than the noise."
      : "These are lone samples, or from a busy machine: a lead cannot be told from the noise in them.";
  }
  return `Where a peer is ahead by more than the noise, how many times as good as ours it is, and why:\n\n${
    lines.join("\n")
  }`;
}

/** Why peers are ahead, and of which of them that is not known. */
function whyAhead(work: string, peers: readonly Figures[]): string {
  const labels = [...new Set(peers.map(({ contestant }) => labelOf(contestant)))];
  const reasons = new Set(labels.flatMap((label) => reasonFor(work, label) ?? []));
  if (reasons.size === 0) return "Why is not known yet.";
  const unknown = labels.filter((label) => reasonFor(work, label) === undefined);
  const rest = unknown.length === 0 ? [] : [`Why this holds of ${unknown.join("; ")} is not known yet.`];
  return [...reasons, ...rest].join(" ");
}
