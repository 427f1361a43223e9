import { adopt, type ShareToken } from "@weft/concurrent/sync";

/** What happens to tokens without a memory. */
export function adoptAll(token: { id: number; ticket: number }): [string, number][] {
  let count = 0;
  for (const buffer of [undefined, {}, new SharedArrayBuffer(8)]) {
    try {
      adopt({ ...token, at: 70_000, buffer } as ShareToken);
    } catch (error) {
      if ((error as Error).name === "AttachError") count++;
    }
  }
  return [["AttachError", count]];
}
