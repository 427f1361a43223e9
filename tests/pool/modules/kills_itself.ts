/** Is killed where it is imported, as by the system where memory is short. */
import process from "node:process";

process.kill(process.pid, "SIGKILL");
// The signal is there at once, and what comes after it need not be.
for (;;);

export function answer(x: number): number {
  return x;
}
