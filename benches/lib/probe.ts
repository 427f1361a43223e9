/**
 * How long the bare atomic operations of a lock take at the moment.
 *
 * If another program, perhaps of another virtual machine, uses the second thread of the same processor core, they take up to
 * twice as long, for some tenths of a second or for minutes, and so does what calls many functions. The system sees nothing of
 * that: the processor's time is as much as ever. A plain loop does not show it.
 */

/** Enough for a tenth of a millisecond. */
const TIMES = 2_000;
/** After so many calls the engine has compiled them for good. */
const WARM = 500;

const words = new Int32Array(new SharedArrayBuffer(64));

/** Nanoseconds that the operations take once, and how many it took to find out. */
export function probe(): { probeNs: number; wholeNs: number } {
  const begin = performance.now();
  operate();
  const wholeNs = (performance.now() - begin) * 1e6;
  return { probeNs: wholeNs / TIMES, wholeNs };
}

/** Has the code compiled, so that its time does not change later. */
export function warmProbe(): void {
  for (let i = 0; i < WARM; i++) operate();
}

function operate(): void {
  for (let i = 0; i < TIMES; i++) {
    Atomics.compareExchange(words, 0, 0, 1);
    Atomics.exchange(words, 0, 0);
    Atomics.notify(words, 1, 1);
  }
}
