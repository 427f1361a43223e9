/** The description of a work: its names, its section, and how it is measured. */

/** Parts of the tables, each with charts of its own. */
export const SECTIONS = ["starting", "free", "contended", "messages", "pools"] as const;
/** The name of one. */
export type Section = typeof SECTIONS[number];

/** What works with threads and what works with processes is compared apart. */
export const SCOPES = ["threads", "processes"] as const;
/** One of them. */
export type Scope = typeof SCOPES[number];

/** A work. */
export interface WorkInfo {
  /** As in commands, and mostly as players know it. */
  readonly name: string;
  /** As players know it, if otherwise. */
  readonly work?: string;
  readonly title: string;
  /** What is done, in a line. */
  readonly about: string;
  readonly section: Section;
  /** Default: `ns`. */
  readonly unit?: "ns" | "bytes";
  /** How often it is done in a sample, if that is fixed, and in a sample of a quick run. */
  readonly n?: number;
  readonly quickN?: number;
  /** Whether it is done in a new program each time, or warms what it needs. */
  readonly unwarmed?: boolean;
  /** How often it is done at least. */
  readonly least?: number;
  /** Milliseconds until it counts as hanging, if it may hang. */
  readonly limit?: number;
  /** Whether a quick run has it. */
  readonly quick?: boolean;
}

/** The name of a work in results: it is a group for threads, and a group for processes. */
export function groupName({ title }: Pick<WorkInfo, "title">, scope: Scope): string {
  return `${title} (${scope})`;
}
