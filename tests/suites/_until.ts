/** Waits until a condition holds, by polling. Throws after ten seconds. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`Waited ten seconds in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Runs everything that is due in this thread by now. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** A number of milliseconds below `most`, different each time. */
export function moment(most: number): number {
  return Math.random() * most;
}
